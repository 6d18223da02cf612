//! Will somebody be notified of a failed run and of a missing one?

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::process::geteuid;

use super::{Visit, not_checked, refused};
use crate::atomic_file::Permissions;
use crate::finding::Finding;
use crate::notify::metrics::check;
use crate::notify::ping::{Target, reach};
use crate::paths::directory_of;

/// A request to the ping URL would count as a ping, so another page of the host is requested.
pub fn ping(visit: &Visit) -> Finding {
    let target = match &visit.settings.ping {
        Err(fatal) => return refused(fatal),
        Ok(None) => {
            return not_checked(
                "no --ping-url is set; such a service raises the alarm when a nightly run does not start",
            );
        }
        Ok(Some(target)) => target,
    };
    // A ping in the format of another service has no effect, possibly without an error; so the service is shown.
    let taken = format!("{target}, taken for {},", target.service());
    match reach(target.address()) {
        Ok(()) => Finding::ok(format!("{taken} can be reached; its check was not pinged")).with(silence(target)),
        Err(reason) => Finding::warn(
            format!("{taken} cannot be reached: {reason}"),
            "check the URL and the network; a run continues without it, but the service would raise the alarm",
        ),
    }
}

/// A hint for message services, which do not notice a missing run.
fn silence(target: &Target) -> Vec<String> {
    let line = "it shows messages but does not notice a nightly run that never starts; only a heartbeat service does";
    if target.notices_silence() { Vec::new() } else { vec![line.to_owned()] }
}

/// The node exporter reads only `*.prom` in its directory.
pub fn metrics(visit: &Visit) -> Finding {
    let Some(path) = &visit.settings.metrics else { return not_checked("no --metrics-file is set") };
    let shown = path.display();
    let is_prom = path.extension().is_some_and(|extension| extension == "prom");
    if path.is_dir() {
        return Finding::warn(format!("{shown} is a directory"), "name a file in it, such as giggles.prom");
    }
    match check(path) {
        Err(error) => Finding::warn(
            format!("{shown} cannot be written: {error}"),
            "name a file in the folder of the node exporter, and let the run's user write in it; a run goes on without",
        ),
        Ok(_) if !is_prom => Finding::warn(
            format!("{shown} does not end in .prom"),
            "name it giggles.prom: the node exporter reads no other files",
        ),
        Ok(Permissions::Refused(error)) => Finding::ok(format!("{shown} can be written")).with(vec![format!(
            "its permissions cannot be set ({error}); check that the node exporter's user may read it"
        )]),
        Ok(Permissions::Set) => match sticky_owner(path) {
            None => Finding::ok(format!("{shown} can be written")),
            Some(reason) => Finding::warn(format!("{shown} cannot be replaced: {reason}"), "remove it"),
        },
    }
}

/// Why a file in a sticky directory such as `/tmp` cannot be replaced: it belongs to another user.
fn sticky_owner(path: &Path) -> Option<String> {
    const STICKY: u32 = 0o1000;
    let (file, own) = (path.symlink_metadata().ok()?, geteuid().as_raw());
    let folder = directory_of(path).metadata().ok()?;
    let is_kept = own != 0 && folder.mode() & STICKY != 0 && file.uid() != own && folder.uid() != own;
    is_kept.then(|| format!("it belongs to user {}, and its folder is sticky", file.uid()))
}
