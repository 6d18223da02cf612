use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};

use super::*;

/// A directory with files of one byte; a path that ends in `/` is a directory.
fn disk(paths: &[&str]) -> tempfile::TempDir {
    let disk = tempfile::tempdir().unwrap();
    for path in paths {
        let full = disk.path().join(path);
        fs::create_dir_all(if path.ends_with('/') { &full } else { full.parent().unwrap() }).unwrap();
        if !path.ends_with('/') {
            fs::write(&full, "x").unwrap();
        }
    }
    disk
}

fn search(disk: &tempfile::TempDir, arguments: &[&str]) -> Found {
    find(&arguments.iter().map(|argument| disk.path().join(argument)).collect::<Vec<_>>()).unwrap()
}

fn names(found: &Found) -> Vec<&str> {
    found.files.iter().map(|file| file.name.as_str()).collect()
}

fn unreadable(found: &Found) -> Vec<(&str, &str)> {
    found.unreadable.iter().map(|(file, error)| (file.name.as_str(), error.kind())).collect()
}

#[test]
fn recordings_are_sorted_by_name() {
    let disk = disk(&["b.wav", "a/z.OGG", "a/B.flac", "a.m4a", "x.wav/inner.mp3", "Ä.opus", "notes.txt", "empty/"]);
    let found = search(&disk, &[""]);
    assert_eq!(names(&found), ["a.m4a", "a/B.flac", "a/z.OGG", "b.wav", "x.wav/inner.mp3", "Ä.opus"]);
    assert_eq!(unreadable(&found), []);
    assert!(found.files.iter().all(|file| file.path == disk.path().join(&file.name)));
}

#[test]
fn hidden_temporary_and_other_files_are_skipped() {
    let disk = disk(&[
        "a.wav",
        "._a.wav",
        ".Trashes/b.wav",
        "c.wav.part",
        "d.tmp",
        "e.ogg.crdownload",
        "f.m3u",
        "wav",
        ".wav",
        "lost+found/g.wav",
        "$RECYCLE.BIN/h.wav",
        "System Volume Information/i.wav",
        "j.wav~",
    ]);
    let found = search(&disk, &[""]);
    assert_eq!(names(&found), ["a.wav"]);
    let others = "6 files are not audio (no extension 2, .crdownload 1, .m3u 1, .part 1, .tmp 1)";
    assert_eq!(found.not_audio.summary().unwrap(), others);
}

#[test]
fn every_file_is_recognized_by_its_content_or_counted() {
    let disk =
        disk(&["voice.qta", "clip.MOV", "chrome.weba", "old.3ga", "memo.w64", "a.txt", "b.txt", "c.jpg", "empty"]);
    let write = |name: &str, bytes: &[u8]| fs::write(disk.path().join(name), bytes).unwrap();
    write("empty", b"");
    write("recording", b"OggS\0\x02");
    write("20240105.bin", b"RIFF\x24\0\0\0WAVEfmt ");
    write("half.wav.part", b"RIFF\x24\0\0\0WAVEfmt ");
    write("giggles.db", b"SQLite format 3\0");
    write("named.txt", b"OggS\0\x02");
    let made = std::process::Command::new("mkfifo").arg(disk.path().join("pipe")).status().unwrap();
    assert!(made.success());
    symlink("recording", disk.path().join("latest")).unwrap();
    symlink("a.txt", disk.path().join("link.txt")).unwrap();
    let found = search(&disk, &[""]);
    let audio = ["20240105.bin", "chrome.weba", "clip.MOV", "memo.w64", "old.3ga", "recording", "voice.qta"];
    assert_eq!((names(&found), unreadable(&found)), (audio.into(), vec![]));
    let others = "8 files are not audio (.txt 4, no extension 1, .db 1, .jpg 1, .part 1)";
    assert_eq!(found.not_audio.summary().unwrap(), others);
    assert_eq!(search(&disk, &["a.txt"]).not_audio.total(), 0, "a file on the command line is always a recording");
}

#[test]
fn a_file_on_the_command_line_is_always_a_recording() {
    let disk = disk(&["a.dat", ".hidden.wav", ".folder/b.wav"]);
    assert_eq!(names(&search(&disk, &["a.dat", ".hidden.wav", ".folder"])), [".hidden.wav", "a.dat", "b.wav"]);
}

#[test]
fn a_file_that_is_reached_twice_is_listed_once() {
    let disk = disk(&["a/b/x.wav", "a/y.wav"]);
    for arguments in [&["a", "a"][..], &["a", "a/b"], &["a", "a/b/x.wav"], &["a", "a/../a"]] {
        assert_eq!(names(&search(&disk, arguments)), ["b/x.wav", "y.wav"], "{arguments:?}");
    }
    assert_eq!(names(&search(&disk, &["a/b", "a"])), ["x.wav", "y.wav"]);
}

