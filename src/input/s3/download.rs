//! Fetches one object into a scratch file.
//!
//! ```text
//! GET from the offset so far, If-Match the listed ETag
//!     connection cut -> the next attempt asks for the rest (Range); for all, if nothing identifies the object
//!     412, or another length or ETag than listed, or another object than in the first answer -> replaced
//! until the file has the listed size
//! ```

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::time::{Duration, SystemTime};

use rusty_s3::{Bucket, Credentials, S3Action};
use ureq::Body;
use ureq::http::{Response, StatusCode};
use url::Url;

use super::listing::Object;
use crate::domain::Reason;
use crate::object_store::{Exchange, Refusal, S3Error, VALID, header};
use crate::stop::Stop;

/// Bytes read at once; a signal is checked in between.
const BLOCK: usize = 64 * 1024;
/// Progress of an attempt after which its failure does not count.
const PROGRESS: u64 = 1 << 20;

/// The transfer of one object up to some offset.
pub struct Download<'a> {
    pub object: &'a Object,
    pub file: &'a File,
    /// Where to stop: the first bytes only, or all.
    pub until: u64,
    pub stop: &'a Stop,
    /// Bytes in the file.
    pub offset: u64,
    noted: u64,
    /// What identifies the object in the first answer: its ETag, or else Last-Modified.
    version: Option<String>,
    /// When the recording was last modified, as a program that uploaded it wrote.
    pub modified: Option<SystemTime>,
}

impl<'a> Download<'a> {
    pub fn new(object: &'a Object, file: &'a File, stop: &'a Stop) -> Download<'a> {
        Download { object, file, until: object.size, stop, offset: 0, noted: 0, version: None, modified: None }
    }

    /// Where the next attempt begins. Two objects could be joined if nothing tells one from the other.
    fn start(&self) -> u64 {
        if self.object.etag.is_some() || self.version.is_some() { self.offset } else { 0 }
    }

    /// Whether the answer is of another object than the one that was listed, or of which the file has the beginning.
    fn is_other(&mut self, response: &Response<Body>) -> bool {
        let etag = header(response, "etag").map(plain);
        let is_listed = self.object.etag.as_ref().zip(etag).is_none_or(|(listed, etag)| plain(listed) == etag);
        let Some(found) = etag.or_else(|| header(response, "last-modified")).map(str::to_owned) else {
            return !is_listed;
        };
        let is_first = self.version.as_ref().is_none_or(|version| *version == found);
        self.version.get_or_insert(found);
        !is_listed || !is_first
    }

    /// Reads the body into the file. Never more than was asked for.
    fn copy(&mut self, mut body: impl Read) -> Result<(), Refusal> {
        let mut block = vec![0; BLOCK];
        while self.offset < self.until {
            if let Some(signal) = self.stop.signal() {
                return Err(S3Error::Stopped(signal).into());
            }
            let most = (self.until - self.offset).min(BLOCK as u64) as usize;
            match body.read(&mut block[..most]) {
                Ok(0) => return Err(cut("the answer ended early".into())),
                Ok(count) => {
                    self.file.write_all_at(&block[..count], self.offset).map_err(S3Error::Scratch)?;
                    self.offset += count as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(cut(Reason::wrap(error))),
            }
        }
        Ok(())
    }
}

fn cut(reason: Reason) -> Refusal {
    Refusal::TryAgain { reason, after: None }
}

impl Exchange for Download<'_> {
    type Output = ();

    fn request(&self, bucket: &Bucket, credentials: &Credentials) -> (Url, Vec<(&'static str, String)>) {
        let url = bucket.get_object(Some(credentials), &self.object.key).sign(VALID);
        let range = format!("bytes={}-{}", self.start(), self.until.saturating_sub(1));
        let etag = self.object.etag.iter().map(|etag| ("If-Match", format!("\"{}\"", plain(etag))));
        (url, [("Range", range)].into_iter().chain(etag).collect())
    }

    fn read(&mut self, mut response: Response<Body>) -> Result<(), Refusal> {
        if self.is_other(&response) {
            return Err(S3Error::Replaced.into());
        }
        match (response.status(), header(&response, "content-range").and_then(range)) {
            (StatusCode::PARTIAL_CONTENT, Some((start, total))) => {
                if total != self.object.size || start != self.start() {
                    return Err(S3Error::Replaced.into());
                }
                self.offset = start;
            }
            (StatusCode::PARTIAL_CONTENT, None) => return Err(cut("the answer has no Content-Range".into())),
            // A server without ranges sends all of it.
            _ => {
                let length = header(&response, "content-length").and_then(|length| length.parse::<u64>().ok());
                if length.is_some_and(|length| length != self.object.size) {
                    return Err(S3Error::Replaced.into());
                }
                self.offset = 0;
            }
        }
        self.modified = header(&response, "x-amz-meta-mtime").and_then(modified).or(self.modified);
        self.copy(response.body_mut().as_reader())
    }

    fn has_progressed(&mut self) -> bool {
        let has_progressed = self.offset >= self.noted + PROGRESS;
        // Not less than before: after an answer without ranges, the same bytes would count as progress again.
        self.noted = self.noted.max(self.offset);
        has_progressed
    }

    fn most_bytes(&self) -> u64 {
        self.object.size
    }
}

/// An ETag without its quotes, which not every server writes.
fn plain(etag: &str) -> &str {
    etag.trim_start_matches("W/").trim_matches('"')
}

/// The first byte and the total length of `bytes 0-99/1000`.
fn range(text: &str) -> Option<(u64, u64)> {
    let (range, total) = text.strip_prefix("bytes ")?.split_once('/')?;
    Some((range.split_once('-')?.0.parse().ok()?, total.parse().ok()?))
}

/// rclone and s3fs store the modification time of the file as seconds since 1970, with a fraction.
fn modified(text: &str) -> Option<SystemTime> {
    let seconds = text.trim().parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())?;
    SystemTime::UNIX_EPOCH.checked_add(seconds).filter(|_| !seconds.is_zero())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_read() {
        assert_eq!(range("bytes 5-99/1000"), Some((5, 1000)));
        assert_eq!([range("bytes */1000"), range("5-99/1000"), range("bytes 5-9/*")], [None; 3]);
        let at = |seconds| Some(SystemTime::UNIX_EPOCH + Duration::from_secs_f64(seconds));
        assert_eq!(modified("1761310800.5"), at(1_761_310_800.5));
        assert_eq!([modified(""), modified("0"), modified("-5"), modified("nan"), modified("2025-10-24")], [None; 5]);
    }
}
