//! The units of systemd, judged by systemd itself in a folder that stands for an installed machine.

use std::fs;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::deploy::{outcome, repository, succeeds, text, tool, value};

const UNITS: [&str; 5] =
    ["giggles.service", "giggles.timer", "giggles-notify@.service", "giggles-serve.service", "giggles-serve.socket"];
/// Of 100. systemd 252 counts 11, nearly all of it for talking to a database and a ping service.
const EXPOSURE: &str = "15";

/// A root with giggles installed as deploy/README.md says, and the targets that every machine has.
fn machine() -> TempDir {
    let root = tempfile::tempdir().unwrap();
    let put = |from: &Path, to: &str| {
        let to = root.path().join(to.trim_start_matches('/'));
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(from, to).unwrap();
    };
    put(Path::new("/bin/sh"), "/bin/sh");
    put(Path::new(env!("CARGO_BIN_EXE_giggles")), "/usr/local/bin/giggles");
    put(&repository("deploy/systemd/notify.sh"), "/opt/giggles/deploy/systemd/notify.sh");
    for unit in UNITS {
        put(&repository(&format!("deploy/systemd/{unit}")), &format!("/etc/systemd/system/{unit}"));
    }
    for entry in fs::read_dir("/usr/lib/systemd/system").unwrap().map(Result::unwrap) {
        let name = entry.file_name().into_string().unwrap();
        if name.ends_with(".target") {
            put(&entry.path(), &format!("/usr/lib/systemd/system/{name}"));
        }
    }
    root
}

fn verify(root: &TempDir) -> (bool, String) {
    let mut command = Command::new(tool("systemd-analyze", "systemd"));
    command.arg(format!("--root={}", root.path().display()));
    let names = UNITS.map(|unit| unit.replace("@.", "@giggles."));
    let (output, said) = outcome(command.arg("verify").args(names));
    (output.status.success(), said)
}

#[test]
fn systemd_finds_nothing_to_say_of_them() {
    assert_eq!(verify(&machine()), (true, String::new()));
}

#[test]
fn systemd_would_say_what_is_wrong() {
    let root = machine();
    let path = root.path().join("etc/systemd/system/giggles.service");
    let unit = fs::read_to_string(&path).unwrap();
    fs::write(&path, unit.replace("ProtectSystem=", "ProtectSystems=")).unwrap();
    assert!(verify(&root).1.contains("ProtectSystems"), "{}", verify(&root).1);
    fs::write(&path, unit.replace("Restart=on-failure", "Restart=always")).unwrap();
    assert!(!verify(&root).0);
}

#[test]
fn little_is_exposed() {
    let security = |unit: &str, threshold: &str| {
        let mut command = Command::new(tool("systemd-analyze", "systemd"));
        command.args(["security", "--offline=true", "--no-pager", &format!("--threshold={threshold}")]);
        outcome(command.arg(repository(unit)))
    };
    for unit in ["giggles.service", "giggles-serve.service"] {
        let (output, said) = security(&format!("deploy/systemd/{unit}"), EXPOSURE);
        assert!(output.status.success(), "{said}");
    }
    let (output, _) = security("deploy/systemd/giggles.timer", "1");
    assert!(!output.status.success(), "a threshold can be missed");
}

#[test]
fn every_code_but_75_is_final() {
    let unit = text("deploy/systemd/giggles.service");
    let prevented: Vec<&str> = value(&unit, "RestartPreventExitStatus").split(' ').collect();
    for exit in giggles::exit::Exit::ALL.map(giggles::exit::Exit::code).into_iter().filter(|code| *code != 0) {
        assert_eq!(prevented.contains(&exit.to_string().as_str()), exit != 75, "{exit}");
    }
}

#[test]
fn the_timer_and_the_crontab_ask_for_the_same() {
    let unit = text("deploy/systemd/giggles.service").replace('"', "'");
    let (_, flags) = value(&unit, "ExecStart").split_once(" scan ").unwrap();
    let crontab = text("crontab.example");
    assert!(crontab.lines().any(|line| line.starts_with("30 2 * * * ") && line.ends_with(flags)), "{flags}");
    assert_eq!(value(&text("deploy/systemd/giggles.timer"), "OnCalendar"), "*-*-* 02:30:00");
    let mut command = Command::new(tool("systemd-analyze", "systemd"));
    succeeds(command.args(["calendar", "*-*-* 02:30:00"]));
}

#[test]
fn the_user_can_be_made() {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir(root.path().join("etc")).unwrap();
    let mut command = Command::new(tool("systemd-sysusers", "systemd"));
    command.arg(format!("--root={}", root.path().display())).arg(repository("deploy/systemd/giggles.sysusers"));
    succeeds(&mut command);
    let users = fs::read_to_string(root.path().join("etc/passwd")).unwrap();
    assert!(users.contains(":/var/lib/giggles:/usr/sbin/nologin"), "{users}");
}
