//! scripts/nightly_processing.sh as cron runs it: a bare environment, settings from one file, the
//! program's exit code passed on.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

struct Deployment {
    folder: TempDir,
}

impl Deployment {
    /// The script beside settings that name the built program and a folder with one short recording.
    fn new() -> Deployment {
        let deployment = Deployment { folder: tempfile::tempdir().unwrap() };
        fs::create_dir(deployment.path("recordings")).unwrap();
        fs::copy(repository("fixtures/evening/20251024_130000.WAV"), deployment.path("recordings/20251024_130000.WAV"))
            .unwrap();
        fs::copy(repository("scripts/nightly_processing.sh"), deployment.path("nightly_processing.sh")).unwrap();
        deployment.settings("nightly.env", 0o600);
        deployment
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn settings(&self, name: &str, mode: u32) {
        let text = format!(
            "GIGGLES_BIN='{}'\nGIGGLES_RECORDINGS='{}'\nDATABASE_URL='sqlite:{}'\nGIGGLES_TZ='UTC'\n",
            env!("CARGO_BIN_EXE_giggles"),
            self.path("recordings").display(),
            self.path("laughs.db").display()
        );
        fs::write(self.path(name), text).unwrap();
        fs::set_permissions(self.path(name), fs::Permissions::from_mode(mode)).unwrap();
    }

    fn command(&self) -> Command {
        let mut command = Command::new("/bin/sh");
        command.arg(self.path("nightly_processing.sh")).env_clear().current_dir("/");
        command
    }

    fn run(&self, flags: &[&str]) -> Output {
        self.command().args(flags).output().unwrap()
    }

    fn detections(&self) -> i64 {
        let database = rusqlite::Connection::open(self.path("laughs.db")).unwrap();
        database.query_row("SELECT count(*) FROM detections", [], |row| row.get(0)).unwrap()
    }
}

fn repository(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_good_run_is_silent_and_stores_its_laughs() {
    let deployment = Deployment::new();
    let output = deployment.run(&["--quiet", "--date", "2025-10-24"]);
    assert_eq!((output.status.code(), stderr(&output).as_str()), (Some(0), ""));
    assert!(output.stdout.is_empty());
    assert_eq!(deployment.detections(), 1);
}

#[test]
fn the_exit_code_is_the_programs() {
    let deployment = Deployment::new();
    assert_eq!(deployment.run(&["--date", "2025-10-25"]).status.code(), Some(4));
    fs::write(deployment.path("recordings/20251024_140000.WAV"), "nothing to analyze").unwrap();
    assert_eq!(deployment.run(&[]).status.code(), Some(3));
    assert_eq!(deployment.run(&["--no-such-flag"]).status.code(), Some(2));
}

#[test]
fn settings_that_others_may_read_are_refused() {
    let deployment = Deployment::new();
    for mode in [0o640, 0o604, 0o620, 0o602] {
        deployment.settings("nightly.env", mode);
        let output = deployment.run(&[]);
        assert_eq!(output.status.code(), Some(78), "{mode:o}");
        assert!(stderr(&output).contains("chmod 600"), "{}", stderr(&output));
    }
    assert!(!deployment.path("laughs.db").exists());
}

#[test]
fn missing_settings_are_named() {
    let deployment = Deployment::new();
    let output = deployment.command().env("GIGGLES_ENV_FILE", "/no/such/nightly.env").output().unwrap();
    assert_eq!(output.status.code(), Some(78));
    assert!(stderr(&output).contains("/no/such/nightly.env cannot be read"), "{}", stderr(&output));
}

#[test]
fn another_settings_file_can_be_named() {
    let deployment = Deployment::new();
    fs::remove_file(deployment.path("nightly.env")).unwrap();
    deployment.settings("other.env", 0o600);
    let output =
        deployment.command().env("GIGGLES_ENV_FILE", deployment.path("other.env")).arg("--quiet").output().unwrap();
    assert_eq!((output.status.code(), stderr(&output).as_str()), (Some(0), ""));
    // What sh understands and systemd does not, which `--env-file` refuses.
    let text = fs::read_to_string(deployment.path("other.env")).unwrap() + "export GIGGLES_SOURCE=\"$(echo neil)\"\n";
    fs::write(deployment.path("other.env"), text).unwrap();
    let output =
        deployment.command().env("GIGGLES_ENV_FILE", deployment.path("other.env")).arg("--quiet").output().unwrap();
    assert_eq!((output.status.code(), stderr(&output).as_str()), (Some(0), ""));
}

#[test]
fn the_example_settings_are_settings() {
    let example = fs::read_to_string(repository("scripts/nightly.env.example")).unwrap();
    let flags = fs::read_to_string(repository("src/cli/scan/arguments.rs")).unwrap();
    let scan = fs::read_to_string(repository("src/cli/scan/settings.rs")).unwrap();
    let settings = fs::read_to_string(repository("src/cli/settings.rs")).unwrap();
    let script = fs::read_to_string(repository("scripts/nightly_processing.sh")).unwrap();
    let lines = example.lines().map(|line| line.strip_prefix("#GIGGLES").map_or(line, |_| &line[1..]));
    let names: Vec<&str> =
        lines.filter(|line| !line.starts_with('#')).filter_map(|line| line.split('=').next()).collect();
    assert!(names.len() > 7 && names.contains(&"GIGGLES_METRICS_FILE"), "{names:?}");
    for name in names.into_iter().filter(|name| !name.is_empty()) {
        assert!([&flags, &scan, &settings, &script].iter().any(|text| text.contains(name)), "nobody reads {name}");
    }
}

/// What cron hands to /bin/sh, with the script of this run.
fn crontab_line(deployment: &Deployment) -> String {
    let crontab = fs::read_to_string(repository("crontab.example")).unwrap();
    let line = crontab.lines().find(|line| line.starts_with("30 2 * * *")).unwrap();
    let command = line.trim_start_matches("30 2 * * *").trim();
    let installed = "/opt/giggles/scripts/nightly_processing.sh";
    assert!(command.contains(installed) && !command.contains('%'), "{command}");
    command.replace(installed, &format!("/bin/sh {}", deployment.path("nightly_processing.sh").display()))
}

#[test]
fn the_line_to_install_runs_and_looks_back_a_week() {
    let deployment = Deployment::new();
    let run = || {
        let mut command = Command::new("/bin/sh");
        command.arg("-c").arg(crontab_line(&deployment)).env_clear().env("PATH", "/usr/bin:/bin").output().unwrap()
    };
    assert_eq!(run().status.code(), Some(4), "the recording of 2025 is no longer of this week");
    let yesterday = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).yesterday().unwrap();
    let name = yesterday.strftime("recordings/%Y%m%d_120000.WAV").to_string();
    fs::rename(deployment.path("recordings/20251024_130000.WAV"), deployment.path(&name)).unwrap();
    let output = run();
    assert_eq!((output.status.code(), stderr(&output).as_str()), (Some(0), ""));
    assert_eq!(deployment.detections(), 1);
}

#[test]
fn settings_that_are_not_settings_are_78_and_said() {
    let deployment = Deployment::new();
    let good = fs::read_to_string(deployment.path("nightly.env")).unwrap();
    let absent = good.replace(env!("CARGO_BIN_EXE_giggles"), "/no/such/giggles");
    for (settings, words) in [
        (good.replace('\n', "\r\n"), "the line ends of Windows"),
        (format!("{good}GIGGLES_SOURCE='neil\n"), "nightly.env is not a shell script: "),
        (absent, "there is no program /no/such/giggles; install giggles there, or set GIGGLES_BIN"),
    ] {
        fs::write(deployment.path("nightly.env"), settings).unwrap();
        let output = deployment.run(&[]);
        assert_eq!(output.status.code(), Some(78), "{}", stderr(&output));
        assert!(stderr(&output).contains(words), "{}", stderr(&output));
    }
}

#[test]
fn a_settings_file_without_a_slash_is_the_one_here() {
    let deployment = Deployment::new();
    deployment.settings("other.env", 0o600);
    fs::remove_file(deployment.path("nightly.env")).unwrap();
    let mut command = deployment.command();
    let output = command.current_dir(deployment.path("")).env("GIGGLES_ENV_FILE", "other.env").output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
}
