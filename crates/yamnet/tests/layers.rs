//! Reads the sources: which module imports which, and where unsafe code is.

use std::fs;
use std::path::Path;

/// A module and what it may import from the crate besides itself. `lib.rs` shows the same table.
const LAYERS: [(&str, &[&str]); 6] = [
    ("params", &[]),
    ("classes", &["params"]),
    ("aligned", &[]),
    ("kernels", &["params", "aligned"]),
    ("front_end", &["params", "kernels"]),
    ("model", &["params", "aligned", "kernels", "front_end"]),
];

struct Source {
    /// Below `src/`.
    path: String,
    /// Without comments and without tests.
    code: String,
}

impl Source {
    fn layer(&self) -> &str {
        self.path.split(['/', '.']).next().unwrap_or_default()
    }

    /// First names behind `crate::`.
    fn imports(&self) -> impl Iterator<Item = &str> {
        let names = self.code.split("crate::").skip(1);
        names.map(|rest| rest.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default())
    }
}

fn sources() -> Vec<Source> {
    let mut sources = Vec::new();
    read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), "", &mut sources);
    assert!(sources.len() > 20, "{} files", sources.len());
    sources
}

fn read(folder: &Path, below: &str, sources: &mut Vec<Source>) {
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = format!("{below}{}", entry.file_name().to_str().unwrap());
        if entry.file_type().unwrap().is_dir() {
            read(&entry.path(), &format!("{path}/"), sources);
        } else if path != "lib.rs" && !path.ends_with("tests.rs") && !path.ends_with("reference.rs") {
            let text = fs::read_to_string(entry.path()).unwrap();
            let tests = text.find("#[cfg(test)]\nmod tests {").unwrap_or(text.len());
            let lines = text[..tests].lines().filter(|line| !line.trim_start().starts_with("//"));
            sources.push(Source { path, code: lines.collect::<Vec<_>>().join("\n") });
        }
    }
}

#[test]
fn modules_import_only_what_is_below_them() {
    for source in sources() {
        let (layer, allowed) = LAYERS.iter().find(|(layer, _)| *layer == source.layer()).expect("a row for the module");
        for import in source.imports() {
            let is_allowed = import == *layer || allowed.contains(&import);
            assert!(is_allowed, "{}: {layer} may not import {import}", source.path);
        }
    }
}

#[test]
fn unsafe_code_is_in_the_kernels_alone() {
    for source in sources() {
        let is_unsafe = source.code.contains("unsafe ") || source.code.contains("allow(unsafe_code");
        assert!(!is_unsafe || source.layer() == "kernels", "{}", source.path);
    }
}
