//! Where recordings are stored: directories of this machine, or a bucket of an object store.
//!
//! A [`Storage`] hands out files that can be read on this machine, batch by batch. A directory is one batch: all its
//! recordings are identified and compared before the first is analyzed. Of a bucket, each object is a batch; the next
//! one is fetched while this one is analyzed.
//!
//! Invariant: what does not belong to the run is left out before it is fetched, as far as its name tells; of a bucket,
//! at most one page of the listing is in memory and at most two objects are on disk.

mod local;
mod s3;
mod scratch;

use std::path::PathBuf;

use jiff::tz::TimeZone;

use self::local::Local;
pub use self::local::recordings;
use crate::audio::discover::File;
use crate::domain::{NotAudio, RecordingError, Window};
use crate::error::Fatal;
use crate::object_store::{ObjectUrl, is_object_url};
use crate::shard::Shard;
use crate::stop::Stop;

/// Which recordings belong to the run.
#[derive(Debug, Clone)]
pub struct Selection {
    pub shard: Shard,
    pub window: Window,
    /// The time zone of file names that contain none.
    pub name_zone: TimeZone,
}

/// Recordings that can be read on this machine as long as the batch exists.
#[derive(Default)]
pub struct Batch {
    pub files: Vec<File>,
    /// Recordings that cannot be read, and why.
    pub unreadable: Vec<(File, RecordingError)>,
    /// The files are copies that giggles has fetched. They do not change, and their modification time is the time of
    /// the upload, unless the program that uploaded them stored the original one.
    pub copies: Option<Copies>,
}

/// What is known of fetched files.
pub struct Copies {
    /// Whether the modification times are those of uploads.
    pub have_upload_times: bool,
    _files: Vec<scratch::Scratch>,
    /// Dropped with the files.
    _claim: std::sync::Arc<()>,
}

/// A place of recordings.
pub trait Storage {
    /// The next recordings; None at the end.
    fn next(&mut self) -> Result<Option<Batch>, Fatal>;

    /// What was left out. Complete after the last batch.
    fn left_out(&mut self) -> LeftOut;

    /// Whether other shards have recordings of the window. Called after the last batch, if this shard has none.
    fn others_have_recordings(&self) -> bool;
}

/// What a storage holds besides the recordings of the run.
#[derive(Debug, Default)]
pub struct LeftOut {
    pub not_audio: NotAudio,
    /// Clips that giggles has cut.
    pub clips: usize,
    /// Recordings are named one by one, so there may be others beside them.
    pub has_explicit_files: bool,
}

/// Opens the storage of these paths and checks that it can be listed.
pub fn open(paths: &[PathBuf], selection: Selection, stop: &Stop) -> Result<Box<dyn Storage>, Fatal> {
    match object_url(paths)? {
        Some(url) => Ok(Box::new(s3::open(&url, selection, stop)?)),
        None => Ok(Box::new(Local::find(paths, selection)?)),
    }
}

/// Whether a bucket can be listed, for a check before a run. Paths of this machine are not checked.
pub fn check(paths: &[PathBuf], selection: Selection, stop: &Stop) -> Result<(), Fatal> {
    object_url(paths)?.map_or(Ok(()), |url| s3::check(&url, selection, stop))
}

/// The bucket that the paths name. None if they are paths of this machine.
fn object_url(paths: &[PathBuf]) -> Result<Option<ObjectUrl>, Fatal> {
    match paths {
        paths if !paths.iter().any(|path| is_object_url(path)) => Ok(None),
        [path] => {
            let url = ObjectUrl::parse(path).unwrap_or_else(|| Err("it is not valid UTF-8".to_owned()));
            url.map(Some).map_err(|error| Fatal::Config(format!("'{}': {error}", path.display()).into()))
        }
        _ => Err(Fatal::Config("an s3:// URL is scanned alone; run one scan for each".into())),
    }
}
