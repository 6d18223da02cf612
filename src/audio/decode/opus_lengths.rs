//! Whether packets of Opus are as long as their container says.
//!
//! A damaged packet can be one of another length by its first byte, most of all one of zeros. It would move all that
//! comes behind it.
//!
//! Invariant: a container whose durations are wrong everywhere costs no packet.

use crate::audio::opus;

/// Packets at the start that tell how long they usually are.
pub const FIRST: usize = 15;

/// Length of a packet by its first byte, nanoseconds; of an empty one it is not known.
pub fn length(packet: &[u8]) -> i64 {
    let samples = if packet.is_empty() { 0 } else { opus::length(packet) as i64 };
    samples * 1_000_000_000 / i64::from(opus::CLOCK)
}

/// How long the packets of a stream are; all lengths in nanoseconds.
#[derive(Debug, Clone, Copy, Default)]
pub struct PacketLengths {
    usual: i64,
}

impl PacketLengths {
    /// By the first packets of a stream: the length that most of them have.
    pub fn new(first: &[i64]) -> PacketLengths {
        let count = |length: &i64| first.iter().filter(|other| *other == length).count();
        PacketLengths { usual: first.iter().copied().max_by_key(count).unwrap_or(0) }
    }

    pub fn is_usual(&self, length: i64) -> bool {
        length == self.usual
    }

    /// Whether packets that their container says are `stated` long together are, by their first bytes, of other
    /// lengths than that and than the packets before them.
    fn are_damaged(&self, length: i64, count: i64, stated: i64) -> bool {
        let usual = self.usual.saturating_mul(count);
        let off = stated.abs_diff(usual);
        length != usual && off <= usual.unsigned_abs() / 4 && off < stated.abs_diff(length)
    }

    /// Empties the damaged ones of packets that their container says are `stated` long together.
    pub fn empty_damaged(&mut self, stated: i64, packets: &mut [Vec<u8>]) {
        let sum = packets.iter().map(|packet| length(packet)).sum();
        let usual = self.usual;
        if self.are_damaged(sum, packets.len() as i64, stated) {
            packets.iter_mut().filter(|packet| length(packet) != usual).for_each(Vec::clear);
        } else if let [packet] = packets
            && stated.abs_diff(length(packet)) < 1_500_000
        {
            // An encoder that goes over to other lengths.
            self.usual = length(packet);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: i64 = 1_000_000;
    /// CELT, 20 ms; and what zeros are: SILK, 10 ms.
    const TWENTY: u8 = 31 << 3;
    const ZEROS: u8 = 0;
    const SIXTY: u8 = 11 << 3;

    fn kept(first: &[u8], stated: i64, packet: u8) -> bool {
        let lengths: Vec<i64> = first.iter().map(|toc| length(&[*toc])).collect();
        let mut packets = [vec![packet, 0, 0]];
        PacketLengths::new(&lengths).empty_damaged(stated * MS, &mut packets);
        !packets[0].is_empty()
    }

    #[test]
    fn a_packet_of_another_length_than_its_block_and_its_like_is_damaged() {
        assert!(!kept(&[TWENTY; 5], 20, ZEROS));
        assert!(!kept(&[TWENTY; 5], 20, SIXTY));
        assert!(!kept(&[ZEROS, ZEROS, TWENTY, TWENTY, TWENTY], 21, ZEROS));
    }

    #[test]
    fn no_packet_is_lost_to_durations_that_are_wrong_jitter_or_end_early() {
        assert!(kept(&[TWENTY; 5], 60, TWENTY), "a default duration of another file");
        assert!(kept(&[TWENTY; 5], 10, TWENTY), "a last block that is cut off");
        assert!(kept(&[TWENTY; 5], 57, SIXTY), "an encoder that goes over to 60 ms");
        assert!(kept(&[TWENTY; 5], 0, SIXTY), "nothing is stated");
        assert!(kept(&[SIXTY; 5], 20, TWENTY));
    }
}
