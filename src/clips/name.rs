//! Paths of clips: `<source>/<day>/<instant>_<class>_<score>p.flac`, and how to recognize them. The class of one that does
//! not count is `unsure-<class>`.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::Cut;
use super::source::{is_folder, source_folder};
use crate::domain::{ContentHash, LAUGHTER_NAMES};

/// Digits of the content hash that make a clip's name unique.
const HASH: usize = 8;
/// Before the class of a clip that does not count as a laugh.
const UNSURE: &str = "unsure-";

/// `neil/2025-10-24/20251024T200512.480Z_belly-laugh_87p.flac`: the instant is in UTC, the day in `zone`.
pub fn clip_path(source: &str, started: Timestamp, cut: &Cut, zone: &TimeZone) -> String {
    let at = started.saturating_add(cut.start).unwrap_or(Timestamp::MAX);
    let (day, instant) = (at.to_zoned(zone.clone()).date(), at.strftime("%Y%m%dT%H%M%S%.3fZ"));
    let percent = (cut.score.clamp(0.0, 1.0) * 100.0).round();
    let (source, class) = (source_folder(source), readable(&cut.class.to_lowercase()));
    let unsure = if cut.counts { "" } else { UNSURE };
    format!("{source}/{day}/{instant}_{unsure}{class}_{percent}p.flac")
}

/// What a clip's name says of this cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Match {
    /// It is of another one.
    Other,
    /// It begins at the same instant.
    Start,
    /// It is the one that `clip_path` gives, in any day directory, with or without a hash.
    Whole,
}

/// Compares the name of a clip with a cut.
pub fn matches(clip: &str, started: Timestamp, cut: &Cut) -> Match {
    let file = |path: &str| path.rsplit('/').next().unwrap_or(path).trim_end_matches(".flac").to_owned();
    let (is, expected) = (file(clip), file(&clip_path("", started, cut, &TimeZone::UTC)));
    let instant = |stem: &str| stem.split('_').next().map(str::to_owned);
    let rest = is.strip_prefix(&expected);
    if rest.is_some_and(|rest| rest.is_empty() || rest.strip_prefix('_').is_some_and(is_hash)) {
        Match::Whole
    } else if instant(&is) == instant(&expected) {
        Match::Start
    } else {
        Match::Other
    }
}

/// The path if another recording's clip has the same name: `…_87p_1a2b3c4d.flac`, with the first digits of the content
/// hash of its recording.
pub fn with_hash(clip: &str, content: ContentHash) -> String {
    let hash = content.to_string();
    let stem = clip.strip_suffix(".flac").unwrap_or(clip);
    format!("{stem}_{}.flac", &hash[..HASH])
}

/// Whether a relative path is one that `clip_path` or `with_hash` can return.
pub fn is_ours(relative: &str) -> bool {
    let parts: Vec<&str> = relative.split('/').collect();
    let [source, day, file] = parts[..] else { return false };
    is_folder(source) && is_day(day) && is_clip(file)
}

