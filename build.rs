//! Names the commit that the program is built from, for `giggles --version`.
//!
//! Release builds only: a build for tests would otherwise be compiled again after every commit. A package without a
//! repository has no commit. The text depends on the repository alone, so that builds stay reproducible.

use std::path::{Path, PathBuf};
use std::process::Command;

/// What the program is built from. A change elsewhere, such as in docs/, is none of the program.
const SOURCES: [&str; 6] = ["Cargo.lock", "Cargo.toml", "build.rs", "crates", "models", "src"];

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let is_release = std::env::var("PROFILE").is_ok_and(|profile| profile == "release");
    let root = PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    // A repository above the folder is another project's, such as one of a home directory.
    if !is_release || !root.join(".git").exists() {
        return;
    }
    for path in watched(&root) {
        println!("cargo::rerun-if-changed={}", path.display());
    }
    if let Some(commit) = commit(&root) {
        println!("cargo::rustc-env=GIGGLES_COMMIT={commit}");
    }
}

/// Twelve digits of the commit; `, modified` if the sources differ from it. None without git or a commit.
fn commit(root: &Path) -> Option<String> {
    let id = git(root, &["rev-parse", "--verify", "HEAD"])?;
    let changes = git(root, &[&["status", "--porcelain", "--"], &SOURCES[..]].concat())?;
    let state = if changes.is_empty() { "" } else { ", modified" };
    Some(format!("{}{state}", id.get(..12)?))
}

/// Files that change with the commit or with the sources. Cargo runs this script at each build if one does not exist.
fn watched(root: &Path) -> Vec<PathBuf> {
    let branch = git(root, &["symbolic-ref", "--quiet", "HEAD"]);
    let names = ["HEAD", "logs/HEAD", "packed-refs"].into_iter().chain(branch.as_deref());
    let of_git = names.filter_map(|name| git(root, &["rev-parse", "--git-path", name])).map(|path| root.join(path));
    of_git.chain(SOURCES.map(|name| root.join(name))).filter(|path| path.exists()).collect()
}

/// What git prints, without the end of the line; none if it fails.
fn git(root: &Path, arguments: &[&str]) -> Option<String> {
    let mut command = Command::new("git");
    // A hook's own repository and index are not meant; and nothing is written into the repository.
    for name in ["GIT_DIR", "GIT_INDEX_FILE", "GIT_WORK_TREE"] {
        command.env_remove(name);
    }
    let output = command.arg("--no-optional-locks").arg("-C").arg(root).args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim_end().to_owned())
}
