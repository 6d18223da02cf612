//! Layers and owners: which module may import which, which module owns each outside crate. Unsafe code the compiler forbids.
//!
//! Reads the sources, not the compiled program: an import is found by the word that names the other module.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use crate::support::source::{self, Source};

/// The table of layers in the documentation of the library: for each module, what it may import besides itself.
static LAYERS: LazyLock<Vec<(&str, Vec<&str>)>> =
    LazyLock::new(|| include_str!("../../src/lib.rs").lines().filter_map(layer).collect());

/// What may import every module. That the library does not import the binary is for the compiler to check.
const UNRESTRICTED: [&str; 4] = ["lib", "main", "cli", "progress"];

/// Reads a row such as `//! | [`clips`] | writes detections as FLAC files | domain, audio |`.
fn layer(line: &str) -> Option<(&str, Vec<&str>)> {
    let (module, rest) = line.strip_prefix("//! | [`")?.split_once("`]")?;
    let imports = rest.strip_suffix('|')?.rsplit('|').next()?;
    Some((module, imports.split(',').map(str::trim).filter(|name| !name.is_empty()).collect()))
}

/// The modules that may name an outside crate.
const OWNERS: &[(&str, &[&str])] = &[
    ("symphonia", &["audio/decode"]),
    ("nanomp3_core", &["audio/decode/mpeg"]),
    ("lzo", &["audio/decode/matroska"]),
    ("miniz_oxide", &["audio/decode/matroska"]),
    ("rubato", &["audio/resample"]),
    ("opus16k", &["audio/decode"]),
    ("walkdir", &["audio/discover"]),
    (
        "yamnet",
        &[
            "domain",
            "audio/resample",
            "audio/speed",
            "model",
            "detect",
            "personal",
            "clips",
            "pipeline",
            "report/sound",
            "tiles",
            "doctor/machine",
            "scan",
            "cli",
        ],
    ),
    ("yamnet_weights", &["model"]),
    ("half", &["domain"]),
    ("rayon", &["pool"]),
    ("rusqlite", &["store/sqlite"]),
    ("postgres", &["store/postgres"]),
    ("rustls", &["store/postgres", "notify/ping"]),
    ("rustls_native_certs", &["store/postgres"]),
    ("tokio_postgres_rustls", &["store/postgres"]),
    ("hyper", &["serve"]),
    ("hyper_util", &["serve/server"]),
    ("http_body_util", &["serve/server"]),
    ("tokio", &["serve"]),
    ("hmac", &["serve/access"]),
    ("subtle", &["serve/access"]),
    ("percent_encoding", &["serve/route"]),
    ("listenfd", &["cli/serve"]),
    ("url", &["notify/ping", "object_store", "input/s3", "serve"]),
    ("p521", &["store/postgres/algorithms"]),
    ("rsa", &["store/postgres/algorithms"]),
    ("x509_cert", &["store/postgres/algorithms"]),
    ("whoami", &["store/postgres"]),
    ("ureq", &["notify/ping", "object_store", "input/s3"]),
    ("rusty_s3", &["object_store", "input/s3"]),
    ("flacenc", &["clips/flac"]),
    ("tempfile", &["clips", "atomic_file", "input/scratch"]),
    ("base64", &["render/page", "object_store", "serve/cursor"]),
    ("md5", &["object_store"]),
    ("png", &["report/sound"]),
    ("csv", &["render"]),
    (
        "sha2",
        &[
            "audio/content",
            "render/page",
            "model",
            "store/sqlite/lock",
            "store/postgres/algorithms",
            "clips/source",
            "render/site",
            "serve",
        ],
    ),
    (
        "rustix",
        &[
            "atomic_file",
            "store/sqlite",
            "store/postgres/server",
            "cli/database_url",
            "cli/review/keys",
            "cli/settings/layers",
            "cli/terminal",
            "progress",
            "doctor",
            "audio/ffmpeg",
            "input/scratch",
            "serve/server",
        ],
    ),
    ("toml", &["cli/settings/file"]),
    ("uuid", &["scan", "redetect"]),
    ("clap", &["cli"]),
    ("clap_complete", &["cli/completions"]),
    ("clap_mangen", &["cli/man"]),
    ("indicatif", &["progress"]),
    ("env_logger", &["main", "cli"]),
    ("signal_hook", &["main", "cli"]),
];

