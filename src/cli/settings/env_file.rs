//! `--env-file`: variables in a file that sh can source and systemd reads as `EnvironmentFile=`.
//!
//! Accepted is what both read alike; what they read differently is an error, because the nightly run would have other
//! settings under cron than under systemd. A line is empty, a comment (`#`), or `NAME=VALUE`; the value is quoted parts,
//! one directly after the other, and then plain characters:
//!
//! | part | characters |
//! |---|---|
//! | `'…'` | all but `'`, as they are |
//! | `"…"` | all but `"`, `$`, `` ` `` and `\`, which are written `\"`, `\$`, `` \` `` and `\\` |
//! | plain | letters, digits, and signs that no shell reads otherwise (`PLAIN`) |
//!
//! Sources: POSIX.1-2024 Shell Command Language 2.2; systemd.exec(5), `EnvironmentFile=`.
//!
//! Invariant: no error repeats a value, which may be a password.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use giggles::domain::Reason;

/// The maximum size; settings have some lines.
const MAX_BYTES: u64 = 1 << 20;
/// Characters besides letters and digits that stand for themselves without quotes, for sh and for systemd.
const PLAIN: &str = "_./:@%+,=^-?*[]{}!";

/// The variables of a file.
pub struct EnvFile {
    pub path: PathBuf,
    /// Value and line, by name. Of two lines for a name the last one counts, as for sh and systemd.
    pub variables: BTreeMap<String, (String, usize)>,
}

impl EnvFile {
    /// # Errors
    /// The file cannot be read, others may read or write it, or a line means different things to sh and systemd.
    pub fn read(path: &Path) -> Result<EnvFile, Reason> {
        let shown = path.display();
        let unread = |error: std::io::Error| {
            let text = format!("the env file {shown} cannot be read: {error}; check --env-file and its permissions");
            Reason::new(text).caused_by(error)
        };
        let found = fs::metadata(path).map_err(unread)?;
        if !found.is_file() {
            return Err(format!("the env file {shown} is not a regular file; name the file with the settings").into());
        }
        let file = File::open(path).map_err(unread)?;
        if file.metadata().map_err(unread)?.mode() & 0o066 != 0 {
            return Err(format!("the env file {shown} may be read or written by others; run chmod 600 {shown}").into());
        }
        let mut bytes = Vec::new();
        file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(unread)?;
        if bytes.len() as u64 > MAX_BYTES {
            return Err(format!("the env file {shown} is larger than 1 MB; name the file with the settings").into());
        }
        let text = String::from_utf8(bytes)
            .map_err(|_| Reason::new(format!("the env file {shown} is not valid UTF-8; save it as UTF-8")))?;
        let variables = parse(&text).map_err(|(line, why)| Reason::new(format!("{shown}, line {line}: {why}")))?;
        Ok(EnvFile { path: path.to_owned(), variables })
    }
}

/// The variables of a text, or the first line that is none, and why.
fn parse(text: &str) -> Result<BTreeMap<String, (String, usize)>, (usize, String)> {
    let mut variables = BTreeMap::new();
    for (at, line) in text.split('\n').enumerate() {
        let number = at + 1;
        if let Some((name, value)) = assignment(line).map_err(|why| (number, why))? {
            variables.insert(name.to_owned(), (value, number));
        }
    }
    Ok(variables)
}

/// Name and value of a line; None of an empty line or a comment.
fn assignment(line: &str) -> Result<Option<(&str, String)>, String> {
    if line.contains('\r') {
        return Err("has the line ends of Windows; save the file with those of Unix".to_owned());
    }
    if line.contains('\0') {
        return Err("contains a NUL character; remove it".to_owned());
    }
    let line = line.trim_matches([' ', '\t']);
    if line.is_empty() || line.starts_with('#') {
        // systemd continues a comment that ends with a backslash.
        return if line.ends_with('\\') { Err(COMMENT.to_owned()) } else { Ok(None) };
    }
    if line.strip_prefix("export").is_some_and(|rest| rest.starts_with([' ', '\t'])) {
        return Err("systemd ignores a line with export; write NAME='value'".to_owned());
    }
    let (name, value) = line.split_once('=').ok_or("is not NAME='value', a comment or empty")?;
    let is_name = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if !is_name || name.is_empty() || name.starts_with(|first: char| first.is_ascii_digit()) {
        return Err("is not NAME='value': a name has letters, digits and _, and no space before the =".to_owned());
    }
    value_of(value).map(|value| Some((name, value))).map_err(|why| format!("{name}: {why}"))
}

const COMMENT: &str = "systemd continues a comment that ends with a backslash in the next line; remove the backslash";
const UNENDED: &str = "a quote is not closed in this line; write the value in one line, and a single quote as '\"'\"'";
const MIXED: &str = "quotes after plain characters are part of the value for systemd and not for sh; write the whole value \
                     between single quotes";

