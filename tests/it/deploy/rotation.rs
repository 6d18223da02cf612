//! The logrotate file rotates, as whoever runs this.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use crate::deploy::{outcome, succeeds, text, tool};

#[test]
fn logs_are_rotated_and_compressed_one_week_later() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::create_dir(path("log")).unwrap();
    let who = |flag: &str| succeeds(Command::new("id").arg(flag)).trim().to_owned();
    let ours = format!("{} {}", who("-un"), who("-gn"));
    let rules = text("deploy/logrotate/giggles").replace("giggles giggles", &ours);
    fs::write(path("rules"), rules.replace("/var/log/giggles", path("log").to_str().unwrap())).unwrap();
    fs::set_permissions(path("rules"), fs::Permissions::from_mode(0o644)).unwrap();
    let logrotate = |flag: &str| {
        let mut command = Command::new(tool("logrotate", "logrotate"));
        outcome(command.arg(flag).arg("--state").arg(path("state")).arg(path("rules")))
    };

    let (output, said) = logrotate("--debug");
    assert!(output.status.success() && !said.contains("error"), "{said}");
    for run in ["first", "second"] {
        fs::write(path("log/nightly.log"), format!("the {run} run\n")).unwrap();
        let (output, said) = logrotate("--force");
        assert!(output.status.success() && said.is_empty(), "{said}");
    }
    assert_eq!(fs::read_to_string(path("log/nightly.log")).unwrap(), "");
    assert_eq!(fs::read_to_string(path("log/nightly.log.1")).unwrap(), "the second run\n");
    assert!(path("log/nightly.log.2.gz").exists());
    assert_eq!(fs::metadata(path("log/nightly.log")).unwrap().permissions().mode() & 0o777, 0o640);
}
