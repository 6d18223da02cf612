//! What the 521 outputs are called.
//!
//! Invariant: names come from the published class map alone (AudioSet's ontology, CC BY 4.0).

use std::ops::RangeInclusive;
use std::sync::OnceLock;

use crate::yamnet::CLASSES;

/// The published table: `index,mid,display_name`.
const CLASS_MAP: &str = include_str!("../../models/yamnet_class_map.csv");

/// Laughter, Baby laughter, Giggle, Snicker, Belly laugh, Chuckle.
pub const LAUGHTER: RangeInclusive<usize> = 13..=18;

/// Human sounds other than speech (0 to 5): shouts, cries, singing, breath, cough, clapping, crowds,
/// and laughter itself.
pub const HUMAN: RangeInclusive<usize> = 6..=66;

/// Display names, in the order of the network's outputs.
pub fn names() -> &'static [String] {
    static NAMES: OnceLock<Vec<String>> = OnceLock::new();
    NAMES.get_or_init(|| read_names(CLASS_MAP))
}

fn read_names(map: &str) -> Vec<String> {
    let mut reader = csv::Reader::from_reader(map.as_bytes());
    let names: Vec<String> = reader.records().flatten().filter_map(|row| row.get(2).map(str::to_owned)).collect();
    assert_eq!(names.len(), CLASSES, "the class map in models/ is not YAMNet's");
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_map_names_what_the_decision_counts_on() {
        assert_eq!(names()[0], "Speech");
        assert_eq!(&names()[LAUGHTER][..2], ["Laughter", "Baby laughter"]);
        assert_eq!(names()[*LAUGHTER.end()], "Chuckle, chortle");
        assert_eq!(names()[*HUMAN.start()], "Shout");
        assert_eq!(names()[494], "Silence");
    }
}
