//! What somebody may have meant by a key that does not exist.

use super::keys::{GROUPS, Key, PROFILES, all};

/// Names that other programs have, or that flags and variables of giggles suggest, and the key.
const OTHER_NAMES: &[(&str, &str)] = &[
    ("folders", "folder"),
    ("path", "folder"),
    ("paths", "folder"),
    ("directory", "folder"),
    ("dir", "folder"),
    ("recordings", "folder"),
    ("tz", "zone"),
    ("timezone", "zone"),
    ("time_zone", "zone"),
    ("name_tz", "name_zone"),
    ("database", "url"),
    ("database_url", "url"),
    ("password", "password_file"),
    ("healthchecks", "ping_url"),
    ("no_personal", "personal"),
    ("no_normalize", "normalize"),
    ("no_start_ping", "start_ping"),
];

/// `did you mean detection.threshold?`, for a name in a group, or without one.
pub fn nearest_key(group: &str, name: &str) -> String {
    let name = name.trim().to_lowercase().replace('-', "_");
    let meant = OTHER_NAMES.iter().find(|(other, _)| *other == name).map_or(name.as_str(), |(_, key)| key);
    let is_flag = |key: &&Key| !key.flag.is_empty() && key.flag[2..].replace('-', "_") == name;
    let in_group = all().find(|key| key.group == group && (key.name == meant || key.name == name));
    let exact = in_group.or_else(|| all().find(|key| key.name == meant)).or_else(|| all().find(is_flag));
    let near = |key: &&Key| key.group == group && distance(key.name, &name) <= limit(&name);
    let by_distance = |key: &&Key| (distance(key.name, &name), key.group != group);
    let nearest = exact.or_else(|| {
        let within = all().filter(near).min_by_key(by_distance);
        let anywhere = || all().filter(|key| distance(key.name, &name) <= limit(&name)).min_by_key(by_distance);
        within.or_else(anywhere)
    });
    match nearest {
        Some(key) => format!("did you mean {}?", key.path()),
        None => match all().filter(|key| key.group == group).map(|key| key.name).collect::<Vec<_>>() {
            names if names.is_empty() => "giggles config init writes a file with all keys".to_owned(),
            names => format!("[{group}] has {}", names.join(", ")),
        },
    }
}

/// The same for a key of `[source.NAME]`.
pub fn nearest_in_source(name: &str) -> String {
    let name = name.trim().to_lowercase().replace('-', "_");
    let meant = OTHER_NAMES.iter().find(|(other, _)| *other == name).map_or(name.as_str(), |(_, key)| key);
    let names = || all().map(|key| key.in_source).filter(|name| !name.is_empty());
    let exact = names().find(|key| *key == meant);
    let nearest = exact
        .or_else(|| names().filter(|key| distance(key, &name) <= limit(&name)).min_by_key(|key| distance(key, &name)));
    match nearest {
        Some(key) => format!("did you mean {key}?"),
        None => match all().find(|key| key.name == name) {
            Some(key) => format!("{} is the same for all sources: write it in [{}]", key.name, key.group),
            None => format!("a source has {}", names().collect::<Vec<_>>().join(", ")),
        },
    }
}

pub fn nearest_group(name: &str) -> String {
    let name = name.trim().to_lowercase();
    let groups = || GROUPS.iter().map(|(group, _)| *group).chain([PROFILES]);
    let is_near =
        |group: &&str| distance(group, &name) <= limit(&name) || group.starts_with(&name) || name.starts_with(group);
    match groups().filter(is_near).min_by_key(|group| distance(group, &name)) {
        Some(PROFILES) => "did you mean [source.NAME]?".to_owned(),
        Some(group) => format!("did you mean [{group}]?"),
        None => format!(
            "there are {} and [source.NAME]",
            groups()
                .filter(|group| *group != PROFILES)
                .map(|group| format!("[{group}]"))
                .collect::<Vec<_>>()
                .join(", ")
        ),
    }
}

/// The name nearest to another, of these; None if none is near.
pub fn nearest<'a>(names: impl Iterator<Item = &'a str>, name: &str) -> Option<&'a str> {
    let near = names.filter(|other| distance(other, name) <= limit(name));
    near.min_by_key(|other| distance(other, name))
}

/// How many letters may differ: a third.
fn limit(name: &str) -> usize {
    (name.chars().take(60).count() / 3).clamp(1, 4)
}

/// Letters to insert, remove, replace or exchange with their neighbour (optimal string alignment). Only the first 60
/// count.
fn distance(one: &str, other: &str) -> usize {
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().take(60).collect(), other.chars().take(60).collect());
    let mut rows = vec![(0..=other.len()).collect::<Vec<usize>>()];
    for i in 1..=one.len() {
        let mut row = vec![i];
        for j in 1..=other.len() {
            let last = &rows[i - 1];
            let replaced = last[j - 1] + usize::from(one[i - 1] != other[j - 1]);
            let mut least = replaced.min(last[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && one[i - 1] == other[j - 2] && one[i - 2] == other[j - 1] {
                least = least.min(rows[i - 2][j - 2] + 1);
            }
            row.push(least);
        }
        rows.push(row);
    }
    rows[one.len()][other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_distance_counts_letters_and_exchanges() {
        for (one, other, count) in [
            ("", "", 0),
            ("zone", "zone", 0),
            ("zone", "zon", 1),
            ("zone", "znoe", 1),
            ("zone", "tune", 2),
            ("", "abc", 3),
        ] {
            assert_eq!((distance(one, other), distance(other, one)), (count, count), "{one} {other}");
        }
    }

    #[test]
    fn a_suggestion_is_a_key_that_exists() {
        for (group, name, suggestion) in [
            ("detection", "treshold", "did you mean detection.threshold?"),
            ("detection", "merge-gap", "did you mean detection.merge_gap?"),
            ("recordings", "tz", "did you mean recordings.zone?"),
            ("recordings", "folders", "did you mean recordings.folder?"),
            ("recordings", "threshold", "did you mean detection.threshold?"),
            ("clips", "clip_before", "did you mean clips.before?"),
            ("clips", "directory", "did you mean clips.folder?"),
            ("", "threads", "did you mean run.threads?"),
            ("database", "password", "did you mean database.password_file?"),
        ] {
            assert_eq!(nearest_key(group, name), suggestion, "{group}.{name}");
        }
        assert!(nearest_key("run", "colour_of_the_moon").starts_with("[run] has threads, "));
        assert_eq!(nearest_in_source("tz"), "did you mean zone?");
        assert_eq!(nearest_in_source("treshold"), "did you mean threshold?");
        assert_eq!(nearest_in_source("threads"), "threads is the same for all sources: write it in [run]");
        assert!(nearest_in_source("x").starts_with("a source has folder, zone"));
        assert_eq!(nearest_group("detections"), "did you mean [detection]?");
        assert_eq!(nearest_group("sources"), "did you mean [source.NAME]?");
        assert!(nearest_group("colour").starts_with("there are [database], "));
    }
}
