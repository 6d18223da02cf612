//! Writes, reads and removes one small object.
//!
//! Sources: Amazon S3 API Reference, "PutObject", "GetObject", "DeleteObject"; RFC 1864, "The Content-MD5 Header Field".

use std::io::Read;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest, Md5};
use rusty_s3::{Bucket, Credentials, S3Action};
use ureq::Body;
use ureq::http::Response;
use url::Url;

use super::client::{Exchange, Method, VALID};
use super::error::{Refusal, interrupted};

/// Writes an object, or replaces it. The server refuses a body that differs from its checksum.
pub struct Put<'a> {
    pub key: &'a str,
    pub bytes: &'a [u8],
    pub content_type: &'static str,
}

impl Exchange for Put<'_> {
    type Output = ();

    fn method(&self) -> Method<'_> {
        Method::Put(self.bytes)
    }

    fn request(&self, bucket: &Bucket, credentials: &Credentials) -> (Url, Vec<(&'static str, String)>) {
        let url = bucket.put_object(Some(credentials), self.key).sign(VALID);
        let checksum = STANDARD.encode(Md5::digest(self.bytes));
        (url, vec![("Content-MD5", checksum), ("Content-Type", self.content_type.to_owned())])
    }

    fn read(&mut self, _: Response<Body>) -> Result<(), Refusal> {
        Ok(())
    }

    fn most_bytes(&self) -> u64 {
        self.bytes.len() as u64
    }
}

/// Reads an object, but not more than some bytes of it.
pub struct Get<'a> {
    pub key: &'a str,
    pub most: u64,
}

impl Exchange for Get<'_> {
    type Output = Vec<u8>;

    fn request(&self, bucket: &Bucket, credentials: &Credentials) -> (Url, Vec<(&'static str, String)>) {
        (bucket.get_object(Some(credentials), self.key).sign(VALID), Vec::new())
    }

    fn read(&mut self, mut response: Response<Body>) -> Result<Vec<u8>, Refusal> {
        let mut bytes = Vec::new();
        let read = response.body_mut().as_reader().take(self.most).read_to_end(&mut bytes);
        read.map_err(|error| interrupted(ureq::Error::from(error)))?;
        Ok(bytes)
    }
}

/// Removes an object. One that does not exist is a success, too.
pub struct Delete<'a> {
    pub key: &'a str,
}

impl Exchange for Delete<'_> {
    type Output = ();

    fn method(&self) -> Method<'_> {
        Method::Delete
    }

    fn request(&self, bucket: &Bucket, credentials: &Credentials) -> (Url, Vec<(&'static str, String)>) {
        (bucket.delete_object(Some(credentials), self.key).sign(VALID), Vec::new())
    }

    fn read(&mut self, _: Response<Body>) -> Result<(), Refusal> {
        Ok(())
    }
}
