//! Lists the objects of a prefix, page by page, and selects those that may be recordings of the run.
//!
//! ```text
//! keys below PREFIX/                        -> names relative to it
//! none, and PREFIX is the key of an object  -> that object alone
//! a folder marker, a hidden part, a clip    -> left out
//! an audio extension                        -> recording
//! known other extension                     -> counted as not audio
//! any other extension, or none              -> decided by its first bytes when it is fetched
//! another shard's, or a name far from the window -> left out
//! ```
//!
//! Invariant: holds one page of at most 1,000 keys, whatever the bucket contains.

use std::collections::VecDeque;
use std::path::Path;

use jiff::Timestamp;
use rusty_s3::actions::list_objects_v2::ListObjectsContent;

use crate::audio::discover::{extension, is_audio, is_known_other, shown};
use crate::clips::is_clip;
use crate::domain::NotAudio;
use crate::identify::{is_dated, may_overlap};
use crate::input::Selection;
use crate::object_store::{Client, List, ObjectUrl, S3Error, Scope, is_dots};

/// An object that may be a recording.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    pub key: String,
    /// The key relative to the prefix, escaped.
    pub name: String,
    pub etag: Option<String>,
    pub size: u64,
    pub uploaded: Option<Timestamp>,
    /// Whether its name says that it is audio; otherwise its first bytes decide.
    pub is_named_audio: bool,
    /// Whether its name contains a time.
    pub is_dated: bool,
}

/// The rest of the listing.
pub struct Listing {
    location: ObjectUrl,
    selection: Selection,
    page: VecDeque<Object>,
    /// None at the end.
    next: Option<List>,
    pub not_audio: NotAudio,
    pub clips: usize,
    /// Whether other shards may have recordings of the window.
    pub others_have_recordings: bool,
    /// The URL names one object.
    pub is_single: bool,
}

impl Listing {
    /// Reads the first page: a bucket that does not exist, or is denied, is an error before any work.
    pub fn begin(client: &mut Client, location: &ObjectUrl, selection: Selection) -> Result<Listing, S3Error> {
        let next = Some(List::new(location.folder(), Scope::All));
        let mut listing = Listing {
            location: location.clone(),
            selection,
            page: VecDeque::new(),
            next,
            not_audio: NotAudio::default(),
            clips: 0,
            others_have_recordings: false,
            is_single: false,
        };
        listing.read_page(client)?;
        Ok(listing)
    }

    pub fn next(&mut self, client: &mut Client) -> Result<Option<Object>, S3Error> {
        while self.page.is_empty() && self.next.is_some() {
            self.read_page(client)?;
        }
        Ok(self.page.pop_front())
    }

    fn read_page(&mut self, client: &mut Client) -> Result<(), S3Error> {
        let Some(mut page) = self.next.take() else { return Ok(()) };
        let answer = client.exchange(&mut page)?;
        let is_nothing = page.token.is_none() && answer.contents.is_empty() && answer.next_continuation_token.is_none();
        if page.scope == Scope::First {
            let found = answer.contents.into_iter().find(|content| content.key == self.location.prefix);
            self.is_single = found.is_some();
            let name = self.location.prefix.rsplit('/').next().unwrap_or_default().to_owned();
            return self.add(found, |_| name.clone());
        }
        let (folder, prefix) = (self.location.folder(), self.location.prefix.clone());
        self.add(answer.contents, |key| key.strip_prefix(&folder).unwrap_or(key).to_owned())?;
        self.next = match answer.next_continuation_token {
            // It would be the same page for ever.
            Some(token) if page.token.as_ref() == Some(&token) => {
                return Err(S3Error::WrongList { what: "its next page is the same page" });
            }
            Some(token) => Some(List { token: Some(token), ..page }),
            None if is_nothing && prefix != folder => Some(List::new(prefix, Scope::First)),
            None => None,
        };
        Ok(())
    }

    fn add(
        &mut self,
        contents: impl IntoIterator<Item = ListObjectsContent>,
        name: impl Fn(&str) -> String,
    ) -> Result<(), S3Error> {
        for content in contents {
            let name = name(&content.key);
            let object = self.select(content, &name)?;
            self.page.extend(object);
        }
        Ok(())
    }

    fn select(&mut self, content: ListObjectsContent, relative: &str) -> Result<Option<Object>, S3Error> {
        let path = Path::new(relative);
        let is_marker = relative.is_empty() || relative.ends_with('/');
        let is_hidden = !self.is_single && relative.split('/').any(|part| part.starts_with('.') && !is_dots(part));
        if is_marker || is_hidden {
            return Ok(None);
        }
        if is_clip(relative) && !self.is_single {
            self.clips += 1;
            return Ok(None);
        }
        let is_named_audio = is_audio(path) || self.is_single;
        if !is_named_audio && is_known_other(path) {
            self.not_audio.count(extension(path).unwrap_or_default());
            return Ok(None);
        }
        let name = shown(relative.as_bytes());
        let Selection { window, name_zone, shard } = &self.selection;
        if !may_overlap(&name, window, name_zone) {
            return Ok(None);
        }
        let uploaded: Option<Timestamp> = content.last_modified.and_then(|at| at.parse().ok());
        let is_dated = is_dated(&name, name_zone);
        if !shard.holds(&name) {
            // A recording starts before it is uploaded.
            let is_older = |uploaded| window.from.is_some_and(|from| uploaded < from);
            let is_outside = !is_dated && uploaded.is_some_and(is_older);
            self.others_have_recordings |= is_named_audio && !is_outside;
            return Ok(None);
        }
        let size = content.size.ok_or(S3Error::WrongList { what: "an object has no size" })?;
        Ok(Some(Object { key: content.key, name, etag: content.etag, size, uploaded, is_named_audio, is_dated }))
    }

    /// Counts a fetched object whose first bytes are not audio.
    pub fn count_other(&mut self, object: &Object) {
        self.not_audio.count(extension(Path::new(&object.name)).unwrap_or_default());
    }
}
