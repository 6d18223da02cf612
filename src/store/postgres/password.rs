//! Where a password comes from when the URL has none: PGPASSWORD, then libpq's password file.
//!
//! Invariant: a password is looked up for each connection, and kept and shown nowhere.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use postgres::Config;
use postgres::config::Host;

use super::server::SOCKETS;

pub fn find(config: &Config) -> Option<String> {
    std::env::var("PGPASSWORD").ok().filter(|password| !password.is_empty()).or_else(|| in_file(config))
}

fn in_file(config: &Config) -> Option<String> {
    let path = match std::env::var_os("PGPASSFILE") {
        Some(path) => PathBuf::from(path),
        None => std::env::home_dir()?.join(".pgpass"),
    };
    let text = read_private(&path)?;
    let user = config.get_user().map(str::to_owned).or_else(|| std::env::var("USER").ok()).unwrap_or_default();
    let wanted = [host(config), port(config), config.get_dbname().unwrap_or(&user).to_owned(), user.clone()];
    text.lines().find_map(|line| password_in(line, &wanted))
}

/// As libpq does, ignores a file that others can read.
fn read_private(path: &Path) -> Option<String> {
    let permissions = std::fs::metadata(path).ok()?.permissions().mode();
    if permissions & 0o077 != 0 {
        log::warn!("{} is ignored: others can read it; chmod 600 it", path.display());
        return None;
    }
    std::fs::read_to_string(path).ok()
}

/// The default socket is called `localhost` in a password file.
fn host(config: &Config) -> String {
    match config.get_hosts().first() {
        Some(Host::Tcp(name)) => name.clone(),
        Some(Host::Unix(folder)) if folder == Path::new(SOCKETS) => "localhost".into(),
        Some(Host::Unix(folder)) => folder.display().to_string(),
        None => "localhost".into(),
    }
}

fn port(config: &Config) -> String {
    config.get_ports().first().copied().unwrap_or(5432).to_string()
}

/// The password of a line `host:port:database:user:password` that fits.
fn password_in(line: &str, wanted: &[String; 4]) -> Option<String> {
    if line.starts_with('#') {
        return None;
    }
    let fields = fields(line);
    let (password, asked) = fields.split_last()?;
    let fits = asked.len() == wanted.len() && asked.iter().zip(wanted).all(|(asked, is)| asked == "*" || asked == is);
    fits.then(|| password.clone())
}

/// Splits at colons; a backslash takes the next character as it is.
fn fields(line: &str) -> Vec<String> {
    let mut fields = Vec::new();
    let mut field = String::new();
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        match character {
            ':' => fields.push(std::mem::take(&mut field)),
            '\\' => field.extend(characters.next()),
            other => field.push(other),
        }
    }
    fields.push(field);
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(line: &str) -> Option<String> {
        password_in(line, &["db.example".into(), "5432".into(), "laughs".into(), "neil".into()])
    }

    #[test]
    fn lines_of_a_password_file() {
        assert_eq!(found("db.example:5432:laughs:neil:secret").as_deref(), Some("secret"));
        assert_eq!(found("*:*:*:neil:a\\:b\\\\c").as_deref(), Some("a:b\\c"));
        assert_eq!(found("other:5432:laughs:neil:secret"), None);
        assert_eq!(found("#*:*:*:*:secret"), None);
        assert_eq!(found("*:*:secret"), None);
    }
}
