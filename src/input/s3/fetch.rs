//! The thread that lists and fetches objects, one ahead of the analysis.

use std::path::PathBuf;
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Weak};
use std::thread;
use std::time::Duration;

use super::download::Download;
use super::listing::{Listing, Object};
use crate::audio::discover::{BEGINNING, File, is_audio_by_content};
use crate::domain::RecordingError;
use crate::error::Fatal;
use crate::input::scratch::{Scratch, is_full};
use crate::input::{Batch, Copies, LeftOut};
use crate::object_store::{Client, ObjectUrl, S3Error, is_dots};
use crate::stop::Stop;

/// After so many objects in a row without an answer, the store is down, and the run ends.
const MOST_UNREACHABLE: u32 = 3;
/// How often a wait for space checks whether there is some.
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// From the thread to the run.
pub enum Message {
    Batch(Batch),
    End { left_out: LeftOut, others_have_recordings: bool },
    Failed(Fatal),
}

/// A fetched object.
struct Fetched {
    scratch: Scratch,
    has_upload_time: bool,
}

pub struct Fetcher {
    client: Client,
    listing: Listing,
    location: ObjectUrl,
    stop: Stop,
    /// The object that was handed over last, as long as it is on disk.
    last: Weak<()>,
    /// Objects in a row for which the store did not answer.
    unreachable: u32,
}

impl Fetcher {
    pub fn new(client: Client, listing: Listing, location: ObjectUrl, stop: Stop) -> Fetcher {
        Fetcher { client, listing, location, stop, last: Weak::new(), unreachable: 0 }
    }

    /// Ends after the last message, or when the run has dropped its receiver.
    pub fn run(mut self, sender: &SyncSender<Message>) {
        loop {
            let message = match self.next() {
                Ok(Some(batch)) => Message::Batch(batch),
                Ok(None) => self.end(),
                Err(fatal) => Message::Failed(fatal),
            };
            let is_last = !matches!(message, Message::Batch(_));
            if sender.send(message).is_err() || is_last {
                return;
            }
        }
    }

    fn end(&mut self) -> Message {
        let left_out = LeftOut {
            not_audio: std::mem::take(&mut self.listing.not_audio),
            clips: self.listing.clips,
            has_explicit_files: self.listing.is_single,
        };
        Message::End { left_out, others_have_recordings: self.listing.others_have_recordings }
    }

    /// The next object that is a recording, fetched or failed.
    fn next(&mut self) -> Result<Option<Batch>, Fatal> {
        let location = self.location.to_string();
        let to_fatal = |error: S3Error| error.into_fatal(&location);
        while let Some(object) = self.listing.next(&mut self.client).map_err(to_fatal)? {
            match self.fetch(&object) {
                Ok(Some(fetched)) => return Ok(Some(self.batch(&object, fetched))),
                Ok(None) => self.listing.count_other(&object),
                Err(error) => {
                    let failed = self.failed(&object, error).map(Some);
                    return failed.map_err(|error| error.into_fatal_of_fetch(&location));
                }
            }
        }
        Ok(None)
    }

    fn batch(&mut self, object: &Object, Fetched { scratch, has_upload_time }: Fetched) -> Batch {
        self.unreachable = 0;
        let claim = Arc::new(());
        self.last = Arc::downgrade(&claim);
        let file = File { path: scratch.path().to_owned(), name: object.name.clone() };
        let copies = Copies { have_upload_times: has_upload_time, _files: vec![scratch], _claim: claim };
        Batch { files: vec![file], unreadable: Vec::new(), copies: Some(copies) }
    }

    /// A failed recording, unless the run has to end.
    fn failed(&mut self, object: &Object, error: S3Error) -> Result<Batch, S3Error> {
        self.unreachable = if matches!(error, S3Error::Unreachable { .. }) { self.unreachable + 1 } else { 0 };
        let is_fatal = matches!(error, S3Error::Stopped(_) | S3Error::Credentials(_) | S3Error::Rejected { .. });
        if is_fatal || self.unreachable >= MOST_UNREACHABLE {
            return Err(error);
        }
        let path = PathBuf::from(format!("s3://{}/{}", self.location.bucket, object.key));
        let file = File { path, name: object.name.clone() };
        let failure = match &error {
            S3Error::Scratch(cause) if is_full(cause) => RecordingError::Unreadable {
                reason: format!("its {} bytes do not fit into the scratch folder (TMPDIR)", object.size).into(),
            },
            _ => error.into_recording_error(),
        };
        Ok(Batch { files: Vec::new(), unreadable: vec![(file, failure)], copies: None })
    }

    /// None if the object is not audio.
    fn fetch(&mut self, object: &Object) -> Result<Option<Fetched>, S3Error> {
        if object.key.split('/').any(is_dots) {
            return Err(S3Error::UnusableKey);
        }
        match self.fetch_once(object) {
            Err(S3Error::Scratch(cause)) if is_full(&cause) && self.last.strong_count() > 0 => {
                self.await_space()?;
                self.fetch_once(object)
            }
            fetched => fetched,
        }
    }

    fn fetch_once(&mut self, object: &Object) -> Result<Option<Fetched>, S3Error> {
        let scratch = Scratch::new().map_err(S3Error::Scratch)?;
        let mut download = Download::new(object, &scratch.file, &self.stop);
        if !object.is_named_audio {
            download.until = object.size.min(BEGINNING);
            fetch_up_to(&mut self.client, &mut download, &scratch)?;
            if !is_audio_by_content(scratch.path()) {
                return Ok(None);
            }
            download.until = object.size;
        }
        fetch_up_to(&mut self.client, &mut download, &scratch)?;
        let modified = download.modified;
        let time = modified.or(object.uploaded.map(Into::into));
        if time.is_none() && !object.is_dated {
            return Err(S3Error::Undated);
        }
        time.map_or(Ok(()), |time| scratch.file.set_modified(time)).map_err(S3Error::Scratch)?;
        Ok(Some(Fetched { scratch, has_upload_time: modified.is_none() }))
    }

    /// Waits until the object that is being analyzed leaves the disk.
    fn await_space(&self) -> Result<(), S3Error> {
        while self.last.strong_count() > 0 {
            if let Some(signal) = self.stop.signal() {
                return Err(S3Error::Stopped(signal));
            }
            thread::sleep(POLL_INTERVAL);
        }
        Ok(())
    }
}

/// An object without bytes is not asked for: no range of it can be. Nor is one that does not fit on the disk.
fn fetch_up_to(client: &mut Client, download: &mut Download<'_>, scratch: &Scratch) -> Result<(), S3Error> {
    let bytes = download.until.saturating_sub(download.offset);
    if bytes == 0 {
        return Ok(());
    }
    scratch.check_space(bytes).map_err(S3Error::Scratch)?;
    client.exchange(download)
}
