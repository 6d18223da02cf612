//! What the tests share.
#![allow(dead_code, reason = "each test binary uses a part of it")]

pub mod audio;
pub mod awake;
pub mod browser;
pub mod cutter;
pub mod day;
pub mod disk;
pub mod homes;
pub mod hostile;
pub mod mux;
pub mod object_store;
pub mod past_runs;
pub mod postgres;
pub mod program;
pub mod safetensors;
pub mod source;
pub mod wav;
pub mod web;
