//! Keeps the stored rows and the clip files consistent, and removes old ones.
//!
//! Invariant: everything is listed before it is removed. Clip files are removed first, then the references to them in
//! the rows, never the other way round.

pub mod prune;
pub mod verify;
