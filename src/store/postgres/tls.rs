//! TLS to a Postgres server, with the words of libpq (`sslmode`, `sslrootcert`, `sslcert`, `sslkey`).
//!
//! Invariant: with `verify`, the only place that sets up rustls. What a mode promises is what libpq's manual says of it:
//!
//! | sslmode | TLS | the certificate |
//! |---|---|---|
//! | disable | no | |
//! | allow | if the server insists | not looked at |
//! | prefer (default) | if the server offers it | not looked at |
//! | require | yes | not looked at; with sslrootcert as verify-ca |
//! | verify-ca | yes | made by a trusted authority |
//! | verify-full | yes | made by a trusted authority for this host |
//!
//! Two differences: verify-ca and verify-full without `sslrootcert` use `~/.postgresql/root.crt` where
//! it exists and else the system's roots; and a host is looked for in subjectAltName only, not in the
//! common name.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::verify::{Trust, Verifier};
use crate::store::StoreError;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Disable,
    Allow,
    Prefer,
    Require,
    VerifyCa,
    VerifyFull,
}

/// What a URL asks of TLS.
#[derive(Debug, Clone, Default)]
pub struct Words {
    pub mode: Option<String>,
    pub roots: Option<String>,
    pub certificate: Option<String>,
    pub key: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tls {
    pub mode: Mode,
    roots: Option<Roots>,
    client: Option<(PathBuf, PathBuf)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Roots {
    System,
    File(PathBuf),
}

/// The user's own list of roots, where libpq looks for it.
fn own_roots() -> Option<PathBuf> {
    std::env::home_dir().map(|home| home.join(".postgresql/root.crt")).filter(|path| path.is_file())
}

impl Tls {
    pub fn of(words: Words) -> Result<Tls, StoreError> {
        let mode = words.mode.as_deref().map(Mode::of).transpose()?;
        let roots = words.roots.map(|roots| match roots.as_str() {
            "system" => Roots::System,
            path => Roots::File(path.into()),
        });
        let mode = match (mode, &roots) {
            (None, Some(Roots::System)) => Mode::VerifyFull,
            (Some(mode), Some(Roots::System)) if mode != Mode::VerifyFull => {
                return config("sslrootcert=system goes with sslmode=verify-full only".into());
            }
            (Some(Mode::Require), Some(Roots::File(_))) => Mode::VerifyCa,
            (Some(Mode::Require), None) if own_roots().is_some() => Mode::VerifyCa,
            (mode, _) => mode.unwrap_or(Mode::Prefer),
        };
        let client = match (words.certificate, words.key) {
            (Some(certificate), Some(key)) => Some((certificate.into(), key.into())),
            (None, None) => None,
            _ => return config("sslcert and sslkey go together; give both or neither".into()),
        };
        Ok(Tls { mode, roots, client })
    }

    pub fn connector(&self) -> Result<MakeRustlsConnect, StoreError> {
        let provider = Arc::new(ring::default_provider());
        let verifier = Verifier { trust: self.trust()?, provider: provider.clone() };
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(tls_error)?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier));
        let mut settings = match &self.client {
            None => builder.with_no_client_auth(),
            Some((certificate, key)) => {
                builder.with_client_auth_cert(certificates(certificate)?, private_key(key)?).map_err(tls_error)?
            }
        };
        // Servers from 17 on ask for it when sslnegotiation=direct; others ignore it.
        settings.alpn_protocols = vec![b"postgresql".to_vec()];
        Ok(MakeRustlsConnect::new(settings))
    }

    fn trust(&self) -> Result<Trust, StoreError> {
        if !matches!(self.mode, Mode::VerifyCa | Mode::VerifyFull) {
            return Ok(Trust::Anyone);
        }
        let given = match &self.roots {
            Some(Roots::File(path)) => certificates(path)?,
            Some(Roots::System) => system_certificates()?,
            None => match own_roots() {
                Some(path) => certificates(&path)?,
                None => system_certificates()?,
            },
        };
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(given.iter().cloned());
        Ok(Trust::Roots { roots, given, name: self.mode == Mode::VerifyFull })
    }
}

impl Mode {
    fn of(word: &str) -> Result<Mode, StoreError> {
        match word {
            "disable" => Ok(Mode::Disable),
            "allow" => Ok(Mode::Allow),
            "prefer" => Ok(Mode::Prefer),
            "require" => Ok(Mode::Require),
            "verify-ca" => Ok(Mode::VerifyCa),
            "verify-full" => Ok(Mode::VerifyFull),
            _ => config(format!(
                "sslmode={word} is unknown; write disable, allow, prefer, require, verify-ca or verify-full"
            )),
        }
    }
}

fn config<T>(text: String) -> Result<T, StoreError> {
    Err(StoreError::Config(text))
}

fn tls_error(error: rustls::Error) -> StoreError {
    StoreError::Config(format!("TLS cannot be set up: {error}"))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, StoreError> {
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    match read {
        Ok(list) if !list.is_empty() => Ok(list),
        Ok(_) => config(format!("{} holds no certificate (PEM)", path.display())),
        Err(error) => config(format!("the certificates in {} cannot be read: {error}", path.display())),
    }
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, StoreError> {
    PrivateKeyDer::from_pem_file(path)
        .or_else(|error| config(format!("the private key in {} cannot be read: {error}", path.display())))
}

fn system_certificates() -> Result<Vec<CertificateDer<'static>>, StoreError> {
    let found = rustls_native_certs::load_native_certs();
    match found.certs.is_empty() {
        false => Ok(found.certs),
        true => config("the system has no root certificates; install ca-certificates or give sslrootcert=PATH".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(mode: Option<&str>, roots: Option<&str>) -> Result<Mode, StoreError> {
        let words = Words { mode: mode.map(Into::into), roots: roots.map(Into::into), ..Words::default() };
        Tls::of(words).map(|tls| tls.mode)
    }

    #[test]
    fn the_words_mean_what_libpq_says() {
        assert_eq!(mode(None, None).unwrap(), Mode::Prefer);
        assert_eq!(mode(Some("require"), None).unwrap(), Mode::Require);
        assert_eq!(mode(Some("require"), Some("/ca.pem")).unwrap(), Mode::VerifyCa);
        assert_eq!(mode(None, Some("system")).unwrap(), Mode::VerifyFull);
        assert!(mode(Some("require"), Some("system")).is_err());
        assert!(mode(Some("on"), None).unwrap_err().to_string().contains("sslmode=on is unknown"));
    }

    #[test]
    fn a_certificate_needs_its_key() {
        let words = Words { certificate: Some("/me.crt".into()), ..Words::default() };
        assert!(Tls::of(words).unwrap_err().to_string().contains("go together"));
    }
}