/// Crates that no module names: they choose an implementation or features for dependencies.
const CHOSEN: [&str; 2] = ["idna_adapter", "once_cell"];

/// Crates of every module: time, errors, the log, serialization.
const EVERYWHERE: [&str; 5] = ["jiff", "log", "serde", "serde_json", "thiserror"];

/// The modules that a module may import; `all` stands for every module.
fn allowed(module: &str) -> Option<Vec<&'static str>> {
    if UNRESTRICTED.contains(&module) {
        return Some(vec!["all"]);
    }
    LAYERS.iter().find(|(name, _)| *name == module).map(|(_, allowed)| allowed.clone())
}

/// The modules that a file imports and may not.
fn forbidden_imports(source: &Source) -> Vec<String> {
    let module = source.top_module();
    let Some(allowed) = allowed(module) else {
        return vec![format!("{}: module `{module}` has no row in the layer table", source.path)];
    };
    let is_module = |name: &String| LAYERS.iter().any(|(module, _)| module == name);
    let named = source.modules_named().into_iter().filter(is_module);
    let is_allowed = |name: &str| allowed == ["all"] || allowed.contains(&name);
    let forbidden = named.filter(|name| name != module && !is_allowed(name));
    forbidden.map(|name| format!("{}: `{module}` may not import `{name}`", source.path)).collect()
}

