//! Reads Ogg with giggles' own reader, because wrong metadata in the container must not affect the audio.
//!
//! [`page`] finds pages, [`stream`] assembles packets, [`codec`] determines the length of each packet, [`clock`]
//! derives gaps from granule positions, and [`reader`] implements symphonia's reader trait.
//!
//! Invariant: the time of a packet is the sum of the lengths of earlier packets and accepted gaps. Granule positions
//! have no other effect on the audio, except for trimming the end of the last page.

mod checksums;
mod clock;
mod codec;
mod comment;
mod counts;
mod link;
mod multiplex;
mod page;
mod reader;
mod start;
mod stream;
mod tail;
mod vorbis;

pub use multiplex::{Selected, stream_starts};
pub use reader::Reader;
pub use tail::{Tail, starts_later};