/// Whether a name is that of a clip while it is written: `.<clip>.<random letters and digits>.tmp`.
pub fn is_temporary(file: &str) -> bool {
    let inner = file.strip_prefix('.').and_then(|file| file.strip_suffix(".tmp"));
    let Some((clip, random)) = inner.and_then(|inner| inner.rsplit_once('.')) else { return false };
    is_clip(clip) && !random.is_empty() && random.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

pub fn is_day(text: &str) -> bool {
    text.parse::<Date>().is_ok_and(|day| day.to_string() == text)
}

pub fn is_clip(file: &str) -> bool {
    let Some(stem) = file.strip_suffix(".flac") else { return false };
    let parts: Vec<&str> = stem.split('_').collect();
    let (instant, class, percent) = match parts[..] {
        [instant, class, percent] => (instant, class, percent),
        [instant, class, percent, hash] if is_hash(hash) => (instant, class, percent),
        _ => return false,
    };
    let class = class.strip_prefix(UNSURE).unwrap_or(class);
    let is_class = LAUGHTER_NAMES.iter().any(|name| readable(&name.to_lowercase()) == class);
    let percent = percent.strip_suffix('p').and_then(|text| Some((text, text.parse::<u8>().ok()?)));
    is_instant(instant) && is_class && percent.is_some_and(|(text, value)| value <= 100 && value.to_string() == text)
}

fn is_hash(text: &str) -> bool {
    text.len() == HASH && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// `20251024T200512.480Z`
fn is_instant(text: &str) -> bool {
    let form = b"00000000T000000.000Z";
    let fits = |(is, form): (u8, &u8)| if *form == b'0' { is.is_ascii_digit() } else { is == *form };
    text.len() == form.len() && text.bytes().zip(form).all(fits)
}

/// Keeps ASCII letters and digits, separated by single hyphens: safe in every file system and shell.
pub fn readable(text: &str) -> String {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let name = words.collect::<Vec<_>>().join("-");
    if name.is_empty() { "source".to_owned() } else { name }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn cut(class: usize, counts: bool) -> Cut {
        let (start, end) = (Duration::from_millis(3_723_480), Duration::from_secs(3_730));
        Cut { start, end, class: LAUGHTER_NAMES[class - 13], score: 0.871, counts }
    }

    #[test]
    fn a_clip_is_known_by_its_name() {
        let (started, zone) = ("2025-10-25T05:30:00Z".parse().unwrap(), TimeZone::get("America/New_York").unwrap());
        let path = clip_path("neil", started, &cut(16, true), &zone);
        assert_eq!(matches(&path, started, &cut(16, true)), Match::Whole);
        assert_eq!(matches(&with_hash(&path, ContentHash([0x1a; 32])), started, &cut(16, true)), Match::Whole);
        assert_eq!(matches(&path, started, &cut(13, true)), Match::Start);
        assert_eq!(matches(&path, started, &cut(16, false)), Match::Start);
        let later = started + jiff::SignedDuration::from_millis(480);
        assert_eq!(matches(&path, later, &cut(16, true)), Match::Other);
    }

    #[test]
    fn names_sort_by_time_and_are_in_the_day_of_the_time_zone() {
        let started = "2025-10-25T05:30:00Z".parse().unwrap();
        let zone = TimeZone::get("America/Los_Angeles").unwrap();
        let name = |source: &str, class| clip_path(source, started, &cut(class, true), &zone);
        assert_eq!(name("neil", 17), "neil/2025-10-24/20251025T063203.480Z_belly-laugh_87p.flac");
        assert_eq!(name("neil", 18), "neil/2025-10-24/20251025T063203.480Z_chuckle-chortle_87p.flac");
        let unsure = clip_path("neil", started, &cut(15, false), &zone);
        assert_eq!(unsure, "neil/2025-10-24/20251025T063203.480Z_unsure-giggle_87p.flac");
        assert!(name("../../etc", 13).starts_with("etc_") && name("…", 13).starts_with("source_"));
    }

    #[test]
    fn every_clip_path_is_recognized() {
        let started = "2025-10-25T05:30:00Z".parse().unwrap();
        for source in ["neil", "../../etc", "…", "Anna-Lena 2"] {
            for (class, counts) in (13..19).flat_map(|class| [(class, true), (class, false)]) {
                let path = clip_path(source, started, &cut(class, counts), &TimeZone::UTC);
                assert!(is_ours(&path), "{path}");
                let temporary = format!(".{}.x7Gq2LmN0aZ4.tmp", path.rsplit('/').next().unwrap());
                assert!(is_temporary(&temporary), "{temporary}");
                let apart = with_hash(&path, ContentHash([0x1a; 32]));
                assert!(apart.ends_with("p_1a1a1a1a.flac") && is_ours(&apart), "{apart}");
            }
        }
    }

    #[test]
    fn other_names_are_not_recognized() {
        for path in [
            "",
            "neil/2025-10-24/notes.txt",
            "neil/2025-10-24/20251025T063203.480Z_laughter_87p.flac.bak",
            "neil/2025-10-24/my_20251025T063203.480Z_laughter_87p.flac",
            "neil/2025-10-24/20251025T063203.480Z_applause_87p.flac",
            "neil/2025-10-24/20251025T063203.480Z_unsure-applause_87p.flac",
            "neil/2025-10-24/20251025T063203.480Z_laughter_101p.flac",
            "neil/2025-10-24/20251025T063203.480Z_laughter_+7p.flac",
            "neil/2025-10-24/20251025T063203.480Z_laughter_87p_mine.flac",
            "neil/2025-13-24/20251025T063203.480Z_laughter_87p.flac",
            "neil/20251024/20251025T063203.480Z_laughter_87p.flac",
            "../2025-10-24/20251025T063203.480Z_laughter_87p.flac",
            "/2025-10-24/20251025T063203.480Z_laughter_87p.flac",
            "Neil/2025-10-24/20251025T063203.480Z_laughter_87p.flac",
            "a/neil/2025-10-24/20251025T063203.480Z_laughter_87p.flac",
        ] {
            assert!(!is_ours(path), "{path}");
        }
        for file in ["..tmp", ".vimrc.1.tmp", "20251025T063203.480Z_laughter_87p.flac.1.tmp", "."] {
            assert!(!is_temporary(file), "{file}");
        }
    }
}
