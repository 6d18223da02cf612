//! The clips of laughs and of what does not count, embedded in the page or linked from it, and their spectrograms.

use std::io;
use std::path::{Component, Path, PathBuf};

use yamnet::params::MEL_BANDS;
use yamnet::{Cpu, FrontEnd};

use super::PageOptions;
use crate::atomic_file::{open_regular, read_regular};
use crate::audio::Waveform;
use crate::calendar::{Day, MergedDetection, Uncounted};
use crate::domain::Reason;
use crate::error::Fatal;
use crate::model::ModelFile;
use crate::paths::directory_of;
use crate::pool::Pool;
use crate::render::page::{Audio, Picture, Sound};
use crate::text::encoded;

/// Which clips the page embeds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Embed {
    /// All of them.
    All,
    /// None: the page links to their files.
    None,
    /// Those of the highest-scoring laughs, as long as the page stays small enough to send.
    Auto,
}

/// Maximum bytes of clips and pictures in a page: 12 MB are 16 MB in base64.
const BUDGET: usize = 12_000_000;
/// Maximum bytes of pictures, with every `Embed`: the pictures of two months would be too many for a browser. The
/// highest-scoring laughs come first.
const PICTURES: usize = 4_500_000;
/// Frames of 10 ms per column.
const FRAMES: usize = 3;
/// Maximum columns of a picture; the page scales it.
const WIDEST: usize = 1200;
/// The range of log-mel values that is drawn: from a quiet background to loud voices.
const QUIET: f32 = -5.5;
const LOUD: f32 = 2.5;
/// The colour of spectrograms; the level is the opacity.
const INK: [u8; 3] = [0xa4, 0x53, 0x0a];

/// The picture and the clip of a part of a laugh, before the choice what to embed.
struct Part {
    picture: Option<Picture>,
    /// The path of the clip below its folder and its size in bytes, or the reason why there is none.
    clip: Result<(PathBuf, usize), String>,
}

/// A row of the page: its score, and the clips of its parts.
pub(super) struct Row<'a> {
    score: f32,
    pub clips: Vec<Option<&'a str>>,
    /// Why a part may have no clip.
    pub without: &'static str,
}

impl<'a> From<&MergedDetection<'a>> for Row<'a> {
    fn from(laugh: &MergedDetection<'a>) -> Row<'a> {
        let clips = laugh.parts.iter().map(|(_, row)| row.detection.clip.as_deref()).collect();
        Row { score: laugh.peak(), clips, without: "no clip: analyzed without --clips" }
    }
}

impl<'a> From<&'a Uncounted<'a>> for Row<'a> {
    fn from(sound: &'a Uncounted<'a>) -> Row<'a> {
        let score = sound.candidate.map_or(0.0, |one| one.candidate.score());
        let by_hand = sound.candidate.is_none();
        let without = if by_hand { "no clip: added by hand" } else { "no clip of this sound" };
        Row { score, clips: vec![sound.clip()], without }
    }
}

/// The sounds of every part of every laugh, in order; then those of rejected laughs and of what else does not count.
pub fn sounds(days: &[Day], options: &PageOptions) -> Result<Vec<Vec<Sound>>, Fatal> {
    let (laughs, uncounted) = rows_of(days);
    let rows: Vec<Row<'_>> = laughs.iter().map(Row::from).chain(uncounted.iter().map(Row::from)).collect();
    let parts: Vec<Result<&str, &str>> =
        rows.iter().flat_map(|row| row.clips.iter().map(|clip| clip.ok_or(row.without))).collect();
    let front_end =
        ModelFile::embedded().front_end(Cpu::detect()).map_err(|error| Fatal::Config(Reason::wrap(error)))?;
    let pool = Pool::new(0).map_err(|error| Fatal::Config(Reason::wrap(error)))?;
    let read = pool.map(&parts, |_| 0, |clip| read_part(*clip, options, &front_end), |_, why| missing(why));
    let mut read = read.into_iter();
    let mut rows_parts: Vec<Vec<Part>> = rows.iter().map(|row| read.by_ref().take(row.clips.len()).collect()).collect();
    let embedded = choose(&mut rows_parts, &highest_scoring(&rows), options);
    let folder = options.clips.as_deref().map(|clips| relative(options.path, clips)).unwrap_or_default();
    let sounds = |(parts, is_embedded): (Vec<Part>, bool)| {
        parts.into_iter().map(|part| sound(part, is_embedded, &folder, options)).collect()
    };
    Ok(rows_parts.into_iter().zip(embedded).map(sounds).collect())
}

/// All laughs, the rejected ones last; then all that else does not count.
pub(super) fn rows_of(days: &[Day]) -> (Vec<MergedDetection<'_>>, Vec<Uncounted<'_>>) {
    let laughs = days.iter().flat_map(Day::laughs).chain(days.iter().flat_map(Day::rejected));
    (laughs.collect(), days.iter().flat_map(Day::uncounted).collect())
}

/// Indices of the rows by descending score; equal scores keep their order.
fn highest_scoring(rows: &[Row]) -> Vec<usize> {
    let mut places: Vec<usize> = (0..rows.len()).collect();
    places.sort_by(|&a, &b| rows[b].score.total_cmp(&rows[a].score));
    places
}

fn missing(why: impl Into<String>) -> Part {
    Part { picture: None, clip: Err(why.into()) }
}

