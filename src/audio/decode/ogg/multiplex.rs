//! Multiplexed audio streams: each is a separate track that starts according to its granule positions.
//!
//! Streams chained after multiplexed streams are not decoded, because it is unknown which one continues which.
//!
//! Invariant: a stream that is not decoded causes an error, never silence.

use std::time::Duration;

use super::reader::Reader;
use super::stream::Stream;

/// The message if chained streams follow.
pub const CHAINED: &str = "multiplexed audio streams are chained to others, which is not supported";

/// One of the audio streams at the start of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StreamStart {
    serial: u32,
    /// How much later than the first stream it starts. None if its granule positions are inconsistent.
    pub start: Option<Duration>,
}

/// The stream that a reader returns.
pub struct Selected {
    pub serial: u32,
    pub others: Vec<u32>,
    /// Whether there are other audio streams.
    pub is_one_of_several: bool,
}

impl Selected {
    pub fn new(stream_starts: &[StreamStart], all: &[u32], rank: usize) -> Option<Selected> {
        let serial = stream_starts.get(rank)?.serial;
        let others = all.iter().copied().filter(|other| *other != serial).collect();
        Some(Selected { serial, others, is_one_of_several: stream_starts.len() > 1 })
    }
}

/// Reads until it is known for all streams at the start of the file whether they contain audio, and when they start.
pub fn stream_starts(reader: &mut Reader) -> std::io::Result<Vec<StreamStart>> {
    let is_known = |stream: &Stream| stream.is_ended || stream.start.is_known();
    while !reader.is_link_over() && !reader.streams().iter().all(is_known) {
        reader.skip_packets()?;
    }
    let with_sound = || reader.streams().iter().filter(|stream| stream.has_sound && stream.codec.is_ready());
    let starts = with_sound().map(|stream| stream.start.nanoseconds(stream.codec.rate()));
    let starts: Vec<Option<i64>> = starts.collect();
    let earliest = starts.iter().flatten().min().copied().unwrap_or(0);
    let later = |start: i64| Duration::from_nanos(start.abs_diff(earliest));
    let stream_starts = with_sound().zip(&starts);
    Ok(stream_starts.map(|(stream, start)| StreamStart { serial: stream.serial, start: start.map(later) }).collect())
}
