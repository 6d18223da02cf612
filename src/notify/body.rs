//! The body of a ping: the failures, then the outline of the run.
//!
//! A ping goes to an external server, so it contains no directories, users or addresses: only the file names of
//! recordings, and the kind of a fatal error. The details are in this machine's log.

use super::run_summary::RunSummary;

/// The limit in bytes if the service does not announce one; healthchecks.io's own limit.
pub const LIMIT: usize = 100_000;

/// Failures first: a long text is truncated at its start, so that the summary in the last line is kept.
pub fn body(summary: &RunSummary, limit: usize) -> String {
    let failures = summary.outcome.failures.iter().map(|(name, text)| format!("{}: {text}", file_name(name)));
    let (code, meaning) = (summary.exit.code(), summary.exit.meaning());
    let last =
        format!("{}\ngiggles {}, exit code {code}: {meaning}", summary.outcome.outline, env!("CARGO_PKG_VERSION"));
    let text = failures.chain([last]).collect::<Vec<_>>().join("\n");
    end_of(&text, limit).to_owned()
}

fn file_name(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

/// The last `limit` bytes at most, starting at a character boundary.
pub fn end_of(text: &str, limit: usize) -> &str {
    let from = text.len().saturating_sub(limit);
    let from = (from..=text.len()).find(|&at| text.is_char_boundary(at)).unwrap_or(text.len());
    &text[from..]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notify::tests::summary;

    #[test]
    fn the_body_of_a_partial_run() {
        insta::assert_snapshot!(body(&summary(), LIMIT), @r"
        cut.ogg: ends too early, at 0:00:12.0: the page is cut
        2 new laughs; 3 recordings analyzed
        giggles 0.1.0, exit code 3: partial: committed; at least one recording newly failed or is newly partial, or a clip is missing
        ");
    }

    #[test]
    fn a_long_body_is_truncated_at_its_start_between_characters() {
        for limit in 0..40 {
            let kept = end_of("Gelächter über Gelächter, größer", limit);
            assert!(kept.len() <= limit && "Gelächter über Gelächter, größer".ends_with(kept));
        }
        assert!(body(&summary(), 50).ends_with("a clip is missing"));
    }
}
