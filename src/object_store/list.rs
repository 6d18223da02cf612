//! Lists keys, page by page.

use std::io::Read;

use rusty_s3::actions::{ListObjectsV2, ListObjectsV2Response};
use rusty_s3::{Bucket, Credentials, S3Action};
use ureq::Body;
use ureq::http::Response;
use url::Url;

use super::client::{Exchange, VALID};
use super::error::{Refusal, interrupted};
use crate::domain::Reason;

/// The longest page in bytes: 1,000 keys of 1,024 bytes, each escaped, and their other fields.
const LONGEST_PAGE: u64 = 16 << 20;

/// A page of long keys, for the time that it may take.
const USUAL_PAGE: u64 = 2 << 20;

/// Which keys are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// All that begin with the prefix.
    All,
    /// The first of them only.
    First,
    /// Those without a further `/`; of the others, what they begin with up to it.
    Level,
}

/// The request for one page.
pub struct List {
    pub prefix: String,
    /// Where the page before ended.
    pub token: Option<String>,
    pub scope: Scope,
}

impl List {
    pub fn new(prefix: impl Into<String>, scope: Scope) -> List {
        List { prefix: prefix.into(), token: None, scope }
    }
}

impl Exchange for List {
    type Output = ListObjectsV2Response;

    fn request(&self, bucket: &Bucket, credentials: &Credentials) -> (Url, Vec<(&'static str, String)>) {
        let mut list = bucket.list_objects_v2(Some(credentials));
        list.with_prefix(self.prefix.as_str());
        if let Some(token) = &self.token {
            list.with_continuation_token(token.as_str());
        }
        match self.scope {
            Scope::All => {}
            Scope::First => list.with_max_keys(1),
            Scope::Level => list.with_delimiter("/"),
        }
        (list.sign(VALID), Vec::new())
    }

    fn most_bytes(&self) -> u64 {
        USUAL_PAGE
    }

    fn read(&mut self, mut response: Response<Body>) -> Result<ListObjectsV2Response, Refusal> {
        let mut text = String::new();
        let read = response.body_mut().as_reader().take(LONGEST_PAGE).read_to_string(&mut text);
        read.map_err(|error| interrupted(ureq::Error::from(error)))?;
        ListObjectsV2::parse_response(&text).map_err(|error| {
            let reason = Reason::new("the list of objects cannot be understood").caused_by(error);
            Refusal::TryAgain { reason, after: None }
        })
    }
}
