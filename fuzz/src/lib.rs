//! libFuzzer around the targets, which are in `crates/fuzz_targets`.

mod guard;

pub use guard::{Bounded, let_libraries_panic};
pub use libfuzzer_sys;

/// The body of a fuzz target.
#[macro_export]
macro_rules! target {
    ($target:expr) => {
        #[global_allocator]
        static BOUNDED: $crate::Bounded = $crate::Bounded;

        $crate::libfuzzer_sys::fuzz_target!(init: $crate::let_libraries_panic(), |bytes: &[u8]| {
            let _ = $target(bytes);
        });
    };
}
