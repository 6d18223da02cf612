//! Streams of sound side by side: each is a track of its own, and begins when its granule positions say.
//!
//! What is chained behind such streams is not decoded: where each of them goes on cannot be told.
//!
//! Invariant: what is not decoded ends in an error, never in silence.

use std::time::Duration;

use super::reader::Reader;
use super::stream::Stream;

/// Why what follows is not decoded.
pub const CHAINED: &str = "streams of sound side by side are chained to others, which is not supported";

/// One of the streams of sound with which a file begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Beginning {
    serial: u32,
    /// How much later than the first it begins. None where its granule positions make no sense.
    pub start: Option<Duration>,
}

/// The one stream that a reader is to give.
pub struct Selected {
    pub serial: u32,
    pub others: Vec<u32>,
    /// Others have sound, too.
    pub is_one_of_several: bool,
}

impl Selected {
    pub fn new(beginnings: &[Beginning], all: &[u32], rank: usize) -> Option<Selected> {
        let serial = beginnings.get(rank)?.serial;
        let others = all.iter().copied().filter(|other| *other != serial).collect();
        Some(Selected { serial, others, is_one_of_several: beginnings.len() > 1 })
    }
}

/// Reads until it is known of all streams with which the file begins whether they have sound, and since when.
pub fn beginnings(reader: &mut Reader) -> std::io::Result<Vec<Beginning>> {
    let is_known = |stream: &Stream| stream.is_ended || stream.start.is_known();
    while !reader.is_link_over() && !reader.streams().iter().all(is_known) {
        reader.pass_by()?;
    }
    let with_sound = || reader.streams().iter().filter(|stream| stream.has_sound && stream.codec.is_ready());
    let starts = with_sound().map(|stream| stream.start.nanoseconds(stream.codec.rate()));
    let starts: Vec<Option<i64>> = starts.collect();
    let earliest = starts.iter().flatten().min().copied().unwrap_or(0);
    let later = |start: i64| Duration::from_nanos(start.abs_diff(earliest));
    let beginnings = with_sound().zip(&starts);
    Ok(beginnings.map(|(stream, start)| Beginning { serial: stream.serial, start: start.map(later) }).collect())
}
