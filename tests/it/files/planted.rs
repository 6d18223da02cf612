//! What another user may have put where giggles writes.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, lchown, symlink};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use rustix::fs::{CWD, Mode, mkfifoat};

use super::{below, place};
use crate::support::program::{Place, Said, said};

const NOBODY: u32 = 65_534;

fn pipe(path: &Path) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    mkfifoat(CWD, path, Mode::from_raw_mode(0o666)).unwrap();
}

fn scan(place: &Place, flags: &[&str]) -> Said {
    let begun = Instant::now();
    let said =
        said(place.scan_into(&place.sqlite(), flags).args(["--tz", "UTC", "--metrics-file", "textfile/giggles.prom"]));
    assert!(begun.elapsed() < Duration::from_secs(60), "it waited for somebody");
    said
}

/// A file that only its owner may read.
fn precious(place: &Place) -> std::path::PathBuf {
    let path = place.path("precious");
    fs::write(&path, "mine").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    path
}

fn assert_untouched(path: &Path) {
    let found = fs::metadata(path).unwrap();
    assert_eq!((fs::read_to_string(path).unwrap().as_str(), found.mode() & 0o777), ("mine", 0o600));
}

/// Only root can make a link that is somebody else's.
#[test]
fn metrics_replace_the_link_of_another_user_and_follow_one_of_ones_own() {
    let place = place();
    let (precious, link) = (precious(&place), place.path("textfile/giggles.prom"));
    symlink(&precious, &link).unwrap();
    if rustix::process::geteuid().is_root() {
        lchown(&link, Some(NOBODY), Some(NOBODY)).unwrap();
        scan(&place, &[])
            .ends_with(0)
            .complains_of("is a link that another user has created; it is not followed but replaced");
        assert!(fs::symlink_metadata(&link).unwrap().is_file());
        assert!(fs::read_to_string(&link).unwrap().contains("giggles_last_run_exit_code"));
        assert_untouched(&precious);
    }
    fs::remove_file(&link).unwrap();
    symlink("../own.prom", &link).unwrap();
    scan(&place, &[]).ends_with(0);
    assert!(link.is_symlink() && fs::metadata(place.path("own.prom")).unwrap().is_file());
    assert!(below(&place.path("textfile")).len() == 1, "nothing is left beside it");
}

/// An own link leads into a folder where another user's link lies.
#[test]
fn a_chain_of_links_ends_at_the_first_of_another_user() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let place = place();
    let precious = precious(&place);
    symlink("others.prom", place.path("textfile/giggles.prom")).unwrap();
    symlink(&precious, place.path("textfile/others.prom")).unwrap();
    lchown(place.path("textfile/others.prom"), Some(NOBODY), Some(NOBODY)).unwrap();
    scan(&place, &[]).ends_with(0);
    assert!(place.path("textfile/giggles.prom").is_symlink());
    assert!(fs::symlink_metadata(place.path("textfile/others.prom")).unwrap().is_file());
    assert_untouched(&precious);
}

#[test]
fn temporary_files_are_made_and_their_names_cannot_be_guessed() {
    let place = place();
    let trace = place.path("trace");
    let made = |place: &Place| -> Vec<String> {
        let like = place.scan_into(&place.sqlite(), &["--force", "--tz", "UTC", "--clips", "clips"]);
        let mut command = Command::new("strace");
        let set = like.get_envs().filter_map(|(name, value)| Some((name, value?)));
        command.args(["-f", "-e", "trace=open,openat,creat", "-o"]).arg(&trace).arg(like.get_program());
        command.args(like.get_args()).args(["--metrics-file", "textfile/giggles.prom"]);
        said(command.env_clear().envs(set).current_dir(place.path(""))).ends_with(0);
        let text = fs::read_to_string(&trace).unwrap();
        let lines = text.lines().filter(|line| line.contains(".tmp\"")).map(str::to_owned);
        lines.collect()
    };
    let runs = [made(&place), made(&place)];
    for line in runs.iter().flatten() {
        assert!(["O_CREAT", "O_EXCL", "O_NOFOLLOW"].iter().all(|flag| line.contains(flag)), "{line}");
    }
    let names = |lines: &[String]| -> Vec<String> {
        lines.iter().map(|line| line.split('"').nth(1).unwrap().to_owned()).collect()
    };
    assert_eq!(runs[0].len(), 2, "a clip and the metrics: {runs:?}");
    assert!(names(&runs[0]).iter().all(|name| !names(&runs[1]).contains(name)), "{runs:?}");
}

