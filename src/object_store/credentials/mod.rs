//! Credentials of AWS: where they are found, and when they are renewed.
//!
//! ```text
//! AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN
//! AWS_ROLE_ARN, AWS_WEB_IDENTITY_TOKEN_FILE        -> STS AssumeRoleWithWebIdentity
//! the profile (AWS_PROFILE): keys, or role_arn with web_identity_token_file
//! AWS_CONTAINER_CREDENTIALS_RELATIVE_URI, _FULL_URI -> the container's agent
//! otherwise                                         -> the instance's metadata service (IMDSv2)
//! ```
//!
//! The first that is configured counts, also if it fails or is configured in half: another identity than the intended one
//! would be a surprise.
//! No credential is ever logged or part of an error.
//!
//! Source: AWS SDKs and Tools Reference Guide, "Standardized credential providers".

mod endpoint;
mod source;

use jiff::{SignedDuration, Timestamp};
use rusty_s3::Credentials;

use self::endpoint::Endpoint;
use self::source::Source;
use super::profile::Profile;
use super::settings::{Settings, Variables};
use crate::domain::Reason;

/// Credentials are renewed this long before they expire: a large object takes minutes.
const EARLY: SignedDuration = SignedDuration::from_mins(5);

/// Why there are no credentials. The text and the causes contain none.
#[derive(Debug, thiserror::Error)]
#[error("{reason}")]
pub struct CredentialsError {
    #[source]
    reason: Reason,
    is_temporary: bool,
}

impl CredentialsError {
    /// A person must change a setting.
    pub fn missing(reason: impl Into<Reason>) -> CredentialsError {
        CredentialsError { reason: reason.into(), is_temporary: false }
    }

    /// A later attempt may succeed.
    pub fn temporary(reason: impl Into<Reason>) -> CredentialsError {
        CredentialsError { reason: reason.into(), is_temporary: true }
    }

    pub fn is_temporary(&self) -> bool {
        self.is_temporary
    }
}

/// Credentials, and when they expire.
pub struct Issued {
    credentials: Credentials,
    expires: Option<Timestamp>,
}

impl Issued {
    fn is_fresh(&self, now: Timestamp) -> bool {
        self.expires.is_none_or(|expires| now.saturating_add(EARLY).is_ok_and(|soon| soon < expires))
    }

    fn is_valid(&self, now: Timestamp) -> bool {
        self.expires.is_none_or(|expires| now < expires)
    }
}

/// The credentials of a run.
pub struct Provider {
    source: Source,
    endpoint: Endpoint,
    issued: Option<Issued>,
}

impl Provider {
    pub fn find(variables: Variables, profile: &Profile, settings: &Settings) -> Result<Provider, CredentialsError> {
        let source = Source::find(variables, profile, settings)?;
        Ok(Provider { source, endpoint: Endpoint::new(), issued: None })
    }

    /// Credentials that are valid now. If they cannot be renewed, the old ones serve as long as they are valid.
    pub fn current(&mut self) -> Result<&Credentials, CredentialsError> {
        let now = Timestamp::now();
        if !self.issued.as_ref().is_some_and(|issued| issued.is_fresh(now)) {
            match (self.source.issue(&self.endpoint), &self.issued) {
                (Ok(issued), _) => self.issued = Some(issued),
                (Err(error), Some(old)) if old.is_valid(now) => {
                    log::warn!("the credentials of object storage cannot be renewed yet: {error}");
                }
                (Err(error), _) => return Err(error),
            }
        }
        self.issued
            .as_ref()
            .map(|issued| &issued.credentials)
            .ok_or_else(|| CredentialsError::missing("no credentials"))
    }

    /// Forgets credentials that the server calls expired; true if others can be asked for.
    pub fn expire(&mut self) -> bool {
        self.issued = None;
        self.source.is_renewable()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_renewed_before_they_expire() {
        let now = Timestamp::now();
        let issued = |minutes| Issued {
            credentials: Credentials::new("key", "secret"),
            expires: Some(now + SignedDuration::from_mins(minutes)),
        };
        let state = |minutes| (issued(minutes).is_fresh(now), issued(minutes).is_valid(now));
        assert_eq!([state(6), state(4), state(-1)], [(true, true), (false, true), (false, false)]);
        let fixed = Issued { expires: None, ..issued(0) };
        assert!(fixed.is_fresh(now) && fixed.is_valid(now));
    }
}
