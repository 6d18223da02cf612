//! Ogg, read by the project itself: sound must not depend on what a recorder writes beside its packets.
//!
//! [`page`] finds pages, [`stream`] joins them to packets, [`codec`] says how long each packet lasts, [`clock`] what
//! the granule positions add to that, and [`reader`] hands out packets as symphonia's readers do.
//!
//! Invariant: the time of a packet is the sum of the lengths before it and of gaps that were believed; no granule
//! position moves or removes sound otherwise, save the samples behind the end of the last page.

mod beside;
mod checksums;
mod clock;
mod codec;
mod comment;
mod counts;
mod link;
mod page;
mod reader;
mod start;
mod stream;
mod tail;
mod vorbis;

pub use beside::{Selected, beginnings};
pub use reader::Reader;
pub use tail::{Tail, begins_later};
