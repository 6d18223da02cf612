//! A link: logical streams that start together, and their packets in symphonia's form.
//!
//! Invariant: memory is bounded by [`MAX_STREAMS`] for any serial numbers.

use symphonia::core::packet::Packet;
use symphonia::core::units::{Duration, Timestamp};

use super::clock::Placed;
use super::page::Page;
use super::stream::Stream;

/// Maximum number of streams in a link.
pub const MAX_STREAMS: usize = 64;

/// Streams that start together.
#[derive(Default)]
pub struct Link {
    pub streams: Vec<Stream>,
    /// Serial numbers of ignored streams.
    pub ignored: Vec<u32>,
    /// Names of their codecs.
    pub unsupported: Vec<&'static str>,
    /// Pages of a stream whose first page is missing.
    pub orphans: Vec<Page>,
}

impl Link {
    pub fn stream(&mut self, serial: u32) -> Option<&mut Stream> {
        self.streams.iter_mut().find(|stream| stream.serial == serial)
    }

    pub fn ignore(&mut self, serial: u32, name: &'static str) {
        if self.ignored.len() >= MAX_STREAMS {
            self.ignored.clear();
        }
        self.ignored.push(serial);
        if !name.is_empty() && !self.unsupported.contains(&name) {
            self.unsupported.push(name);
        }
    }

    pub fn has_sound(&self) -> bool {
        self.streams.iter().any(|stream| stream.has_sound)
    }

    /// Whether a stream (the given one, if any) is ready to be decoded.
    pub fn is_begun(&self, serial: Option<u32>) -> bool {
        let is_wanted = |stream: &&Stream| serial.is_none_or(|serial| stream.serial == serial);
        self.streams.iter().filter(is_wanted).any(|stream| stream.has_sound && stream.codec.is_ready())
    }

    pub fn is_ended(&self) -> bool {
        self.streams.iter().filter(|stream| stream.codec.is_ready()).all(|stream| stream.is_ended)
    }
}

/// Sets the timestamps of packets, and trims the end of the last ones.
pub fn timed(serial: u32, placed: Placed) -> Vec<Packet> {
    let Placed { packets, start, mut trim } = placed;
    let end = packets.iter().fold(start, |time, packet| time.saturating_add(packet.length));
    let ticks = |samples: i64| Duration::new(u64::try_from(samples).unwrap_or(0));
    let mut time = end;
    let mut timed: Vec<Packet> = Vec::with_capacity(packets.len());
    for sound in packets.into_iter().rev() {
        time = time.saturating_sub(sound.length);
        let cut = trim.min(sound.length);
        trim -= cut;
        let begin = Timestamp::new(time.saturating_sub(sound.discard));
        let mut packet = Packet::new(serial, begin, ticks(sound.length - cut), sound.data);
        packet.trim_start = ticks(sound.discard);
        packet.trim_end = ticks(cut);
        timed.push(packet);
    }
    timed.reverse();
    timed
}
