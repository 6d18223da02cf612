//! A parser position in a text, with methods that read digits, punctuation and words.
//!
//! A method that fails leaves the position unchanged. To try several alternatives, read from a copy.

/// Spaces of more than one byte: no-break, thin and narrow no-break. macOS writes the last one before `PM`.
const WIDE_SPACES: [&[u8]; 3] = ["\u{a0}".as_bytes(), "\u{2009}".as_bytes(), "\u{202f}".as_bytes()];

#[derive(Clone, Copy)]
pub(super) struct Cursor<'a> {
    pub rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    /// Reads exactly this many digits as a number; more may follow.
    pub fn number(&mut self, digits: usize) -> Option<i16> {
        let (number, rest) = self.rest.split_at_checked(digits)?;
        let value = number
            .iter()
            .try_fold(0i16, |value, byte| byte.is_ascii_digit().then(|| value * 10 + i16::from(byte - b'0')))?;
        self.rest = rest;
        Some(value)
    }

    /// Reads the same separator as before; nothing if there was none.
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

    /// Reads this text, ignoring case.
    pub fn text(&mut self, wanted: &str) -> Option<()> {
        let (start, rest) = self.rest.split_at_checked(wanted.len())?;
        start.eq_ignore_ascii_case(wanted.as_bytes()).then(|| self.rest = rest)
    }

    /// Reads one space of any width, or one of these characters.
    pub fn space_or(&mut self, others: &[u8]) -> Option<()> {
        let wide = WIDE_SPACES.iter().find_map(|space| self.rest.strip_prefix(*space));
        match wide {
            Some(rest) => self.rest = rest,
            None => drop(self.any(b" ").or_else(|| self.any(others))?),
        }
        Some(())
    }

    /// Reads letters of any script; empty if there are none.
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
