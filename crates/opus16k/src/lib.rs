//! Decodes Opus packets (RFC 6716, RFC 8251) to mono at 16 kHz.
//!
//! Speech models take 16 kHz, and Opus decoders give 48 kHz, or less through a resampler. This one decodes only what 16
//! kHz can hold: CELT bands above 8 kHz are parsed but not synthesized, the CELT part of hybrid frames is skipped,
//! wideband SILK is 16 kHz as it is, and two channels become one before the transform. The result is that of libopus
//! asked for 16 kHz and one channel (102 dB and more on the vectors of RFC 8251).
//!
//! ```
//! use opus16k::{Decoder, Head};
//!
//! // The identification header of a container: version 1, mono, pre-skip 312, 48 kHz, no gain, mapping family 0.
//! let head = Head::parse(b"OpusHead\x01\x01\x38\x01\x80\xBB\0\0\0\0\0")?;
//! let mut decoder = Decoder::new(head);
//! let mut samples = Vec::new();
//! // A CELT frame of 20 ms that says "silence".
//! decoder.decode(&[0xF8, 0xFF, 0xFE], &mut samples)?;
//! assert_eq!(samples.len(), 320);
//! // The next packet is lost.
//! decoder.conceal(320, &mut samples);
//! assert!(samples.iter().all(|sample| sample.abs() <= 1.0));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Containers are left to the caller; see `examples/decode` for a minimal one. Of a packet with several elementary
//! streams (surround), the streams are averaged by the channels that they feed, without the low-frequency channel.
//!
//! No header and no packet makes the decoder panic, or allocate more than 120 ms of audio.

#![forbid(unsafe_code)]
#![warn(missing_docs, unreachable_pub)]

mod celt;
mod decoder;
mod head;
mod layer;
mod packet;
mod range_decoder;
mod silk;

#[cfg(test)]
mod reference_tests;

pub use decoder::{DecodeError, Decoder};
pub use head::{Head, HeadError};
pub use packet::{CLOCK, PacketError, RATE, is_packet, packet_length};
