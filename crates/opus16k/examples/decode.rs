//! Decodes Ogg Opus files of one stream to mono at 16 kHz: raw 32-bit floats, little-endian, on standard output.
//!
//! ```text
//! decode FILE... > OUT.f32
//! ```

use std::io::Write;

use fixtures::ogg::packets;
use opus16k::{Decoder, Head};

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
