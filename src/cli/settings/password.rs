//! `database.password_file` and `database.password_command`: the password for the address in the settings file.
//!
//! Invariant: a password is in no message, no argument of a process and no variable. It is used only with the address
//! that the same file names, so that no other server gets it.

use std::io::{ErrorKind, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use giggles::domain::Reason;
use giggles::environment;
use giggles::error::Fatal;
use giggles::store::{Location, StoreError};

use super::keys::{Key, all};
use super::{Given, all_from_file, from_file};
use crate::cli::database_url::read_private;

/// How long the command may take: the user may have to unlock a keyring.
const LIMIT: Duration = Duration::from_secs(60);
/// How often is checked whether it has ended.
const POLL: Duration = Duration::from_millis(20);
/// A longer output is not a password.
const MAX_BYTES: u64 = 64 * 1024;

/// What the command printed: a program asks for its database more than once, and runs the command once.
static PRINTED: Mutex<Option<(Vec<String>, String)>> = Mutex::new(None);

/// The database of `database.url` with its password, unless the address, PGPASSWORD or libpq's password file has it.
pub fn with_password(url: &Given, location: Location) -> Result<Location, Fatal> {
    let is_known = environment::var_os("PGPASSWORD").is_some_and(|password| !password.is_empty());
    if matches!(location, Location::Sqlite(_)) || location.has_password() || is_known {
        return Ok(location);
    }
    let Some(password) = password()? else { return Ok(location) };
    let separator = if url.text.contains('?') { '&' } else { '?' };
    let whole = format!("{}{separator}password={}", url.text.trim(), encoded(&password));
    whole.parse().map_err(|error: StoreError| url.wrong(Reason::wrap(error)))
}

fn key(name: &str) -> Option<&'static Key> {
    all().find(|key| key.group == "database" && key.name == name)
}

fn password() -> Result<Option<String>, Fatal> {
    let file = key("password_file").and_then(from_file);
    let command = key("password_command").and_then(|key| Some((from_file(key)?, all_from_file(key))));
    match (file, command) {
        (Some(file), Some(_)) => Err(file.wrong("database.password_command is set as well; keep one of them")),
        (Some(file), None) => {
            let bytes = read_private(Path::new(&file.text)).map_err(|why| named(&file, &file.text, why))?;
            line(&bytes).map(Some).map_err(|why| named(&file, &file.text, why.into()))
        }
        (None, Some((given, words))) => printed_once(&given, words).map(Some),
        (None, None) => Ok(None),
    }
}

fn named(given: &Given, what: &str, why: Reason) -> Fatal {
    given.wrong(why.reworded(format!("{what} {why}")))
}

/// The only line of the bytes.
fn line(bytes: &[u8]) -> Result<String, &'static str> {
    let text =
        std::str::from_utf8(bytes).map_err(|_| "is not valid UTF-8; write the password into it and nothing else")?;
    let text = text.strip_suffix('\n').unwrap_or(text);
    let text = text.strip_suffix('\r').unwrap_or(text);
    match text {
        "" => Err("is empty; it must contain the password"),
        text if text.contains(['\n', '\r', '\0']) => {
            Err("has several lines; it must contain the password and nothing else")
        }
        text => Ok(text.to_owned()),
    }
}

fn printed_once(given: &Given, words: Vec<String>) -> Result<String, Fatal> {
    let mut printed = PRINTED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, password)) = printed.as_ref().filter(|(known, _)| *known == words) {
        return Ok(password.clone());
    }
    let password = output_of(given, &words)?;
    *printed = Some((words, password.clone()));
    Ok(password)
}

/// Runs the program without a shell. Its standard error is ours, so that it can ask for a passphrase or say what is wrong.
fn output_of(given: &Given, words: &[String]) -> Result<String, Fatal> {
    let [program, arguments @ ..] = words else { return Err(given.wrong("names no program")) };
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = command.spawn().map_err(|error| {
        let advice = if error.kind() == ErrorKind::NotFound {
            "install it, or give its whole path"
        } else {
            "check its permissions"
        };
        given.wrong(Reason::new(format!("{program} cannot be started: {error}; {advice}")).caused_by(error))
    })?;
    let Some(bytes) = bytes_within(&mut child, LIMIT) else {
        child.kill().ok();
        child.wait().ok();
        let seconds = LIMIT.as_secs();
        let text = format!("{}: {program} did not end within {seconds} s; does it ask for something?", given.by);
        return Err(Fatal::TryAgain(text.into()));
    };
    let status = child.wait().map_err(|error| given.wrong(Reason::wrap(error)))?;
    if !status.success() {
        return Err(given.wrong(format!("{program} failed ({status}); run it by hand to find out why")));
    }
    line(&bytes).map_err(|why| given.wrong(format!("the output of {program} {why}")))
}

/// What the program writes until it ends; None if that takes longer.
fn bytes_within(child: &mut Child, limit: Duration) -> Option<Vec<u8>> {
    let stdout = child.stdout.take()?;
    let (sender, receiver) = mpsc::channel();
    // A program that it has started may hold the pipe open for ever; then the thread is left behind.
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let read = stdout.take(MAX_BYTES + 1).read_to_end(&mut bytes);
        sender.send(read.map(|_| bytes))
    });
    let started = Instant::now();
    let bytes = receiver.recv_timeout(limit).ok()?.ok()?;
    while started.elapsed() < limit {
        match child.try_wait() {
            Ok(Some(_)) => return Some(bytes),
            Ok(None) => thread::sleep(POLL),
            Err(_) => return None,
        }
    }
    None
}

/// Percent-encoded for a URL.
fn encoded(text: &str) -> String {
    let byte =
        |byte: u8| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    text.bytes().map(byte).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given() -> Given {
        Given::flag("/etc/giggles/config.toml, line 3: database.password_command", "")
    }

    fn output(words: &[&str]) -> Result<String, Fatal> {
        output_of(&given(), &words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn the_first_line_of_a_command_is_the_password() {
        assert_eq!(output(&["printf", "a b$HOME'\\n"]).unwrap(), "a b$HOME'");
        for (words, why) in [
            (&["no-such-program-of-giggles"][..], "cannot be started"),
            (&["false"], "false failed (exit status: 1)"),
            (&["true"], "the output of true is empty"),
            (&["printf", "a\\nb\\n"], "has several lines"),
            (&["printf", "\\377"], "is not valid UTF-8"),
            (&["head", "-c", "30000", "/dev/zero"], "several lines"),
        ] {
            let text = output(words).unwrap_err().to_string();
            assert!(text.contains(why) && text.starts_with("/etc/giggles/config.toml, line 3: "), "{words:?}: {text}");
        }
    }

    #[test]
    fn a_command_that_does_not_end_is_given_up() {
        let mut child = Command::new("sleep").arg("30").stdout(Stdio::piped()).spawn().unwrap();
        assert_eq!(bytes_within(&mut child, Duration::from_millis(100)), None);
        child.kill().unwrap();
        child.wait().unwrap();
    }

    #[test]
    fn every_character_of_a_password_reaches_the_address() {
        assert_eq!(encoded("aZ9 &=?#/@:%é"), "aZ9%20%26%3D%3F%23%2F%40%3A%25%C3%A9");
    }
}