#[test]
fn a_symbolic_link_adds_only_new_files() {
    let disk = disk(&["in/20251024_130000.wav", "in/day/x.wav", "out/z.wav", "out/deep/y.wav", "out/notes"]);
    symlink("20251024_130000.wav", disk.path().join("in/0-latest.wav")).unwrap();
    symlink("day", disk.path().join("in/a-day")).unwrap();
    symlink("../out", disk.path().join("in/card")).unwrap();
    symlink("../out/notes", disk.path().join("in/notes")).unwrap();
    let found = search(&disk, &["in"]);
    assert_eq!(names(&found), ["20251024_130000.wav", "card/deep/y.wav", "card/z.wav", "day/x.wav"]);
    assert_eq!(unreadable(&found), []);
    assert!(found.files.iter().all(|file| file.path == disk.path().join("in").join(&file.name)));
}

#[test]
fn a_directory_given_as_a_symbolic_link_is_walked() {
    let disk = disk(&["real/x.wav"]);
    symlink("real", disk.path().join("link")).unwrap();
    let found = search(&disk, &["link"]);
    assert_eq!(names(&found), ["x.wav"]);
    assert_eq!(found.files[0].path, disk.path().join("link/x.wav"));
}

#[test]
fn dangling_and_circular_links_are_reported() {
    let disk = disk(&["in/x.wav", "in/a/", "in/b/"]);
    for (link, target) in [
        ("in/gone.wav", "nowhere.wav"),
        ("in/card", "/nowhere/card"),
        ("in/gone.txt", "nowhere.txt"),
        ("in/up", ".."),
        ("in/self.wav", "self.wav"),
        ("in/a/b", "../b"),
        ("in/b/a", "../a"),
    ] {
        symlink(target, disk.path().join(link)).unwrap();
    }
    let found = search(&disk, &["in"]);
    assert_eq!(names(&found), ["x.wav"]);
    let expected =
        [("card", "unreadable"), ("gone.wav", "unreadable"), ("self.wav", "unreadable"), ("up", "not_a_file")];
    assert_eq!(unreadable(&found), expected);
}

#[test]
fn a_pipe_is_reported_without_blocking() {
    let disk = disk(&["a.wav"]);
    let made = std::process::Command::new("mkfifo").arg(disk.path().join("pipe.wav")).status().unwrap();
    assert!(made.success());
    let found = search(&disk, &[""]);
    assert_eq!(names(&found), ["a.wav"]);
    assert_eq!(unreadable(&found), [("pipe.wav", "not_a_file")]);
    assert_eq!(unreadable(&search(&disk, &["pipe.wav"])), [("pipe.wav", "not_a_file")]);
}

#[test]
fn an_unreadable_directory_is_reported() {
    let disk = disk(&["in/a.wav", "in/shut/b.wav"]);
    let shut = disk.path().join("in/shut");
    fs::set_permissions(&shut, fs::Permissions::from_mode(0o000)).unwrap();
    if fs::read_dir(&shut).is_ok() {
        return; // root reads everything
    }
    let found = search(&disk, &["in"]);
    let refused = find(std::slice::from_ref(&shut));
    fs::set_permissions(&shut, fs::Permissions::from_mode(0o700)).unwrap();
    assert_eq!(names(&found), ["a.wav"]);
    assert_eq!(unreadable(&found), [("shut", "unreadable")]);
    assert!(
        found.unreadable[0].1.to_string().starts_with("cannot be read: permission denied"),
        "{:?}",
        found.unreadable
    );
    assert!(matches!(refused, Err(FindError::Unopenable { .. })));
}

#[test]
fn equal_names_are_made_unique() {
    let disk = disk(&["neil/mon/x.wav", "neil/y.wav", "anna/mon/x.wav", "anna/z.wav"]);
    let found = search(&disk, &["neil", "anna"]);
    assert_eq!(names(&found), ["anna/mon/x.wav", "neil/mon/x.wav", "y.wav", "z.wav"]);
    let found = search(&disk, &["neil/mon", "anna/mon"]);
    assert_eq!(names(&found), ["anna/mon/x.wav", "neil/mon/x.wav"]);
    let found = search(&disk, &["neil/mon/x.wav", "anna/mon/x.wav"]);
    assert_eq!(names(&found), ["anna/mon/x.wav", "neil/mon/x.wav"]);
}

#[test]
fn a_name_of_any_bytes_is_found() {
    let disk = disk(&[]);
    let path = disk.path().join(OsStr::from_bytes(b"caf\xe9.wav"));
    if fs::write(&path, "x").is_err() {
        return; // some file systems accept UTF-8 only
    }
    let found = search(&disk, &[""]);
    assert_eq!((names(&found), &found.files[0].path), (vec!["caf\\xe9.wav"], &path));
}

#[test]
fn an_argument_that_does_not_exist_is_rejected() {
    let error = find(&[PathBuf::from("/no/such/card")]).unwrap_err().to_string();
    assert_eq!(error, "'/no/such/card' does not exist; check the path and that its disk is mounted");
}

#[test]
fn no_arguments_and_an_empty_directory_give_no_files() {
    assert!(find(&[]).unwrap().files.is_empty());
    assert!(search(&disk(&[]), &[""]).files.is_empty());
}
