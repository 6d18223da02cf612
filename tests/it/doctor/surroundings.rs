//! The model, those who watch, and what cron or systemd would do otherwise.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;

use super::*;
use crate::support::disk::on_small_disk;
use crate::support::web::{Answer, Web};
use yamnet::Cpu;

#[test]
fn a_model_with_a_wrong_checksum() {
    let place = place();
    let model = place.path("model.safetensors");
    fs::write(&model, "no model").unwrap();
    fs::write(place.path("model.safetensors.sha256"), "0".repeat(64)).unwrap();
    let said = doctor(&place, &["--model", model.to_str().unwrap()]).ends_with(78);
    says(&said, "model", &["fail", "its SHA-256 is ", "copy it again"]);
    says(&said, "speed", &["-  ", "there is no model"]);
}

/// `giggles doctor` and what it says of the speed, with these tiles.
fn speed_with_tiles(place: &Place, tiles: &str) -> String {
    let said = said(command(place, &place.sqlite(), &[]).env("GIGGLES_TILES", tiles)).ends_with(0);
    finding_of(&said, "speed")
}

#[test]
fn the_tiles_and_where_they_come_from() {
    let place = place();
    let cpu = Cpu::detect();
    if !cpu.has_two_tiles() {
        assert!(speed_with_tiles(&place, "3").contains(&format!("{}, 1 thread", cpu.name())));
        return;
    }
    for tiles in ["3", "6"] {
        let speed = speed_with_tiles(&place, tiles);
        assert!(speed.contains(&format!("{}, tiles of {tiles} rows (GIGGLES_TILES), 1 thread", cpu.name())), "{speed}");
    }
    let kept = place.path("laughs.db.tiles.json");
    assert!(speed_with_tiles(&place, "measure").contains(" rows (measured now: "));
    assert!(!kept.exists(), "doctor changes nothing");
    said(place.scan_into(&place.sqlite(), &[]).env("GIGGLES_TILES", "measure")).ends_with(0);
    assert!(kept.exists());
    assert!(speed_with_tiles(&place, "measure").contains(" rows (measured before: "));
}

#[test]
fn a_ping_is_not_sent() {
    let place = place();
    let web = Web::answering(&[Answer::status(404)]);
    let said = doctor(&place, &["--ping-url", &web.url("secret-uuid")]).ends_with(0);
    says(&said, "ping", &["ok ", "http://127.0.0.1:", "was not pinged"]);
    let asked = web.asked();
    assert_eq!(
        asked.iter().map(|asked| (asked.method.as_str(), asked.path.as_str())).collect::<Vec<_>>(),
        [("HEAD", "/")]
    );
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let nobody = format!("http://127.0.0.1:{port}/secret-uuid");
    let said = doctor(&place, &["--ping-url", &nobody, "-v"]).ends_with(0);
    says(&said, "ping", &["warn", "cannot be reached: Connection refused"]);
    assert!(!format!("{}{}", said.stdout, said.stderr).contains("secret"), "{}", said.stdout);
}

#[test]
fn metrics_nobody_would_read() {
    let place = place();
    let with = |path: &str| doctor(&place, &["--metrics-file", path]).ends_with(0);
    says(&with("/no/such/folder/giggles.prom"), "metrics", &["warn", "cannot be written: No such file"]);
    says(&with(place.path("giggles.txt").to_str().unwrap()), "metrics", &["warn", "does not end in .prom"]);
    says(&with(place.path("giggles.prom").to_str().unwrap()), "metrics", &["ok "]);
}

