//! The walls of the house: who may import whom, where each outside crate lives, where unsafe code is.
//!
//! Reads the sources, not the compiled program: a wall is broken by the word that names the other room.

mod support;

use std::collections::BTreeSet;

use support::source::{self, Source};

/// What a room may import from the crate, besides itself.
const ROOMS: &[(&str, &[&str])] = &[
    ("record", &[]),
    ("exit", &["record"]),
    ("audio", &["record"]),
    ("yamnet", &["record"]),
    ("laughter", &["record"]),
    ("identify", &["record", "audio"]),
    ("pool", &["record"]),
    ("replace", &[]),
    ("clips", &["record", "audio", "laughter", "replace"]),
    ("listen", &["record", "audio", "yamnet", "laughter", "pool", "clips"]),
    ("shard", &[]),
    ("day", &["record", "exit"]),
    ("store", &["record", "exit", "day"]),
    ("care", &["record", "exit", "clips", "store"]),
    ("notes", &["record", "exit", "store"]),
    ("output", &["record", "exit", "day", "care", "notes"]),
    ("watch", &["record", "exit", "replace"]),
    ("status", &["record", "exit", "audio", "day", "store"]),
    ("export", &["record", "exit", "replace", "store", "output"]),
    ("report", &["record", "exit", "audio", "yamnet", "pool", "replace", "day", "store", "output", "status"]),
    ("doctor", ALL),
    ("run", ALL),
    ("lib", ALL),
    // The bin side. The library cannot see it, which the compiler keeps.
    ("main", ALL),
    ("cli", ALL),
    ("progress", ALL),
];

/// Every room of the library. That it cannot see the bin side is for the compiler to keep.
const ALL: &[&str] = &["*"];

/// Where an outside crate may be named. A crate with several homes does something small in each.
const HOMES: &[(&str, &[&str])] = &[
    ("symphonia", &["audio/decode"]),
    ("nanomp3_core", &["audio/decode/mpeg"]),
    ("lzo", &["audio/decode/matroska"]),
    ("miniz_oxide", &["audio/decode/matroska"]),
    ("rubato", &["audio/resample"]),
    ("opus16k", &["audio/decode"]),
    ("walkdir", &["audio/find"]),
    ("candle_core", &["yamnet"]),
    ("candle_nn", &["yamnet"]),
    ("rayon", &["pool"]),
    ("rusqlite", &["store/sqlite"]),
    ("postgres", &["store/postgres"]),
    ("rustls", &["store/postgres"]),
    ("rustls_native_certs", &["store/postgres"]),
    ("tokio_postgres_rustls", &["store/postgres"]),
    ("url", &["watch/ping"]),
    ("p521", &["store/postgres/algorithms"]),
    ("rsa", &["store/postgres/algorithms"]),
    ("x509_cert", &["store/postgres/algorithms"]),
    ("whoami", &["store/postgres"]),
    ("ureq", &["watch/ping"]),
    ("comfy_table", &["output"]),
    ("flacenc", &["clips/flac"]),
    ("tempfile", &["clips", "replace"]),
    ("base64", &["output/page"]),
    ("png", &["report/sound"]),
    ("csv", &["output", "yamnet/classes"]),
    (
        "sha2",
        &[
            "audio/content",
            "output/page",
            "yamnet/weights",
            "store/sqlite/lock",
            "store/postgres/algorithms",
            "clips/source",
        ],
    ),
    ("libc", &["yamnet/kernels/amx"]),
    ("rustix", &["replace", "store/sqlite", "store/postgres/server", "cli/database_url", "doctor", "audio/ffmpeg"]),
    ("uuid", &["run"]),
    ("clap", &["cli"]),
    ("clap_complete", &["cli/completions"]),
    ("clap_mangen", &["cli/man"]),
    ("indicatif", &["progress"]),
    ("env_logger", &["main", "cli"]),
    ("signal_hook", &["main", "cli"]),
];

/// Words of every room: time, failure, the log, and what a noun is written as.
const EVERYWHERE: [&str; 5] = ["jiff", "log", "serde", "serde_json", "thiserror"];

/// The only folder with unsafe code.
const UNSAFE: &str = "yamnet/kernels";

fn allowed(room: &str) -> Option<&'static [&'static str]> {
    ROOMS.iter().find(|(name, _)| *name == room).map(|(_, allowed)| *allowed)
}

