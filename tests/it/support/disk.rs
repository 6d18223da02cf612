//! A small disk of one's own: a tmpfs in a private mount namespace, gone with the script that runs on it.

use std::process::Command;

use super::program::{Place, Said, said};

/// Runs a script of sh with `$giggles`, `$disk` (an empty file system of `kilobytes`) and the place's folder as
/// the current one. Needs root, or a kernel that lets users have namespaces.
pub fn on_small_disk(place: &Place, kilobytes: u32, script: &str) -> Said {
    on_disk(place, &format!("mount -t tmpfs -o size={kilobytes}k,mode=755 tmpfs \"$disk\""), script)
}

/// The same with a FUSE file system that has its own idea of permissions, as CIFS and vfat have: files and folders are
/// 0755, and no chmod changes that. Needs bindfs, with these flags besides.
pub fn on_fixed_permissions(place: &Place, flags: &str, script: &str) -> Said {
    std::fs::create_dir_all(place.path("behind")).unwrap();
    let mount = format!("bindfs --perms=0755 --chmod-deny --chown-deny {flags} behind \"$disk\"");
    // The file system is a process, and ends when nothing is mounted any more.
    on_disk(place, &mount, &format!("trap 'cd /; umount \"$disk\"' EXIT\n{script}"))
}

fn on_disk(place: &Place, mount: &str, script: &str) -> Said {
    let disk = place.path("disk");
    std::fs::create_dir_all(&disk).unwrap();
    let script = format!("set -eu\n{mount}\n{script}");
    let mut command = Command::new("unshare");
    command.arg(if rustix::process::geteuid().is_root() { "-m" } else { "-rm" }).args(["sh", "-c", &script]);
    // The environment in which the program always runs in tests.
    let like: Command = place.command::<&str>(&[]);
    let set = like.get_envs().filter_map(|(name, value)| Some((name, value?)));
    command.env_clear().envs(set).env("giggles", like.get_program()).env("disk", &disk);
    command.current_dir(like.get_current_dir().unwrap());
    let said = said(&mut command);
    let refused = said.code != 0 && said.stderr.starts_with("unshare:");
    assert!(
        !refused,
        "no mount namespace here; run as root with CAP_SYS_ADMIN, or allow user namespaces:\n{}",
        said.stderr
    );
    said
}
