//! A bucket of an object store that speaks S3's protocol.
//!
//! ```text
//! this thread                       the fetching thread
//! list the first page  ----------->  for each object: fetch, hand over, wait until it is taken
//! take object 1 <------------------  object 1
//! analyze object 1                   object 2 is fetched
//! drop object 1, take object 2 <---  object 2
//! ```
//!
//! Invariant: an object that cannot be fetched is a failed recording; only a bucket that cannot be listed, a store that
//! no longer answers, or credentials that it no longer accepts end the run.

mod download;
mod fetch;
mod listing;

use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender};
use std::thread;
use std::time::Duration;

use self::fetch::{Fetcher, Message};
use self::listing::Listing;
use super::{Batch, LeftOut, Selection, Storage, scratch};
use crate::domain::Reason;
use crate::error::Fatal;
use crate::object_store::{Client, ObjectUrl, S3Error};
use crate::stop::Stop;

/// How often a wait for an object checks for a signal.
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// The objects of a prefix.
pub struct Bucket {
    batches: Receiver<Message>,
    stop: Stop,
    /// Set by the last message.
    left_out: LeftOut,
    others_have_recordings: bool,
}

pub fn open(location: &ObjectUrl, selection: Selection, stop: &Stop) -> Result<Bucket, Fatal> {
    let to_fatal = |error: S3Error| error.into_fatal(&location.to_string());
    scratch::Scratch::new()
        .map_err(|error| Fatal::Config(because("the scratch folder (TMPDIR) cannot be used", error)))?;
    let mut client = Client::new(location, stop).map_err(to_fatal)?;
    let listing = Listing::begin(&mut client, location, selection).map_err(to_fatal)?;
    // If the channel is full, the thread has one object at most that the run has not taken.
    let (sender, batches): (SyncSender<Message>, _) = mpsc::sync_channel(0);
    let fetcher = Fetcher::new(client, listing, location.clone(), stop.clone());
    thread::Builder::new()
        .name("fetch".into())
        .spawn(move || fetcher.run(&sender))
        .map_err(|error| Fatal::Failed(because("no thread for object storage", error)))?;
    Ok(Bucket { batches, stop: stop.clone(), left_out: LeftOut::default(), others_have_recordings: false })
}

fn because(what: &str, error: std::io::Error) -> Reason {
    Reason::new(format!("{what}: {error}")).caused_by(error)
}

/// Whether the bucket can be listed.
pub fn check(location: &ObjectUrl, selection: Selection, stop: &Stop) -> Result<(), Fatal> {
    let to_fatal = |error: S3Error| error.into_fatal(&location.to_string());
    let mut client = Client::new(location, stop).map_err(to_fatal)?;
    Listing::begin(&mut client, location, selection).map(|_| ()).map_err(to_fatal)
}

impl Storage for Bucket {
    fn next(&mut self) -> Result<Option<Batch>, Fatal> {
        let message = loop {
            match self.batches.recv_timeout(POLL_INTERVAL) {
                Err(RecvTimeoutError::Timeout) => match self.stop.signal() {
                    Some(signal) => return Err(Fatal::Signal(signal)),
                    None => continue,
                },
                message => break message,
            }
        };
        match message {
            Ok(Message::Batch(batch)) => Ok(Some(batch)),
            Ok(Message::End { left_out, others_have_recordings }) => {
                (self.left_out, self.others_have_recordings) = (left_out, others_have_recordings);
                Ok(None)
            }
            Ok(Message::Failed(fatal)) => Err(fatal),
            Err(_) => Err(Fatal::Failed("the thread that fetches objects has ended; this is a bug".into())),
        }
    }

    fn left_out(&mut self) -> LeftOut {
        std::mem::take(&mut self.left_out)
    }

    fn others_have_recordings(&self) -> bool {
        self.others_have_recordings
    }
}
