//! One laugh, and the classes of laughter.

use std::time::Duration;

use yamnet::classes::{LAUGHTER, NAMES, class_count};

/// Number of laughter classes: AudioSet indices 13 to 18.
pub const LAUGHTER_CLASSES: usize = class_count(&LAUGHTER);
/// AudioSet index of the first laughter class.
pub const FIRST_LAUGHTER: u16 = *LAUGHTER.start() as u16;
/// AudioSet's names of the laughter classes.
pub const LAUGHTER_NAMES: [&str; LAUGHTER_CLASSES] = {
    let (mut names, mut index) = ([""; LAUGHTER_CLASSES], 0);
    while index < LAUGHTER_CLASSES {
        names[index] = NAMES[*LAUGHTER.start() + index];
        index += 1;
    }
    names
};

/// One laugh in a recording.
#[derive(Debug, Clone, PartialEq)]
pub struct Detection {
    /// Offsets from the recording's first sample; `start < end <= audio`.
    pub start: Duration,
    pub end: Duration,
    /// sigmoid(v) of the patch with the highest decision value v, 0 to 1.
    pub peak: f32,
    /// Mean of sigmoid(v) over the patches of the detection, 0 to 1.
    pub mean: f32,
    /// AudioSet index (13 to 18) of the laughter class with the highest raw score.
    pub class: u16,
    /// Highest raw score of each laughter class 13 to 18 in the detection, 0 to 1.
    pub class_scores: [f32; LAUGHTER_CLASSES],
    /// Path of its clip relative to the clip directory, if one was written.
    pub clip: Option<String>,
}

impl Detection {
    /// AudioSet's name of the class with the highest score.
    pub fn class_name(&self) -> &'static str {
        let index = self.class.checked_sub(FIRST_LAUGHTER).map(usize::from);
        index.and_then(|index| LAUGHTER_NAMES.get(index)).unwrap_or(&LAUGHTER_NAMES[0])
    }
}
