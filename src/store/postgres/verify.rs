//! Verification of server certificates with libpq's three levels, as a verifier for rustls.
//!
//! Invariant: decides only from the given certificates; opens no file and no connection.

use std::iter;
use std::sync::Arc;

use jiff::Timestamp;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, RootCertStore, SignatureScheme};

use super::algorithms;

/// Which certificates are accepted.
#[derive(Debug)]
pub enum Trust {
    /// Any certificate, as libpq's `require`: TLS protects against eavesdropping only.
    Anyone,
    /// A chain to one of the roots, or a self-signed certificate that is among the given ones; if `name` is set, it
    /// must contain the host's name.
    Roots { roots: RootCertStore, given: Vec<CertificateDer<'static>>, name: bool },
}

/// rustls itself only supports verify-full; libpq's other modes need a custom verifier.
#[derive(Debug)]
pub struct Verifier {
    pub trust: Trust,
    pub provider: Arc<CryptoProvider>,
}

impl Verifier {
    /// The signature of an untrusted certificate proves nothing, and rustls cannot parse version 1 certificates, which
    /// old instructions create; so it is not checked for `Trust::Anyone`.
    fn signed(
        &self,
        verify: impl FnOnce(&WebPkiSupportedAlgorithms) -> Result<HandshakeSignatureValid, rustls::Error>,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        match self.trust {
            Trust::Anyone => Ok(HandshakeSignatureValid::assertion()),
            _ => verify(&self.provider.signature_verification_algorithms),
        }
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if let Trust::Roots { roots, given, name } = &self.trust {
            let certificate = ParsedCertificate::try_from(end_entity)?;
            if !given.contains(end_entity) {
                let shown = iter::once(end_entity).chain(intermediates);
                let algorithms = [
                    self.provider.signature_verification_algorithms.all,
                    &algorithms::chain_algorithms(shown, given.iter()),
                ];
                let algorithms = algorithms.concat();
                verify_server_cert_signed_by_trust_anchor(&certificate, roots, intermediates, now, &algorithms)?;
            }
            if *name {
                verify_server_name(&certificate, server_name)?;
            }
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.signed(|algorithms| verify_tls12_signature(message, certificate, signature, algorithms))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.signed(|algorithms| match algorithms::verify_pss(message, certificate, signature) {
            Some(verified) => verified,
            None => verify_tls13_signature(message, certificate, signature, algorithms),
        })
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        [self.provider.signature_verification_algorithms.supported_schemes(), algorithms::PSS_SCHEMES.to_vec()].concat()
    }
}

/// Why a server's certificate was rejected, as text for people; None for other errors.
pub fn certificate_fault(error: &rustls::Error) -> Option<String> {
    let rustls::Error::InvalidCertificate(error) = error else { return None };
    Some(match error {
        CertificateError::ExpiredContext { not_after, .. } => format!("its certificate expired on {}", day(not_after)),
        CertificateError::NotValidYetContext { not_before, .. } => {
            format!("its certificate is valid from {} on only (is this machine's clock right?)", day(not_before))
        }
        CertificateError::UnknownIssuer => "its certificate was made by an authority that is not trusted here".into(),
        CertificateError::NotValidForNameContext { expected, presented } => {
            let presented: Vec<&str> = presented.iter().map(|name| bare(name)).collect();
            let presented = if presented.is_empty() { "no name at all".into() } else { presented.join(", ") };
            format!("its certificate is not for {} but for {presented}", expected.to_str())
        }
        CertificateError::UnsupportedSignatureAlgorithmContext { .. }
        | CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => {
            "its certificate, or its authority's, is signed in a way that giggles cannot check; it checks RSA from 2048 \
             bits on, also RSA-PSS, with SHA-256 to SHA-512, ECDSA on P-256, P-384 and P-521, and Ed25519"
                .into()
        }
        other => format!("its certificate is not valid: {other}"),
    })
}

fn day(time: &UnixTime) -> String {
    let second = i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
    Timestamp::from_second(second).map_or_else(|_| "an unknown date".into(), |at| at.strftime("%Y-%m-%d").to_string())
}

/// `DnsName("localhost")` as rustls shows names.
fn bare(name: &str) -> &str {
    name.split_once('(').and_then(|(_, name)| name.strip_suffix(')')).map_or(name, |name| name.trim_matches('"'))
}
