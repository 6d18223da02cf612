//! `--database-url-file`: who else may read it, and how its one line may be written.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::support::postgres::Postgres;
use crate::support::program::{Place, Said, said};

fn scan(place: &Place, bytes: &[u8], mode: u32) -> Said {
    let path = place.path("url");
    fs::write(&path, bytes).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    said(place.command(&["scan", "recordings", "--allow-empty", "--database-url-file"]).arg(path))
}

#[test]
fn a_file_that_others_can_read_is_refused() {
    let (place, database) = (Place::new(), Postgres::start());
    for mode in [0o600, 0o400] {
        scan(&place, database.url.as_bytes(), mode).ends_with(0);
    }
    for mode in [0o644, 0o640, 0o604, 0o444, 0o660] {
        let refused = scan(&place, database.url.as_bytes(), mode).ends_with(78);
        refused.complains_of("is readable by other users of this machine; run chmod 600 ").complains_of("/url");
        assert!(!refused.stderr.contains("open-sesame"));
    }
}

/// systemd and Kubernetes leave it to root, and let the service read it by its group or an access list.
#[test]
fn what_root_gives_to_a_service_may_be_read_by_its_group() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("NOT RUN: only root can give a file to another user");
        return;
    }
    let (place, database) = (Place::new(), Postgres::start());
    fs::create_dir(place.path("credentials")).unwrap();
    let file = place.path("credentials/database-url");
    fs::write(&file, &database.url).unwrap();
    let run = |mode: u32| {
        let mut command = place.command(&["scan", "recordings", "--allow-empty"]);
        command.env("CREDENTIALS_DIRECTORY", place.path("credentials"));
        place.said_by_nobody_after(&mut command, || {
            std::os::unix::fs::chown(&file, Some(0), Some(65_534)).unwrap();
            fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
        })
    };
    run(0o440).ends_with(0);
    run(0o444).ends_with(78).complains_of("chmod 600");
    run(0o460).ends_with(78).complains_of("chmod 600");
    let mut by_root = place.command(&["scan", "recordings", "--allow-empty"]);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o400)).unwrap();
    said(by_root.env("CREDENTIALS_DIRECTORY", place.path("credentials"))).ends_with(0);
}

#[test]
fn its_line_may_be_written_as_editors_and_shells_do() {
    let (place, database) = (Place::new(), Postgres::start());
    let url = &database.url;
    for text in [
        format!("\u{feff}{url}\r\n"),
        format!("\"{url}\"\n"),
        format!("'{url}'"),
        format!("DATABASE_URL={url}\n"),
        format!("# the database\nexport DATABASE_URL='{url}'\n\n"),
    ] {
        scan(&place, text.as_bytes(), 0o600).ends_with(0);
    }
    let utf16: Vec<u8> = format!("\u{feff}{url}").encode_utf16().flat_map(u16::to_le_bytes).collect();
    let long = "x".repeat(100_000);
    for (bytes, why) in [
        (b"".as_slice(), "is empty"),
        (b"\n\n", "is empty"),
        (utf16.as_slice(), "UTF-16"),
        (b"postgres://\xe9@db/x", "not valid UTF-8"),
        (b"postgres://neil:secret@db/x\nother\n", "several lines"),
        (b"GIGGLES_TZ=secret", "address is not supported"),
        (long.as_bytes(), "is too long"),
    ] {
        let refused = scan(&place, bytes, 0o600).ends_with(78);
        refused.complains_of(why);
        assert!(!refused.stderr.contains("secret"), "{}", refused.stderr);
    }
    let folder = said(place.command(&["scan", "recordings", "--database-url-file"]).arg(place.path("home")));
    folder.ends_with(78).complains_of("is a directory");
}
