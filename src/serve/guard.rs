//! Requests that another site makes through a viewer's browser: DNS rebinding and cross-site requests.
//!
//! A page of another site can point its own name at this server (DNS rebinding); then `Host` is that name. It can also
//! send requests here, with the viewer's address; then browsers say so in `Sec-Fetch-Site` and `Origin`. Programs send
//! neither header.

use std::net::IpAddr;

use hyper::StatusCode;
use hyper::header::{HOST, HeaderName, ORIGIN};

use super::exchange::Request;
use super::problem::Problem;

const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");
const FETCH_DEST: HeaderName = HeaderName::from_static("sec-fetch-dest");

/// Refuses what no page of this server has asked.
pub fn check(request: &Request, hosts: &[String]) -> Result<(), Problem> {
    let host = host(request)?;
    if !is_own(host, hosts) {
        let name = name(host);
        let detail = format!("this server does not serve the name '{name}'; start it with --host {name}");
        return Err(Problem::new(StatusCode::MISDIRECTED_REQUEST, detail));
    }
    let is_from = |site: &str| request.header(&FETCH_SITE) == Some(site);
    let is_opened = request.is_safe()
        && request.header(&FETCH_MODE) == Some("navigate")
        && request.header(&FETCH_DEST) == Some("document");
    if (is_from("cross-site") || is_from("same-site")) && !is_opened {
        return Err(Problem::forbidden("a page of another site sent this request; open the page of giggles instead"));
    }
    match request.headers.get(ORIGIN) {
        Some(origin) if !request.is_safe() && origin.to_str().ok().and_then(authority) != Some(host) => {
            let detail = "Origin is another site than Host; a proxy must pass the Host header on unchanged";
            Err(Problem::forbidden(detail))
        }
        _ => Ok(()),
    }
}

/// The one Host header.
fn host(request: &Request) -> Result<&str, Problem> {
    let mut all = request.headers.get_all(HOST).iter();
    match (all.next().and_then(|host| host.to_str().ok()), all.next()) {
        (Some(host), None) => Ok(host),
        _ => Err(Problem::wrong("the request needs one Host header")),
    }
}

/// `https://giggles.example.org:8443` -> `giggles.example.org:8443`.
fn authority(origin: &str) -> Option<&str> {
    origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"))
}

/// An address cannot be rebound, since no name was looked up; a name must be known.
fn is_own(host: &str, hosts: &[String]) -> bool {
    let name = name(host);
    let is_address = name.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>().is_ok();
    is_address || name.eq_ignore_ascii_case("localhost") || hosts.iter().any(|own| own.eq_ignore_ascii_case(name))
}

/// Without the port.
fn name(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|digit| digit.is_ascii_digit()) => name,
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use hyper::Method;

    use super::*;
    use crate::serve::exchange::tests::request;

    fn status(method: Method, headers: &[(&str, &str)]) -> u16 {
        let hosts = ["giggles.example.org".to_owned()];
        check(&request(method, "/", headers), &hosts).map_or_else(|problem| problem.status.as_u16(), |()| 200)
    }

    #[test]
    fn only_addresses_and_known_names_are_served() {
        for (host, expected) in [
            ("127.0.0.1:8760", 200),
            ("[::1]:8760", 200),
            ("[::1]", 200),
            ("192.168.1.2", 200),
            ("localhost:1", 200),
            ("LocalHost", 200),
            ("Giggles.example.org:443", 200),
            ("evil.example", 421),
            ("localhost.evil.example", 421),
            ("127.0.0.1.evil.example", 421),
            ("evil.example:127.0.0.1", 421),
            ("", 421),
        ] {
            assert_eq!(status(Method::GET, &[("host", host)]), expected, "{host}");
        }
        assert_eq!(status(Method::GET, &[]), 400);
        assert_eq!(status(Method::GET, &[("host", "localhost"), ("host", "localhost")]), 400);
    }

    #[test]
    fn another_site_changes_nothing_and_reads_nothing() {
        let local = ("host", "localhost:8760");
        for (method, headers, expected) in [
            (Method::POST, &[("origin", "http://localhost:8760")][..], 200),
            (Method::POST, &[("origin", "https://localhost:8760")], 200),
            (Method::POST, &[], 200),
            (Method::POST, &[("origin", "http://localhost:8761")], 403),
            (Method::POST, &[("origin", "http://evil.example")], 403),
            (Method::POST, &[("origin", "null")], 403),
            (Method::POST, &[("sec-fetch-site", "cross-site")], 403),
            (Method::POST, &[("sec-fetch-site", "same-origin")], 200),
            (Method::GET, &[("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "no-cors")], 403),
            (Method::GET, &[("sec-fetch-site", "same-site"), ("sec-fetch-mode", "cors")], 403),
            (
                Method::GET,
                &[("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document")],
                200,
            ),
            (
                Method::GET,
                &[("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "iframe")],
                403,
            ),
            (
                Method::POST,
                &[("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document")],
                403,
            ),
            (Method::GET, &[("sec-fetch-site", "none"), ("sec-fetch-mode", "navigate")], 200),
        ] {
            let all: Vec<_> = [local].iter().chain(headers).copied().collect();
            assert_eq!(status(method.clone(), &all), expected, "{method} {headers:?}");
        }
    }
}
