//! Will somebody be told, of a bad night and of one that never began?

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::process::geteuid;

use super::{Visit, refused, untold};
use crate::record::Finding;
use crate::replace::Permissions;
use crate::watch::metrics::check;
use crate::watch::ping::{Target, reach};

/// The ping's own address would count as one, so its host is asked for something else.
pub fn ping(visit: &Visit) -> Finding {
    let target = match &visit.settings.ping {
        Err(fatal) => return refused(fatal),
        Ok(None) => {
            return untold("no --ping-url is set; a service there raises the alarm when a night does not begin");
        }
        Ok(Some(target)) => target,
    };
    // Whoever pings the wrong way is not heard, and may not hear of it.
    let taken = format!("{target}, taken for {},", target.service());
    match reach(target.address()) {
        Ok(()) => Finding::ok(format!("{taken} can be reached; its check was not pinged")).with(silence(target)),
        Err(reason) => Finding::warn(
            format!("{taken} cannot be reached: {reason}"),
            "check the URL and the network; the night itself does not mind, but the service would raise the alarm",
        ),
    }
}

/// Messages alone are no alarm.
fn silence(target: &Target) -> Vec<String> {
    let line = "it shows messages and does not notice a night that never begins; only a heartbeat service does";
    if target.notices_silence() { Vec::new() } else { vec![line.to_owned()] }
}

/// The node exporter reads `*.prom` in its folder and nothing else.
pub fn metrics(visit: &Visit) -> Finding {
    let Some(path) = &visit.settings.metrics else { return untold("no --metrics-file is set") };
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
        Ok(Permissions::Set) => match kept(path) {
            None => Finding::ok(format!("{shown} can be written")),
            Some(reason) => Finding::warn(format!("{shown} cannot be replaced: {reason}"), "remove it"),
        },
    }
}

/// A file of another user in a folder such as `/tmp`, where only its owner may replace it.
fn kept(path: &Path) -> Option<String> {
    const STICKY: u32 = 0o1000;
    let (file, own) = (path.symlink_metadata().ok()?, geteuid().as_raw());
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let folder = folder.metadata().ok()?;
    let is_kept = own != 0 && folder.mode() & STICKY != 0 && file.uid() != own && folder.uid() != own;
    is_kept.then(|| format!("it belongs to user {}, and its folder is sticky", file.uid()))
}
