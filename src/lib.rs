//! giggles finds laughs in audio recordings and stores them.
//!
//! A recording passes the stages of a pipeline; [`scan`] drives them, and [`domain`] holds the types that the stages exchange.
//! Start reading in [`scan`].
//!
//! ```text
//! discover -> identify -> decode -> 16 kHz mono -> normalize -> log-mel -> YAMNet -> detect
//!          -> one outcome per recording -> one transaction -> exit code, output, notifications
//! ```
//!
//! The laughs of a recording:
//!
//! ```
//! use giggles::domain::DetectionParameters;
//! use giggles::stop::Stop;
//! use giggles::{model::ModelFile, pipeline::Analyzer};
//!
//! let model = ModelFile::embedded().load(yamnet::Cpu::detect()).unwrap().yamnet;
//! let (parameters, stop) = (DetectionParameters::default(), Stop::default());
//! let analyzer = Analyzer { scorer: &model, parameters: &parameters, personal: None, ffmpeg: None, stop: &stop, advanced: &|_| () };
//! let analyzed = analyzer.analyze("fixtures/clips/laugh_male_scratch1.flac".as_ref(), None).unwrap();
//! assert_eq!(analyzed.detections[0].class_name(), "Laughter");
//! ```
//!
//! A module imports only from the modules in its row, which all stand above it (`tests/it/architecture.rs` checks this):
//!
//! | module | what it does | imports |
//! |---|---|---|
//! | [`text`] | escaping, plurals, offsets, scores, names of time zones; pure | |
//! | [`paths`] | the directory of a file | |
//! | [`environment`] | variables of the process and of `--env-file` | |
//! | [`stop`] | the flag by which a signal ends a run | |
//! | [`domain`] | plain data: recording, detection, outcome, run, parameters | text |
//! | [`finding`] | the result of one check of `doctor` | |
//! | [`error`] | what ends a run, the causes of errors, and the policy for both | text, domain |
//! | [`object_store`] | signed requests to the bucket of an object store | environment, stop, domain, error |
//! | [`exit`] | exit codes, and which one a run ends with | text, domain, finding, error |
//! | [`audio`] | finds files, reads start times, decodes to 16 kHz mono, normalizes | text, paths, environment, stop, domain |
//! | [`model`] | the weights in the binary or in a file, and their checksum | |
//! | [`detect`] | logits to detections; pure | domain |
//! | [`personal`] | moves v of what sounds like something reviewed; pure | domain |
//! | [`identify`] | a file becomes a recording with content hash and start time | domain, audio |
//! | [`pool`] | the thread pool: each item once, results in order, long items in pieces | |
//! | [`atomic_file`] | writes a file in full or not at all | paths |
//! | [`tiles`] | which tiles the kernels use: known, or measured and kept | atomic_file |
//! | [`clips`] | writes detections as FLAC files, into a directory or a bucket | stop, domain, error, object_store, audio, detect, atomic_file |
//! | [`pipeline`] | one recording through all stages, batch by batch | stop, domain, audio, detect, personal, pool, clips |
//! | [`shard`] | one machine's part of the recordings | environment |
//! | [`input`] | storage of recordings: directories of this machine, buckets of an object store | stop, domain, error, exit, object_store, audio, identify, clips, shard |
//! | [`calendar`] | what is known of a day: analyzed, failed, missing; pure | domain, exit |
//! | [`store`] | trait `Store` and `Reader`; SQLite and Postgres | text, paths, environment, stop, domain, error, calendar |
//! | [`evaluate`] | the detections against the reviews, with and without the personal score | domain, error, detect, personal, store |
//! | [`maintenance`] | compares clips with rows; removes old ones | stop, domain, error, exit, clips, store |
//! | [`reviews`] | what to offer for review; stores verdicts and comments | domain, error, exit, audio, calendar, store |
//! | [`redetect`] | decides anew from what is stored, without audio | stop, domain, error, exit, audio, detect, personal, pool, clips, store |
//! | [`explain`] | why a sound counts as a laugh | domain, error, personal, store |
//! | [`render`] | results to text, HTML, JSON; one file a format; pure | text, domain, finding, exit, personal, calendar, evaluate, maintenance, reviews, redetect, explain |
//! | [`notify`] | pings, metrics, the summary event | stop, domain, error, exit, atomic_file |
//! | [`status`] | reads the last runs, or a day | domain, error, exit, audio, calendar, store |
//! | [`days`] | reads days in numbers | domain, error, calendar, store, status |
//! | [`export`] | writes stored detections for other programs | domain, error, exit, atomic_file, store, render |
//! | [`report`] | reads a day with its clips for a report or a page | text, domain, paths, error, exit, audio, model, pool, atomic_file, calendar, store, reviews, render, status |
//! | [`serve`] | a web server over what is stored | text, stop, domain, error, exit, audio, pool, atomic_file, clips, calendar, store, reviews, render, notify, status, report |
//! | [`doctor`] | checks everything that a run needs | all |
//! | [`scan`] | one run, from directories to exit code | all |
//!
//! Two crates know nothing of these modules: `crates/opus16k` (Opus packets to 16 kHz mono) and `crates/yamnet`
//! (16 kHz mono to logits; all unsafe code). The program itself (`main.rs`, `cli/`, `progress.rs`) uses the library; the
//! library cannot see it.
//!
//! What must stay true:
//!
//! - Each recording has one outcome. What went wrong with a file is data, stored and shown like a success.
//! - End of stream and failure are different values, from the packet reader up.
//! - Nothing grows with the duration of a recording except its scores and detections.
//! - Scores and detections do not depend on threads, blocks or batches.
//! - A run is committed in full or not at all.
//!
//! `docs/architecture.md` says where a column, an export format, a notifier, a check, a codec or a file-name pattern goes.

pub mod atomic_file;
pub mod audio;
pub mod calendar;
pub mod clips;
pub mod days;
pub mod detect;
pub mod doctor;
pub mod domain;
pub mod environment;
pub mod error;
pub mod evaluate;
pub mod exit;
pub mod explain;
pub mod export;
pub mod finding;
pub mod identify;
pub mod input;
pub mod maintenance;
pub mod model;
pub mod notify;
pub mod object_store;
pub mod paths;
pub mod personal;
pub mod pipeline;
pub mod pool;
pub mod redetect;
pub mod render;
pub mod report;
pub mod reviews;
pub mod scan;
pub mod serve;
pub mod shard;
pub mod status;
pub mod stop;
pub mod store;
pub mod text;
pub mod tiles;
