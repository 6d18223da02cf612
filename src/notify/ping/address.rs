//! The ping URL: checked before any work starts, and never shown completely.

use std::fmt;
use std::str::FromStr;

use url::Url;

/// A ping URL. It is a secret (anyone who knows it can ping), so only its scheme and host are shown, also by `{:?}`.
#[derive(Clone, PartialEq, Eq)]
pub struct Address(pub(super) Url);

/// Errors never contain the text itself.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    #[error("is not a URL ({0}); write https://HOST/PATH, as the service shows it")]
    Unreadable(url::ParseError),
    #[error("starts with {0}:, not with http: or https:; write https://HOST/PATH, as the service shows it")]
    Scheme(String),
    #[error(
        "contains a user or a password, which a ping does not need; write https://HOST/PATH, as the service shows it"
    )]
    Credentials,
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let mut url = Url::parse(text.trim()).map_err(AddressError::Unreadable)?;
        if !["http", "https"].contains(&url.scheme()) {
            return Err(AddressError::Scheme(url.scheme().chars().take(20).collect()));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(AddressError::Credentials);
        }
        url.set_fragment(None);
        Ok(Address(url))
    }
}

impl Address {
    /// Name or number of the host, and the port.
    pub fn endpoint(&self) -> (String, u16) {
        let host = self.0.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
        (host, self.0.port_or_known_default().unwrap_or(443))
    }

    pub fn is_encrypted(&self) -> bool {
        self.0.scheme() == "https"
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.0.scheme(), self.0.host_str().unwrap_or_default())?;
        self.0.port().map_or(Ok(()), |port| write!(f, ":{port}"))?;
        f.write_str("/…")
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_never_shown_completely() {
        let address: Address = " https://hc.example.org:8000/ping/secret?key=secret#x ".parse().unwrap();
        assert_eq!(format!("{address} {address:?}"), "https://hc.example.org:8000/… https://hc.example.org:8000/…");
        assert_eq!(address.endpoint(), ("hc.example.org".into(), 8000));
        let local: Address = "http://[::1]/secret".parse().unwrap();
        assert_eq!(local.endpoint(), ("::1".into(), 80));
    }

    #[test]
    fn an_invalid_address_is_refused_and_not_shown() {
        for wrong in
            ["", "secret", "hc-ping.com/secret", "ftp://host/secret", "file:///secret", "https://u:secret@host/"]
        {
            let error = wrong.parse::<Address>().unwrap_err().to_string();
            assert!(error.contains("https://HOST/PATH") && !error.contains("secret"), "{wrong}: {error}");
        }
    }
}