/// The value of the text after the `=`.
fn value_of(text: &str) -> Result<String, String> {
    let (mut value, mut rest) = (String::new(), text);
    loop {
        rest = match rest.chars().next() {
            None => return Ok(value),
            Some('\'') => {
                let (part, after) = rest[1..].split_once('\'').ok_or(UNENDED)?;
                value += part;
                after
            }
            Some('"') => double_quoted(&rest[1..], &mut value)?,
            Some(_) => return plain(rest, value),
        };
    }
}

/// Adds the part to the value, and returns what follows its end.
fn double_quoted<'a>(text: &'a str, value: &mut String) -> Result<&'a str, String> {
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Ok(&text[at + 1..]),
            '$' | '`' => {
                let why = format!("sh replaces what follows {character} between double quotes, systemd does not");
                return Err(format!("{why}; write the value between single quotes"));
            }
            '\\' => match characters.next() {
                Some((_, escaped @ ('"' | '$' | '`' | '\\'))) => value.push(escaped),
                Some((_, other)) => value.extend(['\\', other]),
                None => return Err(UNENDED.to_owned()),
            },
            other => value.push(other),
        }
    }
    Err(UNENDED.to_owned())
}

/// The value with the plain characters at its end.
fn plain(text: &str, mut value: String) -> Result<String, String> {
    let mut last = value.chars().last();
    for character in text.chars() {
        // sh replaces ~ at the start and after a colon.
        let is_plain = character.is_alphanumeric() || PLAIN.contains(character);
        let is_tilde = character == '~' && !matches!(last, None | Some(':'));
        match character {
            '\'' | '"' => return Err(MIXED.to_owned()),
            _ if is_plain || is_tilde => value.push(character),
            ' ' | '\t' => {
                return Err(
                    "a space needs quotes; write the value between single quotes, and no comment behind it".to_owned()
                );
            }
            _ => {
                return Err(format!(
                    "{} needs quotes; write the value between single quotes",
                    character.escape_debug()
                ));
            }
        }
        last = Some(character);
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    /// Lines that sh and systemd read alike, and the value.
    const ALIKE: &[(&str, &str)] = &[
        ("A='x y'", "x y"),
        ("A=''", ""),
        ("A=", ""),
        ("A='it'\"'\"'s $HOME # \"neil\" \\'", "it's $HOME # \"neil\" \\"),
        ("A=\"a \\\"b\\\" \\$c \\`d\\` \\\\e \\f\"", "a \"b\" $c `d` \\e \\f"),
        ("A='a'\"b\"'c'd", "abcd"),
        ("  A=postgres://me@db:5432/x?sslmode=require", "postgres://me@db:5432/x?sslmode=require"),
        ("A=/srv/a:/srv/b,c%20", "/srv/a:/srv/b,c%20"),
        ("A=a~b", "a~b"),
        ("A='x' ", "x"),
        ("A=1\nA=2", "2"),
        ("# A=1\n\nA='2'", "2"),
        ("A='é'é", "éé"),
    ];

    fn value(text: &str) -> Result<String, String> {
        parse(text).map(|variables| variables["A"].0.clone()).map_err(|(_, why)| why)
    }

    #[test]
    fn what_is_accepted_is_what_sh_reads() {
        for (text, expected) in ALIKE {
            assert_eq!(value(text).as_deref(), Ok(*expected), "{text}");
            let script = format!("{text}\nprintf %s \"$A\"");
            let read = Command::new("sh").arg("-c").arg(script).env("HOME", "/home").output().unwrap();
            assert_eq!(String::from_utf8_lossy(&read.stdout), *expected, "sh: {text}");
        }
    }

    #[test]
    fn what_they_read_differently_is_refused_without_its_value() {
        for (text, why) in [
            ("export A='sesame'", "export"),
            ("A=$sesame", "$ needs quotes"),
            ("A=\"$sesame\"", "sh replaces what follows $"),
            ("A=\"`sesame`\"", "sh replaces what follows `"),
            ("A=sesame # x", "a space needs quotes"),
            ("A='sesame' # x", "a space needs quotes"),
            ("A=sesame'x'", "quotes after plain characters"),
            ("A='sesame", "a quote is not closed"),
            ("A=\"sesame\\", "a quote is not closed"),
            ("A=~/sesame", "~ needs quotes"),
            ("A=/a:~/sesame", "~ needs quotes"),
            ("A=sesame;x", "; needs quotes"),
            ("A=sesame&x", "& needs quotes"),
            ("A=sesame\\", "needs quotes"),
            ("A =sesame", "no space before the ="),
            ("1A=sesame", "is not NAME="),
            ("; sesame", "is not NAME="),
            ("A=sesame\r", "line ends of Windows"),
            ("A='sesame\0'", "NUL"),
            ("# sesame\\", "continues a comment"),
        ] {
            let error = value(text).unwrap_err();
            assert!(error.contains(why) && !error.contains("sesame"), "{text}: {error}");
        }
        assert_eq!(parse("A=1\n\nB=$x").unwrap_err().0, 3);
    }
}
