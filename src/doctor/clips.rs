//! Can clips be written? The existence of the directory is checked with the settings.

use super::{Visit, not_checked, refused};
use crate::atomic_file::Permissions;
use crate::finding::Finding;

/// Clips are in the directory of their source, which another user's run may have created.
pub fn folder(visit: &Visit) -> Finding {
    let clips = match &visit.settings.clips {
        Err(fatal) => return refused(fatal),
        Ok(None) => return not_checked("no --clips is set"),
        Ok(Some(clips)) => clips,
    };
    let shown = &clips.location;
    let written = match clips.check(visit.stop) {
        Err(fatal) => return refused(&fatal),
        Ok(written) => written,
    };
    match written {
        Ok(Permissions::Set) => Finding::ok(format!("{shown} can be written")),
        Ok(Permissions::Refused(error)) => Finding::ok(format!("{shown} can be written")).with(vec![format!(
            "permissions cannot be set there ({error}); clips have those of the file system, so check who may read \
             them"
        )]),
        Err(error) => Finding::warn(
            format!("no clip can be written into {shown}: {error}; a run would store its laughs without clips"),
            match clips.location.folder() {
                Some(_) => "check the permissions of the folder, and its disk",
                None => {
                    "check that the credentials allow s3:ListBucket, s3:GetObject, s3:PutObject and s3:DeleteObject"
                }
            },
        ),
    }
}
