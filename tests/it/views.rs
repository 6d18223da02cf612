//! Decision values at five speeds against those of a plain script with the reference model and whole signals
//! (fixtures/golden/make_views.py).

use crate::support::{audio, safetensors, wav};
use giggles::domain::DetectionParameters;
use giggles::model::ModelFile;
use giggles::pipeline::Analyzer;
use giggles::stop::Stop;
use yamnet::Cpu;

/// The order of make_views.py.
const CLIPS: [&str; 9] = [
    "speech_it",
    "laugh_female_269478",
    "speech_ru",
    "cry_baby_scratch",
    "noise_vinyl_hiss",
    "laugh_male_scratch1",
    "music_loop_safari",
    "singing_child_scratch",
    "laugh_female_evil_275652",
];

/// The largest difference that v may have, logits. v is kept as float16: the half of its last bit is up to 0.004.
const MAX_ERROR: f32 = 0.02;

#[test]
fn decision_values_at_five_speeds_agree_with_the_reference() {
    let clips: Vec<Vec<f32>> =
        CLIPS.iter().map(|name| audio::samples(&audio::file(&format!("fixtures/clips/{name}.flac")))).collect();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("clips.wav");
    wav::write(&path, clips.iter().map(Vec::as_slice));
    let (model, stop) = (ModelFile::embedded().load(Cpu::detect()).unwrap().yamnet, Stop::default());
    let golden = audio::file("fixtures/golden/views.safetensors");
    for (views, name) in [(1, "v_one_view"), (5, "v")] {
        let parameters = DetectionParameters { views, ..DetectionParameters::default() };
        let analyzer = Analyzer {
            scorer: &model,
            parameters: &parameters,
            personal: None,
            ffmpeg: None,
            stop: &stop,
            advanced: &|_| (),
        };
        let (ours, golden) =
            (analyzer.analyze(&path, None).unwrap().track.values(), safetensors::values(&golden, name));
        assert_eq!(ours.len(), golden.len());
        let differences = ours.iter().zip(&golden).map(|(a, b)| (a - b).abs());
        let (patch, largest) = differences.enumerate().max_by(|a, b| a.1.total_cmp(&b.1)).unwrap();
        println!("{name}: {} patches, v within {largest:.4}", golden.len());
        assert!(largest <= MAX_ERROR, "{name}: {} instead of {} at patch {patch}", ours[patch], golden[patch]);
    }
}
