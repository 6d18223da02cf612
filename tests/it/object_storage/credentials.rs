//! Credentials from every source, and none of them in any message.

use std::fs;
use std::process::Command;

use super::LAUGH;
use crate::support::audio;
use crate::support::cutter::{Cutter, Fault};
use crate::support::object_store::{KEY, ObjectStore, SECRET, STRANGER, scan};
use crate::support::program::{Place, said};

/// A scan with nothing of AWS but the endpoint.
fn bare(place: &Place, endpoint: &str, url: &str) -> Command {
    let mut command = scan(place, endpoint, url, &["-n"]);
    for name in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_EC2_METADATA_DISABLED"] {
        command.env_remove(name);
    }
    command
}

#[test]
fn a_profile_gives_keys_region_and_endpoint() {
    let store = ObjectStore::seaweed();
    store.put_file("20251024_130000.flac", audio::file(LAUGH));
    let place = Place::new();
    fs::create_dir(place.path("home/.aws")).unwrap();
    let keys = format!("[night]\naws_access_key_id = {KEY}\naws_secret_access_key = {SECRET}\n[default]\n");
    fs::write(place.path("home/.aws/credentials"), keys).unwrap();
    let config = format!("[profile night]\nregion = eu-central-1\nendpoint_url = {}\n", store.endpoint());
    fs::write(place.path("home/.aws/config"), config).unwrap();
    let mut command = bare(&place, "", &store.url(""));
    let with_profile = command.env_remove("AWS_ENDPOINT_URL_S3").env("AWS_PROFILE", "night");
    said(with_profile).ends_with(0);
    let mut other = bare(&place, &store.endpoint(), &store.url(""));
    said(other.env("AWS_EC2_METADATA_DISABLED", "true")).ends_with(78).complains_of("no credentials were found");
}

#[test]
fn roles_give_temporary_credentials() {
    let store = ObjectStore::moto();
    store.put_file("20251024_130000.flac", audio::file(LAUGH));
    let place = Place::new();
    fs::write(place.path("token"), "a.b.c\n").unwrap();
    let agent = format!("{}/latest/meta-data/iam/security-credentials/default-role", store.endpoint());
    let instance = vec![("AWS_EC2_METADATA_SERVICE_ENDPOINT", store.endpoint())];
    let container = vec![("AWS_CONTAINER_CREDENTIALS_FULL_URI", agent)];
    let web = vec![
        ("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/night".to_owned()),
        ("AWS_WEB_IDENTITY_TOKEN_FILE", place.path("token").display().to_string()),
        ("AWS_ENDPOINT_URL_STS", store.endpoint()),
    ];
    for (variables, key) in [(instance, "test-key"), (container, "test-key"), (web, "ASIA")] {
        let proxy = Cutter::before(store.port, &[]);
        let mut command = bare(&place, &proxy.endpoint(), &store.url(""));
        said(command.envs(variables)).ends_with(0);
        let requests = proxy.requests();
        assert!(requests.contains(&format!("X-Amz-Credential={key}")), "{key}: {requests}");
        assert!(requests.contains("X-Amz-Security-Token="), "{requests}");
    }
}

#[test]
fn credentials_that_cannot_be_had_are_78_or_75() {
    let place = Place::new();
    let closed = format!("http://127.0.0.1:{}", super::failures::closed_port());
    let mut none = bare(&place, &closed, "s3://life");
    none.env("AWS_EC2_METADATA_SERVICE_ENDPOINT", &closed);
    said(&mut none).ends_with(78).complains_of("this machine has no EC2 metadata service");
    let mut container = bare(&place, &closed, "s3://life");
    container.env("AWS_CONTAINER_CREDENTIALS_FULL_URI", format!("{closed}/x"));
    said(&mut container).ends_with(75).complains_of("the container's credentials cannot be reached");
    let mut profile = bare(&place, &closed, "s3://life");
    profile.env("AWS_PROFILE", "nigth");
    said(&mut profile).ends_with(78).complains_of("AWS_PROFILE: no profile 'nigth' in AWS's profile files");
}

const BUSY: &str = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
const DISABLED: &str = "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

#[test]
fn a_metadata_service_that_is_busy_is_asked_again() {
    let store = ObjectStore::moto();
    store.put_file("20251024_130000.flac", audio::file(LAUGH));
    let place = Place::new();
    let run = |faults: &[Fault]| {
        let service = Cutter::before(store.port, faults);
        let mut command = bare(&place, &store.endpoint(), &store.url(""));
        said(command.env("AWS_EC2_METADATA_SERVICE_ENDPOINT", service.endpoint()))
    };
    run(&[Fault::Answer(BUSY), Fault::Cut(0)]).ends_with(0);
    run(&[Fault::Answer(BUSY); 3]).ends_with(75).complains_of("the EC2 metadata service cannot serve now (503)");
    run(&[Fault::Answer(DISABLED)]).ends_with(78).complains_of("the EC2 metadata service is disabled (403)");
}

const EXPIRED: &str = "HTTP/1.1 400 Bad Request\r\nContent-Length: 45\r\nConnection: close\r\n\r\n\
    <Error><Code>ExpiredToken</Code></Error>     ";

/// A role may have other credentials soon, keys do not.
#[test]
fn credentials_of_a_role_that_are_refused_are_renewed_once() {
    let store = ObjectStore::moto();
    store.put_file("20251024_130000.flac", audio::file(LAUGH));
    let place = Place::new();
    for (refusals, code) in [(1, 0), (2, 75)] {
        let proxy = Cutter::before(store.port, &vec![Fault::Answer(EXPIRED); refusals]);
        let mut command = bare(&place, &proxy.endpoint(), &store.url(""));
        said(command.env("AWS_EC2_METADATA_SERVICE_ENDPOINT", store.endpoint())).ends_with(code);
    }
}

#[test]
fn no_message_contains_a_credential_or_a_signature() {
    let store = ObjectStore::seaweed();
    store.put_file("20251024_130000.flac", audio::file(LAUGH));
    let place = Place::new();
    for (key, code) in [(KEY, 0), (STRANGER, 78), ("unknown", 78)] {
        let mut command = scan(&place, &store.endpoint(), &store.url(""), &["-n", "-vv"]);
        command.env("AWS_ACCESS_KEY_ID", key).env("AWS_SESSION_TOKEN", "session-token").env("RUST_LOG", "trace");
        let answer =
            if key == KEY { said(command.env_remove("AWS_SESSION_TOKEN")) } else { said(&mut command) }.ends_with(code);
        for secret in [SECRET, "very%2Fsecret", "X-Amz-", "session-token"] {
            assert!(!answer.stderr.contains(secret) && !answer.stdout.contains(secret), "{secret}: {}", answer.stderr);
        }
    }
}
