//! What laughs look and sound like: their clips, in the page or beside it, and a spectrogram of each.

use std::path::{Component, Path, PathBuf};

use super::Paper;
use crate::audio::Waveform;
use crate::day::Day;
use crate::exit::Fatal;
use crate::output::page::{Audio, Picture, Sound};
use crate::pool::Pool;
use crate::yamnet::BANDS;
use crate::yamnet::mel::FrontEnd;
use crate::yamnet::weights::ModelFile;

/// Where clips go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Embed {
    /// Into the page.
    All,
    /// Nowhere: the page names their files.
    None,
    /// Into the page as long as it stays small enough to send.
    Auto,
}

/// Bytes of clips that a page may hold: 9 MB are 12 in base64.
const BUDGET: usize = 9_000_000;
/// Frames of 10 ms that make a column.
const FRAMES: usize = 3;
/// Columns of the widest picture: longer laughs are narrowed by the page.
const WIDEST: usize = 1200;
/// Log-mel of a quiet room and of loud voices.
const QUIET: f32 = -5.5;
const LOUD: f32 = 2.5;
/// The ink of spectrograms on paper of any colour.
const INK: [u8; 3] = [0xa4, 0x53, 0x0a];

/// Of every part of every laugh, in order.
pub fn of(days: &[Day], paper: &Paper) -> Result<Vec<Vec<Sound>>, Fatal> {
    let laughs: Vec<_> = days.iter().flat_map(Day::laughs).collect();
    let parts: Vec<Option<&str>> =
        laughs.iter().flat_map(|laugh| laugh.parts.iter().map(|(_, row)| row.event.clip.as_deref())).collect();
    let front_end = ModelFile::embedded().tensors().and_then(|tensors| tensors.front_end());
    let front_end = front_end.map_err(|error| Fatal::Config(error.to_string()))?;
    let pool = Pool::new(0).map_err(|error| Fatal::Config(error.to_string()))?;
    let look = |clip: &Option<&str>| sound(*clip, paper, &front_end);
    let mut sounds = pool.map(&parts, |_| 0, look, |_, why| missing(why));
    link(&mut sounds, &parts, paper);
    let mut sounds = sounds.into_iter();
    Ok(laughs.iter().map(|laugh| sounds.by_ref().take(laugh.parts.len()).collect()).collect())
}

fn missing(why: impl Into<String>) -> Sound {
    Sound { picture: None, audio: Audio::Missing(why.into()) }
}

fn sound(clip: Option<&str>, paper: &Paper, front_end: &FrontEnd) -> Sound {
    let Some(clip) = clip else { return missing("no clip: it was heard without --clips") };
    let Some(folder) = &paper.clips else { return missing("no clip: give the report their folder with --clips") };
    if !Path::new(clip).components().all(|part| matches!(part, Component::Normal(_))) {
        return missing("no clip: its path leads out of the folder");
    }
    let path = folder.join(clip);
    match std::fs::read(&path) {
        Ok(bytes) => Sound { picture: picture(&path, front_end), audio: Audio::Embedded(bytes) },
        Err(error) => missing(format!("no clip: {clip} cannot be read ({error})")),
    }
}

/// All are in the page or none is: a page that was sent away plays all or says so.
fn link(sounds: &mut [Sound], parts: &[Option<&str>], paper: &Paper) {
    let bytes = |sound: &Sound| if let Audio::Embedded(bytes) = &sound.audio { bytes.len() } else { 0 };
    let is_small = sounds.iter().map(bytes).sum::<usize>() <= BUDGET;
    if paper.embed == Embed::All || (paper.embed == Embed::Auto && is_small) {
        return;
    }
    let folder = paper.clips.as_deref().map(|clips| relative(paper.path, clips)).unwrap_or_default();
    for (sound, clip) in sounds.iter_mut().zip(parts) {
        if let (Audio::Embedded(_), Some(clip)) = (&sound.audio, clip) {
            sound.audio = Audio::Linked(address(&folder.join(clip)));
        }
    }
}

