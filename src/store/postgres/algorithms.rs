//! Verification of certificate signatures that ring does not support: ECDSA on P-521, and RSA-PSS with RSASSA-PSS keys
//! or with a salt whose length differs from the digest's, which is OpenSSL's default.
//!
//! Only public keys and signatures are processed here, so timing attacks are not a concern.
//!
//! Invariant: decides only from its arguments; opens no file and no connection.

use std::collections::BTreeMap;
use std::sync::{Mutex, OnceLock, PoisonError};

use p521::ecdsa::signature::hazmat::PrehashVerifier;
use rsa::pkcs1::DecodeRsaPublicKey;
use rsa::traits::PublicKeyParts;
use rsa::{Pss, RsaPublicKey};
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms, ring};
use rustls::pki_types::{
    AlgorithmIdentifier, CertificateDer, InvalidSignature, SignatureVerificationAlgorithm, alg_id,
};
use rustls::{CertificateError, DigitallySignedStruct, SignatureScheme};
use sha2::{Digest, Sha256, Sha384, Sha512};
use x509_cert::Certificate;
use x509_cert::der::asn1::{AnyRef, ContextSpecific, ObjectIdentifier};
use x509_cert::der::{Decode, Encode, TagNumber};
use x509_cert::spki::{AlgorithmIdentifierOwned, AlgorithmIdentifierRef};

const RSA_ENCRYPTION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const RSA_PSS: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.10");
/// `rsa_pss_pss_sha256`, `_sha384` and `_sha512`, which rustls does not name. Source: RFC 8446, 4.2.3.
pub const PSS_SCHEMES: [SignatureScheme; 3] =
    [SignatureScheme::Unknown(0x0809), SignatureScheme::Unknown(0x080a), SignatureScheme::Unknown(0x080b)];
/// The shortest key that ring accepts, in bytes.
const SHORTEST_RSA: usize = 2048 / 8;

type Algorithm = &'static dyn SignatureVerificationAlgorithm;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hash {
    Sha256,
    Sha384,
    Sha512,
}

impl Hash {
    const ALL: [Hash; 3] = [Hash::Sha256, Hash::Sha384, Hash::Sha512];

    fn from_oid(identifier: ObjectIdentifier) -> Option<Hash> {
        let names = ["2.16.840.1.101.3.4.2.1", "2.16.840.1.101.3.4.2.2", "2.16.840.1.101.3.4.2.3"];
        let index = names.iter().position(|name| ObjectIdentifier::new_unwrap(name) == identifier)?;
        Some(Hash::ALL[index])
    }

    fn digest(self, message: &[u8]) -> Vec<u8> {
        match self {
            Hash::Sha256 => Sha256::digest(message).to_vec(),
            Hash::Sha384 => Sha384::digest(message).to_vec(),
            Hash::Sha512 => Sha512::digest(message).to_vec(),
        }
    }

    fn pss(self, salt: usize) -> Pss {
        match self {
            Hash::Sha256 => Pss::new_with_salt::<Sha256>(salt),
            Hash::Sha384 => Pss::new_with_salt::<Sha384>(salt),
            Hash::Sha512 => Pss::new_with_salt::<Sha512>(salt),
        }
    }
}

/// ring, and the algorithms on P-521.
pub fn provider() -> CryptoProvider {
    static ALGORITHMS: OnceLock<WebPkiSupportedAlgorithms> = OnceLock::new();
    let provider = ring::default_provider();
    let rings = provider.signature_verification_algorithms;
    let both = ALGORITHMS.get_or_init(|| {
        let ours: [Algorithm; 3] = [&P521(Hash::Sha256), &P521(Hash::Sha384), &P521(Hash::Sha512)];
        let mapping: (SignatureScheme, &'static [Algorithm]) =
            (SignatureScheme::ECDSA_NISTP521_SHA512, &[&P521(Hash::Sha512)]);
        WebPkiSupportedAlgorithms {
            all: Vec::leak([rings.all, &ours].concat()),
            mapping: Vec::leak([rings.mapping, &[mapping]].concat()),
        }
    });
    CryptoProvider { signature_verification_algorithms: *both, ..provider }
}

#[derive(Debug)]
struct P521(Hash);

impl SignatureVerificationAlgorithm for P521 {
    fn verify_signature(&self, key: &[u8], message: &[u8], signature: &[u8]) -> Result<(), InvalidSignature> {
        let key = p521::ecdsa::VerifyingKey::from_sec1_bytes(key).map_err(|_| InvalidSignature)?;
        let signature = p521::ecdsa::Signature::from_der(signature).map_err(|_| InvalidSignature)?;
        // The digest is used as a number, which is shorter than the curve's order: left-pad it.
        let digest = self.0.digest(message);
        let mut number = [0; 66];
        number[66 - digest.len()..].copy_from_slice(&digest);
        key.verify_prehash(&number, &signature).map_err(|_| InvalidSignature)
    }

    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        alg_id::ECDSA_P521
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        match self.0 {
            Hash::Sha256 => alg_id::ECDSA_SHA256,
            Hash::Sha384 => alg_id::ECDSA_SHA384,
            Hash::Sha512 => alg_id::ECDSA_SHA512,
        }
    }
}

/// RSA-PSS with the parameters from a certificate's algorithm identifier.
#[derive(Debug)]
struct RsaPss {
    hash: Hash,
    salt: usize,
    key: AlgorithmIdentifier,
    signature: AlgorithmIdentifier,
}

impl SignatureVerificationAlgorithm for RsaPss {
    fn verify_signature(&self, key: &[u8], message: &[u8], signature: &[u8]) -> Result<(), InvalidSignature> {
        verify_rsa(key, self.hash, self.salt, message, signature)
    }

    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        self.key
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        self.signature
    }
}

