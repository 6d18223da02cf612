//! What a ping's body says: the failures, then the summary, and no place on the disk.
//!
//! A ping goes to another company's server: folders, users and addresses stay here.

use super::account::Account;

/// The most that is sent if the service does not say what it takes; healthchecks.io's own limit, bytes.
pub const LIMIT: usize = 100_000;

/// Failures first, since of too long a text the end is kept, and the summary is the last line.
pub fn body(account: &Account, limit: usize) -> String {
    let failures = account.ending.failures.iter().map(|(name, text)| format!("{}: {text}", file_name(name)));
    let (code, meaning) = (account.exit.code(), account.exit.meaning());
    let lines = failures.map(|line| without_folders(&line));
    let last = format!(
        "{}\ngiggles {}, exit code {code}: {meaning}",
        without_folders(&account.ending.summary),
        env!("CARGO_PKG_VERSION")
    );
    let text = lines.chain([last]).collect::<Vec<_>>().join("\n");
    end_of(&text, limit).to_owned()
}

fn file_name(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

/// `cannot open '/srv/audio/day'` becomes `cannot open 'day'`; a URL's slashes are no folders.
fn without_folders(text: &str) -> String {
    let begins_path = |before: Option<char>| before.is_none_or(|c| c.is_whitespace() || "'\"`(=:,;<[".contains(c));
    let (mut out, mut rest, mut before) = (String::with_capacity(text.len()), text, None);
    while let Some(c) = rest.chars().next() {
        if c == '/' && begins_path(before) && !rest.starts_with("//") {
            let end = rest.find(|c: char| c.is_whitespace() || "'\"`),;>]".contains(c)).unwrap_or(rest.len());
            out.push_str(file_name(rest[..end].trim_end_matches('/')));
            rest = &rest[end..];
            before = Some('/');
        } else {
            out.push(c);
            rest = &rest[c.len_utf8()..];
            before = Some(c);
        }
    }
    out
}

/// At most so many bytes, cut between characters.
fn end_of(text: &str, limit: usize) -> &str {
    let from = text.len().saturating_sub(limit);
    let from = (from..=text.len()).find(|&at| text.is_char_boundary(at)).unwrap_or(text.len());
    &text[from..]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::watch::tests::account;

    #[test]
    fn the_body_of_a_partial_night() {
        insta::assert_snapshot!(body(&account(), LIMIT), @r"
        cut.ogg: ends too early, at 0:00:12.0: the page is cut
        2 new laughs; 3 recordings heard
        giggles 0.1.0, exit code 3: partial: the good recordings are committed, at least one failed and is stored as failed
        ");
    }

    #[test]
    fn folders_stay_here() {
        for (text, sent) in [
            ("'/srv/audio/day' does not exist", "'day' does not exist"),
            ("sqlite:/home/neil/.local/share/giggles/giggles.db is busy", "sqlite:giggles.db is busy"),
            ("/srv/audio/", "audio"),
            ("postgres://neil:***@db/life is busy", "postgres://neil:***@db/life is busy"),
            ("2/3 of a/b, and/or nothing", "2/3 of a/b, and/or nothing"),
            ("the lock (/var/lib/x.lock), held", "the lock (x.lock), held"),
            ("/", ""),
        ] {
            assert_eq!(without_folders(text), sent);
        }
    }

    #[test]
    fn of_too_long_a_body_the_end_is_kept_and_no_character_is_cut() {
        for limit in 0..40 {
            let kept = end_of("Gelächter über Gelächter, größer", limit);
            assert!(kept.len() <= limit && "Gelächter über Gelächter, größer".ends_with(kept));
        }
        assert!(body(&account(), 50).ends_with("is stored as failed"));
    }
}
