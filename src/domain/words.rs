//! Pluralization of nouns in messages.

use std::fmt::Display;

/// `1 clip`, `2 clips`.
pub fn pluralize<N: Display + PartialEq + From<u8>>(count: N, noun: &str) -> String {
    let plural = if count == N::from(1) { "" } else { "s" };
    format!("{count} {noun}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_is_singular() {
        assert_eq!([pluralize(0_u64, "laugh"), pluralize(1_usize, "laugh")], ["0 laughs", "1 laugh"]);
    }
}
