//! How fast the fixtures of giggles are decoded: times real time, the best of many passes.
//!
//! ```text
//! cargo bench -p opus16k                     all streams
//! decode PASSES [STREAM]                     the bench's program: so many passes, of one stream
//! ```
//!
//! scripts/instructions.sh counts the instructions of one pass of each.

use std::time::{Duration, Instant};

use fixtures::ogg::packets;
use opus16k::{Decoder, Head, RATE};

const STREAMS: [&str; 4] =
    ["opus_silk_12k.ogg", "opus_hybrid_24k.ogg", "opus_celt_64k.ogg", "opus_celt_stereo_96k.ogg"];

/// The number of samples, and how long they took. Only what runs in here is counted by scripts/instructions.sh.
#[inline(never)]
fn pass(packets: &[Vec<u8>]) -> (usize, Duration) {
    let mut decoder = Decoder::new(Head::parse(&packets[0]).expect("a header"));
    let (mut samples, start) = (Vec::new(), Instant::now());
    for packet in &packets[2..] {
        decoder.decode(packet, &mut samples).expect("a packet");
    }
    (samples.len(), start.elapsed())
}

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let passes = words.first().and_then(|word| word.parse().ok()).unwrap_or(50);
    for name in STREAMS.into_iter().filter(|name| words.get(1).is_none_or(|wanted| wanted == name)) {
        let path = fixtures::path("tests/formats").join(name);
        let packets = packets(&std::fs::read(path).expect("a fixture of giggles"));
        let best = (0..passes).map(|_| pass(&packets)).min_by_key(|&(_, elapsed)| elapsed);
        let (samples, elapsed) = best.expect("at least one pass");
        let speed = samples as f64 / f64::from(RATE) / elapsed.as_secs_f64();
        println!("{name:26} {speed:6.0} times real time");
    }
}
