//! Which service a ping URL belongs to, and how that service is told what happened: a row a service.
//!
//! Invariant: pure; URLs in, requests out.

use url::Url;

use super::Address;

/// What is told.
#[derive(Debug, Clone, Copy)]
pub enum Signal<'a> {
    /// The work begins.
    Started,
    /// The run has ended with this exit code; the text is for people.
    Ended { code: u8, text: &'a str },
    /// Another run was at work, so nothing was done. Neither good news nor bad.
    Held { text: &'a str },
}

/// One request. With a body it is a POST, without one a GET.
#[derive(Debug, PartialEq, Eq)]
pub struct Request {
    pub url: Url,
    pub body: Option<String>,
}

pub struct Service {
    /// As people call it.
    name: &'static str,
    fits: fn(&Url) -> bool,
    /// None: the service has no word for it.
    request: fn(&Url, &Signal, &str) -> Option<Request>,
}

/// The first that fits is taken; the last fits all.
const SERVICES: [Service; 3] = [
    // https://cronitor.io/docs/telemetry-api
    Service { name: "Cronitor", fits: is_cronitor, request: cronitor },
    // https://docs.sentry.io/product/crons/getting-started/http/
    Service { name: "Sentry", fits: is_sentry, request: sentry },
    // https://healthchecks.io/docs/http_api/, and what is compatible
    Service { name: "healthchecks.io or compatible", fits: |_| true, request: healthchecks },
];

/// `cronitor.link/p/KEY/MONITOR`. The second host is the one that Cronitor's own libraries turn to when they do not
/// reach the first.
fn is_cronitor(url: &Url) -> bool {
    matches!(url.host_str(), Some("cronitor.link" | "cronitor.io"))
}

/// `INGEST/api/PROJECT/cron/MONITOR/KEY/`, on any host: many run their own.
fn is_sentry(url: &Url) -> bool {
    url.path().starts_with("/api/") && url.path().contains("/cron/")
}

impl Address {
    /// The service whose address this is taken for.
    pub fn service(&self) -> &'static str {
        Service::of(&self.0).name
    }
}

impl Service {
    pub fn of(url: &Url) -> &'static Service {
        SERVICES.iter().find(|service| (service.fits)(url)).expect("the last fits all")
    }

    pub fn request(&self, url: &Url, signal: &Signal, run: &str) -> Option<Request> {
        (self.request)(url, signal, run)
    }
}

fn healthchecks(url: &Url, signal: &Signal, run: &str) -> Option<Request> {
    let (end, body) = match signal {
        Signal::Started => ("start".to_owned(), ""),
        Signal::Ended { code, text } => (code.to_string(), *text),
        Signal::Held { text } => ("log".to_owned(), *text),
    };
    let mut url = url.clone();
    url.path_segments_mut().ok()?.pop_if_empty().push(&end);
    url.query_pairs_mut().append_pair("rid", run);
    Some(Request { url, body: Some(body.to_owned()) })
}

/// It takes at most 2,000 characters of a message, in the URL.
fn cronitor(url: &Url, signal: &Signal, run: &str) -> Option<Request> {
    let mut url = url.clone();
    url.query_pairs_mut().append_pair("series", run);
    match signal {
        Signal::Started => url.query_pairs_mut().append_pair("state", "run"),
        Signal::Ended { code, text } => url
            .query_pairs_mut()
            .append_pair("state", if *code == 0 { "complete" } else { "fail" })
            .append_pair("status_code", &code.to_string())
            .append_pair("message", last_characters(text, 2000)),
        Signal::Held { .. } => return None,
    };
    Some(Request { url, body: None })
}

fn sentry(url: &Url, signal: &Signal, run: &str) -> Option<Request> {
    let status = match signal {
        Signal::Started => "in_progress",
        Signal::Ended { code: 0, .. } => "ok",
        Signal::Ended { .. } => "error",
        Signal::Held { .. } => return None,
    };
    let mut url = url.clone();
    url.query_pairs_mut().append_pair("check_in_id", run).append_pair("status", status);
    Some(Request { url, body: None })
}