/// The rooms that a file imports and may not.
fn broken_walls(source: &Source) -> Vec<String> {
    let room = source.room();
    let Some(allowed) = allowed(room) else {
        return vec![format!("{}: room `{room}` has no row in the layer table", source.path)];
    };
    let is_room = |name: &String| ROOMS.iter().any(|(room, _)| room == name);
    let named = source.rooms_named().into_iter().filter(is_room);
    let forbidden = named.filter(|name| name != room && allowed != ALL && !allowed.contains(&name.as_str()));
    forbidden.map(|name| format!("{}: `{room}` may not import `{name}`", source.path)).collect()
}

fn is_inside(module: &str, home: &str) -> bool {
    module.strip_prefix(home).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The crates that a file names away from their homes. Its tests may name any.
fn strays(source: &Source) -> Vec<String> {
    let heads = if source.is_test() { BTreeSet::new() } else { source.heads() };
    let away = HOMES
        .iter()
        .filter(|(name, homes)| heads.contains(*name) && !homes.iter().any(|home| is_inside(source.module(), home)));
    away.map(|(name, homes)| format!("{}: `{name}` lives in {}", source.path, homes.join(", "))).collect()
}

/// Unsafe code outside of its folder, or without its reason.
fn unsafe_faults(source: &Source) -> Vec<String> {
    let lines: Vec<&str> = source.text.lines().map(str::trim_start).collect();
    let is_unsafe = |line: &str| !line.starts_with("//") && (line.contains("unsafe {") || line.contains("unsafe impl"));
    let reason = |i: usize| lines[i.saturating_sub(2)..=i].iter().any(|line| line.contains("// SAFETY: "));
    let at = |i: usize| format!("{}:{}", source.path, i + 1);
    let fault = |i: usize| match is_inside(source.module(), UNSAFE) {
        false => Some(format!("{}: unsafe code lives in {UNSAFE}", at(i))),
        true if !reason(i) => Some(format!("{}: no SAFETY line", at(i))),
        true => None,
    };
    (0..lines.len()).filter(|&i| is_unsafe(lines[i])).filter_map(fault).collect()
}

/// A file that does not say what it is for, or a room that does not say what it must not know.
fn silent(source: &Source) -> Vec<String> {
    let is_map = ["main", "lib"].contains(&source.module());
    let mut faults = Vec::new();
    if !source.is_test() && !source.text.starts_with("//! ") {
        faults.push(format!("{}: does not open with //!", source.path));
    }
    if source.module() == source.room() && !is_map && !source.text.contains("\n//! Invariant: ") {
        faults.push(format!("{}: has no Invariant", source.path));
    }
    faults
}

fn keep(rule: impl Fn(&Source) -> Vec<String>) {
    let faults: Vec<String> = source::all().iter().flat_map(rule).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn every_room_imports_only_what_its_row_allows() {
    keep(broken_walls);
}

#[test]
fn every_crate_stays_at_home() {
    keep(strays);
}

#[test]
fn unsafe_code_lives_in_the_kernels_and_gives_its_reasons() {
    keep(unsafe_faults);
}

#[test]
fn every_file_says_what_it_is_for() {
    keep(silent);
}

/// The rules above would also hold of an empty folder.
#[test]
fn the_rules_saw_the_house() {
    let sources = source::all();
    let seen: BTreeSet<&str> = sources.iter().map(Source::room).collect();
    let declared = sources.iter().filter(|source| ["lib", "main"].contains(&source.module()));
    for room in declared.flat_map(Source::modules) {
        assert!(allowed(&room).is_some(), "`{room}` has no row in the layer table");
        assert!(seen.contains(room.as_str()), "no file of `{room}` was read");
    }
    for room in ["record", "audio", "yamnet", "laughter", "listen", "pool", "store", "run"] {
        assert!(seen.contains(room), "no file of `{room}` was read");
    }
    let imports = |room: &str| -> BTreeSet<String> {
        let sources = sources.iter().filter(|source| source.room() == room);
        sources.flat_map(Source::rooms_named).collect()
    };
    assert!(imports("run").is_superset(&["audio", "listen", "pool", "store", "yamnet"].map(str::to_owned).into()));
    assert!(imports("listen").is_superset(&["audio", "laughter", "record", "yamnet"].map(str::to_owned).into()));
}

#[test]
fn every_crate_of_the_manifest_has_a_home_and_lives_in_it() {
    let manifest = include_str!("../Cargo.toml");
    let sections = manifest.split("\n[").filter_map(|section| section.split_once("]\n"));
    let ours = sections.filter(|(head, _)| *head == "dependencies" || head.ends_with(".dependencies"));
    let names = ours.flat_map(|(_, section)| section.lines()).filter_map(|line| line.split_once(" = "));
    let names: Vec<String> = names.map(|(name, _)| name.replace('-', "_")).collect();
    let known = |name: &str| HOMES.iter().any(|(home, _)| *home == name) || EVERYWHERE.contains(&name);
    for name in &names {
        assert!(known(name), "give `{name}` a home in tests/architecture.rs");
    }
    for (name, _) in HOMES {
        assert!(names.iter().any(|other| other == name), "`{name}` has left the manifest");
    }
    let heads: BTreeSet<String> = source::all().iter().flat_map(Source::heads).collect();
    for name in ["symphonia", "rubato", "opus16k", "candle_core", "rayon", "postgres", "rusqlite", "walkdir"] {
        assert!(heads.contains(name), "`{name}` was not seen in its home");
    }
}

#[test]
fn a_forbidden_import_is_seen_in_every_spelling() {
    let spellings = [
        "use crate::yamnet::Model;",
        "use crate::{record::Event, yamnet::{Model, mel}};",
        "use super::super::yamnet::Model;",
        "fn f() -> crate::yamnet::Model { todo!() }",
        "let quote = '\"'; use crate::yamnet;",
        "let text = \"\\\"\"; use crate :: yamnet;",
    ];
    for text in spellings {
        let faults = broken_walls(&Source::new("audio/level.rs", text));
        assert_eq!(faults, ["audio/level.rs: `audio` may not import `yamnet`"], "{text}");
    }
}

#[test]
fn what_is_no_import_is_none() {
    let innocent = [
        "// use crate::yamnet::Model;\nuse crate::record::Event;",
        "/* crate::yamnet */ const NAME: &str = \"crate::yamnet\";",
        "const NAME: &str = r#\"use crate::yamnet; \"#;",
        "use crate::audio::{level, yamnet_like};",
        "use super::*;",
    ];
    for text in innocent {
        assert_eq!(broken_walls(&Source::new("audio/level.rs", text)), [""; 0], "{text}");
    }
    assert_eq!(broken_walls(&Source::new("attic.rs", "")).len(), 1, "a room without a row");
}

#[test]
fn a_crate_away_from_home_is_seen() {
    let away = |path: &str, text: &str| strays(&Source::new(path, text)).len();
    assert_eq!(away("pool.rs", "use rayon::prelude::*;"), 0);
    assert_eq!(away("listen.rs", "use rayon::prelude::*;"), 1);
    assert_eq!(away("listen.rs", "fn f() { rayon::join(a, b); }"), 1);
    assert_eq!(away("store/mod.rs", "mod postgres;\nuse postgres::Database;"), 0, "its own module");
    assert_eq!(away("audio/decoder.rs", "use symphonia::core;"), 1, "not below audio/decode");
    assert_eq!(away("audio/decode/mod.rs", "use symphonia::core;"), 0);
}

#[test]
fn unsafe_code_is_seen() {
    let faults = |path: &str, text: &str| unsafe_faults(&Source::new(path, text)).len();
    assert_eq!(faults("pool.rs", "// SAFETY: none\nunsafe { f() }"), 1);
    assert_eq!(faults("yamnet/kernels/x86.rs", "let a = 1;\nlet b = unsafe { f() };"), 1);
    assert_eq!(faults("yamnet/kernels/x86.rs", "// SAFETY: checked.\nlet b = unsafe { f() };"), 0);
}

#[test]
fn silence_is_seen() {
    let faults = |path: &str, text: &str| silent(&Source::new(path, text)).len();
    assert_eq!(faults("pool.rs", "//! Threads.\n//!\n//! Invariant: knows no audio.\n"), 0);
    assert_eq!(faults("pool.rs", "//! Threads.\n"), 1);
    assert_eq!(faults("audio/level.rs", "//! Loudness.\n"), 0, "rooms alone have an invariant");
    assert_eq!(faults("audio/mod.rs", "use std::fs;\n"), 2);
}
