//! TLS to a Postgres server, with libpq's settings (`sslmode`, `sslrootcert`, `sslcert`, `sslkey`).
//!
//! Invariant: only this module and `verify` configure rustls. The modes have the meaning of libpq's manual:
//!
//! | sslmode | TLS | the certificate |
//! |---|---|---|
//! | disable | no | |
//! | allow | if the server insists | not checked |
//! | prefer (default) | if the server offers it | not checked |
//! | require | yes | not checked; with sslrootcert as verify-ca |
//! | verify-ca | yes | issued by a trusted authority |
//! | verify-full | yes | issued by a trusted authority for this host |
//!
//! Two differences: without `sslrootcert`, verify-ca and verify-full use `~/.postgresql/root.crt` if it exists, and
//! otherwise the system's roots; and the host name is compared with subjectAltName only, not with the common name.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::algorithms;
use super::parameters::Parameters;
use super::verify::{Trust, Verifier};
use crate::domain::Reason;
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

/// The TLS parameters of an address.
#[derive(Debug, Clone, Default)]
pub struct TlsOptions {
    pub mode: Option<String>,
    pub roots: Option<String>,
    pub certificate: Option<String>,
    pub key: Option<String>,
    /// `sslcertmode=disable`.
    pub shows_none: bool,
    /// `sslsni=0`.
    pub hides_host: bool,
    /// `ssl_max_protocol_version=TLSv1.2`.
    pub only_12: bool,
    /// `ssl_min_protocol_version=TLSv1.3`.
    pub only_13: bool,
}