fn is_inside(module: &str, owner: &str) -> bool {
    module.strip_prefix(owner).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The crates that a file names and does not own. Tests may name any.
fn misplaced_crates(source: &Source) -> Vec<String> {
    let heads = if source.is_test() { BTreeSet::new() } else { source.heads() };
    let away = OWNERS.iter().filter(|(name, owners)| {
        heads.contains(*name) && !owners.iter().any(|owner| is_inside(source.module(), owner))
    });
    away.map(|(name, owners)| format!("{}: `{name}` lives in {}", source.path, owners.join(", "))).collect()
}

/// A file that does not say what it is for, or a module that does not state its invariant.
fn missing_documentation(source: &Source) -> Vec<String> {
    let is_map = ["main", "lib"].contains(&source.module());
    let mut faults = Vec::new();
    if !source.is_test() && !source.text.starts_with("//! ") {
        faults.push(format!("{}: does not open with //!", source.path));
    }
    if source.module() == source.top_module() && !is_map && !source.text.contains("\n//! Invariant: ") {
        faults.push(format!("{}: has no Invariant", source.path));
    }
    faults
}

fn keep(rule: impl Fn(&Source) -> Vec<String>) {
    let faults: Vec<String> = source::all().iter().flat_map(rule).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn every_module_imports_only_what_its_row_allows() {
    keep(forbidden_imports);
}

#[test]
fn every_crate_is_named_only_by_its_owner() {
    keep(misplaced_crates);
}

#[test]
fn every_file_says_what_it_is_for() {
    keep(missing_documentation);
}

/// The rules above would also hold for an empty directory.
/// Lines that a file may have, and a function. A file is about one topic, and a function is a paragraph.
const LONGEST_FILE: usize = 350;
const LONGEST_FUNCTION: usize = 55;

/// Names of functions that are too long, as rustfmt lays them out: from `fn` to the brace below its first letter.
fn long_functions(text: &str) -> Vec<String> {
    let lines: Vec<&str> = text.lines().collect();
    let indent = |line: &str| line.len() - line.trim_start().len();
    let starts = lines.iter().enumerate().filter(|(_, line)| {
        let words: Vec<&str> = line.trim_start().split(' ').take_while(|word| *word != "fn").collect();
        words.len() < 5 && line.contains("fn ") && words.iter().all(|word| FN_QUALIFIERS.contains(word))
    });
    let length = |start: usize| {
        // A declaration in a trait has no body.
        let signature = lines[start..].iter().find(|line| line.ends_with(['{', ';', '}']));
        if signature.is_some_and(|line| line.ends_with(';')) {
            return 1;
        }
        let end = lines[start..].iter().position(|line| line.trim() == "}" && indent(line) == indent(lines[start]));
        end.map_or(1, |end| end + 1)
    };
    let long = starts.filter(|(start, _)| length(*start) > LONGEST_FUNCTION);
    long.map(|(start, line)| format!("{}: {} lines", line.trim(), length(start))).collect()
}

const FN_QUALIFIERS: [&str; 6] = ["pub", "pub(crate)", "pub(super)", "const", "unsafe", "async"];

#[test]
fn files_and_functions_are_short() {
    let mut found = Vec::new();
    for folder in ["src", "crates/opus16k/src", "crates/yamnet/src", "crates/yamnet_weights/src"] {
        rust_files(&std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), &mut found);
    }
    assert!(found.len() > 250, "{} files were read", found.len());
    let mut faults = Vec::new();
    for (path, text) in &found {
        let length = text.lines().count();
        // The 521 names of AudioSet's classes.
        if length > LONGEST_FILE && !path.ends_with("yamnet/src/classes.rs") {
            faults.push(format!("{}: {length} lines; divide it by topic", path.display()));
        }
        faults.extend(long_functions(text).iter().map(|function| format!("{}: {function}", path.display())));
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

fn rust_files(folder: &std::path::Path, found: &mut Vec<(std::path::PathBuf, String)>) {
    for entry in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        // Tests are tables of cases.
        let is_test = entry.file_stem().is_some_and(|stem| stem == "tests");
        if entry.is_dir() && !is_test {
            rust_files(&entry, found);
        } else if entry.extension().is_some_and(|extension| extension == "rs") && !is_test {
            found.push((entry.clone(), std::fs::read_to_string(&entry).unwrap()));
        }
    }
}

#[test]
fn a_long_function_is_found() {
    let body = "        x();\n".repeat(LONGEST_FUNCTION - 1);
    assert_eq!(long_functions(&format!("impl A {{\n    pub fn long() {{\n{body}    }}\n}}\n")).len(), 1);
    let body = "        x();\n".repeat(LONGEST_FUNCTION - 2);
    assert!(long_functions(&format!("impl A {{\n    pub fn short() {{\n{body}    }}\n}}\n")).is_empty());
}

#[test]
fn the_rules_read_the_sources() {
    let sources = source::all();
    let seen: BTreeSet<&str> = sources.iter().map(Source::top_module).collect();
    let declared = sources.iter().filter(|source| ["lib", "main"].contains(&source.module()));
    for module in declared.flat_map(Source::modules) {
        assert!(allowed(&module).is_some(), "`{module}` has no row in the layer table");
        assert!(seen.contains(module.as_str()), "no file of `{module}` was read");
    }
    for module in ["domain", "audio", "model", "detect", "pipeline", "pool", "store", "scan"] {
        assert!(seen.contains(module), "no file of `{module}` was read");
    }
    let imports = |module: &str| -> BTreeSet<String> {
        let sources = sources.iter().filter(|source| source.top_module() == module);
        sources.flat_map(Source::modules_named).collect()
    };
    assert!(imports("scan").is_superset(&["audio", "pipeline", "pool", "store"].map(str::to_owned).into()));
    assert!(imports("pipeline").is_superset(&["audio", "detect", "domain"].map(str::to_owned).into()));
}

#[test]
fn every_crate_of_the_manifest_has_an_owner_that_uses_it() {
    let manifest = include_str!("../../Cargo.toml");
    let sections = manifest.split("\n[").filter_map(|section| section.split_once("]\n"));
    let ours = sections.filter(|(head, _)| *head == "dependencies" || head.ends_with(".dependencies"));
    let names = ours.flat_map(|(_, section)| section.lines()).filter_map(|line| line.split_once(" = "));
    let names: Vec<String> = names.map(|(name, _)| name.replace('-', "_")).collect();
    let known = |name: &str| {
        OWNERS.iter().any(|(owner, _)| *owner == name) || EVERYWHERE.contains(&name) || CHOSEN.contains(&name)
    };
    for name in &names {
        assert!(known(name), "give `{name}` an owner in tests/it/architecture.rs");
    }
    for (name, _) in OWNERS {
        assert!(names.iter().any(|other| other == name), "`{name}` has left the manifest");
    }
    let heads: BTreeSet<String> = source::all().iter().flat_map(Source::heads).collect();
    for name in ["symphonia", "rubato", "opus16k", "yamnet", "rayon", "postgres", "rusqlite", "walkdir"] {
        assert!(heads.contains(name), "`{name}` was not found in its owner");
    }
}

#[test]
fn a_forbidden_import_is_found_in_every_spelling() {
    let spellings = [
        "use crate::pipeline::Analyzer;",
        "use crate::{domain::Detection, pipeline::{Analyzer, AnalyzeError}};",
        "use super::super::pipeline::Analyzer;",
        "fn f() -> crate::pipeline::Analyzer { todo!() }",
        "let quote = '\"'; use crate::pipeline;",
        "let text = \"\\\"\"; use crate :: pipeline;",
    ];
    for text in spellings {
        let faults = forbidden_imports(&Source::new("audio/normalize.rs", text));
        assert_eq!(faults, ["audio/normalize.rs: `audio` may not import `pipeline`"], "{text}");
    }
}

#[test]
fn what_is_not_an_import_is_none() {
    let innocent = [
        "// use crate::pipeline::Analyzer;\nuse crate::domain::Detection;",
        "/* crate::pipeline */ const NAME: &str = \"crate::pipeline\";",
        "const NAME: &str = r#\"use crate::pipeline; \"#;",
        "use crate::audio::{normalize, pipeline_like};",
        "use super::*;",
    ];
    for text in innocent {
        assert_eq!(forbidden_imports(&Source::new("audio/normalize.rs", text)), [""; 0], "{text}");
    }
    assert_eq!(forbidden_imports(&Source::new("attic.rs", "")).len(), 1, "a module without a row");
}

#[test]
fn a_misplaced_crate_is_found() {
    let away = |path: &str, text: &str| misplaced_crates(&Source::new(path, text)).len();
    assert_eq!(away("pool.rs", "use rayon::prelude::*;"), 0);
    assert_eq!(away("pipeline.rs", "use rayon::prelude::*;"), 1);
    assert_eq!(away("pipeline.rs", "fn f() { rayon::join(a, b); }"), 1);
    assert_eq!(away("store/mod.rs", "mod postgres;\nuse postgres::Database;"), 0, "its own module");
    assert_eq!(away("audio/decoder.rs", "use symphonia::core;"), 1, "not below audio/decode");
    assert_eq!(away("audio/decode/mod.rs", "use symphonia::core;"), 0);
}

#[test]
fn missing_documentation_is_found() {
    let faults = |path: &str, text: &str| missing_documentation(&Source::new(path, text)).len();
    assert_eq!(faults("pool.rs", "//! Threads.\n//!\n//! Invariant: knows no audio.\n"), 0);
    assert_eq!(faults("pool.rs", "//! Threads.\n"), 1);
    assert_eq!(faults("audio/normalize.rs", "//! Loudness.\n"), 0, "top-level modules alone have an invariant");
    assert_eq!(faults("audio/mod.rs", "use std::fs;\n"), 2);
}

#[test]
fn the_layer_table_is_read() {
    let row = "//! | [`clips`] | writes detections, as FLAC files | domain, audio |";
    assert_eq!(layer(row), Some(("clips", vec!["domain", "audio"])));
    assert_eq!(layer("//! | [`shard`] | one machine's part of the recordings | |"), Some(("shard", vec![])));
    assert!(LAYERS.len() > 20, "{} rows", LAYERS.len());
    for (at, (module, imports)) in LAYERS.iter().enumerate() {
        let is_above = |name: &&str| LAYERS[..at].iter().any(|(above, _)| above == name);
        assert!(*imports == ["all"] || imports.iter().all(is_above), "`{module}` imports from below");
    }
}
