//! The table of symphonia's texts by which giggles decides something. symphonia's errors have kinds (decode error,
//! unsupported, I/O error, …), and code matches on those; a row here is a case that only the text tells apart.
//!
//! All other texts of symphonia are shown to people, reworded by `error_map::plain`, and decide nothing.
//!
//! Invariant: each row has a test that provokes symphonia's real error, so that an update which changes a text fails.

/// A text of symphonia.
#[derive(Debug, PartialEq, Eq)]
pub struct SymphoniaText {
    /// The whole text of the error.
    text: &'static str,
    /// Crate and function that return it.
    pub origin: &'static str,
    /// What giggles makes of it.
    pub meaning: &'static str,
}

impl SymphoniaText {
    pub fn is(&self, text: &str) -> bool {
        self.text == text
    }
}

/// Its kind is `Unsupported`, as that of a reader which knows the format but not a feature of this file.
pub const NO_FORMAT: SymphoniaText = SymphoniaText {
    text: "core (probe): no suitable format reader found",
    origin: "symphonia-core, Probe::probe",
    meaning: "the format is unknown: the file's first bytes are described instead, and ffmpeg may decode it",
};

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use symphonia::core::errors::Error;
    use symphonia::core::formats::probe::Hint;
    use symphonia::core::io::MediaSourceStream;

    use super::*;

    /// Every row, and symphonia's error for a real input.
    const ROWS: [(SymphoniaText, fn() -> Error); 1] = [(NO_FORMAT, || probe(&[b'.'; 4096]))];

    fn probe(bytes: &'static [u8]) -> Error {
        let stream = MediaSourceStream::new(Box::new(Cursor::new(bytes)), Default::default());
        let probed =
            symphonia::default::get_probe().probe(&Hint::new(), stream, Default::default(), Default::default());
        probed.err().expect("these bytes are not audio")
    }

    #[test]
    fn every_text_is_symphonias() {
        for (row, provoke) in ROWS {
            match provoke() {
                Error::Unsupported(text) => assert!(row.is(text), "{} now says {text:?}: {}", row.origin, row.meaning),
                other => panic!("{} now returns {other:?}: {}", row.origin, row.meaning),
            }
        }
    }

    #[test]
    fn every_row_is_in_the_test() {
        let rows = include_str!("symphonia_texts.rs").matches("\npub const ").count();
        assert_eq!(rows, ROWS.len());
    }
}