/// A folder as seen from the page's own.
fn relative(page: &Path, folder: &Path) -> PathBuf {
    let parent = page.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let (Ok(from), Ok(to)) = (parent.canonicalize(), folder.canonicalize()) else { return folder.to_owned() };
    let common = from.components().zip(to.components()).take_while(|(a, b)| a == b).count();
    let up = from.components().skip(common).map(|_| Component::ParentDir);
    up.chain(to.components().skip(common)).collect()
}

/// As a relative URL: what is no letter, digit or sign of a path is written as its bytes.
fn address(path: &Path) -> String {
    let text = path.to_string_lossy();
    let byte = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'/' | b'~' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(byte).collect()
}

/// What the front end sees of a clip. None where it cannot be decoded: its player will say so.
fn picture(path: &Path, front_end: &FrontEnd) -> Option<Picture> {
    let mut waveform = Waveform::open(path).ok()?;
    let mut samples = Vec::new();
    while waveform.next(&mut samples).ok()? {}
    let frames = front_end.log_mel(&samples);
    let columns: Vec<&[f32]> = frames.chunks(FRAMES * BANDS).take(WIDEST).collect();
    let width = u32::try_from(columns.len()).ok().filter(|width| *width > 0)?;
    let mean = |column: &[f32], band: usize| {
        let values = column.chunks_exact(BANDS).map(|frame| frame[band]);
        values.sum::<f32>() / (column.len() / BANDS) as f32
    };
    // The highest band is the first row.
    let rows = (0..BANDS).rev().map(|band| columns.iter().map(|column| level(mean(column, band))).collect::<Vec<u8>>());
    let png = encode(&rows.collect::<Vec<_>>(), width)?;
    Some(Picture { png, width, height: BANDS as u32 })
}

/// 0 to 15.
fn level(log_mel: f32) -> u8 {
    let part = ((log_mel - QUIET) / (LOUD - QUIET)).clamp(0.0, 1.0);
    (part * 15.0).round() as u8
}

/// Four bits a pixel: how much ink.
fn encode(rows: &[Vec<u8>], width: u32) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, u32::try_from(rows.len()).ok()?);
    encoder.set_color(png::ColorType::Indexed);
    encoder.set_depth(png::BitDepth::Four);
    encoder.set_palette(INK.repeat(16));
    encoder.set_trns((0..16).map(|level| level * 17).collect::<Vec<u8>>());
    let pack =
        |row: &Vec<u8>| row.chunks(2).map(|pair| pair[0] << 4 | pair.get(1).copied().unwrap_or(0)).collect::<Vec<u8>>();
    let data: Vec<u8> = rows.iter().flat_map(pack).collect();
    encoder.write_header().ok()?.write_image_data(&data).ok()?;
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_named_as_the_page_sees_it() {
        let place = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(place.path().join("a/b")).unwrap();
        std::fs::create_dir_all(place.path().join("my clips")).unwrap();
        let seen = relative(&place.path().join("a/b/day.html"), &place.path().join("my clips"));
        assert_eq!(address(&seen.join("x.flac")), "../../my%20clips/x.flac");
    }

    #[test]
    fn a_picture_has_a_row_a_band_and_its_ink_is_its_level() {
        let rows = vec![vec![0, 15, 7], vec![1, 2, 3]];
        let png = encode(&rows, 3).unwrap();
        let mut reader = png::Decoder::new(std::io::Cursor::new(png)).read_info().unwrap();
        assert_eq!((reader.info().width, reader.info().height), (3, 2));
        let mut out = vec![0; reader.output_buffer_size().unwrap()];
        reader.next_frame(&mut out).unwrap();
        assert_eq!(out[..4], [0x0f, 0x70, 0x12, 0x30]);
        assert_eq!([level(-9.0), level(LOUD), level(9.0)], [0, 15, 15]);
    }
}