impl TlsOptions {
    pub fn from_parameters(parameters: &Parameters) -> Result<TlsOptions, StoreError> {
        let cert_mode = parameters.read(
            "sslcertmode",
            "allow or disable; giggles cannot check whether the server requests a certificate",
            |word| ["allow", "disable"].contains(&word).then(|| word == "disable"),
        )?;
        let least = parameters.read("ssl_min_protocol_version", "TLSv1, TLSv1.1, TLSv1.2 or TLSv1.3", |word| {
            ["TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"].contains(&word).then(|| word == "TLSv1.3")
        })?;
        let most = parameters.read("ssl_max_protocol_version", "TLSv1.2 or TLSv1.3", |word| {
            ["TLSv1.2", "TLSv1.3"].contains(&word).then(|| word == "TLSv1.2")
        })?;
        Ok(TlsOptions {
            mode: parameters.owned("sslmode"),
            roots: parameters.owned("sslrootcert"),
            certificate: parameters.owned("sslcert"),
            key: parameters.owned("sslkey"),
            shows_none: cert_mode == Some(true),
            hides_host: parameters.switch("sslsni")? == Some(false),
            only_12: most == Some(true),
            only_13: least == Some(true),
        })
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tls {
    pub mode: Mode,
    roots: Option<Roots>,
    /// Certificate and key for a server that requests a client certificate.
    client: Option<Identity>,
    hides_host: bool,
    versions: Versions,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Identity {
    certificate: PathBuf,
    key: PathBuf,
    /// Named by a setting; one that was only found at libpq's default path is used if it is valid.
    is_named: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Versions {
    All,
    Only12,
    Only13,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Roots {
    System,
    File(PathBuf),
}

/// A file of the user at libpq's default path.
fn own(name: &str) -> Option<PathBuf> {
    std::env::home_dir().map(|home| home.join(".postgresql").join(name)).filter(|path| path.is_file())
}

fn own_roots() -> Option<PathBuf> {
    own("root.crt")
}

/// Certificate and key default to libpq's default paths.
fn client(options: &TlsOptions) -> Result<Option<Identity>, StoreError> {
    let is_named = options.certificate.is_some();
    let Some(certificate) = options.certificate.as_ref().map(PathBuf::from).or_else(|| own("postgresql.crt")) else {
        return match options.key {
            None => Ok(None),
            Some(_) => config("sslkey is given without its certificate; give sslcert too"),
        };
    };
    match options.key.as_ref().map(PathBuf::from).or_else(|| own("postgresql.key")) {
        Some(key) => Ok(Some(Identity { certificate, key, is_named })),
        None if !is_named => Ok(None),
        None => config(format!(
            "the certificate {} has no key; give sslkey too, or put it into ~/.postgresql/postgresql.key",
            certificate.display()
        )),
    }
}

impl Tls {
    pub fn new(options: TlsOptions) -> Result<Tls, StoreError> {
        let mode = options.mode.as_deref().map(Mode::parse).transpose()?;
        let roots = options.roots.as_deref().map(|roots| match roots {
            "system" => Roots::System,
            path => Roots::File(path.into()),
        });
        let mode = match (mode, &roots) {
            (None, Some(Roots::System)) => Mode::VerifyFull,
            (Some(mode), Some(Roots::System)) if mode != Mode::VerifyFull => {
                return config("sslrootcert=system requires sslmode=verify-full");
            }
            (Some(Mode::Require), Some(Roots::File(_))) => Mode::VerifyCa,
            (Some(Mode::Require), None) if own_roots().is_some() => Mode::VerifyCa,
            (mode, _) => mode.unwrap_or(Mode::Prefer),
        };
        let client = if options.shows_none || mode == Mode::Disable { None } else { client(&options)? };
        let versions = match (options.only_12, options.only_13) {
            (true, true) => return config("ssl_min_protocol_version is above ssl_max_protocol_version"),
            (true, false) => Versions::Only12,
            (false, true) => Versions::Only13,
            (false, false) => Versions::All,
        };
        Ok(Tls { mode, roots, client, hides_host: options.hides_host, versions })
    }

    pub fn connector(&self) -> Result<MakeRustlsConnect, StoreError> {
        let provider = Arc::new(algorithms::provider());
        let verifier = Verifier { trust: self.trust()?, provider: provider.clone() };
        let builder = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(self.versions.list())
            .map_err(tls_error)?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier));
        let mut settings = match self.identity()? {
            None => builder.with_no_client_auth(),
            Some((certificates, key)) => builder.with_client_auth_cert(certificates, key).map_err(tls_error)?,
        };
        // Servers since version 17 require ALPN for sslnegotiation=direct; others ignore it.
        settings.enable_sni = !self.hides_host;
        settings.alpn_protocols = vec![b"postgresql".to_vec()];
        Ok(MakeRustlsConnect::new(settings))
    }

    /// Client certificates and their key, for a server that requests them.
    fn identity(&self) -> Result<Option<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)>, StoreError> {
        let Some(client) = &self.client else { return Ok(None) };
        let key = private_key(&client.key).and_then(|key| {
            let usable = algorithms::provider().key_provider.load_private_key(key.clone_key());
            usable.map(|_| key).map_err(|error| {
                let reason = format!(
                    "giggles cannot sign with the key in {}: {error}; use RSA, ECDSA (P-256, P-384) or Ed25519",
                    client.key.display()
                );
                StoreError::Config(Reason::new(reason).caused_by(error))
            })
        });
        match certificates(&client.certificate).and_then(|certificates| Ok((certificates, key?))) {
            Err(error) if !client.is_named => {
                log::warn!("no certificate is shown to the server: {error}");
                Ok(None)
            }
            read => read.map(Some),
        }
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

static ONLY_12: &[&SupportedProtocolVersion] = &[&rustls::version::TLS12];
static ONLY_13: &[&SupportedProtocolVersion] = &[&rustls::version::TLS13];

impl Versions {
    fn list(self) -> &'static [&'static SupportedProtocolVersion] {
        match self {
            Versions::All => rustls::DEFAULT_VERSIONS,
            Versions::Only12 => ONLY_12,
            Versions::Only13 => ONLY_13,
        }
    }
}

impl Mode {
    fn parse(word: &str) -> Result<Mode, StoreError> {
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

fn config<T>(reason: impl Into<Reason>) -> Result<T, StoreError> {
    Err(StoreError::Config(reason.into()))
}

fn tls_error(error: rustls::Error) -> StoreError {
    StoreError::Config(Reason::new(format!("TLS cannot be set up: {error}")).caused_by(error))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, StoreError> {
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    match read {
        Ok(list) if !list.is_empty() => Ok(list),
        Ok(_) => config(format!("{} contains no certificate (PEM)", path.display())),
        Err(error) => {
            let reason = format!("the certificates in {} cannot be read: {error}", path.display());
            config(Reason::new(reason).caused_by(error))
        }
    }
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, StoreError> {
    PrivateKeyDer::from_pem_file(path).or_else(|error| {
        let reason = format!("the private key in {} cannot be read: {error}", path.display());
        config(Reason::new(reason).caused_by(error))
    })
}

fn system_certificates() -> Result<Vec<CertificateDer<'static>>, StoreError> {
    let found = rustls_native_certs::load_native_certs();
    if found.certs.is_empty() {
        return config("the system has no root certificates; install ca-certificates or give sslrootcert=PATH");
    }
    Ok(found.certs)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(mode: Option<&str>, roots: Option<&str>) -> Result<Mode, StoreError> {
        let options = TlsOptions { mode: mode.map(Into::into), roots: roots.map(Into::into), ..TlsOptions::default() };
        Tls::new(options).map(|tls| tls.mode)
    }

    #[test]
    fn sslmode_and_sslrootcert_combine_as_in_libpq() {
        assert_eq!(mode(None, None).unwrap(), Mode::Prefer);
        assert_eq!(mode(Some("require"), None).unwrap(), Mode::Require);
        assert_eq!(mode(Some("require"), Some("/ca.pem")).unwrap(), Mode::VerifyCa);
        assert_eq!(mode(None, Some("system")).unwrap(), Mode::VerifyFull);
        assert!(mode(Some("require"), Some("system")).is_err());
        assert!(mode(Some("on"), None).unwrap_err().to_string().contains("sslmode=on is unknown"));
    }

    #[test]
    fn a_certificate_needs_its_key() {
        let options = TlsOptions { certificate: Some("/me.crt".into()), ..TlsOptions::default() };
        assert!(Tls::new(options).unwrap_err().to_string().contains("give sslkey too"));
        let options = TlsOptions { key: Some("/me.key".into()), ..TlsOptions::default() };
        assert!(Tls::new(options).unwrap_err().to_string().contains("give sslcert too"));
    }
}
