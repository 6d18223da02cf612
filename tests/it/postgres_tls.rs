//! Every `sslmode` against a real Postgres with certificates of our own making.

use crate::support::postgres as server;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use giggles::store::{Location, StoreError, Transport, examine, open};
use postgres::{Client, NoTls};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};

use crate::support::program::{Place, Said, said};
use server::{Cluster, PASSWORD};

/// A server whose certificate is for `localhost`, so that 127.0.0.1 is the same server by a wrong name.
const RIGHT: &str = "localhost";
const WRONG: &str = "127.0.0.1";

struct Tls {
    cluster: Cluster,
    /// Certificates and keys of the client's side.
    folder: PathBuf,
}

/// One server for all tests here; its databases are told apart by what pg_hba.conf says of them.
fn tls() -> &'static Tls {
    static TLS: OnceLock<Tls> = OnceLock::new();
    TLS.get_or_init(|| {
        let settings =
            ["ssl = on", "ssl_cert_file = 'server.crt'", "ssl_key_file = 'server.key'", "ssl_ca_file = 'ca.crt'"];
        let cluster = Cluster::start(&settings, certify);
        let folder = cluster.folder.join("client");
        let mut admin = Client::connect(&cluster.url("postgres"), NoTls).unwrap();
        for database in ["tls_only", "plain_only", "certified"] {
            admin.batch_execute(&format!("CREATE DATABASE {database}")).unwrap();
        }
        Tls { cluster, folder }
    })
}

fn certify(data: &Path) {
    certify_until(data, 2099);
}

/// The server's certificate ends with the first day of the year.
fn certify_until(data: &Path, year: i32) {
    let ours = &data.with_file_name("client");
    fs::create_dir(ours).unwrap();
    let authority = authority("the authority");
    let stranger = self::authority("a stranger");
    fs::write(data.join("ca.crt"), authority.0.clone()).unwrap();
    fs::write(ours.join("ca.crt"), authority.0.clone()).unwrap();
    fs::write(ours.join("stranger.crt"), stranger.0).unwrap();
    issue(&authority.1, RIGHT, "server", data, year);
    issue(&authority.1, "giggles", "client", ours, 2099);
    fs::copy(data.join("server.crt"), ours.join("server.crt")).unwrap();
    let rules = data.join("pg_hba.conf");
    let before = fs::read_to_string(&rules).unwrap();
    let first = "hostssl certified all all cert\n\
                hostssl tls_only all all scram-sha-256\nhost tls_only all all reject\n\
                hostnossl plain_only all all scram-sha-256\nhost plain_only all all reject\n";
    fs::write(rules, format!("{first}{before}")).unwrap();
}

fn authority(name: &str) -> (String, Issuer<'static, KeyPair>) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new([]).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let certificate = params.self_signed(&key).unwrap().pem();
    (certificate, Issuer::new(params, key))
}

fn issue(authority: &Issuer<'_, KeyPair>, name: &str, file: &str, folder: &Path, year: i32) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new([name.to_owned()]).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_after = date_time_ymd(year, 1, 1);
    let certificate = params.signed_by(&key, authority).unwrap();
    fs::write(folder.join(file).with_extension("crt"), certificate.pem()).unwrap();
    fs::write(folder.join(file).with_extension("key"), key.serialize_pem()).unwrap();
}

/// Opens the store, and tells whether the server sees TLS. `$` in the parameters is our folder.
fn connect(host: &str, database: &str, parameters: &str) -> Result<bool, StoreError> {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let name = format!("test{}", NUMBER.fetch_add(1, Ordering::Relaxed));
    let Tls { cluster, folder } = tls();
    let parameters = parameters.replace('$', &folder.display().to_string());
    let url = format!(
        "postgres://giggles:{PASSWORD}@{host}:{}/{database}?{parameters}&application_name={name}",
        cluster.port
    );
    let _store = open(&url.parse::<Location>()?)?;
    let mut admin = Client::connect(&cluster.url("postgres"), NoTls).unwrap();
    let seen = "SELECT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE application_name = $1";
    Ok(admin.query_one(seen, &[&name]).unwrap().get(0))
}

