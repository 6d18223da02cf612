//! Calls into symphonia, which panics over some damaged files: to a person that is damage like any other.
//!
//! Invariant: only symphonia's own code, and readers that stand in for its own, run in here. A panic of ours is a bug, and stays a panic.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

use symphonia::core::errors::{Error, Result};

thread_local! {
    static CALLS: Cell<bool> = const { Cell::new(false) };
}

/// Whether this thread is inside such a call: then a panic is no bug of ours, and is told as damage.
pub fn is_foreign() -> bool {
    CALLS.get()
}

/// The call's result; its panic as an error. Nothing that it may have left half done is used again: every
/// error ends the hearing of a file.
pub fn call<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    let before = CALLS.replace(true);
    let result = catch_unwind(AssertUnwindSafe(work));
    CALLS.set(before);
    result.unwrap_or(Err(Error::DecodeError("no decoder can make sense of what stands here")))
}
