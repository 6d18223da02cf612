//! Finds the database URL: in a flag, a file, the environment, or systemd's credentials.
//!
//! Invariant: no error repeats the content of a URL file or variable, since it may contain a password.

use std::fs::{File, Metadata};
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use giggles::domain::Reason;
use giggles::environment;
use giggles::error::Fatal;
use giggles::store::{Location, StoreError};

use super::settings::password::with_password;
use super::settings::{self, Given, config, keys, of_variable};

/// File of systemd's credentials (`LoadCredential=database-url:…`) that holds the database URL.
const CREDENTIAL: &str = "database-url";
/// Maximum bytes of a file with a secret; a longer file is another one.
const MAX_BYTES: u64 = 64 * 1024;

/// The database: from the flags, else the environment, else systemd's credential, else the user's data folder.
pub fn database(flag: Option<&str>, file: Option<&Path>) -> Result<Location, Fatal> {
    match (flag, file) {
        (Some(text), _) => from_command_line(text),
        (None, Some(path)) => from_file(path),
        (None, None) => from_environment(),
    }
}

/// Warns about a password: every user of the machine can read a command line, and the shell's history keeps it.
fn from_command_line(text: &str) -> Result<Location, Fatal> {
    let location: Location = text.parse()?;
    if location.has_password() {
        log::warn!(
            "the password in --database is visible in `ps` and in the shell's history; use DATABASE_URL or \
             --database-url-file instead"
        );
    }
    Ok(location)
}

/// A database URL given in the place of a path. It may contain a password and must not be printed.
pub fn is_url(path: &Path) -> bool {
    ["postgres:", "postgresql:"].iter().any(|scheme| path.as_os_str().as_encoded_bytes().starts_with(scheme.as_bytes()))
}

/// Not read by clap, which would report conflicts between a variable and another flag.
fn from_environment() -> Result<Location, Fatal> {
    if let Some(url) = of_variable("GIGGLES_DATABASE")? {
        return location_of(&url);
    }
    if let Some(path) = of_variable("GIGGLES_DATABASE_URL_FILE")? {
        return from_file(Path::new(&path.text));
    }
    if let Some(url) = of_variable("DATABASE_URL")? {
        return location_of(&url);
    }
    match credential() {
        Some(path) => from_file(&path),
        None => from_settings_file(),
    }
}

fn from_settings_file() -> Result<Location, Fatal> {
    let of_flag = |flag| keys::of_flag(flag).and_then(settings::from_file);
    match (of_flag("--database"), of_flag("--database-url-file")) {
        (Some(url), Some(_)) => Err(url.wrong("database.url_file is set as well; keep one of them")),
        (Some(url), None) => with_password(&url, location_of(&url)?),
        (None, Some(path)) => from_file(Path::new(&path.text)),
        (None, None) => Ok(Location::standard()?),
    }
}

/// The address in a setting. The error does not repeat it.
pub fn location_of(url: &Given) -> Result<Location, Fatal> {
    url.read(|text| text.parse().map_err(|error: StoreError| Reason::wrap(error)))
}

/// The URL's file among systemd's credentials.
pub fn credential() -> Option<PathBuf> {
    let path = PathBuf::from(environment::var_os("CREDENTIALS_DIRECTORY")?).join(CREDENTIAL);
    path.exists().then_some(path)
}

fn from_file(path: &Path) -> Result<Location, Fatal> {
    if is_url(path) {
        return Err(config(
            "--database-url-file (GIGGLES_DATABASE_URL_FILE) takes the name of a file, not a URL; set DATABASE_URL to \
             the URL instead",
        ));
    }
    let shown = path.display();
    let bytes =
        read_private(path).map_err(|why| config(why.reworded(format!("the database URL file {shown} {why}"))))?;
    let url = url_in(&bytes).map_err(|why| config(format!("{shown} {why}")))?;
    url.parse().map_err(|error: StoreError| config(Reason::new(format!("in {shown}, {error}")).caused_by(error)))
}

