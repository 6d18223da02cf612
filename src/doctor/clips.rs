//! Can laughs be cut out? That there is a folder is a setting, and checked as one.

use super::{Visit, refused, untold};
use crate::record::Finding;
use crate::replace::Permissions;

/// Clips lie in a folder of their source, which another user's run may have made.
pub fn folder(visit: &Visit) -> Finding {
    let clips = match &visit.settings.clips {
        Err(fatal) => return refused(fatal),
        Ok(None) => return untold("no --clips is set"),
        Ok(Some(clips)) => clips,
    };
    let shown = clips.folder.display();
    match clips.check() {
        Ok(Permissions::Set) => Finding::ok(format!("{shown} can be written")),
        Ok(Permissions::Refused(error)) => Finding::ok(format!("{shown} can be written")).with(vec![format!(
            "permissions cannot be set there ({error}); clips have those that the file system gives, so check who may \
             read them"
        )]),
        Err(error) => Finding::warn(
            format!("no clip can be written into {shown}: {error}; a night would store its laughs and cut none out"),
            "check the permissions of the folder, and its disk",
        ),
    }
}
