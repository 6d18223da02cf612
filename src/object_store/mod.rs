//! Requests to a bucket of an object store that speaks S3's protocol: signed, verified, tried again while that may help.
//!
//! Invariant: knows nothing of recordings and clips; no address, credential or signature is logged or part of an error.

mod client;
mod credentials;
mod error;
mod list;
mod location;
mod object;
mod profile;
mod settings;
mod xml;

pub use self::client::{Client, Exchange, Method, VALID};
pub use self::error::{Refusal, S3Error, header};
pub use self::list::{List, Scope};
pub use self::location::{ObjectUrl, is_dots, is_object_url};
pub use self::object::{Delete, Get, Put};
