//! Which recordings a run would analyze.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::*;

#[test]
fn folders_that_are_not_there_or_not_ours() {
    let place = place();
    let missing = said(&mut command(&place, &place.sqlite(), &["/no/such/folder"])).ends_with(78);
    says(
        &missing,
        "recordings",
        &["fail", "'/no/such/folder' does not exist; check the path and that its disk is mounted"],
    );
    place.copy(LAUGH.0, "closed/a.WAV");
    fs::set_permissions(place.recording("closed"), fs::Permissions::from_mode(0o000)).unwrap();
    let arguments = ["doctor", "-j1", "--database", &place.sqlite(), "recordings"];
    let said = place.as_nobody(&arguments).ends_with(0);
    says(&said, "readable", &["warn", "1 recording cannot be opened", "closed: cannot be read: permission denied"]);
    fs::set_permissions(place.recordings(), fs::Permissions::from_mode(0o000)).unwrap();
    let said = place.as_nobody(&arguments).ends_with(78);
    fs::set_permissions(place.recordings(), fs::Permissions::from_mode(0o700)).unwrap();
    fs::set_permissions(place.recording("closed"), fs::Permissions::from_mode(0o700)).unwrap();
    says(&said, "recordings", &["fail", "'recordings' cannot be opened"]);
}

#[test]
fn an_empty_folder_is_a_doubt_unless_allowed() {
    let place = Place::new();
    says(&doctor(&place, &[]).ends_with(0), "recordings", &["warn", "ends with 4"]);
    says(&doctor(&place, &["--allow-empty"]).ends_with(0), "recordings", &["ok ", "none in "]);
}

#[test]
fn how_names_are_read() {
    let place = place();
    says(&doctor(&place, &[]), "names", &["ok ", "20251024_130000.WAV: 2025-10-24 13:00:00 -07:00, from its name"]);
    let place = Place::with(&[("fixtures/clips/crow_cc0.flac", "crow.flac")]);
    says(&doctor(&place, &[]), "names", &["warn", "0 of 1", "crow.flac: ", "from its modification time only"]);
    let place = Place::with(&[(LAUGH.0, "20991024_130000.WAV")]);
    says(&doctor(&place, &[]), "names", &["warn", "1 would start in the future", "GIGGLES_NAME_TZ"]);
}

#[test]
fn the_same_date_every_run_is_a_doubt() {
    let place = place();
    let said = doctor(&place, &["--date", "2025-10-24"]).ends_with(0);
    says(&said, "window", &["warn", "from 2025-10-24 00:00 to 2025-10-25 00:00", "write yesterday"]);
    says(&doctor(&place, &["--date", "yesterday"]), "window", &["ok "]);
}

#[test]
fn a_zone_that_no_setting_names_is_a_doubt() {
    let place = place();
    let said = place.run(&["doctor", "-j1", "--database", &place.sqlite(), "recordings"]).ends_with(0);
    says(&said, "zone", &["warn", "UTC", "GIGGLES_TZ"]);
}

#[test]
fn a_window_without_recordings_is_reported_with_their_number() {
    let place = place();
    place.copy(LAUGH.0, "20251025_130000.WAV");
    let with = |flags: &[&str]| doctor(&place, flags).ends_with(0);
    let folder = place.recordings().display().to_string();
    let none = format!("2 recordings in {folder}, none of them from 2020-01-01 00:00 to 2020-01-02 00:00");
    says(&with(&["--date", "2020-01-01"]), "recordings", &["warn", &none, "ends with 4", "are still to come"]);
    says(&with(&["--date", "2020-01-01", "--allow-empty"]), "recordings", &["ok ", &none, "--allow-empty allows"]);
    says(
        &with(&["--date", "2025-10-24"]),
        "recordings",
        &["ok ", "2 recordings in ", "1 of them for a run started now"],
    );
    says(
        &with(&["--from", "2025-10-24"]),
        "recordings",
        &["ok ", "2 recordings in ", "2 of them for a run started now"],
    );
    // At 22:00 in UTC it is another day there.
    let zone = ["--name-tz", "Pacific/Kiritimati", "--date", "2025-10-23"];
    says(&with(&zone), "recordings", &["ok ", "1 of them for a run started now"]);
    assert!(!finding_of(&with(&[]), "recordings").contains("of them"));
}

#[test]
fn what_cannot_be_read_is_of_any_day_and_other_shards_are_not_ours() {
    let place = place();
    place.copy(LAUGH.0, "closed/a.WAV");
    let arguments =
        ["doctor", "-j1", "--tz", "UTC", "--database", &place.sqlite(), "--date", "2020-01-01", "recordings"];
    let close = || fs::set_permissions(place.recording("closed"), fs::Permissions::from_mode(0o000)).unwrap();
    let said = place.said_by_nobody_after(&mut place.command(&arguments), close).ends_with(0);
    fs::set_permissions(place.recording("closed"), fs::Permissions::from_mode(0o700)).unwrap();
    says(&said, "recordings", &["ok ", "2 recordings in ", "1 of them for a run started now"]);

    let parts = ["1/2", "2/2"].map(|shard| finding_of(&doctor(&place, &["--shard", shard]).ends_with(0), "recordings"));
    let counts = parts.map(|text| text.split(", ").nth(1).unwrap().split(' ').next().unwrap().parse::<u32>().unwrap());
    assert_eq!(counts.iter().sum::<u32>(), 2, "{counts:?}");
}
