//! Environment variables: those of the process, and those that `--env-file` adds.
//!
//! A process cannot change its own environment safely while other threads may read it, so what a file adds is kept here,
//! and every module reads variables through this one.
//!
//! Invariant: a variable of the process takes precedence over one of the file, unless it is empty. Added once, before
//! the first thread starts.

use std::collections::BTreeMap;
use std::env::{self, VarError};
use std::ffi::{OsStr, OsString};
use std::sync::OnceLock;

/// The variables of the file.
static ADDED: OnceLock<BTreeMap<String, String>> = OnceLock::new();

/// Adds the variables of a file. Returns the names that the process has with another value, which stay as they are.
pub fn add(variables: BTreeMap<String, String>) -> Vec<String> {
    let differs = |name: &str, text: &str| env::var_os(name).is_some_and(|own| !own.is_empty() && own != text);
    let different = variables.iter().filter(|(name, text)| differs(name, text)).map(|(name, _)| name.clone());
    let different = different.collect();
    // Only the first file counts; the program reads one.
    ADDED.get_or_init(|| variables);
    different
}

/// A variable's value, like `std::env::var_os`.
pub fn var_os(name: impl AsRef<OsStr>) -> Option<OsString> {
    let own = env::var_os(&name);
    match own {
        Some(text) if !text.is_empty() => Some(text),
        empty => added(name.as_ref()).map(OsString::from).or(empty),
    }
}

/// A variable's value, like `std::env::var`.
pub fn var(name: impl AsRef<OsStr>) -> Result<String, VarError> {
    var_os(name).ok_or(VarError::NotPresent)?.into_string().map_err(VarError::NotUnicode)
}

/// All variables.
pub fn vars_os() -> BTreeMap<OsString, OsString> {
    let added = ADDED.get().into_iter().flatten().map(|(name, _)| OsString::from(name));
    let names: Vec<OsString> = env::vars_os().map(|(name, _)| name).chain(added).collect();
    names.into_iter().filter_map(|name| var_os(&name).map(|text| (name, text))).collect()
}

/// Whether the value comes from the file.
pub fn is_added(name: &str) -> bool {
    env::var_os(name).is_none_or(|own| own.is_empty()) && added(OsStr::new(name)).is_some()
}

fn added(name: &OsStr) -> Option<&'static str> {
    ADDED.get()?.get(name.to_str()?).map(String::as_str)
}