fn refused(host: &str, database: &str, parameters: &str) -> String {
    match connect(host, database, parameters) {
        Err(StoreError::Config(reason)) => reason.to_string(),
        Err(other) => panic!("{parameters}: not a matter of configuration: {other}"),
        Ok(_) => panic!("{parameters} was accepted"),
    }
}

#[test]
fn the_unverified_modes() {
    assert!(!connect(WRONG, "postgres", "sslmode=disable").unwrap());
    assert!(!connect(WRONG, "postgres", "sslmode=allow").unwrap());
    assert!(connect(WRONG, "postgres", "sslmode=prefer").unwrap());
    assert!(connect(WRONG, "postgres", "").unwrap(), "prefer is the default");
    assert!(connect(WRONG, "postgres", "sslmode=require").unwrap());
}

#[test]
fn allow_and_prefer_follow_the_server() {
    assert!(connect(WRONG, "tls_only", "sslmode=allow").unwrap());
    assert!(!connect(WRONG, "plain_only", "sslmode=prefer").unwrap());
    let text = refused(WRONG, "tls_only", "sslmode=disable");
    assert!(text.contains("pg_hba.conf"), "{text}");
    refused(WRONG, "plain_only", "sslmode=require");
}

/// What `giggles doctor` says of the way.
#[test]
fn the_probe_reports_the_transport() {
    let Tls { cluster, folder } = tls();
    let transport = |parameters: &str| {
        let parameters = parameters.replace('$', &folder.display().to_string());
        let url = format!("postgres://giggles:{PASSWORD}@{RIGHT}:{}/postgres?{parameters}", cluster.port);
        examine(&url.parse().unwrap(), "neil").unwrap().transport
    };
    assert_eq!(transport("sslmode=disable"), Transport::Local, "to this machine");
    let encrypted = |parameters: &str| match transport(parameters) {
        Transport::Tls { protocol, is_verified, is_trusted } if protocol.starts_with("TLSv1.") => {
            (is_verified, is_trusted)
        }
        other => panic!("{parameters}: {other:?}"),
    };
    assert_eq!(encrypted("sslmode=require"), (false, false));
    assert_eq!(encrypted("sslmode=verify-full&sslrootcert=$/ca.crt"), (true, false));
    assert_eq!(encrypted("sslmode=require&sslrootcert=$/ca.crt"), (false, true), "as verify-ca");
}

#[test]
fn verify_ca_looks_at_the_authority_only() {
    assert!(connect(WRONG, "postgres", "sslmode=verify-ca&sslrootcert=$/ca.crt").unwrap());
    let text = refused(WRONG, "postgres", "sslmode=verify-ca&sslrootcert=$/stranger.crt");
    assert!(text.contains("certificate"), "{text}");
}

#[test]
fn verify_full_looks_at_the_name_too() {
    assert!(connect(RIGHT, "postgres", "sslmode=verify-full&sslrootcert=$/ca.crt").unwrap());
    let text = refused(WRONG, "postgres", "sslmode=verify-full&sslrootcert=$/ca.crt");
    assert!(text.contains("is not for 127.0.0.1 but for localhost"), "{text}");
    refused(RIGHT, "postgres", "sslmode=verify-full&sslrootcert=$/stranger.crt");
}

#[test]
fn a_root_makes_require_verify_as_libpq_does() {
    assert!(connect(WRONG, "postgres", "sslmode=require&sslrootcert=$/ca.crt").unwrap());
    refused(WRONG, "postgres", "sslmode=require&sslrootcert=$/stranger.crt");
}

#[test]
fn the_systems_roots_do_not_know_our_authority() {
    refused(RIGHT, "postgres", "sslrootcert=system");
    refused(RIGHT, "postgres", "sslmode=verify-full&sslrootcert=system");
}

#[test]
fn the_servers_own_certificate_may_be_given_as_root() {
    assert!(connect(RIGHT, "postgres", "sslmode=verify-full&sslrootcert=$/server.crt").unwrap());
    refused(WRONG, "postgres", "sslmode=verify-full&sslrootcert=$/server.crt");
}

#[test]
fn a_client_shows_its_certificate() {
    assert!(connect(WRONG, "certified", "sslmode=require&sslcert=$/client.crt&sslkey=$/client.key").unwrap());
    refused(WRONG, "certified", "sslmode=require");
}

