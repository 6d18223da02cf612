//! Calls symphonia, which panics on some damaged files, and converts its panics to errors.
//!
//! Invariant: only symphonia and readers and decoders that implement its traits run inside a guarded call. A panic of
//! other code is a bug and stays a panic.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

use symphonia::core::errors::{Error, Result};

thread_local! {
    static CALLS: Cell<bool> = const { Cell::new(false) };
}

/// Whether this thread is inside a guarded call, so that a panic is reported as damage and not as a bug.
pub fn is_guarded() -> bool {
    CALLS.get()
}

/// The result of the call; a panic becomes a decode error. The decoder stays in use for the next packet: whatever
/// state the panic left, it is memory-safe, and a packet that cannot be decoded in it is damage, too.
pub fn call<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    let before = CALLS.replace(true);
    let result = catch_unwind(AssertUnwindSafe(work));
    CALLS.set(before);
    result.unwrap_or(Err(Error::DecodeError("the decoder failed on invalid data")))
}
