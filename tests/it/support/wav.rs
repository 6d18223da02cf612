//! The smallest WAV file there is: 16 kHz, mono, 16 bit.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

const RATE: u32 = 16_000;

/// Writes the samples, in [-1, 1], of all pieces, one after the other.
pub fn write<'a>(path: &Path, pieces: impl Iterator<Item = &'a [f32]> + Clone) {
    let samples: usize = pieces.clone().map(<[f32]>::len).sum();
    let mut file = BufWriter::new(File::create(path).unwrap());
    file.write_all(&header(samples as u32 * 2)).unwrap();
    for sample in pieces.flatten() {
        let integer = (sample * 32_767.0).round() as i16;
        file.write_all(&integer.to_le_bytes()).unwrap();
    }
    file.flush().unwrap();
}

fn header(bytes: u32) -> Vec<u8> {
    let mut header = Vec::new();
    header.extend(b"RIFF");
    header.extend((bytes + 36).to_le_bytes());
    header.extend(b"WAVEfmt ");
    header.extend(16_u32.to_le_bytes());
    // PCM, one channel.
    header.extend([1, 0, 1, 0]);
    header.extend(RATE.to_le_bytes());
    header.extend((RATE * 2).to_le_bytes());
    // Bytes a sample, bits a sample.
    header.extend([2, 0, 16, 0]);
    header.extend(b"data");
    header.extend(bytes.to_le_bytes());
    header
}
