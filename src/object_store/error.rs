//! Why a request to an object store failed: kinds, and how often a request is tried.
//!
//! Sources: Amazon S3 API Reference, "Error responses"; AWS General Reference, "Error retries and exponential backoff".

use std::io::Read;
use std::time::Duration;

use ureq::Body;
use ureq::http::{Response, StatusCode};

use super::credentials::CredentialsError;
use super::xml::element;
use crate::domain::{Reason, RecordingError};
use crate::error::Fatal;

/// A request that was given up.
#[derive(Debug, thiserror::Error)]
pub enum S3Error {
    #[error("the bucket does not exist")]
    NoSuchBucket,
    #[error("the object does not exist")]
    NoSuchObject,
    /// The object is not the one that was listed.
    #[error("the object was replaced")]
    Replaced,
    #[error("access is denied ({code})")]
    Denied { code: String },
    /// The credentials themselves are not accepted, for any request.
    #[error("access is denied ({code})")]
    Rejected { code: String, is_renewable: bool },
    /// What a server of this protocol does not answer.
    #[error("the list of objects is wrong: {what}")]
    WrongList { what: &'static str },
    /// An address with it would lead to another object.
    #[error("its key has a part . or .., which no address can have; rename the object")]
    UnusableKey,
    /// The time of the download would count as the start of the recording.
    #[error("the store does not say when it was uploaded, and its name contains no time")]
    Undated,
    #[error("the object is archived ({code}); restore it first")]
    Archived { code: String },
    /// No answer, or only answers that ask to try again.
    #[error("no answer after several tries: {reason}")]
    Unreachable {
        #[source]
        reason: Reason,
    },
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
    #[error("unexpected answer {status} ({code})")]
    Unexpected { status: u16, code: String },
    #[error("ended by signal {0}")]
    Stopped(usize),
    /// The scratch folder; not a matter of the object store.
    #[error("the scratch folder cannot be used: {0}")]
    Scratch(#[source] std::io::Error),
}

impl S3Error {
    /// Whether a later attempt may succeed without anybody's action.
    pub fn is_temporary(&self) -> bool {
        match self {
            S3Error::Unreachable { .. } => true,
            S3Error::Credentials(error) => error.is_temporary(),
            S3Error::Rejected { is_renewable, .. } => *is_renewable,
            _ => false,
        }
    }

    /// The end of a run whose bucket cannot be listed.
    pub fn into_fatal(self, location: &str) -> Fatal {
        self.end(&format!("'{location}' cannot be listed"))
    }

    /// The end of a run that cannot fetch any more objects.
    pub fn into_fatal_of_fetch(self, location: &str) -> Fatal {
        self.end(&format!("'{location}' cannot be read"))
    }

    fn end(self, what: &str) -> Fatal {
        let hint = match &self {
            S3Error::NoSuchBucket => "; check its name, the region and the endpoint",
            S3Error::Denied { .. } => "; check the credentials and that they allow s3:ListBucket and s3:GetObject",
            S3Error::Rejected { .. } => "; check the credentials: they are wrong or have expired",
            _ => "",
        };
        let kind = match &self {
            S3Error::Stopped(signal) => return Fatal::Signal(*signal),
            error if error.is_temporary() => Fatal::StorageUnreachable,
            S3Error::Credentials(_) | S3Error::Rejected { .. } => Fatal::Config,
            S3Error::Scratch(_) => Fatal::Failed,
            _ => Fatal::NoRecordings,
        };
        kind(Reason::new(format!("{what}: {self}{hint}")).caused_by(self))
    }

    /// The failure of one recording; all but that of a replaced object and of a missing one may heal in the next run.
    pub fn into_recording_error(self) -> RecordingError {
        match self {
            S3Error::NoSuchObject => RecordingError::Vanished,
            S3Error::Replaced => RecordingError::Changed,
            other => RecordingError::Unreadable { reason: Reason::wrap(other) },
        }
    }
}

/// Why one attempt failed.
pub enum Refusal {
    /// Another attempt may succeed, not before the given time if there is one.
    TryAgain {
        reason: Reason,
        after: Option<Duration>,
    },
    /// The credentials are not accepted: expired before their time, withdrawn, or wrong.
    Rejected {
        code: String,
    },
    /// The bucket is in this region.
    Region(String),
    Final(S3Error),
}

impl From<S3Error> for Refusal {
    fn from(error: S3Error) -> Refusal {
        Refusal::Final(error)
    }
}

/// An error of the connection. The text never contains the address, which is signed.
pub fn interrupted(error: ureq::Error) -> Refusal {
    let reason = match error {
        ureq::Error::BadUri(_) | ureq::Error::Http(_) => "the address is invalid".into(),
        other => Reason::wrap(other),
    };
    Refusal::TryAgain { reason, after: None }
}

/// The longest answer with an error that is read, in bytes.
const LONGEST: u64 = 65_536;

/// Sorts an answer that is not a success.
pub fn refusal(response: &mut Response<Body>, region: &str) -> Refusal {
    let status = response.status();
    let other_region = header(response, "x-amz-bucket-region").filter(|found| *found != region && is_region(found));
    let other_region = other_region.map(str::to_owned);
    let after = header(response, "retry-after").and_then(|seconds| seconds.parse().ok()).map(Duration::from_secs);
    let mut text = Vec::new();
    // Without its end, the status has to do.
    response.body_mut().as_reader().take(LONGEST).read_to_end(&mut text).ok();
    let code = element(&String::from_utf8_lossy(&text), "Code").map(word).unwrap_or_else(|| status.to_string());
    match (status.as_u16(), code.as_str(), other_region) {
        (301 | 307 | 400 | 403, _, Some(region)) => Refusal::Region(region),
        // A body that was damaged on the way.
        (_, "BadDigest" | "SlowDown" | "RequestTimeout" | "InternalError" | "ServiceUnavailable", _) => {
            try_again(&code, after)
        }
        (status, ..) if is_to_repeat(status) => try_again(&code, after),
        (
            _,
            "ExpiredToken" | "TokenRefreshRequired" | "InvalidToken" | "InvalidAccessKeyId" | "SignatureDoesNotMatch",
            _,
        ) => Refusal::Rejected { code },
        (_, "InvalidObjectState", _) => S3Error::Archived { code }.into(),
        (_, "NoSuchBucket", _) => S3Error::NoSuchBucket.into(),
        (404, ..) => S3Error::NoSuchObject.into(),
        (412 | 416, ..) => S3Error::Replaced.into(),
        (401 | 403, ..) => S3Error::Denied { code }.into(),
        (status, ..) => S3Error::Unexpected { status, code }.into(),
    }
}

fn try_again(code: &str, after: Option<Duration>) -> Refusal {
    Refusal::TryAgain { reason: code.into(), after }
}

pub fn header<'a, T>(response: &'a Response<T>, name: &str) -> Option<&'a str> {
    response.headers().get(name)?.to_str().ok()
}

