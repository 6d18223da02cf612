//! giggles finds the laughs in a day of recordings and stores them.
//!
//! This is the map. The rooms are the stations that a recording passes; [`run`] walks them in order,
//! and [`record`] holds the nouns that travel. Read `run` first.
//!
//! ```text
//! folder --find--> File --identify--> Recording --decode--> blocks --resample--> 16 kHz mono
//!        --level--> 16 kHz mono --mel--> log-mel frames --net--> logits every 0.48 s
//!        --laughter--> Event --listen--> Heard --pool--> Outcome (one per recording, never lost)
//!        --run--> Run --store--> ONE transaction --> exit code --> output, watch
//! ```
//!
//! Each room may import only from rooms above it (`tests/architecture.rs` keeps this):
//!
//! | room | what it does | imports |
//! |---|---|---|
//! | [`record`] | the nouns | |
//! | [`exit`] | every way a run ends, and its number | record |
//! | [`audio`] | which files, when they began, what they sound like at 16 kHz | record |
//! | [`model`] | the weights in the binary, or another file's, and their checksum | |
//! | [`laughter`] | logits to laughs; pure | record |
//! | [`pool`] | every item once, over all threads, in order; pieces of one, too | |
//! | [`identify`] | a file becomes a recording known by its content and time | record, audio |
//! | [`replace`] | a file written whole or not at all | |
//! | [`clips`] | laughs cut out as files that can be played | record, audio, laughter, replace |
//! | [`listen`] | one recording through all stations, block by block | record, audio, laughter, pool, clips |
//! | [`shard`] | this machine's part of the recordings | |
//! | [`day`] | what is known of a day: heard, failed, neither; pure | record, exit |
//! | [`store`] | one trait; SQLite and Postgres behind it | record, exit, day |
//! | [`care`] | clips and rows held against each other; old ones removed | record, exit, clips, store |
//! | [`notes`] | what people said of laughs, brought back to the database | record, exit, store |
//! | [`output`] | what happened as text: one file a format | record, exit, day, care, notes |
//! | [`watch`] | what tells others how the night went: pings, metrics, the summary event | record, exit, replace |
//! | [`export`] | stored laughs for other programs: a text, or a file a recording | record, exit, replace, store, output |
//! | [`run`] | one run, folder to exit code | all |
//! | [`doctor`] | everything a night will need, looked at before it | all |
//! | [`status`] | what is stored, looked at again | record, exit, audio, day, store |
//! | [`report`] | a day told to people, with its clips | record, exit, audio, model, pool, replace, day, store, output, status |
//!
//! Samples become logits in a crate of its own, `crates/yamnet`: front end, network, kernels, and all unsafe code.
//!
//! The program itself (`main.rs`, `cli/`, `progress.rs`) is on the other side of a wall: the library
//! cannot see the command line.
//!
//! What always holds:
//!
//! - One outcome a recording; what went wrong with a file is data, stored and shown like a success.
//! - End of stream and failure are different values, from the packet reader up.
//! - Nothing grows with the length of a recording but its scores and events.
//! - Scores and events do not depend on threads, blocks or batches.
//! - A run is committed whole or not at all.

pub mod audio;
pub mod care;
pub mod clips;
pub mod day;
pub mod doctor;
pub mod exit;
pub mod export;
pub mod identify;
pub mod laughter;
pub mod listen;
pub mod model;
pub mod notes;
pub mod output;
pub mod pool;
pub mod record;
pub mod replace;
pub mod report;
pub mod run;
pub mod shard;
pub mod status;
pub mod store;
pub mod watch;
