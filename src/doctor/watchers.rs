//! Will somebody be told, of a bad night and of one that never began?

use std::path::Path;

use rustix::fs::{Access, access};

use super::{Visit, refused, untold};
use crate::record::Finding;
use crate::replace::is_special;
use crate::watch::ping::reach;

/// The ping's own address would count as one, so its host is asked for something else.
pub fn ping(visit: &Visit) -> Finding {
    let address = match &visit.settings.ping {
        Err(fatal) => return refused(fatal),
        Ok(None) => {
            return untold("no --ping-url is set; a service there raises the alarm when a night does not begin");
        }
        Ok(Some(address)) => address,
    };
    // Whoever pings the wrong way is not heard, and may not hear of it.
    let taken = format!("{address}, taken for {},", address.service());
    match reach(address) {
        Ok(()) => Finding::ok(format!("{taken} can be reached; its check was not pinged")),
        Err(reason) => Finding::warn(
            format!("{taken} cannot be reached: {reason}"),
            "check the URL and the network; the night itself does not mind, but the service would raise the alarm",
        ),
    }
}

/// The node exporter reads `*.prom` in its folder and nothing else.
pub fn metrics(visit: &Visit) -> Finding {
    let Some(path) = &visit.settings.metrics else { return untold("no --metrics-file is set") };
    let shown = path.display();
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let is_prom = path.extension().is_some_and(|extension| extension == "prom");
    match access(folder, Access::WRITE_OK | Access::EXEC_OK) {
        _ if path.is_dir() => Finding::warn(format!("{shown} is a folder"), "name a file in it, such as giggles.prom"),
        _ if is_special(path) => Finding::warn(
            format!("{shown} is no regular file"),
            "name a file in the folder of the node exporter; an empty setting writes none",
        ),
        Err(error) => Finding::warn(
            format!("{shown} cannot be written: {error}"),
            "make the folder, and let the night's user write in it; the night itself goes on without metrics",
        ),
        Ok(()) if !is_prom => Finding::warn(
            format!("{shown} does not end in .prom"),
            "name it giggles.prom: the node exporter reads no other files",
        ),
        Ok(()) => Finding::ok(format!("{shown} can be written")),
    }
}
