//! Can laughs be cut out? That there is a folder is a setting, and checked as one.

use rustix::fs::{Access, access};

use super::{Visit, refused, untold};
use crate::clips::folder::of_source;
use crate::record::Finding;

/// Clips lie in a folder of their source, which another user's run may have made.
pub fn folder(visit: &Visit) -> Finding {
    let clips = match &visit.settings.clips {
        Err(fatal) => return refused(fatal),
        Ok(None) => return untold("no --clips is set"),
        Ok(Some(clips)) => clips,
    };
    let of_source = clips.folder.join(of_source(&clips.source));
    let folders = [Some(&clips.folder), Some(&of_source).filter(|folder| folder.exists())];
    let refusal = folders.into_iter().flatten().find_map(|folder| {
        let error = access(folder, Access::READ_OK | Access::WRITE_OK | Access::EXEC_OK).err()?;
        Some(format!("{} may not be written: {error}", folder.display()))
    });
    match refusal {
        None => Finding::ok(format!("{} can be written", clips.folder.display())),
        Some(refusal) => Finding::warn(
            format!("{refusal}; a night would store its laughs and cut none of them out"),
            "check the permissions of the folder, and its disk",
        ),
    }
}
