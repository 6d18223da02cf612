//! A real file system that refuses every chmod, and one that deletes nothing.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::{below, place};
use crate::support::disk::on_fixed_permissions;

const SCAN: &str = "$giggles scan --tz UTC --database sqlite:laughs.db --clips $disk/clips \
                    --metrics-file $disk/giggles.prom recordings";

#[test]
fn where_no_permission_can_be_set_all_is_written_and_one_warning_given() {
    let place = place();
    let script = format!(
        "mkdir $disk/clips $disk/labels; {SCAN}; {SCAN} --force; \
         $giggles report --date 2025-10-24 --tz UTC --database sqlite:laughs.db --clips $disk/clips -o $disk/day.html; \
         $giggles export --format audacity --folder $disk/labels --database sqlite:laughs.db; \
         $giggles verify --clips $disk/clips --database sqlite:laughs.db"
    );
    let said = on_fixed_permissions(&place, "", &script).ends_with(0);
    let warnings = said.stderr.matches("its permissions cannot be set (Operation not permitted").count();
    assert_eq!(warnings, 4, "one a run, of two scans, a report and an export: {}", said.stderr);
    assert_eq!(said.stderr.lines().count(), 4, "{}", said.stderr);
    let names: Vec<String> = below(&place.path("behind")).iter().map(|path| path.display().to_string()).collect();
    for end in ["giggles.prom", "day.html", "20251024_130000.giggles.labels.txt"] {
        assert!(names.iter().any(|name| name.ends_with(end)), "{end}: {names:?}");
    }
    assert_eq!(names.iter().filter(|name| name.ends_with("p.flac")).count(), 1, "{names:?}");
    assert!(names.iter().all(|name| !name.ends_with(".tmp")), "{names:?}");
    assert_eq!(place.number("SELECT count(*) FROM detections WHERE clip IS NULL"), 0);
}

#[test]
fn the_doctor_writes_a_clip_and_metrics_there_and_removes_them() {
    let place = place();
    let doctor = "$giggles doctor -j1 --tz UTC --database sqlite:laughs.db --clips $disk \
                  --metrics-file $disk/giggles.prom recordings";
    let said = on_fixed_permissions(&place, "", doctor).ends_with(0);
    for words in [
        "/disk can be written\n",
        "permissions cannot be set there (Operation not permitted",
        "/giggles.prom can be written\n",
    ] {
        assert!(said.stdout.contains(words), "{words}: {}", said.stdout);
    }
    assert!(below(&place.path("behind")).is_empty());
}

#[test]
fn the_doctor_warns_of_a_folder_from_which_nothing_can_be_removed() {
    let place = place();
    let doctor = "$giggles doctor -j1 --tz UTC --database sqlite:laughs.db --clips $disk recordings";
    let said = on_fixed_permissions(&place, "--delete-deny", doctor).ends_with(0);
    assert!(said.stdout.contains("warn  clips"), "{}", said.stdout);
    assert!(said.stdout.contains("Operation not permitted"), "{}", said.stdout);
}

#[test]
fn where_permissions_can_be_set_they_are_whatever_the_umask() {
    let place = place();
    let script = format!("umask 0277; {SCAN}").replace("$disk", ".").replace("./clips", "clips");
    let mut command = std::process::Command::new("sh");
    let like = place.scan_into(&place.sqlite(), &[]);
    let set = like.get_envs().filter_map(|(name, value)| Some((name, value?)));
    command.env_clear().envs(set).env("giggles", like.get_program()).current_dir(place.path(""));
    if rustix::process::geteuid().is_root() {
        crate::support::program::said(command.args(["-c", &script])).ends_with(0);
        let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&place.path("giggles.prom")), 0o644);
        let clips = below(&place.path("clips"));
        let clip = clips.iter().find(|path| path.is_file()).unwrap();
        assert_eq!(mode(clip), 0o600);
    }
}
