//! The first half of the file of YAMNet's weights. It is of no use alone: the crate `yamnet_weights` joins the halves.

/// The first 7,541,826 bytes of the safetensors file.
pub const FIRST_HALF: &[u8] = include_bytes!("../first_half.bin");