pub fn is_success(status: StatusCode) -> bool {
    [StatusCode::OK, StatusCode::PARTIAL_CONTENT, StatusCode::NO_CONTENT].contains(&status)
}

/// Statuses that ask to try again.
pub fn is_to_repeat(status: u16) -> bool {
    matches!(status, 408 | 429 | 500 | 502 | 503 | 504)
}

/// A region becomes part of an address, so a server must not write anything else there.
fn is_region(text: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=32).contains(&text.len()) && text.bytes().all(is_part)
}

/// A code of the server as one word: the server may be anyone's.
fn word(code: &str) -> String {
    code.chars().filter(char::is_ascii_alphanumeric).take(64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_error_of_a_listing_has_its_exit_code() {
        let code = |error: S3Error| error.into_fatal("s3://bucket/").exit().code();
        let denied = || S3Error::Denied { code: "AccessDenied".into() };
        assert_eq!([code(S3Error::NoSuchBucket), code(denied())], [78, 78]);
        assert_eq!(code(S3Error::Unreachable { reason: "".into() }), 75);
        assert_eq!(code(S3Error::Credentials(CredentialsError::missing("none"))), 78);
        assert_eq!(code(S3Error::Credentials(CredentialsError::temporary("later"))), 75);
        let rejected = |is_renewable| S3Error::Rejected { code: "ExpiredToken".into(), is_renewable };
        assert_eq!([code(rejected(false)), code(rejected(true))], [78, 75]);
        assert_eq!(code(S3Error::WrongList { what: "an object has no size" }), 78);
        assert_eq!(code(S3Error::Stopped(15)), 143);
    }

    #[test]
    fn each_error_of_an_object_has_the_kind_that_a_file_would_have() {
        assert_eq!(S3Error::NoSuchObject.into_recording_error(), RecordingError::Vanished);
        assert_eq!(S3Error::Replaced.into_recording_error(), RecordingError::Changed);
        let denied = S3Error::Denied { code: "AccessDenied".into() }.into_recording_error();
        assert_eq!(denied.kind(), "unreadable");
        assert!(!RecordingError::PERMANENT.contains(&denied.kind()));
    }

    #[test]
    fn a_region_is_not_an_address() {
        assert!(is_region("eu-central-1"));
        assert!(!is_region("") && !is_region("evil.example/x") && !is_region("EU"));
    }

    #[test]
    fn a_code_is_a_word() {
        assert_eq!(word("Access\u{1b}[2J\nDenied"), "Access2JDenied");
    }
}