fn verify_rsa(key: &[u8], hash: Hash, salt: usize, message: &[u8], signature: &[u8]) -> Result<(), InvalidSignature> {
    let key = RsaPublicKey::from_pkcs1_der(key).map_err(|_| InvalidSignature)?;
    if key.size() < SHORTEST_RSA {
        return Err(InvalidSignature);
    }
    key.verify(hash.pss(salt), &hash.digest(message), signature).map_err(|_| InvalidSignature)
}

/// Algorithms for the RSA-PSS signatures on the certificates that a server presents, for the keys of these certificates
/// and of the given roots.
pub fn chain_algorithms<'a>(
    shown: impl Iterator<Item = &'a CertificateDer<'a>>,
    roots: impl Iterator<Item = &'a CertificateDer<'a>>,
) -> Vec<Algorithm> {
    let read = |certificate: &CertificateDer<'_>| Certificate::from_der(certificate).ok();
    let shown: Vec<Certificate> = shown.filter_map(read).collect();
    let signed: Vec<&AlgorithmIdentifierOwned> =
        shown.iter().map(|certificate| &certificate.signature_algorithm).filter(|id| id.oid == RSA_PSS).collect();
    if signed.is_empty() {
        return Vec::new();
    }
    let authorities: Vec<Certificate> = roots.filter_map(read).collect();
    let keys = shown.iter().chain(&authorities);
    let keys = keys.map(|certificate| &certificate.tbs_certificate.subject_public_key_info.algorithm);
    let keys: Vec<&AlgorithmIdentifierOwned> =
        keys.filter(|key| [RSA_ENCRYPTION, RSA_PSS].contains(&key.oid)).collect();
    let pairs = signed.iter().flat_map(|signature| keys.iter().map(move |key| (*signature, *key)));
    pairs.filter_map(|(signature, key)| interned(signature, key)).collect()
}

/// rustls requires `'static` algorithms; there are few, and each is created once.
fn interned(signature: &AlgorithmIdentifierOwned, key: &AlgorithmIdentifierOwned) -> Option<Algorithm> {
    static KNOWN: Mutex<BTreeMap<[Vec<u8>; 2], Algorithm>> = Mutex::new(BTreeMap::new());
    let (hash, salt) = parameters(signature)?;
    let allowed = key.oid == RSA_ENCRYPTION || key.parameters.is_none();
    if !allowed && !parameters(key).is_some_and(|(only, least)| only == hash && least <= salt) {
        return None;
    }
    let names = [contents(signature)?, contents(key)?];
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let algorithm = *known.entry(names).or_insert_with_key(|[signature, key]| {
        let forever = |bytes: &[u8]| AlgorithmIdentifier::from_slice(Vec::leak(bytes.to_vec()));
        Box::leak(Box::new(RsaPss { hash, salt, key: forever(key), signature: forever(signature) }))
    });
    Some(algorithm)
}

/// The contents of the SEQUENCE, which rustls compares.
fn contents(identifier: &AlgorithmIdentifierOwned) -> Option<Vec<u8>> {
    let written = identifier.to_der().ok()?;
    Some(AnyRef::try_from(written.as_slice()).ok()?.value().to_vec())
}

/// Hash and salt length. Source: RFC 4055, 3.1. The mask's hash must be the same; SHA-1 is refused as unsafe.
fn parameters(identifier: &AlgorithmIdentifierOwned) -> Option<(Hash, usize)> {
    let written = identifier.parameters.as_ref()?.to_der().ok()?;
    let parameters = AnyRef::try_from(written.as_slice()).ok()?;
    let read = parameters.sequence(|reader| {
        let hash = ContextSpecific::<AlgorithmIdentifierRef<'_>>::decode_explicit(reader, TagNumber::N0)?;
        let mask = ContextSpecific::<AlgorithmIdentifierRef<'_>>::decode_explicit(reader, TagNumber::N1)?;
        let salt = ContextSpecific::<u16>::decode_explicit(reader, TagNumber::N2)?;
        let _trailer = ContextSpecific::<u8>::decode_explicit(reader, TagNumber::N3)?;
        let masks =
            mask.and_then(|mask| mask.value.parameters).map(|any| any.decode_as::<AlgorithmIdentifierRef<'_>>());
        Ok((
            hash.map(|hash| hash.value.oid),
            masks.transpose()?.map(|hash| hash.oid),
            salt.map_or(20, |salt| salt.value),
        ))
    });
    let (hash, mask, salt) = read.ok()?;
    let hash = Hash::from_oid(hash?)?;
    (Hash::from_oid(mask?)? == hash).then_some((hash, usize::from(salt)))
}

/// Verifies the handshake signature of a server with an RSASSA-PSS key. None: it has another signature scheme.
pub fn verify_pss(
    message: &[u8],
    certificate: &CertificateDer<'_>,
    signed: &DigitallySignedStruct,
) -> Option<Result<HandshakeSignatureValid, rustls::Error>> {
    let hash = Hash::ALL[PSS_SCHEMES.iter().position(|scheme| *scheme == signed.scheme)?];
    let verified = Certificate::from_der(certificate).map_err(|_| CertificateError::BadEncoding).and_then(|read| {
        let key = &read.tbs_certificate.subject_public_key_info;
        let bits = key.subject_public_key.as_bytes().filter(|_| key.algorithm.oid == RSA_PSS);
        let salt = hash.digest(&[]).len();
        verify_rsa(bits.unwrap_or_default(), hash, salt, message, signed.signature())
            .map_err(|_| CertificateError::BadSignature)
    });
    Some(verified.map(|()| HandshakeSignatureValid::assertion()).map_err(rustls::Error::from))
}
