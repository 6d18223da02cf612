//! The database's address: the text of `--database` or `DATABASE_URL`, checked before any work starts.
//!
//! Invariant: this module opens no connection and touches no database, and nothing it prints contains a password.

use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::StoreError;
use super::postgres::Server;

/// A database's address: `sqlite:PATH`, the path of a file, `postgres://…` or `postgresql://…`.
///
/// Shown (also by `{:?}`) with its password masked.
#[derive(Clone)]
pub enum Location {
    Sqlite(DatabaseFile),
    Postgres(Box<Server>),
}

/// An SQLite database's file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatabaseFile {
    pub path: PathBuf,
    /// Create its directory if it is missing. Only true for the default path: a wrong `sqlite:PATH` is a typing error
    /// or an unmounted disk, and a new database there would hide it.
    pub make_folder: bool,
}

impl Location {
    /// `$XDG_DATA_HOME/giggles/giggles.db`, else `$HOME/.local/share/giggles/giggles.db`.
    pub fn standard() -> Result<Location, StoreError> {
        standard_below(crate::environment::var_os("XDG_DATA_HOME"), std::env::var_os("HOME"))
    }

    /// The file of an SQLite database.
    pub fn file(&self) -> Option<&Path> {
        match self {
            Location::Sqlite(file) => Some(&file.path),
            Location::Postgres(_) => None,
        }
    }

    /// The address itself contains a password, as opposed to a password file or a variable.
    pub fn has_password(&self) -> bool {
        matches!(self, Location::Postgres(server) if server.has_password())
    }

    /// The database in this file, whatever characters its path contains.
    pub fn sqlite(path: impl Into<PathBuf>) -> Location {
        Location::Sqlite(DatabaseFile { path: path.into(), make_folder: false })
    }
}

/// Relative paths in XDG variables must be ignored (XDG Base Directory Specification).
fn standard_below(data: Option<OsString>, home: Option<OsString>) -> Result<Location, StoreError> {
    let absolute = |path: Option<OsString>| path.map(PathBuf::from).filter(|path| path.is_absolute());
    let data = absolute(data).or_else(|| absolute(home).map(|home| home.join(".local/share")));
    let folder = data.ok_or_else(|| {
        StoreError::Config(
            "neither HOME nor XDG_DATA_HOME says where to keep the database; name one with --database sqlite:PATH"
                .into(),
        )
    })?;
    Ok(Location::Sqlite(DatabaseFile { path: folder.join("giggles/giggles.db"), make_folder: true }))
}

impl FromStr for Location {
    type Err = StoreError;

    /// Errors never contain the text itself: it may contain a password.
    fn from_str(text: &str) -> Result<Location, StoreError> {
        let text = text.trim();
        match text.split_once(':') {
            Some(("sqlite", path)) => sqlite_path(path).map(Location::sqlite),
            Some(("postgres" | "postgresql", _)) => Ok(Location::Postgres(Box::new(Server::parse(text)?))),
            _ if is_plain_path(text) => sqlite_path(text).map(Location::sqlite),
            _ => Err(StoreError::Config(
                "the database's address is not supported; write sqlite:PATH or postgres://USER@HOST/DATABASE".into(),
            )),
        }
    }
}

/// Whether an address without a scheme is the path of an SQLite file: it has a folder or an extension. Parameters of libpq
/// (`host=db password=x`) and names of hosts with a port or a user are none.
pub fn is_plain_path(text: &str) -> bool {
    let text = text.trim();
    let (first, below) = text.split_once('/').unwrap_or((text, ""));
    let is_file = text.contains('/') || text.contains('.');
    is_file && !first.contains([':', '=', '@']) && !below.starts_with('/') && !text.ends_with('/')
}

/// `sqlite:PATH` and `sqlite://PATH` (as other programs write it) are the same.
fn sqlite_path(path: &str) -> Result<PathBuf, StoreError> {
    let path = path.strip_prefix("//").unwrap_or(path);
    match path {
        _ if path.split('/').next().is_some_and(|first| first.contains(':') && first.contains('@')) => {
            Err(StoreError::Config("sqlite:PATH takes no user and no password, only the path of a file".into()))
        }
        "" => Err(StoreError::Config("sqlite: lacks its file; write sqlite:PATH".into())),
        ":memory:" => Err(StoreError::Config(
            "sqlite::memory: loses everything at the end of the run; write sqlite:PATH, or use --dry-run".into(),
        )),
        _ if path.contains('?') => Err(StoreError::Config(
            "sqlite:PATH takes no parameters; leave out the question mark and what follows".into(),
        )),
        _ => Ok(Path::new(path).to_path_buf()),
    }
}

impl fmt::Display for DatabaseFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sqlite:{}", self.path.display())
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Location::Sqlite(file) => file.fmt(f),
            Location::Postgres(server) => server.fmt(f),
        }
    }
}

impl fmt::Debug for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        text.parse::<Location>().map_or_else(|error| error.to_string(), |location| location.to_string())
    }

    #[test]
    fn the_default_path_follows_the_xdg_variables() {
        let place = |data: Option<&str>, home: Option<&str>| {
            standard_below(data.map(Into::into), home.map(Into::into)).map(|location| location.to_string())
        };
        assert_eq!(place(Some("/data"), Some("/home/neil")).unwrap(), "sqlite:/data/giggles/giggles.db");
        assert_eq!(
            place(Some("relative"), Some("/home/neil")).unwrap(),
            "sqlite:/home/neil/.local/share/giggles/giggles.db"
        );
        assert!(place(None, None).unwrap_err().to_string().contains("--database"));
    }

    #[test]
    fn sqlite_addresses_are_paths_without_user_and_parameters() {
        assert_eq!(shown("sqlite:laughs.db"), "sqlite:laughs.db");
        assert_eq!(shown("sqlite:/var/lib/laughs.db"), "sqlite:/var/lib/laughs.db");
        assert_eq!(shown("sqlite:///var/lib/laughs.db"), "sqlite:/var/lib/laughs.db");
        assert_eq!(shown("sqlite:"), "sqlite: lacks its file; write sqlite:PATH");
        assert!(shown("sqlite::memory:").contains("loses everything"));
        assert!(shown("sqlite:a.db?mode=rwc").contains("no parameters"));
        assert!(!shown("sqlite://neil:secret@host/laughs").contains("secret"));
        assert_eq!(shown("sqlite:/a:b/c@d.db"), "sqlite:/a:b/c@d.db");
    }

    #[test]
    fn a_path_is_that_of_an_sqlite_file() {
        for path in ["laughs.db", "./laughs", "/var/lib/laughs.db", "~/laughs.db", "/a:b/c@d.db", "a/b=c.db", "../x"] {
            assert_eq!(shown(path), format!("sqlite:{path}"));
        }
        for other in [
            "",
            "life",
            "host=db password=secret.x",
            "db:5432/life",
            "me@db/life.db",
            "mysql://db/x.db",
            "file:a.db",
            "folder/",
        ] {
            assert!(shown(other).contains("is not supported"), "{other}");
        }
        assert!(shown("./a.db?mode=rwc").contains("no parameters"));
    }

    #[test]
    fn an_unknown_database_is_not_echoed() {
        let text = shown("mysql://neil:secret@host/laughs");
        assert!(text.contains("sqlite:PATH or postgres://"), "{text}");
        assert!(!text.contains("secret"));
    }
}