#[test]
fn a_pipe_in_the_place_of_a_clip_or_of_metrics_is_not_waited_for() {
    let place = place();
    scan(&place, &["--clips", "clips"]).ends_with(0);
    let clip = below(&place.path("clips")).into_iter().find(|path| path.is_file()).unwrap();
    fs::remove_file(&clip).unwrap();
    pipe(&clip);
    fs::remove_file(place.path("textfile/giggles.prom")).unwrap();
    pipe(&place.path("textfile/giggles.prom"));
    let said = scan(&place, &["--clips", "clips", "--force"]).ends_with(0);
    said.complains_of("giggles.prom cannot be written: it is not a regular file");
    let others = below(&place.path("clips")).into_iter().filter(|path| path.is_file()).count();
    assert_eq!(others, 1, "the clip has another name");
    for command in ["verify", "prune --older-than 1d", "report --date 2025-10-24 --tz UTC -o day.html"] {
        let words: Vec<&str> = command.split(' ').chain(["--clips", "clips"]).collect();
        let database = place.sqlite();
        place.run(&[&words[..], &["--database", &database]].concat()).ends_with(0);
    }
}

#[test]
fn a_clip_that_became_a_pipe_costs_the_report_its_sound_only() {
    let place = place();
    scan(&place, &["--clips", "clips"]).ends_with(0);
    let clip = below(&place.path("clips")).into_iter().find(|path| path.is_file()).unwrap();
    fs::remove_file(&clip).unwrap();
    pipe(&clip);
    let report = ["report", "--date", "2025-10-24", "--tz", "UTC", "--clips", "clips", "-o", "day.html"];
    place.run(&[&report[..], &["--database", &place.sqlite()]].concat()).ends_with(0);
    assert!(fs::read_to_string(place.path("day.html")).unwrap().contains("it is not a regular file"));
}

#[test]
fn no_clip_is_written_through_a_planted_folder() {
    let place = place();
    fs::create_dir_all(place.path("clips/default")).unwrap();
    fs::create_dir(place.path("elsewhere")).unwrap();
    symlink("../../elsewhere", place.path("clips/default/2025-10-24")).unwrap();
    scan(&place, &["--clips", "clips"])
        .ends_with(3)
        .complains_of("2025-10-24 is a symbolic link; clips need a real folder");
    assert!(below(&place.path("elsewhere")).is_empty());
}

#[test]
fn the_databases_own_files_are_not_waited_for_either() {
    let place = place();
    scan(&place, &[]).ends_with(0);
    let files = fs::read_dir(place.path("")).unwrap().flatten().map(|entry| entry.path());
    let lock = files.into_iter().find(|path| path.extension().is_some_and(|end| end == "lock")).unwrap();
    fs::remove_file(&lock).unwrap();
    pipe(&lock);
    scan(&place, &[]).ends_with(78).complains_of("it is not a regular file, which giggles never makes; remove it");
    place.run(&["doctor", "-j1", "recordings", "--database", &place.sqlite()]).ends_with(78);
    fs::remove_file(&lock).unwrap();
    symlink(precious(&place), &lock).unwrap();
    scan(&place, &[]).ends_with(78).complains_of("it is a link, which giggles never makes; remove it");
    assert_untouched(&place.path("precious"));
    fs::remove_file(&lock).unwrap();
    fs::remove_file(place.path("laughs.db")).unwrap();
    pipe(&place.path("laughs.db"));
    scan(&place, &[]).ends_with(78).complains_of("laughs.db is not a regular file");
    for command in ["status", "doctor recordings", "verify --clips clips"] {
        let words: Vec<&str> = command.split(' ').collect();
        assert_ne!(place.run(&[&words[..], &["--database", &place.sqlite()]].concat()).code, 0, "{command}");
    }
}

#[test]
fn a_report_goes_into_a_pipe_that_is_read_and_not_into_one_that_is_not() {
    let place = place();
    scan(&place, &[]).ends_with(0);
    let report = |to: &str| {
        let mut command = place.command(&["report", "--date", "2025-10-24", "--tz", "UTC", "-o", to]);
        command.args(["--database", &place.sqlite()]);
        command
    };
    pipe(&place.path("page"));
    said(&mut report("page")).ends_with(1).complains_of("page cannot be written: no process reads from this pipe");
    let reader = std::thread::spawn({
        let path = place.path("page");
        move || fs::read_to_string(path).unwrap()
    });
    crate::support::program::eventually("somebody reads", || said(&mut report("page")).code == 0);
    let page = reader.join().unwrap();
    assert!(page.starts_with("<!doctype html>") && page.trim_end().ends_with("</html>"));
    let to = fs::File::create(place.path("redirected.html")).unwrap();
    let before = to.metadata().unwrap().ino();
    assert!(report("/dev/stdout").stdout(to).status().unwrap().success());
    let page = fs::read_to_string(place.path("redirected.html")).unwrap();
    assert!(page.starts_with("<!doctype html>") && page.trim_end().ends_with("</html>"));
    assert_eq!(fs::metadata(place.path("redirected.html")).unwrap().ino(), before, "the same file, not another");
    for special in ["/dev", "textfile"] {
        said(&mut report(special)).ends_with(1).complains_of("it is not a regular file");
    }
}
