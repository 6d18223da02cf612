//! Clips as objects of a bucket, with the names that they have in a directory: `PREFIX/<source>/<day>/<name>.flac`.
//!
//! ```text
//! write(name, bytes)   once a run: PUT <source>/.giggles, so that a source whose clips are all pruned is still known
//!                      GET name -> it does not exist:  PUT name
//!                                  it has these bytes: done
//!                                  it has others:      PUT name with a hash
//! list                 ListObjectsV2 of the prefix, of a source or of a day, never of more
//! remove(name)         DELETE, if the listing of its day contains it
//! ```
//!
//! Invariant: writes, lists and removes only objects named like a clip, besides `.giggles` and the object of a check. At
//! most the names of one day and one page of a listing are in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, SystemTime};

use super::clip_store::{ClipFile, Stamp, foreign_name};
use super::name::{is_clip, is_day, is_ours, with_hash};
use super::source::is_folder;
use crate::domain::ContentHash;
use crate::object_store::{Client, Delete, Exchange, Get, List, ObjectUrl, Put, S3Error, Scope};
use crate::stop::Stop;

/// After so many clips in a row without an answer, the store is down, and the run writes no further ones.
const MOST_UNREACHABLE: u32 = 3;
/// How often a wait for an upload checks for a signal.
const MOMENT: Duration = Duration::from_millis(50);
const MARKER: &str = ".giggles";
const CHECK: &str = ".giggles-check-";
const FLAC: &str = "audio/flac";
const NOTHING: &str = "application/octet-stream";

/// The clips below a prefix.
pub struct Bucket {
    /// Held for one clip at a time: two recordings with the same start time must not get the same name.
    state: Arc<Mutex<State>>,
    stop: Stop,
}

struct State {
    client: Client,
    /// Empty, or ends with `/`.
    folder: String,
    /// The directory names of sources whose marker was written.
    marked: BTreeSet<String>,
    /// Clips in a row for which the store did not answer.
    unreachable: u32,
    /// The clips of the day that was listed last.
    day: Option<(String, BTreeMap<String, Stamp>)>,
}

impl Bucket {
    /// # Errors
    /// There are no credentials, or the bucket does not exist. Whatever else is wrong may be so for some requests only.
    pub fn open(url: &ObjectUrl, stop: &Stop) -> io::Result<Bucket> {
        let client = Client::new(url, stop).map_err(io::Error::other)?;
        let (folder, marked) = (url.folder(), BTreeSet::new());
        let mut state = State { client, folder, marked, unreachable: 0, day: None };
        match state.has("") {
            Err(error @ (S3Error::NoSuchBucket | S3Error::Credentials(_) | S3Error::Stopped(_))) => {
                return Err(io::Error::other(error));
            }
            found => state.count(&found),
        }
        Ok(Bucket { state: Arc::new(Mutex::new(state)), stop: stop.clone() })
    }

    /// Writes a clip and returns its name. A signal ends the wait, but not the thread, which ends with the program.
    pub fn write(&self, usual: String, bytes: Vec<u8>, content: Option<ContentHash>) -> io::Result<String> {
        let (sender, written) = mpsc::channel();
        let state = self.state.clone();
        thread::Builder::new()
            .name("clip".into())
            .spawn(move || sender.send(lock(&state).write(usual, &bytes, content)).ok())?;
        loop {
            match written.recv_timeout(MOMENT) {
                Ok(written) => return written.map_err(io::Error::other),
                Err(RecvTimeoutError::Disconnected) => return Err(io::Error::other("its thread has ended; a bug")),
                Err(RecvTimeoutError::Timeout) => {
                    if let Some(signal) = self.stop.signal() {
                        return Err(io::Error::other(S3Error::Stopped(signal)));
                    }
                }
            }
        }
    }

    /// Writes an object in the folder of a source, reads it back and removes it.
    pub fn check(&self, source_folder: &str, bytes: &[u8]) -> io::Result<()> {
        let now = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default().as_nanos();
        let name = format!("{source_folder}/{CHECK}{}-{now}", std::process::id());
        if self.with(|state| state.check(&name, bytes))? {
            Ok(())
        } else {
            Err(io::Error::other("an object that was written there has another content when read"))
        }
    }

