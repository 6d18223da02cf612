//! Detects damaged Opus packets by comparing their duration with that of the container.
//!
//! The duration of a packet follows from its first byte. A damaged packet, especially one of zeros, may have another
//! duration and would shift all later audio.
//!
//! Invariant: if the durations of the container are wrong everywhere, no packet is dropped.

/// Number of packets at the start that determine the usual duration.
pub const FIRST: usize = 15;

/// Duration of a packet by its first byte, nanoseconds; unknown for an empty packet.
pub fn length(packet: &[u8]) -> i64 {
    let samples = if packet.is_empty() { 0 } else { opus16k::packet_length(packet) as i64 };
    samples * 1_000_000_000 / i64::from(opus16k::CLOCK)
}

/// The usual duration of the packets of a stream; all durations in nanoseconds.
#[derive(Debug, Clone, Copy, Default)]
pub struct PacketLengths {
    usual: i64,
}

impl PacketLengths {
    /// Determines the most frequent duration of the first packets of a stream.
    pub fn new(first: &[i64]) -> PacketLengths {
        let count = |length: &i64| first.iter().filter(|other| *other == length).count();
        PacketLengths { usual: first.iter().copied().max_by_key(count).unwrap_or(0) }
    }

    pub fn is_usual(&self, length: i64) -> bool {
        length == self.usual
    }

    /// Whether packets with a total of `stated` in the container have, by their first bytes, durations that differ from
    /// that and from the usual one.
    fn are_damaged(&self, length: i64, count: i64, stated: i64) -> bool {
        let usual = self.usual.saturating_mul(count);
        let off = stated.abs_diff(usual);
        length != usual && off <= usual.unsigned_abs() / 4 && off < stated.abs_diff(length)
    }

    /// Empties the damaged packets of a group with a total of `stated` in the container.
    pub fn empty_damaged(&mut self, stated: i64, packets: &mut [Vec<u8>]) {
        let sum = packets.iter().map(|packet| length(packet)).sum();
        let usual = self.usual;
        if self.are_damaged(sum, packets.len() as i64, stated) {
            packets.iter_mut().filter(|packet| length(packet) != usual).for_each(Vec::clear);
        } else if let [packet] = packets
            && stated.abs_diff(length(packet)) < 1_500_000
        {
            // The encoder changed the packet duration.
            self.usual = length(packet);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: i64 = 1_000_000;
    /// First bytes: CELT, 20 ms; and zero, which is SILK, 10 ms.
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
    fn a_packet_that_differs_from_its_block_and_the_usual_duration_is_damaged() {
        assert!(!kept(&[TWENTY; 5], 20, ZEROS));
        assert!(!kept(&[TWENTY; 5], 20, SIXTY));
        assert!(!kept(&[ZEROS, ZEROS, TWENTY, TWENTY, TWENTY], 21, ZEROS));
    }

    #[test]
    fn wrong_or_jittering_durations_drop_no_packet() {
        assert!(kept(&[TWENTY; 5], 60, TWENTY), "a default duration of another file");
        assert!(kept(&[TWENTY; 5], 10, TWENTY), "a last block that is cut off");
        assert!(kept(&[TWENTY; 5], 57, SIXTY), "an encoder that changes to 60 ms");
        assert!(kept(&[TWENTY; 5], 0, SIXTY), "nothing is stated");
        assert!(kept(&[SIXTY; 5], 20, TWENTY));
    }
}
