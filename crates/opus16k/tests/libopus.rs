//! Streams of every kind beside libopus: `libopus_streams.py` encodes and decodes them with the libopus that is
//! installed.
//!
//! Where nothing is lost, samples agree to 90 dB and more. Concealment differs between versions of libopus; it is that of
//! 1.3: SILK to the bit, CELT to 60 dB and more.

use std::path::Path;
use std::process::Command;

use opus16k::{Decoder, Head};

/// What is done for a packet, in the order of the script.
enum Step {
    Decode,
    Conceal,
    Fec,
}

struct Stream {
    name: String,
    steps: Vec<(Step, Vec<u8>, usize)>,
    samples: Vec<f32>,
}

/// Reads little-endian numbers and bytes.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(length);
        self.0 = rest;
        taken
    }

    fn number(&mut self, bytes: usize) -> usize {
        self.take(bytes).iter().rev().fold(0, |number, &byte| number << 8 | usize::from(byte))
    }

    fn text(&mut self) -> String {
        let length = self.number(2);
        String::from_utf8(self.take(length).to_vec()).unwrap()
    }

    fn stream(&mut self) -> Stream {
        let name = self.text();
        let count = self.number(4);
        let steps: Vec<_> = (0..count).map(|_| self.step()).collect();
        let samples = steps.iter().map(|(_, _, samples)| samples).sum::<usize>();
        let samples = self.take(4 * samples).as_chunks().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect();
        Stream { name, steps, samples }
    }

    fn step(&mut self) -> (Step, Vec<u8>, usize) {
        let step = [Step::Decode, Step::Conceal, Step::Fec].into_iter().nth(self.number(1)).unwrap();
        let length = self.number(2);
        (step, self.take(length).to_vec(), self.number(2))
    }
}

/// libopus' version, and all streams; fails if python3 or libopus is missing.
fn streams() -> (String, Vec<Stream>) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/libopus_streams.py");
    let output = Command::new("python3").arg(script).output().expect("python3 is needed");
    assert!(output.status.success(), "libopus is needed: {}", String::from_utf8_lossy(&output.stderr));
    let mut reader = Reader(&output.stdout);
    let (version, mut streams) = (reader.text(), Vec::new());
    while !reader.0.is_empty() {
        streams.push(reader.stream());
    }
    (version, streams)
}

/// Our samples, and where each step begins.
fn decode(stream: &Stream) -> (Vec<f32>, Vec<usize>) {
    let mut decoder = Decoder::new(Head::parse(b"OpusHead\x01\x01\0\0\x80\xBB\0\0\0\0\0").unwrap());
    let (mut out, mut starts) = (Vec::new(), Vec::new());
    for (step, packet, samples) in &stream.steps {
        starts.push(out.len());
        match step {
            Step::Decode => decoder.decode(packet, &mut out).unwrap(),
            Step::Conceal => decoder.conceal(*samples, &mut out),
            Step::Fec => {
                let recovered = decoder.decode_fec(packet, *samples, &mut out);
                assert!(recovered == 0 || decoder.has_lbrr(packet), "{}", stream.name);
            }
        }
        assert_eq!(out.len() - starts[starts.len() - 1], *samples, "{}", stream.name);
    }
    (out, starts)
}

fn snr(ours: &[f32], theirs: &[f32]) -> f64 {
    let noise: f64 = ours.iter().zip(theirs).map(|(a, b)| f64::from(a - b).powi(2)).sum();
    let signal: f64 = theirs.iter().map(|&sample| f64::from(sample).powi(2)).sum();
    10.0 * (signal / noise.max(1e-20)).log10()
}

/// Root mean square, dB below full scale.
fn level(samples: &[f32]) -> f32 {
    let mean = samples.iter().map(|sample| sample * sample).sum::<f32>() / samples.len() as f32;
    20.0 * mean.sqrt().max(1e-6).log10()
}

/// Steps that are compared, and those that differ by more than 3 dB where either is above -60 dB.
fn levels(stream: &Stream, ours: &[f32], starts: &[usize]) -> (usize, usize) {
    let ends = starts.iter().skip(1).copied().chain([ours.len()]);
    let differs = |(&start, end): (&usize, usize)| {
        let (ours, theirs) = (level(&ours[start..end]), level(&stream.samples[start..end]));
        ours.max(theirs) > -60.0 && (ours - theirs).abs() > 3.0
    };
    (starts.len(), starts.iter().zip(ends).filter(|&step| differs(step)).count())
}

/// The signal-to-noise ratio that a stream with losses needs to have.
fn least_snr(version: &str, name: &str) -> f64 {
    let has_celt = name.contains("celt") || name.contains("changes of") || name == "dtx 1002 fb";
    if !version.starts_with("libopus 1.3.") {
        -30.0
    } else if has_celt {
        60.0
    } else {
        200.0
    }
}

#[test]
fn streams_are_decoded_as_by_libopus() {
    let (version, streams) = streams();
    let (mut whole, mut compared, mut different) = (0, 0, 0);
    for stream in &streams {
        let (ours, starts) = decode(stream);
        let snr = snr(&ours, &stream.samples);
        println!("{snr:6.1} dB  {}", stream.name);
        let is_lossy = ["loss ", "fec ", "dtx "].iter().any(|lossy| stream.name.starts_with(lossy));
        let least = if is_lossy { least_snr(&version, &stream.name) } else { 90.0 };
        assert!(snr > least, "{}: {snr:.1} dB", stream.name);
        if is_lossy {
            let (steps, apart) = levels(stream, &ours, &starts);
            (compared, different) = (compared + steps, different + apart);
        } else {
            whole += 1;
        }
    }
    println!("{version}: {different} of {compared} steps with losses differ by more than 3 dB");
    let most = if version.starts_with("libopus 1.3.") { 0 } else { compared / 5 };
    assert!(whole > 80 && compared > 5_000 && different <= most, "{different} of {compared}");
}
