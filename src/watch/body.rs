//! What a ping's body says: the failures, then the outline of the run.
//!
//! A ping goes to another company's server. Folders, users and addresses stay here: of recordings their files' names
//! are told, of what ended a run only the kind, and the rest is in this machine's log.

use super::account::Account;

/// The most that is sent if the service does not say what it takes; healthchecks.io's own limit, bytes.
pub const LIMIT: usize = 100_000;

/// Failures first, since of too long a text the end is kept, and the summary is the last line.
pub fn body(account: &Account, limit: usize) -> String {
    let failures = account.ending.failures.iter().map(|(name, text)| format!("{}: {text}", file_name(name)));
    let (code, meaning) = (account.exit.code(), account.exit.meaning());
    let last =
        format!("{}\ngiggles {}, exit code {code}: {meaning}", account.ending.outline, env!("CARGO_PKG_VERSION"));
    let text = failures.chain([last]).collect::<Vec<_>>().join("\n");
    end_of(&text, limit).to_owned()
}

fn file_name(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

/// At most so many bytes, cut between characters.
pub fn end_of(text: &str, limit: usize) -> &str {
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
        2 new laughs; 3 recordings analyzed
        giggles 0.1.0, exit code 3: partial: committed; at least one recording newly failed or is newly partial, or a clip is missing
        ");
    }

    #[test]
    fn of_too_long_a_body_the_end_is_kept_and_no_character_is_cut() {
        for limit in 0..40 {
            let kept = end_of("Gelächter über Gelächter, größer", limit);
            assert!(kept.len() <= limit && "Gelächter über Gelächter, größer".ends_with(kept));
        }
        assert!(body(&account(), 50).ends_with("a clip is missing"));
    }
}