fn last_characters(text: &str, count: usize) -> &str {
    text.char_indices().rev().nth(count.saturating_sub(1)).map_or(text, |(at, _)| &text[at..])
}

#[cfg(test)]
mod tests {
    use super::*;

    const RUN: &str = "1b4e28ba-2fa1-41d2-883f-0016d3cca427";

    fn asked(url: &str, signal: Signal) -> Option<(String, Option<String>)> {
        let url = Url::parse(url).unwrap();
        let request = Service::of(&url).request(&url, &signal, RUN)?;
        Some((request.url.to_string(), request.body))
    }

    fn asked_url(url: &str, signal: Signal) -> String {
        asked(url, signal).unwrap().0
    }

    #[test]
    fn an_address_is_taken_for_a_service() {
        for (url, service) in [
            ("https://cronitor.link/p/key/night", "Cronitor"),
            ("https://cronitor.io/p/key/night", "Cronitor"),
            ("http://cronitor.link/d3x0c1", "Cronitor"),
            ("https://o0.ingest.sentry.io/api/7/cron/night/key/", "Sentry"),
            ("https://o0.ingest.de.sentry.io/api/7/cron/night/key/", "Sentry"),
            ("https://sentry.example.org/api/7/cron/night/key", "Sentry"),
            ("https://hc-ping.com/b6ae", "healthchecks.io or compatible"),
            ("https://cronitor.link.example.org/p/key", "healthchecks.io or compatible"),
            ("https://example.org/cron/api/b6ae", "healthchecks.io or compatible"),
        ] {
            assert_eq!(url.parse::<Address>().unwrap().service(), service, "{url}");
        }
    }

    #[test]
    fn healthchecks_has_an_end_for_everything() {
        let url = "https://hc-ping.com/b6ae";
        let rid = format!("?rid={RUN}");
        assert_eq!(asked(url, Signal::Started), Some((format!("{url}/start{rid}"), Some(String::new()))));
        let ended = Signal::Ended { code: 3, text: "one failed" };
        assert_eq!(asked(url, ended), Some((format!("{url}/3{rid}"), Some("one failed".into()))));
        assert_eq!(asked_url(url, Signal::Held { text: "" }), format!("{url}/log{rid}"));
        let slug = "https://hc.example.org/ping/key/night/?create=1";
        let full = format!("https://hc.example.org/ping/key/night/0?create=1&rid={RUN}");
        assert_eq!(asked_url(slug, Signal::Ended { code: 0, text: "" }), full);
    }

    #[test]
    fn cronitor_is_told_the_state_in_the_query() {
        let url = "https://cronitor.link/p/key/night";
        assert_eq!(asked_url(url, Signal::Started), format!("{url}?series={RUN}&state=run"));
        let ended = asked_url(url, Signal::Ended { code: 75, text: "try again & again" });
        assert_eq!(ended, format!("{url}?series={RUN}&state=fail&status_code=75&message=try+again+%26+again"));
        let long = "ä".repeat(5000);
        assert_eq!(asked_url(url, Signal::Ended { code: 0, text: &long }).matches("%C3%A4").count(), 2000);
        assert_eq!(asked(url, Signal::Held { text: "" }), None);
    }

    #[test]
    fn sentry_is_told_the_status() {
        let url = "https://o0.ingest.sentry.io/api/7/cron/night/key/";
        for (signal, status) in [
            (Signal::Started, "in_progress"),
            (Signal::Ended { code: 0, text: "" }, "ok"),
            (Signal::Ended { code: 143, text: "" }, "error"),
        ] {
            assert_eq!(asked(url, signal), Some((format!("{url}?check_in_id={RUN}&status={status}"), None)));
        }
    }
}
