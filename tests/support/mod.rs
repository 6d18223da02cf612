//! What the tests share.
#![allow(dead_code, reason = "each test binary uses a part of it")]

pub mod audio;
pub mod day;
pub mod disk;
pub mod hostile;
pub mod program;
pub mod safetensors;
pub mod source;
pub mod wav;
