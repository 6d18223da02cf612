//! Fetches one object into a scratch file.
//!
//! ```text
//! GET from the offset so far, If-Match the listed ETag
//!     connection cut -> the next attempt asks for the rest (Range)
//!     412, or another length or ETag than listed -> replaced
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
    /// When the recording was last modified, as a program that uploaded it wrote.
    pub modified: Option<SystemTime>,
}

impl<'a> Download<'a> {
    pub fn new(object: &'a Object, file: &'a File, stop: &'a Stop) -> Download<'a> {
        Download { object, file, until: object.size, stop, offset: 0, noted: 0, modified: None }
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
                Ok(0) => return Err(cut("the answer ended early")),
                Ok(count) => {
                    self.file.write_all_at(&block[..count], self.offset).map_err(S3Error::Scratch)?;
                    self.offset += count as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(cut(&error.to_string())),
            }
        }
        Ok(())
    }
}

fn cut(reason: &str) -> Refusal {
    Refusal::TryAgain { reason: reason.to_owned(), after: None }
}

impl Exchange for Download<'_> {
    type Output = ();

    fn request(&self, bucket: &Bucket, credentials: &Credentials) -> (Url, Vec<(&'static str, String)>) {
        let url = bucket.get_object(Some(credentials), &self.object.key).sign(VALID);
        let range = format!("bytes={}-{}", self.offset, self.until.saturating_sub(1));
        let etag = self.object.etag.iter().map(|etag| ("If-Match", format!("\"{}\"", plain(etag))));
        (url, [("Range", range)].into_iter().chain(etag).collect())
    }

    fn read(&mut self, mut response: Response<Body>) -> Result<(), Refusal> {
        let is_other = |listed: &String| header(&response, "etag").is_some_and(|etag| plain(etag) != plain(listed));
        if self.object.etag.as_ref().is_some_and(is_other) {
            return Err(S3Error::Replaced.into());
        }
        match (response.status(), header(&response, "content-range").and_then(range)) {
            (StatusCode::PARTIAL_CONTENT, Some((start, total))) => {
                if total != self.object.size || start != self.offset {
                    return Err(S3Error::Replaced.into());
                }
            }
            (StatusCode::PARTIAL_CONTENT, None) => return Err(cut("the answer has no Content-Range")),
            // A server without ranges sends all of it.
            _ => self.offset = 0,
        }
        self.modified = header(&response, "x-amz-meta-mtime").and_then(modified).or(self.modified);
        self.copy(response.body_mut().as_reader())
    }

    fn has_progressed(&mut self) -> bool {
        let has_progressed = self.offset >= self.noted + PROGRESS;
        self.noted = self.offset;
        has_progressed
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
