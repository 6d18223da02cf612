//! Where the database's URL is found: a flag, a file, the environment, or systemd's credentials.
//!
//! Invariant: what a URL's file or variable holds is in no error's text, since it may be a password.

use std::env;
use std::fs::{File, Metadata};
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use giggles::exit::Fatal;
use giggles::store::Location;

use super::settings::{config, variable};

/// File of systemd's credentials (`LoadCredential=database-url:…`) that holds the database's URL.
const CREDENTIAL: &str = "database-url";
/// A URL is far shorter; what is longer is another file.
const LONGEST: u64 = 64 * 1024;

/// Where to store: what the flags say, the environment, systemd's credential, or the user's own data folder.
pub fn database(flag: Option<&str>, file: Option<&Path>) -> Result<Location, Fatal> {
    match (flag, file) {
        (Some(text), _) => of_command_line(text),
        (None, Some(path)) => from_file(path),
        (None, None) => database_of_environment(),
    }
}

/// Every user of the machine can read a command line, and nothing can take it back: masking it later would
/// leave a moment in which it shows, and the shell's history in any case.
fn of_command_line(text: &str) -> Result<Location, Fatal> {
    let location: Location = text.parse()?;
    if location.has_password() {
        log::warn!(
            "the password in --database shows in `ps` and in the shell's history; set DATABASE_URL instead, or give \
             --database-url-file"
        );
    }
    Ok(location)
}

/// A database's URL given for something else; it may hold a password, and is not to be echoed.
pub fn is_url(path: &Path) -> bool {
    ["postgres:", "postgresql:"].iter().any(|scheme| path.as_os_str().as_encoded_bytes().starts_with(scheme.as_bytes()))
}

/// Not read by clap, which would hold one of them against the flag of another.
fn database_of_environment() -> Result<Location, Fatal> {
    let named = |name| variable(name).map(|text| text.map(|text| (name, text)));
    if let Some((name, text)) = named("GIGGLES_DATABASE")? {
        return text.parse().map_err(|error| config(format!("{name}: {error}")));
    }
    if let Some(path) = variable("GIGGLES_DATABASE_URL_FILE")? {
        return from_file(Path::new(&path));
    }
    if let Some((name, text)) = named("DATABASE_URL")? {
        return text.parse().map_err(|error| config(format!("{name}: {error}")));
    }
    match credential() {
        Some(path) => from_file(&path),
        None => Ok(Location::standard()?),
    }
}

fn credential() -> Option<PathBuf> {
    let path = PathBuf::from(env::var_os("CREDENTIALS_DIRECTORY")?).join(CREDENTIAL);
    path.exists().then_some(path)
}

fn from_file(path: &Path) -> Result<Location, Fatal> {
    if is_url(path) {
        return Err(config(
            "--database-url-file (GIGGLES_DATABASE_URL_FILE) is the name of a file that holds the database's URL, and \
             not the URL itself; DATABASE_URL is",
        ));
    }
    let shown = path.display();
    let bytes = read(path).map_err(|why| config(format!("{shown}, which should hold the database's URL, {why}")))?;
    let url = url_in(&bytes).map_err(|why| config(format!("{shown} {why}")))?;
    url.parse().map_err(|error| config(format!("in {shown}, {error}")))
}

/// The permissions are those of the file that is read, whatever its name means a moment later.
fn read(path: &Path) -> Result<Vec<u8>, String> {
    let unread = |error: std::io::Error| format!("cannot be read: {error}; check the path and its permissions");
    let file = File::open(path).map_err(unread)?;
    let found = file.metadata().map_err(unread)?;
    if found.is_dir() {
        return Err("is a directory; name the file in it".into());
    }
    if is_open_to_others(&found, rustix::process::geteuid().as_raw()) {
        return Err(format!("can be read by other users of this machine; run chmod 600 {}", path.display()));
    }
    let mut bytes = Vec::new();
    file.take(LONGEST + 1).read_to_end(&mut bytes).map_err(unread)?;
    match bytes.len() as u64 > LONGEST {
        true => Err("is longer than any URL; write the URL into it, and nothing else".into()),
        false => Ok(bytes),
    }
}

/// As libpq judges a password file. What root gives to a service, systemd and Kubernetes let the service's group read,
/// and the service could not change that.
fn is_open_to_others(found: &Metadata, user: u32) -> bool {
    let is_given = found.uid() == 0 && user != 0;
    found.mode() & if is_given { 0o037 } else { 0o077 } != 0
}

/// One URL; as an editor, a shell or an env file may write it.
fn url_in(bytes: &[u8]) -> Result<String, &'static str> {
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Err("is written in UTF-16; write the URL in UTF-8, as `printf` does");
    }
    let text = std::str::from_utf8(bytes).map_err(|_| "is not UTF-8 text; write the database's URL into it")?;
    let lines = text.trim_start_matches('\u{feff}').lines().map(str::trim);
    let mut lines = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    let line = lines.next().ok_or("is empty; write the database's URL into it")?;
    if lines.next().is_some() {
        return Err("holds several lines; write the database's URL into it, and nothing else");
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
    fn a_url_is_found_however_it_was_written() {
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
    fn what_is_no_url_is_named() {
        let utf16: Vec<u8> = "\u{feff}postgres://db/x".encode_utf16().flat_map(u16::to_le_bytes).collect();
        for (bytes, why) in [
            (b"".as_slice(), "is empty"),
            (b"\xef\xbb\xbf\n# nothing\n", "is empty"),
            (b"postgres://db/x\nGIGGLES_TZ=UTC\n", "several lines"),
            (b"postgres://\xff@db/x", "not UTF-8"),
            (&utf16, "UTF-16"),
        ] {
            assert!(url_in(bytes).unwrap_err().contains(why));
        }
    }
}
