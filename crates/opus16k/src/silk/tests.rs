//! SILK beside the reference.

use super::*;
use crate::reference_tests::random;
use ruopus::silk::api::{DecControl, SilkDecoder as Reference};

/// The reference decoder of one channel at 16 kHz.
fn decode(
    reference: &mut Reference,
    decoder: &mut ruopus::RangeDecoder,
    bandwidth: Bandwidth,
    channels_internal: usize,
    payload_size_ms: usize,
) -> Vec<i16> {
    let mut pcm = Vec::new();
    let internal_sample_rate = match bandwidth {
        Bandwidth::Narrow => 8_000,
        Bandwidth::Medium => 12_000,
        _ => 16_000,
    };
    let control = DecControl {
        channels_internal,
        channels_api: 1,
        internal_sample_rate,
        api_sample_rate: crate::packet::RATE as i32,
        payload_size_ms,
    };
    for frame in 0..payload_size_ms.div_ceil(20) {
        reference.decode(decoder, &control, frame == 0, &mut pcm);
    }
    pcm
}

/// Whether mid has LBRR data: the reference reads which frames have it before the activity of the other channel.
fn mid_has_lbrr(data: &[u8], frames: usize) -> bool {
    let mut decoder = RangeDecoder::new(data);
    (0..=frames).map(|_| decoder.dec_bit_logp(1)).last() == Some(true)
}

/// Noise has every symbol at every place, and packets follow each other as from no encoder: samples are the same, and
/// the range decoder ends at the same place; also where the rate changes.
#[test]
fn packets_of_noise_are_decoded_as_by_the_reference() {
    let (mut random, mut silk, mut reference) = (random(1), SilkDecoder::new(), Reference::new());
    let mut compared = [0; 3];
    for _ in 0..3_000 {
        let [length, channels, duration, bandwidth, run] = std::array::from_fn(|_| random() as usize);
        let (channels, milliseconds) = (1 + channels % 2, [10, 20, 40, 60][duration % 4]);
        let bandwidth = bandwidth % 3;
        for _ in 0..1 + run % 4 {
            let data: Vec<u8> = (0..2 + length % 120).map(|_| random() as u8).collect();
            if channels == 2 && milliseconds > 20 && mid_has_lbrr(&data, milliseconds / 20) {
                continue;
            }
            let format =
                Format { bandwidth: [Bandwidth::Narrow, Bandwidth::Medium, Bandwidth::Wide][bandwidth], channels };
            let (mut theirs, mut out) = (ruopus::RangeDecoder::new(&data), vec![0.0; 16 * milliseconds]);
            let mut ours = silk.decode(&data, format, &mut out);
            let pcm = decode(&mut reference, &mut theirs, format.bandwidth, channels, milliseconds);
            assert_eq!(ours.tell(), theirs.tell());
            assert_eq!(ours.dec_uint(256), theirs.decode_uint(256));
            let out: Vec<i16> = out.iter().map(|sample| (sample * 32_768.0) as i16).collect();
            assert!(out == pcm, "{format:?}, {milliseconds} ms");
            compared[bandwidth] += out.len();
        }
    }
    assert!(compared.iter().all(|&compared| compared > 1_000_000), "{compared:?}");
}