#[test]
fn files_that_are_missing_or_no_certificates_are_named() {
    let text = refused(RIGHT, "postgres", "sslmode=verify-full&sslrootcert=/nowhere/ca.crt");
    assert!(text.contains("/nowhere/ca.crt"), "{text}");
    let text = refused(RIGHT, "postgres", "sslmode=verify-full&sslrootcert=$/client.key");
    assert!(text.contains("no certificate"), "{text}");
}

#[test]
fn a_server_without_tls_cannot_be_required_to_have_it() {
    let plain = server::Postgres::start();
    let url = plain.url.replace("sslmode=disable", "sslmode=require");
    let error = open(&url.parse::<Location>().unwrap()).err().unwrap();
    assert!(matches!(error, StoreError::Config(_)), "{error}");
    assert!(error.to_string().contains("does not support TLS"), "{error}");
}

/// A whole run by the built program, over TLS that must be right.
fn past_run(cluster: &Cluster, host: &str, roots: &str) -> (Place, Said) {
    let place = Place::with(&[("fixtures/clips/laugh_male_scratch2.flac", "laugh.flac")]);
    let roots = cluster.folder.join("client").join(roots);
    let url = format!(
        "postgres://giggles:{PASSWORD}@{host}:{}/postgres?sslmode=verify-full&sslrootcert={}&options=-csearch_path=night",
        cluster.port,
        roots.display()
    );
    let said = said(place.command(&["scan", "recordings"]).env("DATABASE_URL", url));
    (place, said)
}

#[test]
fn a_run_over_a_verified_connection() {
    let cluster = &tls().cluster;
    let mut admin = Client::connect(&cluster.url("postgres"), NoTls).unwrap();
    admin.batch_execute("CREATE SCHEMA night").unwrap();
    let (_place, said) = past_run(cluster, RIGHT, "ca.crt");
    let said = said.ends_with(0);
    assert!(said.stderr.is_empty() && said.stdout.contains("1 recording analyzed"), "{}{}", said.stdout, said.stderr);
    let stored = admin.query_one("SELECT count(*) FROM night.detections", &[]).unwrap();
    assert_ne!(stored.get::<_, i64>(0), 0);
}

/// Each text, and that it is a matter of settings.
#[test]
fn runs_refuse_a_server_that_cannot_prove_itself() {
    let expired =
        Cluster::start(&["ssl = on", "ssl_cert_file = 'server.crt'", "ssl_key_file = 'server.key'"], |data| {
            certify_until(data, 2020)
        });
    let cluster = &tls().cluster;
    for (cluster, host, roots, words) in [
        (cluster, WRONG, "ca.crt", "its certificate is not for 127.0.0.1 but for localhost"),
        (cluster, RIGHT, "stranger.crt", "its certificate was made by an authority that is not trusted here"),
        (&expired, RIGHT, "ca.crt", "its certificate expired on 2020-01-01"),
    ] {
        let (_place, said) = past_run(cluster, host, roots);
        let said = said.ends_with(78);
        said.complains_of(words).complains_of("check sslmode and sslrootcert, and the server's certificate");
        assert_eq!(said.stderr.lines().count(), 1, "{}", said.stderr);
    }
}

/// An authority and a server's certificate of it, made by OpenSSL: `keys` says which keys, `signs` how it signs.
fn certify_by_openssl(data: &Path, keys: &[&str], signs: &[&str]) {
    let ours = data.with_file_name("client");
    fs::create_dir(&ours).unwrap();
    let openssl = |arguments: &[&str], more: &[&str]| {
        let output = Command::new("openssl").args(arguments).args(more).current_dir(&ours).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    };
    for name in ["ca", "server"] {
        openssl(&["genpkey", "-out", &format!("{name}.key")], keys);
    }
    let request = |name: &'static str| ["-key", name, "-subj", "/CN=localhost", "-addext"];
    let own = [&["req", "-x509", "-new", "-out", "ca.crt"], &request("ca.key")[..]].concat();
    openssl(&[&own[..], &["basicConstraints=critical,CA:TRUE"]].concat(), signs);
    let asked = [&["req", "-new", "-out", "server.csr"], &request("server.key")[..]].concat();
    openssl(&[&asked[..], &["subjectAltName=DNS:localhost"]].concat(), &[]);
    fs::write(ours.join("names"), "subjectAltName=DNS:localhost\n").unwrap();
    let issued = ["x509", "-req", "-in", "server.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial"];
    openssl(&[&issued[..], &["-extfile", "names", "-out", "server.crt"]].concat(), signs);
    for name in ["server.crt", "server.key"] {
        fs::copy(ours.join(name), data.join(name)).unwrap();
    }
}

