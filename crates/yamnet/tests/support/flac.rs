//! Reads the fixtures: FLAC of 16 kHz mono.

use std::fs::File;
use std::path::Path;

use symphonia::core::codecs::audio::AudioDecoderOptions;
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::{FormatOptions, TrackType};
use symphonia::core::io::MediaSourceStream;
use symphonia::core::meta::MetadataOptions;
use symphonia::default::{get_codecs, get_probe};

/// All samples of a file, in [-1, 1].
pub fn samples(path: &Path) -> Vec<f32> {
    let file = File::open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let stream = MediaSourceStream::new(Box::new(file), Default::default());
    let (format, metadata) = (FormatOptions::default(), MetadataOptions::default());
    let mut reader = get_probe().probe(&Hint::new(), stream, format, metadata).unwrap();
    let track = reader.default_track(TrackType::Audio).unwrap();
    let parameters = track.codec_params.as_ref().unwrap().audio().unwrap();
    assert_eq!((parameters.sample_rate, parameters.channels.as_ref().map(|c| c.count())), (Some(16_000), Some(1)));
    let mut decoder = get_codecs().make_audio_decoder(parameters, &AudioDecoderOptions::default()).unwrap();
    let (mut samples, mut block) = (Vec::new(), Vec::new());
    while let Some(packet) = reader.next_packet().unwrap() {
        decoder.decode(&packet).unwrap().copy_to_vec_interleaved::<f32>(&mut block);
        samples.extend_from_slice(&block);
    }
    samples
}
