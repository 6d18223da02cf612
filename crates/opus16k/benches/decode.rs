//! How fast the fixtures of giggles are decoded: times real time, the best of many passes.
//!
//! ```text
//! cargo bench -p opus16k
//! valgrind --tool=callgrind target/release/deps/decode-... 1        counts the instructions of one pass
//! ```

use std::path::Path;
use std::time::{Duration, Instant};

use opus16k::{Decoder, Head, RATE};

const STREAMS: [&str; 4] =
    ["opus_silk_12k.ogg", "opus_hybrid_24k.ogg", "opus_celt_64k.ogg", "opus_celt_stereo_96k.ogg"];

/// The packets of an Ogg file of one stream.
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

/// The number of samples, and how long they took.
fn pass(packets: &[Vec<u8>]) -> (usize, Duration) {
    let mut decoder = Decoder::new(Head::parse(&packets[0]).expect("a header"));
    let (mut samples, start) = (Vec::new(), Instant::now());
    for packet in &packets[2..] {
        decoder.decode(packet, &mut samples).expect("a packet");
    }
    (samples.len(), start.elapsed())
}

fn main() {
    let passes = std::env::args().filter_map(|argument| argument.parse().ok()).next().unwrap_or(50);
    for name in STREAMS {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/formats").join(name);
        let packets = packets(&std::fs::read(path).expect("a fixture of giggles"));
        let best = (0..passes).map(|_| pass(&packets)).min_by_key(|&(_, elapsed)| elapsed);
        let (samples, elapsed) = best.expect("at least one pass");
        let speed = samples as f64 / f64::from(RATE) / elapsed.as_secs_f64();
        println!("{name:26} {speed:6.0} times real time");
    }
}
