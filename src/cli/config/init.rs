//! `giggles config init`: writes a settings file with every key.

use std::fmt::Write as _;
use std::fs::{DirBuilder, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::PathBuf;

use clap::Args;
use giggles::domain::Reason;
use giggles::error::Fatal;
use giggles::exit::Exit;

use crate::cli::settings::keys::{GROUPS, Key, all};
use crate::cli::settings::layers::own_path;
use crate::cli::settings::{config, path, written};
use crate::cli::{Flags, help_end_without_codes, print_text};

const EXAMPLES: &str = "\
Examples:
  giggles config init
      write ~/.config/giggles/config.toml
  giggles --config /etc/giggles/config.toml config init
      write the file of all users

Every line is a comment: what is not set keeps its default. Only its owner can read the file, since it may hold a
password. An existing file is not replaced (78).";

const HEAD: &str = "\
# Settings of giggles. `giggles config check` checks this file; `giggles config show` shows what counts.
# A flag takes precedence over a variable, and a variable over this file. Paths count from the folder of this file.
# Lines with # are comments: remove the # to set a key.
";

const PROFILES: &str = "
# A profile for each source: what is set here counts for this source instead of the above.
# `giggles scan --source neil` scans it.
#[source.neil]
#folder = \"/srv/recordings/neil\"
#zone = \"America/Los_Angeles\"
#clips = \"/srv/laughs\"
";

/// `giggles config init` has no flags of its own.
#[derive(Args)]
#[command(after_help = help_end_without_codes(EXAMPLES))]
pub struct Arguments {}

pub fn run(flags: &Flags, quiet: bool) -> Result<Exit, Fatal> {
    let named = path("--config", flags.get("--config").map(PathBuf::from).as_deref());
    let path = named.or_else(own_path).ok_or_else(|| config("HOME is not set; name the file with --config"))?;
    let shown = path.display().to_string();
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
        made.map_err(|error| Fatal::unwritable(&folder.display().to_string(), error))?;
    }
    let opened = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
    let mut file = opened.map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => {
            let text = format!("{shown} exists, and is not replaced; edit it, or name another with --config");
            config(Reason::new(text).caused_by(error))
        }
        _ => Fatal::unwritable(&shown, error),
    })?;
    file.write_all(text().as_bytes())
        .and_then(|()| file.sync_all())
        .map_err(|error| Fatal::unwritable(&shown, error))?;
    if !quiet {
        print_text(&format!("{shown}: written; fill it in, then run giggles config check\n"))?;
    }
    Ok(Exit::Complete)
}

/// The whole file.
pub fn text() -> String {
    let mut text = HEAD.to_owned();
    for (group, about) in GROUPS {
        // Writing to a String cannot fail.
        let _ = write!(text, "\n# {about}\n[{group}]\n");
        for key in all().filter(|key| key.group == group) {
            let _ = write!(text, "# {}.\n#{} = {}\n", key.meaning, key.name, value(key));
        }
    }
    text + PROFILES
}

fn value(key: &Key) -> String {
    match (key.default)() {
        default if default.is_empty() => key.example.to_owned(),
        default => written(key.kind, &default),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::cli::settings::file::parse;

    #[test]
    fn every_line_of_the_file_can_be_used() {
        let used: String = text()
            .lines()
            .map(|line| {
                let is_key = line.starts_with('#') && !line.starts_with("# ");
                line[usize::from(is_key)..].to_owned() + "\n"
            })
            .collect();
        let parsed = parse(&used, Path::new("/etc/giggles"));
        assert_eq!(parsed.problems, []);
        assert_eq!(parsed.entries.len(), all().count());
        assert_eq!(parsed.profiles.len(), 1);
        assert!(parse(&text(), Path::new("/etc/giggles")).entries.is_empty(), "it changes nothing");
    }
}