const P521: &[&str] = &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:secp521r1"];
const RSA: &[&str] = &["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:3072"];
const PSS: &[&str] = &["-algorithm", "RSA-PSS", "-pkeyopt", "rsa_keygen_bits:2048"];
const STRICT_PSS: &[&str] = &[
    "-algorithm",
    "RSA-PSS",
    "-pkeyopt",
    "rsa_pss_keygen_md:sha384",
    "-pkeyopt",
    "rsa_pss_keygen_mgf1_md:sha384",
    "-pkeyopt",
    "rsa_pss_keygen_saltlen:48",
];

/// Keys and signatures that ring alone does not check. OpenSSL's own salt is as long as fits.
#[test]
fn certificates_of_every_kind_that_openssl_makes() {
    let kinds: [(&str, &[&str], &[&str]); 8] = [
        ("P-521", P521, &[]),
        ("P-521 with SHA-384", P521, &["-sha384"]),
        ("P-521 with SHA-512", P521, &["-sha512"]),
        ("RSA signed with PSS", RSA, &["-sigopt", "rsa_padding_mode:pss"]),
        (
            "RSA signed with PSS, a salt like the digest",
            RSA,
            &["-sha512", "-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:-1"],
        ),
        ("RSA-PSS keys", PSS, &[]),
        ("RSA-PSS keys, a salt like the digest", PSS, &["-sigopt", "rsa_pss_saltlen:32"]),
        ("RSA-PSS keys for SHA-384 only", STRICT_PSS, &["-sha384", "-sigopt", "rsa_pss_saltlen:48"]),
    ];
    for (kind, keys, signs) in kinds {
        let settings = ["ssl = on", "ssl_cert_file = 'server.crt'", "ssl_key_file = 'server.key'"];
        let cluster = Cluster::start(&settings, |data| certify_by_openssl(data, keys, signs));
        let location = |parameters: &str| -> Location {
            let url = format!("postgres://giggles:{PASSWORD}@{RIGHT}:{}/postgres?{parameters}", cluster.port);
            url.parse().unwrap()
        };
        let roots = cluster.folder.join("client/ca.crt");
        let verified = open(&location(&format!("sslmode=verify-full&sslrootcert={}", roots.display())));
        assert!(verified.is_ok(), "{kind}: {}", verified.err().unwrap());
        open(&location("sslmode=require")).unwrap_or_else(|error| panic!("{kind}: {error}"));
        let stranger = cluster.folder.join("client/stranger.crt");
        fs::write(&stranger, authority("the authority").0).unwrap();
        let refused = open(&location(&format!("sslmode=verify-ca&sslrootcert={}", stranger.display())));
        assert!(matches!(refused, Err(StoreError::Config(_))), "{kind}: a stranger's");
    }
}

/// The same authority's name, and another's signature.
#[test]
fn a_forged_signature_of_such_a_kind_is_refused() {
    for (keys, signs) in [(P521, &[][..]), (PSS, &[]), (RSA, &["-sigopt", "rsa_padding_mode:pss"])] {
        let settings = ["ssl = on", "ssl_cert_file = 'server.crt'", "ssl_key_file = 'server.key'"];
        let cluster = Cluster::start(&settings, |data| certify_by_openssl(data, keys, signs));
        let other = tempfile::tempdir().unwrap();
        let data = other.path().join("data");
        fs::create_dir(&data).unwrap();
        certify_by_openssl(&data, keys, signs);
        let roots = other.path().join("client/ca.crt");
        let url = format!(
            "postgres://giggles:{PASSWORD}@{RIGHT}:{}/postgres?sslmode=verify-full&sslrootcert={}",
            cluster.port,
            roots.display()
        );
        let refused = open(&url.parse::<Location>().unwrap());
        assert!(matches!(refused, Err(StoreError::Config(_))));
    }
}