    pub fn has(&self, source_folder: &str) -> io::Result<bool> {
        self.with(|state| state.has(&format!("{source_folder}/")))
    }

    pub fn names(&self) -> io::Result<BTreeSet<String>> {
        Ok(self.with(|state| state.level(""))?.into_iter().filter(|name| is_folder(name)).collect())
    }

    pub fn days(&self, source_folder: &str) -> io::Result<Vec<String>> {
        let days = self.with(|state| state.level(&format!("{source_folder}/")))?;
        Ok(days.into_iter().filter(|day| is_day(day)).map(|day| format!("{source_folder}/{day}")).collect())
    }

    pub fn files(&self, day: &str) -> io::Result<Vec<ClipFile>> {
        let file =
            |(path, stamp): (&String, &Stamp)| ClipFile { path: path.clone(), is_half: false, stamp: stamp.clone() };
        self.with(|state| {
            state.day = None;
            Ok(state.clips(day)?.iter().map(file).collect())
        })
    }

    pub fn holds(&self, clip: &str) -> io::Result<bool> {
        if is_ours(clip) { self.with(|state| state.holds(clip)) } else { Ok(false) }
    }

    pub fn remove(&self, clip: &str) -> io::Result<bool> {
        let exists = self.would_remove(clip)?;
        if exists {
            self.with(|state| state.remove(clip))?;
        }
        Ok(exists)
    }

    pub fn would_remove(&self, clip: &str) -> io::Result<bool> {
        if is_ours(clip) { self.with(|state| state.holds(clip)) } else { Err(foreign_name()) }
    }

    pub fn remove_found(&self, file: &ClipFile) -> io::Result<bool> {
        self.with(|state| {
            let is_same = state.stamp(&file.path)?.as_ref() == Some(&file.stamp);
            if is_same {
                state.remove(&file.path)?;
            }
            Ok(is_same)
        })
    }