/// The content of a file with a secret, which other users must not be able to read. Checks the permissions of the opened
/// file, not of its path, which may change in between.
pub fn read_private(path: &Path) -> Result<Vec<u8>, Reason> {
    let unread = |error: std::io::Error| {
        let text = format!("cannot be read: {error}; check the path and its permissions");
        Reason::new(text).caused_by(error)
    };
    let file = File::open(path).map_err(unread)?;
    let found = file.metadata().map_err(unread)?;
    if found.is_dir() {
        return Err("is a directory; name the file in it".into());
    }
    if is_open_to_others(&found, rustix::process::geteuid().as_raw()) {
        return Err(format!("is readable by other users of this machine; run chmod 600 {}", path.display()).into());
    }
    let mut bytes = Vec::new();
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(unread)?;
    if bytes.len() as u64 > MAX_BYTES {
        Err(format!("is too long; a file of this kind has at most {MAX_BYTES} bytes").into())
    } else {
        Ok(bytes)
    }
}

/// libpq's rule for password files. Files owned by root may be readable by the group: systemd and Kubernetes hand
/// credentials to a service that way, and the service cannot change it.
pub fn is_open_to_others(found: &Metadata, user: u32) -> bool {
    let is_given = found.uid() == 0 && user != 0;
    found.mode() & if is_given { 0o037 } else { 0o077 } != 0
}

/// The one URL in the file, in the forms that editors, shells and env files write.
fn url_in(bytes: &[u8]) -> Result<String, &'static str> {
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Err("is UTF-16; write the URL as UTF-8");
    }
    let text = std::str::from_utf8(bytes).map_err(|_| "is not valid UTF-8; write the database URL into it")?;
    let lines = text.trim_start_matches('\u{feff}').lines().map(str::trim);
    let mut lines = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    let line = lines.next().ok_or("is empty; write the database URL into it")?;
    if lines.next().is_some() {
        return Err("contains several lines; write the database URL into it and nothing else");
    }
    Ok(unquoted(without_name(line)).to_owned())
}

/// `export DATABASE_URL=…`
fn without_name(line: &str) -> &str {
    let named = line.strip_prefix("export ").map_or(line, str::trim_start);
    let names = ["DATABASE_URL", "GIGGLES_DATABASE"];
    let value = names.iter().find_map(|name| named.strip_prefix(name)?.trim_start().strip_prefix('='));
    value.map_or(line, str::trim)
}

fn unquoted(text: &str) -> &str {
    let inside = |quote: char| text.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote));
    inside('"').or_else(|| inside('\'')).map_or(text, str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_url_in_all_accepted_notations() {
        for text in [
            "postgres://db/x",
            "postgres://db/x\n",
            "\u{feff}postgres://db/x\r\n",
            "# the database\n\n  postgres://db/x  \n\n",
            "\"postgres://db/x\"\n",
            "'postgres://db/x'",
            "DATABASE_URL=postgres://db/x",
            "export DATABASE_URL=\"postgres://db/x\"\n",
            "export  DATABASE_URL='postgres://db/x'\n",
            "DATABASE_URL = postgres://db/x",
            "GIGGLES_DATABASE=postgres://db/x",
        ] {
            assert_eq!(url_in(text.as_bytes()).unwrap(), "postgres://db/x", "{text:?}");
        }
    }

    #[test]
    fn a_wrong_url_file_gives_the_reason() {
        let utf16: Vec<u8> = "\u{feff}postgres://db/x".encode_utf16().flat_map(u16::to_le_bytes).collect();
        for (bytes, why) in [
            (b"".as_slice(), "is empty"),
            (b"\xef\xbb\xbf\n# nothing\n", "is empty"),
            (b"postgres://db/x\nGIGGLES_TZ=UTC\n", "several lines"),
            (b"postgres://\xff@db/x", "not valid UTF-8"),
            (&utf16, "UTF-16"),
        ] {
            assert!(url_in(bytes).unwrap_err().contains(why));
        }
    }
}
