//! A place in a text, moved on by what is read there: digits, signs, words.
//!
//! What cannot be read leaves the place as it was, or is read from a copy of it that is thrown away.

/// Spaces that are more than one byte: no-break, thin and narrow no-break. macOS puts the last before `PM`.
const WIDE_SPACES: [&[u8]; 3] = ["\u{a0}".as_bytes(), "\u{2009}".as_bytes(), "\u{202f}".as_bytes()];

#[derive(Clone, Copy)]
pub(super) struct Cursor<'a> {
    pub rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    /// Exactly so many digits, as a number; more may follow.
    pub fn number(&mut self, digits: usize) -> Option<i16> {
        let (number, rest) = self.rest.split_at_checked(digits)?;
        let value = number
            .iter()
            .try_fold(0i16, |value, byte| byte.is_ascii_digit().then(|| value * 10 + i16::from(byte - b'0')))?;
        self.rest = rest;
        Some(value)
    }

    /// The separator met before must stand here too; where there was none, there is none.
    pub fn again(&mut self, separator: Option<u8>) -> Option<()> {
        match separator {
            Some(separator) => self.any(&[separator]).map(drop),
            None => Some(()),
        }
    }

    pub fn any(&mut self, wanted: &[u8]) -> Option<u8> {
        let (&byte, rest) = self.rest.split_first()?;
        wanted.contains(&byte).then(|| {
            self.rest = rest;
            byte
        })
    }

    /// This text, in upper or lower case.
    pub fn text(&mut self, wanted: &str) -> Option<()> {
        let (start, rest) = self.rest.split_at_checked(wanted.len())?;
        start.eq_ignore_ascii_case(wanted.as_bytes()).then(|| self.rest = rest)
    }

    /// One space of any width, or one of the signs.
    pub fn space_or(&mut self, signs: &[u8]) -> Option<()> {
        let wide = WIDE_SPACES.iter().find_map(|space| self.rest.strip_prefix(*space));
        match wide {
            Some(rest) => self.rest = rest,
            None => drop(self.any(b" ").or_else(|| self.any(signs))?),
        }
        Some(())
    }

    /// Letters, of any script; empty where there are none.
    pub fn word(&mut self) -> &'a [u8] {
        let mut ahead = *self;
        while ahead.rest.first().is_some_and(|byte| byte.is_ascii_alphabetic() || !byte.is_ascii()) {
            let mut space = ahead;
            if space.space_or(b"").is_some() {
                break;
            }
            ahead.skip(1);
        }
        let (word, rest) = self.rest.split_at(self.rest.len() - ahead.rest.len());
        self.rest = rest;
        word
    }

    pub fn digits(&self) -> usize {
        self.rest.iter().take_while(|byte| byte.is_ascii_digit()).count()
    }

    pub fn ends_a_word(&self) -> bool {
        !self.rest.first().is_some_and(u8::is_ascii_alphanumeric)
    }

    pub fn skip(&mut self, bytes: usize) {
        self.rest = &self.rest[bytes..];
    }
}
