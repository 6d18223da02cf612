//! What laughs look and sound like: their clips, in the page or beside it, and a spectrogram of each.

use std::io;
use std::path::{Component, Path, PathBuf};

use yamnet::params::MEL_BANDS;
use yamnet::{Cpu, FrontEnd};

use super::Paper;
use crate::audio::Waveform;
use crate::day::{Day, Joined};
use crate::exit::Fatal;
use crate::model::ModelFile;
use crate::output::page::{Audio, Picture, Sound};
use crate::pool::Pool;
use crate::replace::{open_regular, read_regular};

/// Where clips go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Embed {
    /// Into the page.
    All,
    /// Nowhere: the page names their files.
    None,
    /// Into the page, the surest laughs first, as long as it stays small enough to send.
    Auto,
}

/// Bytes of clips and pictures that a page may hold: 12 MB are 16 in base64.
const BUDGET: usize = 12_000_000;
/// Bytes of them that pictures may take, whoever embeds what: without an end, those of two months would be too many
/// for a browser. The surest laughs have theirs.
const PICTURES: usize = 4_500_000;
/// Frames of 10 ms that make a column.
const FRAMES: usize = 3;
/// Columns of the widest picture: longer laughs are narrowed by the page.
const WIDEST: usize = 1200;
/// Log-mel of a quiet room and of loud voices.
const QUIET: f32 = -5.5;
const LOUD: f32 = 2.5;
/// The ink of spectrograms on paper of any colour.
const INK: [u8; 3] = [0xa4, 0x53, 0x0a];

/// A part of a laugh, before it is known what goes into the page.
struct Look {
    picture: Option<Picture>,
    /// The clip below its folder and how many bytes it has, or why there is none.
    clip: Result<(PathBuf, usize), String>,
}

/// Of every part of every laugh, in order.
pub fn of(days: &[Day], paper: &Paper) -> Result<Vec<Vec<Sound>>, Fatal> {
    let laughs: Vec<_> = days.iter().flat_map(Day::laughs).collect();
    let parts: Vec<Option<&str>> =
        laughs.iter().flat_map(|laugh| laugh.parts.iter().map(|(_, row)| row.event.clip.as_deref())).collect();
    let front_end = ModelFile::embedded().front_end(Cpu::detect()).map_err(|error| Fatal::Config(error.to_string()))?;
    let pool = Pool::new(0).map_err(|error| Fatal::Config(error.to_string()))?;
    let looked = pool.map(&parts, |_| 0, |clip| look(*clip, paper, &front_end), |_, why| missing(why));
    let mut looked = looked.into_iter();
    let mut looks: Vec<Vec<Look>> =
        laughs.iter().map(|laugh| looked.by_ref().take(laugh.parts.len()).collect()).collect();
    let inside = choose(&mut looks, &surest(&laughs), paper);
    let folder = paper.clips.as_deref().map(|clips| relative(paper.path, clips)).unwrap_or_default();
    let sounds = |(looks, is_inside): (Vec<Look>, bool)| {
        looks.into_iter().map(|look| sound(look, is_inside, &folder, paper)).collect()
    };
    Ok(looks.into_iter().zip(inside).map(sounds).collect())
}

/// Places of the laughs, the highest score first, the first of equals.
fn surest(laughs: &[Joined]) -> Vec<usize> {
    let mut places: Vec<usize> = (0..laughs.len()).collect();
    places.sort_by(|&a, &b| laughs[b].peak().total_cmp(&laughs[a].peak()));
    places
}

fn missing(why: impl Into<String>) -> Look {
    Look { picture: None, clip: Err(why.into()) }
}

fn look(clip: Option<&str>, paper: &Paper, front_end: &FrontEnd) -> Look {
    let Some(clip) = clip else { return missing("no clip: it was heard without --clips") };
    let Some(folder) = &paper.clips else { return missing("no clip: give the report their folder with --clips") };
    if !Path::new(clip).components().all(|part| matches!(part, Component::Normal(_))) {
        return missing("no clip: its path leads out of the folder");
    }
    let path = folder.join(clip);
    match open_regular(&path).and_then(|file| file.metadata()) {
        Ok(file) => Look { picture: picture(&path, front_end), clip: Ok((clip.into(), file.len() as usize)) },
        Err(error) => missing(unreadable(clip, &error)),
    }
}

fn unreadable(clip: &str, error: &io::Error) -> String {
    format!("no clip: {clip} cannot be read ({error})")
}

/// Which laughs have their clips in the page, as far as there is room. Takes pictures away for which there is none.
fn choose(looks: &mut [Vec<Look>], surest: &[usize], paper: &Paper) -> Vec<bool> {
    let picture = |look: &Look| look.picture.as_ref().map_or(0, |picture| picture.png.len());
    let clip = |look: &Look| look.clip.as_ref().map_or(0, |(_, bytes)| *bytes);
    let sizes = |of: &dyn Fn(&Look) -> usize| -> Vec<usize> {
        surest.iter().map(|&place| looks[place].iter().map(of).sum()).collect()
    };
    let (pictures, clips) = (sizes(&picture), sizes(&clip));
    let drawn = fitting(&pictures, PICTURES);
    let inside = match paper.embed {
        Embed::All => surest.len(),
        Embed::None => 0,
        Embed::Auto => fitting(&clips, BUDGET - pictures[..drawn].iter().sum::<usize>()),
    };
    for &place in &surest[drawn..] {
        looks[place].iter_mut().for_each(|look| look.picture = None);
    }
    let mut chosen = vec![false; looks.len()];
    surest[..inside].iter().for_each(|&place| chosen[place] = true);
    chosen
}

/// How many of these, from the first, come to no more than the budget.
fn fitting(sizes: &[usize], budget: usize) -> usize {
    let sums = sizes.iter().scan(0, |sum, size| {
        *sum += size;
        Some(*sum)
    });
    sums.take_while(|&sum| sum <= budget).count()
}

fn sound(look: Look, is_inside: bool, folder: &Path, paper: &Paper) -> Sound {
    let audio = match look.clip {
        Err(why) => Audio::Missing(why),
        Ok((clip, _)) if !is_inside => Audio::Linked(address(&folder.join(clip))),
        Ok((clip, size)) => match read_regular(&paper.clips.clone().unwrap_or_default().join(&clip), size as u64) {
            Ok(bytes) => Audio::Embedded(bytes),
            Err(error) => Audio::Missing(unreadable(&clip.to_string_lossy(), &error)),
        },
    };
    Sound { picture: look.picture, audio }
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
    let columns: Vec<&[f32]> = frames.chunks(FRAMES * MEL_BANDS).take(WIDEST).collect();
    let width = u32::try_from(columns.len()).ok().filter(|width| *width > 0)?;
    let mean = |column: &[f32], band: usize| {
        let values = column.chunks_exact(MEL_BANDS).map(|frame| frame[band]);
        values.sum::<f32>() / (column.len() / MEL_BANDS) as f32
    };
    // The highest band is the first row.
    let rows =
        (0..MEL_BANDS).rev().map(|band| columns.iter().map(|column| level(mean(column, band))).collect::<Vec<u8>>());
    let png = encode(&rows.collect::<Vec<_>>(), width)?;
    Some(Picture { png, width, height: MEL_BANDS as u32 })
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
    fn what_fits_is_counted_from_the_first() {
        assert_eq!([fitting(&[3, 3, 5, 1], 10), fitting(&[3, 3, 4, 0, 1], 10), fitting(&[11, 1], 10)], [2, 4, 0]);
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
