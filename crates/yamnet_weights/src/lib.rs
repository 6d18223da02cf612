//! The published weights of Google's YAMNet as the bytes of one safetensors file.
//!
//! A package of the registry is at most 10 MB, and the file compresses to 14 MB at best. So this crate holds its second half,
//! and `yamnet_weights_first` the first; the compiler joins them.

use yamnet_weights_first::FIRST_HALF;

/// The rest of the file. A constant, as the first half is: only what is joined gets into a program.
const SECOND_HALF: &[u8] = include_bytes!("../second_half.bin");

/// The safetensors file: 112 tensors, 32-bit floats. Its SHA-256 is in [`SHA256`].
pub static SAFETENSORS: &[u8] = &WHOLE;

static WHOLE: [u8; FIRST_HALF.len() + SECOND_HALF.len()] = joined();

/// SHA-256 of [`SAFETENSORS`], 64 hexadecimal digits.
pub const SHA256: &str = "730bec4b4578cff9bf81adb727da9c788ce4011e39b18933be38871874028f96";

const fn joined() -> [u8; FIRST_HALF.len() + SECOND_HALF.len()] {
    let mut whole = [0; FIRST_HALF.len() + SECOND_HALF.len()];
    // Two copies for the compiler, where a loop over the bytes would be millions of steps.
    let (first, second) = whole.split_at_mut(FIRST_HALF.len());
    first.copy_from_slice(FIRST_HALF);
    second.copy_from_slice(SECOND_HALF);
    whole
}

#[cfg(test)]
mod tests {
    use sha2::{Digest, Sha256};

    use super::*;

    #[test]
    fn the_halves_are_the_published_file() {
        let sum: String = Sha256::digest(SAFETENSORS).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(sum, SHA256);
    }
}
