//! Decodes Ogg Opus files of one stream to mono at 16 kHz: raw 32-bit floats, little-endian, on standard output.
//!
//! ```text
//! decode FILE... > OUT.f32
//! ```
//!
//! Ogg framing is reduced to what these files need: one logical stream, complete pages, no checksums.

use std::io::Write;

use opus16k::{Decoder, Head};

/// The packets of an Ogg file of one stream (RFC 3533).
fn packets(file: &[u8]) -> Vec<Vec<u8>> {
    let (mut at, mut packets, mut packet) = (0, Vec::new(), Vec::new());
    while let Some(page) = file.get(at..).filter(|page| page.starts_with(b"OggS")) {
        let lacing = &page[27..][..usize::from(page[26])];
        let mut from = 27 + lacing.len();
        for &length in lacing {
            packet.extend(&page[from..from + usize::from(length)]);
            from += usize::from(length);
            if length < 255 {
                packets.push(std::mem::take(&mut packet));
            }
        }
        at += from;
    }
    packets
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    for name in std::env::args_os().skip(1) {
        let packets = packets(&std::fs::read(name)?);
        let [head, _tags, audio @ ..] = &packets[..] else { return Err("not an Ogg Opus file".into()) };
        let mut decoder = Decoder::new(Head::parse(head)?);
        let mut samples = Vec::new();
        for packet in audio {
            decoder.decode(packet, &mut samples)?;
        }
        let skipped = usize::from(decoder.pre_skip()) / 3;
        let bytes: Vec<u8> = samples.iter().skip(skipped).flat_map(|sample| sample.to_le_bytes()).collect();
        std::io::stdout().write_all(&bytes)?;
    }
    Ok(())
}
