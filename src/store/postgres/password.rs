//! The password for a host: from the URL, a service or PGPASSWORD, else the entry for this host in libpq's password
//! file.
//!
//! Invariant: the file is read for each connection, and a password is never shown.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use postgres::config::Host;

use super::hosts::{SOCKETS, Target};
use super::parameters::Parameters;

#[derive(Clone)]
pub struct Passwords {
    given: Option<String>,
    /// None if the user's home directory is unknown.
    file: Option<PathBuf>,
    database: String,
    user: String,
}

impl Passwords {
    pub fn new(parameters: &Parameters, user: &str, database: &str) -> Passwords {
        let usual = || std::env::home_dir().map(|home| home.join(".pgpass"));
        Passwords {
            given: parameters.owned("password"),
            file: parameters.get("passfile").map(PathBuf::from).or_else(usual),
            database: database.to_owned(),
            user: user.to_owned(),
        }
    }

    pub fn find(&self, target: &Target) -> Option<String> {
        self.given.clone().or_else(|| {
            let text = read_private(self.file.as_deref()?)?;
            let (host, port) = (name(target), target.port.to_string());
            text.lines().find_map(|line| password_in(line, [&host, &port, &self.database, &self.user]))
        })
    }
}

/// Like libpq, ignores a file that other users can read, and a path that is not a file.
fn read_private(path: &Path) -> Option<String> {
    let found = std::fs::metadata(path).ok()?;
    if !found.is_file() {
        log::warn!("{} is ignored: it is not a file", path.display());
        return None;
    }
    if found.permissions().mode() & 0o077 != 0 {
        log::warn!("{} is ignored: others can read it; chmod 600 it", path.display());
        return None;
    }
    let bytes = std::fs::read(path).inspect_err(|error| log::warn!("{} is ignored: {error}", path.display())).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// The default socket is called `localhost` in a password file.
fn name(target: &Target) -> String {
    match &target.host {
        Host::Tcp(name) => name.clone(),
        Host::Unix(folder) if folder == Path::new(SOCKETS) => "localhost".into(),
        Host::Unix(folder) => folder.display().to_string(),
    }
}

/// The password of a line `host:port:database:user:password` if it matches.
fn password_in(line: &str, wanted: [&str; 4]) -> Option<String> {
    if line.starts_with('#') {
        return None;
    }
    let mut rest = line;
    for is in wanted {
        let (field, behind) = field(rest);
        // A literal `*` is written `\*`.
        let is_any = rest.starts_with("*:");
        rest = behind?;
        if !is_any && field != is {
            return None;
        }
    }
    Some(field(rest).0).filter(|password| !password.is_empty())
}

/// The text up to the next colon, and the rest after it; a backslash escapes the next character.
fn field(text: &str) -> (String, Option<&str>) {
    let mut field = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            ':' => return (field, Some(&text[at + 1..])),
            '\\' => field.extend(characters.next().map(|(_, next)| next)),
            other => field.push(other),
        }
    }
    (field, None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(line: &str) -> Option<String> {
        password_in(line, ["db.example", "5432", "laughs", "neil"])
    }

    #[test]
    fn a_line_of_a_password_file_matches_as_in_libpq() {
        assert_eq!(found("db.example:5432:laughs:neil:secret").as_deref(), Some("secret"));
        assert_eq!(found("*:*:*:neil:a\\:b\\\\c").as_deref(), Some("a:b\\c"));
        assert_eq!(found("other:5432:laughs:neil:secret"), None);
        assert_eq!(found("#*:*:*:*:secret"), None);
        assert_eq!(found("*:*:secret"), None);
        assert_eq!(found("*:*:*:\\*:secret"), None, "a user whose name is *");
        assert_eq!(found("*:*:*:neil:up to here:and no further").as_deref(), Some("up to here"));
        assert_eq!(password_in("\\:\\:1:*:*:neil:x", ["::1", "5432", "laughs", "neil"]).as_deref(), Some("x"));
    }

    #[test]
    fn each_host_gets_its_own_password() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("pgpass");
        std::fs::write(&file, "one:5432:*:neil:first\ntwo:5433:*:neil:second\nlocalhost:*:*:*:third\n").unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
        let passwords =
            Passwords { given: None, file: Some(file.clone()), database: "laughs".into(), user: "neil".into() };
        let find = |host: Host, port: u16| passwords.find(&Target { host, address: None, port });
        assert_eq!(find(Host::Tcp("one".into()), 5432).as_deref(), Some("first"));
        assert_eq!(find(Host::Tcp("two".into()), 5433).as_deref(), Some("second"));
        assert_eq!(find(Host::Tcp("two".into()), 5432), None);
        assert_eq!(find(Host::Unix(SOCKETS.into()), 5432).as_deref(), Some("third"));
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o640)).unwrap();
        assert_eq!(find(Host::Tcp("one".into()), 5432), None);
    }
}
