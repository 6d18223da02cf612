//! Clips as FLAC, in parts if a player asks for them, and their spectrograms.
//!
//! A clip is `<source>/<day>/<file>`. It is served if its source is one that the viewer sees, and a row names it; any
//! other file in the folder is not.

use std::fs::Metadata;
use std::ops::Range;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use hyper::StatusCode;
use hyper::header::{ACCEPT_RANGES, CONTENT_RANGE, ETAG, IF_RANGE, RANGE};

use super::exchange::{Request, Response, matches_tag};
use super::problem::Problem;
use super::stream::{Body, FilePart};
use super::visit::Visit;
use crate::atomic_file::open_regular;
use crate::clips::{is_clip, source_folder};
use crate::report;

const FLAC: &str = "audio/flac";

/// `GET /api/v1/clips/{source}/{day}/{file}`
pub fn clip(visit: &mut Visit) -> Result<Response, Problem> {
    let path = path(visit)?;
    let file = open_regular(&path).map_err(|_| missing())?;
    let found = file.metadata().map_err(|_| missing())?;
    let tag = tag(&found, "");
    let length = found.len();
    let response = Response::new(StatusCode::OK, FLAC, "").with(ETAG, &tag).with(ACCEPT_RANGES, "bytes");
    if matches_tag(visit.request, &tag) {
        return Ok(response.not_modified());
    }
    let Some(asked) = asked_range(visit.request, &tag) else {
        return Ok(Response { body: part(file, 0..length)?, ..response });
    };
    match range(asked, length) {
        Wanted::All => Ok(Response { body: part(file, 0..length)?, ..response }),
        Wanted::Part(range) => {
            let header = format!("bytes {}-{}/{length}", range.start, range.end - 1);
            let response = response.with(CONTENT_RANGE, &header);
            Ok(Response { status: StatusCode::PARTIAL_CONTENT, body: part(file, range)?, ..response })
        }
        Wanted::Nothing => {
            let detail = format!("the clip has {length} bytes; ask for a range in it");
            let problem = Problem::new(StatusCode::RANGE_NOT_SATISFIABLE, detail);
            Err(problem.with(CONTENT_RANGE, &format!("bytes */{length}")))
        }
    }
}

/// `GET /api/v1/spectrograms/{source}/{day}/{file}`
pub fn spectrogram(visit: &mut Visit) -> Result<Response, Problem> {
    let path = path(visit)?;
    let found = path.metadata().map_err(|_| missing())?;
    let tag = tag(&found, "s");
    let response = Response::new(StatusCode::OK, "image/png", "").with(ETAG, &tag);
    if matches_tag(visit.request, &tag) {
        return Ok(response.not_modified());
    }
    let png = report::spectrogram(&path).ok_or_else(|| Problem::not_found("the clip cannot be decoded"))?;
    Ok(Response { body: Body::Bytes(png.into()), ..response })
}

/// The file of the clip that the path of the request names.
pub fn path(visit: &mut Visit) -> Result<PathBuf, Problem> {
    let (source, day, file) = (visit.part("source"), visit.part("day"), visit.part("file"));
    let clip = format!("{source}/{day}/{file}");
    let (folder, is_name) = (source.to_owned(), is_clip(file));
    let is_seen = visit.sources()?.iter().any(|source| source_folder(source) == folder);
    let Some(clips) = visit.site.clips.clone() else {
        return Err(Problem::not_found("this server has no clips; start it with --clips"));
    };
    let is_named = is_seen && is_name && visit.reader()?.named_clips(std::slice::from_ref(&clip))?.contains(&clip);
    if is_named { Ok(clips.join(clip)) } else { Err(missing()) }
}

fn missing() -> Problem {
    Problem::not_found("there is no such clip")
}

fn part(file: std::fs::File, range: Range<u64>) -> Result<Body, Problem> {
    let part = FilePart::new(file, range.start, range.end - range.start);
    part.map(Body::File).map_err(|_| missing())
}

/// Changes if the file is replaced or written.
fn tag(found: &Metadata, kind: &str) -> String {
    format!("\"{kind}{:x}-{:x}-{:x}-{:x}\"", found.ino(), found.len(), found.mtime(), found.mtime_nsec())
}

/// The header `Range`, unless `If-Range` names another version of the file.
fn asked_range<'a>(request: &'a Request, tag: &str) -> Option<&'a str> {
    let is_same = request.headers.get(IF_RANGE).is_none_or(|named| named.as_bytes() == tag.as_bytes());
    request.header(&RANGE).filter(|_| is_same)
}

/// What a `Range` asks for.
#[derive(Debug, PartialEq, Eq)]
enum Wanted {
    /// The header is not understood, or asks for several parts, and is ignored (RFC 9110, 14.2).
    All,
    Part(Range<u64>),
    /// It starts behind the end.
    Nothing,
}

fn range(text: &str, length: u64) -> Wanted {
    let Some((first, last)) = text.strip_prefix("bytes=").and_then(|range| range.trim().split_once('-')) else {
        return Wanted::All;
    };
    let number =
        |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse::<u64>().unwrap_or(u64::MAX));
    let (first, last) = match (first, last) {
        ("", "") => return Wanted::All,
        // The last bytes.
        ("", last) => match number(last) {
            None => return Wanted::All,
            Some(0) => return Wanted::Nothing,
            Some(count) => (length.saturating_sub(count), length),
        },
        (first, last) => match (number(first), if last.is_empty() { Some(u64::MAX) } else { number(last) }) {
            (Some(first), Some(last)) if first <= last => (first, last.saturating_add(1).min(length)),
            _ => return Wanted::All,
        },
    };
    if first < last { Wanted::Part(first..last) } else { Wanted::Nothing }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_those_of_rfc_9110() {
        for (text, wanted) in [
            ("bytes=0-99", Wanted::Part(0..100)),
            ("bytes=0-0", Wanted::Part(0..1)),
            ("bytes=10-", Wanted::Part(10..1000)),
            ("bytes=990-2000", Wanted::Part(990..1000)),
            ("bytes=-100", Wanted::Part(900..1000)),
            ("bytes=-5000", Wanted::Part(0..1000)),
            ("bytes=0-99999999999999999999999", Wanted::Part(0..1000)),
            ("bytes=1000-", Wanted::Nothing),
            ("bytes=-0", Wanted::Nothing),
            ("bytes=99999999999999999999999-", Wanted::Nothing),
            ("bytes=5-4", Wanted::All),
            ("bytes=0-1,5-6", Wanted::All),
            ("bytes=a-b", Wanted::All),
            ("bytes=-", Wanted::All),
            ("bytes=", Wanted::All),
            ("lines=0-1", Wanted::All),
        ] {
            assert_eq!(range(text, 1000), wanted, "{text}");
        }
        assert_eq!(range("bytes=0-", 0), Wanted::Nothing);
    }
}
