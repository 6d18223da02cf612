//! Words that people read in every room alike.

use std::fmt::Display;

/// `1 clip`, `2 clips`.
pub fn several<N: Display + PartialEq + From<u8>>(count: N, noun: &str) -> String {
    let plural = if count == N::from(1) { "" } else { "s" };
    format!("{count} {noun}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_no_plural() {
        assert_eq!([several(0_u64, "laugh"), several(1_usize, "laugh")], ["0 laughs", "1 laugh"]);
    }
}