fn read_part(clip: Result<&str, &str>, options: &PageOptions, front_end: &FrontEnd) -> Part {
    let clip = match clip {
        Ok(clip) => clip,
        Err(why) => return missing(why),
    };
    let Some(folder) = &options.clips else { return missing("no clip: give the folder of clips with --clips") };
    if !is_inside(clip) {
        return missing("no clip: its path points outside the folder");
    }
    let path = folder.join(clip);
    match open_regular(&path).and_then(|file| file.metadata()) {
        Ok(file) => Part { picture: picture(&path, front_end), clip: Ok((clip.into(), file.len() as usize)) },
        Err(error) => missing(unreadable(clip, &error)),
    }
}

/// Whether the path of a clip stays in the folder of clips.
pub(super) fn is_inside(clip: &str) -> bool {
    Path::new(clip).components().all(|part| matches!(part, Component::Normal(_)))
}

fn unreadable(clip: &str, error: &io::Error) -> String {
    format!("no clip: {clip} cannot be read ({error})")
}

/// Chooses the laughs whose clips are embedded, within the budget. Removes the pictures that exceed theirs.
fn choose(laughs: &mut [Vec<Part>], highest_scoring: &[usize], options: &PageOptions) -> Vec<bool> {
    let picture = |part: &Part| match &part.picture {
        Some(Picture::Embedded { png, .. }) => png.len(),
        _ => 0,
    };
    let clip = |part: &Part| part.clip.as_ref().map_or(0, |(_, bytes)| *bytes);
    let sizes = |size: &dyn Fn(&Part) -> usize| -> Vec<usize> {
        highest_scoring.iter().map(|&place| laughs[place].iter().map(size).sum()).collect()
    };
    let (pictures, clips) = (sizes(&picture), sizes(&clip));
    let drawn = fitting(&pictures, PICTURES);
    let embedded = match options.embed {
        Embed::All => highest_scoring.len(),
        Embed::None => 0,
        Embed::Auto => fitting(&clips, BUDGET - pictures[..drawn].iter().sum::<usize>()),
    };
    for &place in &highest_scoring[drawn..] {
        laughs[place].iter_mut().for_each(|part| part.picture = None);
    }
    let mut chosen = vec![false; laughs.len()];
    highest_scoring[..embedded].iter().for_each(|&place| chosen[place] = true);
    chosen
}

/// The number of leading sizes whose sum is within the budget.
fn fitting(sizes: &[usize], budget: usize) -> usize {
    let sums = sizes.iter().scan(0, |sum, size| {
        *sum += size;
        Some(*sum)
    });
    sums.take_while(|&sum| sum <= budget).count()
}

fn sound(part: Part, is_embedded: bool, folder: &Path, options: &PageOptions) -> Sound {
    let audio = match part.clip {
        Err(why) => Audio::Missing(why),
        Ok((clip, _)) if !is_embedded => Audio::Linked(address(&folder.join(clip))),
        Ok((clip, size)) => match read_regular(&options.clips.clone().unwrap_or_default().join(&clip), size as u64) {
            Ok(bytes) => Audio::Embedded(bytes),
            Err(error) => Audio::Missing(unreadable(&clip.to_string_lossy(), &error)),
        },
    };
    Sound { picture: part.picture, audio }
}

/// The folder relative to the folder of the page.
fn relative(page: &Path, folder: &Path) -> PathBuf {
    let (Ok(from), Ok(to)) = (directory_of(page).canonicalize(), folder.canonicalize()) else {
        return folder.to_owned();
    };
    let common = from.components().zip(to.components()).take_while(|(a, b)| a == b).count();
    let up = from.components().skip(common).map(|_| Component::ParentDir);
    up.chain(to.components().skip(common)).collect()
}

/// The path as a relative URL, percent-encoded.
pub(super) fn address(path: &Path) -> String {
    encoded(&path.to_string_lossy())
}

/// The log-mel spectrogram of a clip. None if it cannot be decoded; the player shows the error.
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
    // The first row is the highest band.
    let rows =
        (0..MEL_BANDS).rev().map(|band| columns.iter().map(|column| level(mean(column, band))).collect::<Vec<u8>>());
    let png = encode(&rows.collect::<Vec<_>>(), width)?;
    Some(Picture::Embedded { png, width, height: MEL_BANDS as u32 })
}

/// The spectrogram of a clip as a PNG. None if it cannot be decoded.
pub fn spectrogram(path: &Path) -> Option<Vec<u8>> {
    let front_end = ModelFile::embedded().front_end(Cpu::detect()).ok()?;
    match picture(path, &front_end)? {
        Picture::Embedded { png, .. } => Some(png),
        Picture::Linked(_) => None,
    }
}

/// The opacity of a log-mel value, 0 to 15.
fn level(log_mel: f32) -> u8 {
    let part = ((log_mel - QUIET) / (LOUD - QUIET)).clamp(0.0, 1.0);
    (part * 15.0).round() as u8
}

/// Encodes a PNG with four bits of opacity per pixel.
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
    fn clip_addresses_are_relative_to_the_page() {
        let place = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(place.path().join("a/b")).unwrap();
        std::fs::create_dir_all(place.path().join("my clips")).unwrap();
        let seen = relative(&place.path().join("a/b/day.html"), &place.path().join("my clips"));
        assert_eq!(address(&seen.join("x.flac")), "../../my%20clips/x.flac");
    }

    #[test]
    fn fitting_counts_leading_sizes_within_the_budget() {
        assert_eq!([fitting(&[3, 3, 5, 1], 10), fitting(&[3, 3, 4, 0, 1], 10), fitting(&[11, 1], 10)], [2, 4, 0]);
    }

    #[test]
    fn a_picture_has_one_row_per_band_and_its_levels_as_pixels() {
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