#[test]
fn what_cron_would_not_have() {
    let place = place();
    let by_hand = |place: &Place| {
        let mut command = place.command(&["doctor", "-j1", "recordings"]);
        command.env("TERM", "xterm").env("GIGGLES_TZ", "UTC").env("DATABASE_URL", "sqlite:laughs.db");
        command
    };
    let said_by_hand = said(&mut by_hand(&place)).ends_with(0);
    let lost = "set in this shell only: DATABASE_URL, GIGGLES_TZ; write into nightly.env";
    says(
        &said_by_hand,
        "scheduler",
        &["warn", lost, "'recordings' is a relative path, for another folder", "'laughs.db'"],
    );
    let file = place.path("nightly.env");
    fs::write(&file, "DATABASE_URL='sqlite:/srv/laughs.db'\nGIGGLES_TZ='UTC'\n").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let with_file = || said(by_hand(&place).env("GIGGLES_ENV_FILE", &file));
    with_file().ends_with(78).complains_of("nightly.env may be read or written by others; run chmod 600");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    let said_with_file = with_file().ends_with(0);
    let other = "DATABASE_URL is set to another value in the environment than in ";
    said_with_file.complains_of(other);
    assert!(!finding_of(&said_with_file, "scheduler").contains("this shell only"), "{}", said_with_file.stdout);
}

#[test]
fn what_systemd_would_not_have() {
    let place = place();
    let mut command = command(&place, &place.sqlite(), &[]);
    command.env_remove("HOME").env("INVOCATION_ID", "1").env("CREDENTIALS_DIRECTORY", place.path("home"));
    let words = ["warn", "run by systemd", "HOME is not set", "LoadCredential=database-url:FILE"];
    says(&said(&mut command).ends_with(0), "scheduler", &words);
}

#[test]
fn the_service_that_a_ping_is_taken_for_is_named() {
    let place = place();
    let web = Web::answering(&[Answer::status(404)]);
    for (path, service) in [("b6ae-uuid", "healthchecks.io or compatible"), ("api/7/cron/night/key/", "Sentry")] {
        let said = doctor(&place, &["--ping-url", &web.url(path)]).ends_with(0);
        says(&said, "ping", &["ok ", &format!("taken for {service}, can be reached")]);
        assert!(!finding_of(&said, "ping").contains("does not notice"), "{}", said.stdout);
    }
    let named = ["--ping-url", &web.url("topic"), "--ping-service", "ntfy"];
    let words = ["ok ", "taken for ntfy, can be reached", "does not notice a nightly run that never starts"];
    says(&doctor(&place, &named).ends_with(0), "ping", &words);
}

#[test]
fn clips_that_could_not_be_written() {
    let place = place();
    let folder = place.path("laughs");
    let shown = folder.display().to_string();
    let flags = ["--clips", shown.as_str()];
    says(&doctor(&place, &flags).ends_with(78), "clips", &["fail", "is not a folder; create it, or mount its disk"]);
    fs::create_dir_all(folder.join("default")).unwrap();
    let fine = doctor(&place, &flags).ends_with(0);
    assert_eq!(fs::read_dir(folder.join("default")).unwrap().count(), 0, "the clip is removed");
    says(&fine, "clips", &["ok ", &format!("{shown} can be written")]);
    for closed in ["laughs", "laughs/default"] {
        let mut command = command(&place, &place.sqlite(), &flags);
        let close = |bits| fs::set_permissions(place.path(closed), fs::Permissions::from_mode(bits)).unwrap();
        let said = place.said_by_nobody_after(&mut command, || close(0o500)).ends_with(0);
        close(0o700);
        let words = ["no clip can be written into ", "Permission denied"];
        says(&said, "clips", &["warn", words[0], words[1]]);
    }
    let relative = doctor(&place, &["--clips", "laughs"]).ends_with(0);
    says(&relative, "scheduler", &["warn", "'laughs' is a relative path, for another folder"]);
}

/// Where only clips have little room, a run stores its rows all the same.
#[test]
fn a_full_disk_for_clips_is_a_doubt_and_for_rows_a_fault() {
    let place = place();
    let folder = "$giggles doctor -j1 --tz UTC recordings";
    let clips = on_small_disk(&place, 100, &format!("{folder} --database sqlite:laughs.db --clips $disk")).ends_with(0);
    says(&clips, "disk space", &["warn", "0 MB free in ", "/disk"]);
    let rows = on_small_disk(&place, 100, &format!("{folder} --database sqlite:$disk/laughs.db")).ends_with(78);
    says(&rows, "disk space", &["fail", "0 MB free in ", "a commit without space is rolled back"]);
}
