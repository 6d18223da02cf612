//! Parses edit lists: which parts of a track's media are presented, and when (ISO 14496-12, 8.6.6).
//!
//! Invariant: pieces are in order of the media and do not overlap.

use std::io;

use super::super::view::View;
use super::boxes::Part;
use crate::audio::decode::track::rescale;

/// Maximum number of entries.
const MAX_ENTRIES: u32 = 10_000;

/// Maximum total length of the pauses in a list, seconds.
const MAX_PAUSES: u64 = 24 * 3600;

/// A range of media that is presented, in the track's ticks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece {
    pub from: u64,
    /// `u64::MAX`: to the end.
    pub to: u64,
    /// Silence between the previous piece and this one.
    pub pause: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edits {
    /// Silence before the first piece, in the track's ticks.
    pub lead: u64,
    pub pieces: Vec<Piece>,
}

/// An entry in the file: its length in the movie's ticks, and its start in the media; None for silence.
#[derive(Debug, Clone, Copy)]
struct Entry {
    length: u64,
    from: Option<u64>,
}

impl Edits {
    /// Presents all media from a tick on.
    pub fn all_from(from: u64) -> Edits {
        Edits { lead: 0, pieces: vec![Piece { from, to: u64::MAX, pause: 0 }] }
    }

    /// Reads an edit list. None if it is empty or invalid. `media` is the length of the track's media, if known.
    pub fn read(view: &mut View, elst: Part, scales: (u32, u32), media: Option<u64>) -> io::Result<Option<Edits>> {
        let count = view.u32(elst.start + 4)?;
        let is_long = view.array::<1>(elst.start)? == [1];
        let step = if is_long { 20 } else { 12 };
        if count > MAX_ENTRIES || elst.start + 8 + u64::from(count) * step > elst.end {
            return Ok(None);
        }
        let mut entries = Vec::new();
        for at in (0..u64::from(count)).map(|entry| elst.start + 8 + entry * step) {
            let (length, from) = if is_long {
                (view.u64(at)?, view.u64(at + 8)? as i64)
            } else {
                (u64::from(view.u32(at)?), i64::from(view.u32(at + 4)? as i32))
            };
            let dwells = view.u32(at + step - 4)? == 0;
            entries.push(Entry { length, from: u64::try_from(from).ok().filter(|_| !dwells) });
        }
        Ok(Edits::new(&entries, scales, media))
    }

    fn new(entries: &[Entry], (movie, scale): (u32, u32), media: Option<u64>) -> Option<Edits> {
        let ticks = |length: u64| rescale(length, (1, movie), scale);
        let (mut edits, mut pause) = (Edits { lead: 0, pieces: Vec::new() }, 0u64);
        for entry in entries {
            match (entry.from, edits.pieces.last_mut()) {
                (None, _) => pause = pause.saturating_add(ticks(entry.length)),
                (Some(from), Some(last)) if from < last.to => {
                    // Media presented twice or in another order: it was recorded once.
                    last.to = u64::MAX;
                    break;
                }
                (Some(from), Some(last)) if from == last.to && pause == 0 => last.to = end(from, ticks(entry.length)),
                (Some(from), last) => {
                    edits.lead = if last.is_none() { pause } else { edits.lead };
                    let pause = if last.is_none() { 0 } else { pause };
                    edits.pieces.push(Piece { from, to: end(from, ticks(entry.length)), pause });
                }
            }
            pause = if entry.from.is_some() { 0 } else { pause };
        }
        edits.keep_hidden_end(media, u64::from(scale));
        let pauses = edits.pieces.iter().fold(edits.lead, |sum, piece| sum.saturating_add(piece.pause));
        (!edits.pieces.is_empty() && pauses <= MAX_PAUSES * u64::from(scale)).then_some(edits)
    }

    /// Presents a hidden end of at least a second as well, because it was recorded and hidden with an editor. A shorter
    /// one is encoder padding and stays hidden.
    fn keep_hidden_end(&mut self, media: Option<u64>, second: u64) {
        if let Some(last) = self.pieces.last_mut()
            && media.is_none_or(|media| media.saturating_sub(last.to) > second)
        {
            last.to = u64::MAX;
        }
    }

    /// The presented length of media of this length, without the lead.
    pub fn length(&self, media: u64) -> u64 {
        let length = |piece: &Piece| piece.pause.saturating_add(piece.to.min(media).saturating_sub(piece.from));
        self.pieces.iter().map(length).fold(0, u64::saturating_add)
    }
}

/// A length of 0 means to the end.
fn end(from: u64, length: u64) -> u64 {
    if length == 0 { u64::MAX } else { from.saturating_add(length) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCALES: (u32, u32) = (1000, 48_000);

    fn edits(entries: &[(u64, i64)], media: Option<u64>) -> Option<Edits> {
        let entries: Vec<Entry> =
            entries.iter().map(|&(length, from)| Entry { length, from: u64::try_from(from).ok() }).collect();
        Edits::new(&entries, SCALES, media)
    }

    fn pieces(edits: &Edits) -> Vec<(u64, u64, u64)> {
        edits.pieces.iter().map(|piece| (piece.from, piece.to, piece.pause)).collect()
    }

    #[test]
    fn encoder_delay_and_padding_are_trimmed_and_a_hidden_end_is_kept() {
        let plain = edits(&[(4000, 1024)], Some(1024 + 192_000 + 500)).unwrap();
        assert_eq!((plain.lead, pieces(&plain)), (0, vec![(1024, 193_024, 0)]));
        let hidden = edits(&[(4000, 1024)], Some(480_000)).unwrap();
        assert_eq!(pieces(&hidden), [(1024, u64::MAX, 0)]);
        let fragmented = edits(&[(0, 1024)], None).unwrap();
        assert_eq!(pieces(&fragmented), [(1024, u64::MAX, 0)]);
    }

    #[test]
    fn empty_edits_are_silence() {
        let late = edits(&[(2500, -1), (4000, 1024)], Some(200_000)).unwrap();
        assert_eq!((late.lead, pieces(&late)), (120_000, vec![(1024, 193_024, 0)]));
        let paused = edits(&[(1000, 0), (500, -1), (1000, 48_000)], Some(96_000)).unwrap();
        assert_eq!((paused.lead, pieces(&paused)), (0, vec![(0, 48_000, 0), (48_000, 96_000, 24_000)]));
        assert_eq!(paused.length(96_000), 120_000);
    }

    #[test]
    fn invalid_edit_lists_drop_no_audio() {
        let twice = edits(&[(1000, 48_000), (1000, 0)], Some(96_000)).unwrap();
        assert_eq!(pieces(&twice), [(48_000, u64::MAX, 0)]);
        let joined = edits(&[(1000, 0), (1000, 48_000)], Some(96_000)).unwrap();
        assert_eq!(pieces(&joined), [(0, 96_000, 0)]);
        assert_eq!(edits(&[(u64::MAX, -1), (1000, 0)], Some(96_000)), None);
        assert_eq!(edits(&[(5, -1)], Some(96_000)), None);
        assert_eq!(edits(&[], Some(96_000)), None);
    }
}
