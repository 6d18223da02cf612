//! What a fuzzer adds to a target: a bound on memory, and which panics count.

use std::alloc::{GlobalAlloc, Layout, System};
use std::panic;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Bytes that may be in use at once. libFuzzer's own limit (512 MB) only sees what was touched, and only
/// once a second.
const MOST: usize = 256 << 20;

static IN_USE: AtomicUsize = AtomicUsize::new(0);

/// The system's allocator, which ends the process when too much is asked of it.
pub struct Bounded;

// SAFETY: all is passed on to the system's allocator as it came.
unsafe impl GlobalAlloc for Bounded {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        IN_USE.fetch_sub(layout.size(), Ordering::Relaxed);
        unsafe { System.dealloc(place, layout) }
    }

    unsafe fn realloc(&self, place: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size);
        IN_USE.fetch_sub(layout.size(), Ordering::Relaxed);
        unsafe { System.realloc(place, layout, size) }
    }
}

fn count(bytes: usize) {
    let before = IN_USE.fetch_add(bytes, Ordering::Relaxed);
    if before.saturating_add(bytes) > MOST {
        IN_USE.store(0, Ordering::Relaxed); // for the report itself
        eprintln!("{bytes} bytes more than the {before} in use were asked for");
        eprintln!("{}", std::backtrace::Backtrace::force_capture());
        std::process::abort();
    }
}

/// libFuzzer's hook ends the process at any panic. A library's panic that the program catches is none of
/// its business; one that is not caught still ends the process, by unwinding out of the target.
pub fn let_libraries_panic() {
    let strict = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        let foreign = |file: &str| file.contains("/symphonia") || file.contains("/nanomp3");
        if !info.location().is_some_and(|place| foreign(place.file())) {
            strict(info);
        }
    }));
}