    fn with<T>(&self, act: impl FnOnce(&mut State) -> Result<T, S3Error>) -> io::Result<T> {
        act(&mut lock(&self.state)).map_err(io::Error::other)
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl State {
    fn key(&self, name: &str) -> String {
        format!("{}{name}", self.folder)
    }

    fn put(&mut self, name: &str, bytes: &[u8], content_type: &'static str) -> Result<(), S3Error> {
        let key = self.key(name);
        self.client.exchange(&mut Put { key: &key, bytes, content_type })
    }

    /// The first bytes of an object; None if it does not exist.
    fn get(&mut self, name: &str, most: u64) -> Result<Option<Vec<u8>>, S3Error> {
        let key = self.key(name);
        match self.client.exchange(&mut Get { key: &key, most }) {
            Err(S3Error::NoSuchObject) => Ok(None),
            found => found.map(Some),
        }
    }

    fn count<T>(&mut self, answer: &Result<T, S3Error>) {
        let is_unreachable = matches!(answer, Err(S3Error::Unreachable { .. }));
        self.unreachable = if is_unreachable { self.unreachable + 1 } else { 0 };
    }

    fn write(&mut self, usual: String, bytes: &[u8], content: Option<ContentHash>) -> Result<String, S3Error> {
        if self.unreachable >= MOST_UNREACHABLE {
            return Err(S3Error::Unreachable { reason: "this run does not try again".into() });
        }
        let written = self.write_free(usual, bytes, content);
        self.count(&written);
        written
    }

    fn write_free(&mut self, usual: String, bytes: &[u8], content: Option<ContentHash>) -> Result<String, S3Error> {
        self.mark(usual.split('/').next().unwrap_or_default())?;
        let name = match (self.get(&usual, bytes.len() as u64 + 1)?, content) {
            (Some(found), _) if found == bytes => return Ok(usual),
            (Some(_), Some(content)) => with_hash(&usual, content),
            _ => usual,
        };
        self.put(&name, bytes, FLAC)?;
        Ok(name)
    }

    fn mark(&mut self, source_folder: &str) -> Result<(), S3Error> {
        if !self.marked.contains(source_folder) {
            self.put(&format!("{source_folder}/{MARKER}"), &[], NOTHING)?;
            self.marked.insert(source_folder.to_owned());
        }
        Ok(())
    }

    /// Whether the object could be read again.
    fn check(&mut self, name: &str, bytes: &[u8]) -> Result<bool, S3Error> {
        self.put(name, bytes, FLAC)?;
        let found = self.get(name, bytes.len() as u64 + 1);
        self.remove(name)?;
        Ok(found?.is_some_and(|found| found == bytes))
    }

    /// Whether there are objects whose names begin so.
    fn has(&mut self, prefix: &str) -> Result<bool, S3Error> {
        let first = self.client.exchange(&mut List::new(self.key(prefix), Scope::First))?;
        Ok(!first.contents.is_empty())
    }

    /// The names between a prefix and the next `/`, in order.
    fn level(&mut self, prefix: &str) -> Result<Vec<String>, S3Error> {
        let prefix = self.key(prefix);
        let mut names = Vec::new();
        self.each_page(&prefix, |page| {
            let found = page.common_prefixes.into_iter().map(|found| found.prefix);
            names.extend(found.filter_map(|found| Some(found.strip_prefix(&prefix)?.trim_end_matches('/').to_owned())));
        })?;
        Ok(names)
    }

    /// The clips of a day, which are listed once while no other day is asked for.
    fn clips(&mut self, day: &str) -> Result<&BTreeMap<String, Stamp>, S3Error> {
        let known = self.day.take().filter(|(known, _)| known == day);
        let clips = match known {
            Some((_, clips)) => clips,
            None => self.list_clips(day)?,
        };
        Ok(&self.day.insert((day.to_owned(), clips)).1)
    }

    fn list_clips(&mut self, day: &str) -> Result<BTreeMap<String, Stamp>, S3Error> {
        let prefix = self.key(&format!("{day}/"));
        let mut clips = BTreeMap::new();
        self.each_page(&prefix, |page| {
            for object in page.contents {
                if let Some(file) = object.key.strip_prefix(&prefix).filter(|file| is_clip(file)) {
                    clips.insert(format!("{day}/{file}"), Stamp::Object(object.etag, object.last_modified));
                }
            }
        })?;
        Ok(clips)
    }

    /// Pages of one level: what is deeper takes no place.
    fn each_page(&mut self, prefix: &str, mut take: impl FnMut(<List as Exchange>::Output)) -> Result<(), S3Error> {
        let mut next = Some(List::new(prefix, Scope::Level));
        while let Some(mut list) = next {
            let page = self.client.exchange(&mut list)?;
            next = page.next_continuation_token.clone().map(|token| List { token: Some(token), ..list });
            take(page);
        }
        Ok(())
    }

    /// A clip that the listing does not contain may have been written since.
    fn holds(&mut self, clip: &str) -> Result<bool, S3Error> {
        let day = clip.rsplit_once('/').map_or("", |(day, _)| day);
        Ok(self.clips(day)?.contains_key(clip) || self.stamp(clip)?.is_some())
    }

    /// None if the object does not exist.
    fn stamp(&mut self, name: &str) -> Result<Option<Stamp>, S3Error> {
        let key = self.key(name);
        let first = self.client.exchange(&mut List::new(key.as_str(), Scope::First))?;
        let object = first.contents.into_iter().find(|object| object.key == key);
        Ok(object.map(|object| Stamp::Object(object.etag, object.last_modified)))
    }

    fn remove(&mut self, name: &str) -> Result<(), S3Error> {
        let key = self.key(name);
        self.client.exchange(&mut Delete { key: &key })?;
        if let Some((_, clips)) = &mut self.day {
            clips.remove(name);
        }
        Ok(())
    }
}
