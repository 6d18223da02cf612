//! No module imports, directly or by way of others, a module that imports it; and no file grows too long.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

const MAX_LINES: usize = 350;

/// Modules by their path below `src/`, and their text without tests.
fn modules() -> BTreeMap<String, String> {
    let (root, mut modules) = (Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), BTreeMap::new());
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let name = path.strip_prefix(&root).unwrap().with_extension("").to_str().unwrap().replace('\\', "/");
            if !name.ends_with("tests") && name != "lib" {
                let text = fs::read_to_string(&path).unwrap();
                assert!(text.lines().count() <= MAX_LINES, "{name} has more than {MAX_LINES} lines");
                let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap().to_owned();
                modules.insert(name.trim_end_matches("/mod").to_owned(), code);
            }
        }
    }
    modules
}

/// What a module imports. A folder's `mod.rs` is its own module; its children name it `super`.
fn imports(name: &str, code: &str, modules: &BTreeMap<String, String>) -> BTreeSet<String> {
    let is_folder = modules.keys().any(|other| other.starts_with(&format!("{name}/")));
    let parent = if is_folder { name } else { name.rsplit_once('/').map_or("", |(parent, _)| parent) };
    let lines = code.lines().map(str::trim_start).filter(|line| line.starts_with("use "));
    let paths = lines.flat_map(|line| {
        let path = line.trim_start_matches("use ").trim_start_matches("crate::");
        let relative = line.starts_with("use super::") || !line.starts_with("use crate::") && is_folder;
        let path = path.trim_start_matches("super::").trim_matches(['{', '}', ';']);
        let first = move |path: &str| path.trim().split("::").next().unwrap_or_default().to_owned();
        let firsts: Vec<String> = path.split(", ").map(first).collect();
        let full =
            move |first: String| if relative && !parent.is_empty() { format!("{parent}/{first}") } else { first };
        firsts.into_iter().map(full).collect::<Vec<_>>()
    });
    paths.filter(|path| modules.contains_key(path) && path != name).collect()
}

#[test]
fn no_module_imports_one_that_imports_it() {
    let modules = modules();
    let mut left: BTreeMap<&String, BTreeSet<String>> =
        modules.iter().map(|(name, code)| (name, imports(name, code, &modules))).collect();
    assert!(left.values().map(BTreeSet::len).sum::<usize>() > 60, "imports are seen");
    assert!(left[&"layer".to_owned()].contains("celt") && left[&"silk".to_owned()].contains("silk/decoder"));
    while !left.is_empty() {
        let done: Vec<String> = left
            .iter()
            .filter(|(_, needs)| needs.iter().all(|need| !left.contains_key(need)))
            .map(|(name, _)| (*name).clone())
            .collect();
        assert!(!done.is_empty(), "a circle among {:?}", left.keys());
        left.retain(|name, _| !done.contains(name));
    }
}
