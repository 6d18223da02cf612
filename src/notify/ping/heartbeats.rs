//! Heartbeat services: they expect a ping for every run, and raise the alarm if it is missing or reports a failure.

use url::Url;

use super::service::{Body, Request, Signal};

/// `cronitor.link/p/KEY/MONITOR`. The second host is the fallback of Cronitor's own libraries.
pub fn is_cronitor(url: &Url) -> bool {
    matches!(url.host_str(), Some("cronitor.link" | "cronitor.io"))
}

/// `INGEST/api/PROJECT/cron/MONITOR/KEY/`, on any host: Sentry is often self-hosted.
pub fn is_sentry(url: &Url) -> bool {
    url.path().starts_with("/api/") && url.path().contains("/cron/")
}

/// `…/api/push/KEY?status=up&msg=OK&ping=`, on any host: Uptime Kuma is self-hosted.
pub fn is_uptime_kuma(url: &Url) -> bool {
    matches!(segments(url)[..], [.., "api", "push", _])
}

/// `uptime.betterstack.com/api/v1/heartbeat/KEY`, formerly `betteruptime.com`.
pub fn is_better_stack(url: &Url) -> bool {
    matches!(segments(url)[..], [.., "api", "v1", "heartbeat", _])
}

pub fn is_snitch(url: &Url) -> bool {
    url.host_str() == Some("nosnch.in")
}

/// Segments of the path, without the empty one after a trailing slash.
pub fn segments(url: &Url) -> Vec<&str> {
    url.path_segments().into_iter().flatten().filter(|segment| !segment.is_empty()).collect()
}

pub fn healthchecks(url: &Url, signal: &Signal, run: &str) -> Option<Request> {
    let (end, body) = match signal {
        Signal::Started => ("start".to_owned(), ""),
        Signal::Ended { code, text } => (code.to_string(), *text),
        Signal::Held { text } => ("log".to_owned(), *text),
    };
    let mut url = url.clone();
    url.path_segments_mut().ok()?.pop_if_empty().push(&end);
    url.query_pairs_mut().append_pair("rid", run);
    Some(Request { url, body: Some(Body::Text(body.to_owned())) })
}

/// Cronitor accepts at most 2,000 characters of a message, in the URL.
pub fn cronitor(url: &Url, signal: &Signal, run: &str) -> Option<Request> {
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

pub fn sentry(url: &Url, signal: &Signal, run: &str) -> Option<Request> {
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

/// Users copy the URL with a status and a message, which are replaced. The server accepts URLs of at most 16 kB.
pub fn uptime_kuma(url: &Url, signal: &Signal, _run: &str) -> Option<Request> {
    let Signal::Ended { code, text } = signal else { return None };
    let status = if *code == 0 { "up" } else { "down" };
    let url = with(url, &[("status", status), ("msg", last_characters(text, 500))]);
    Some(Request { url, body: None })
}

/// Success is a request to the URL itself, failure to the URL with the exit code appended.
pub fn better_stack(url: &Url, signal: &Signal, _run: &str) -> Option<Request> {
    let Signal::Ended { code, text } = signal else { return None };
    let mut url = url.clone();
    url.path_segments_mut().ok()?.pop_if_empty();
    if *code != 0 {
        url.path_segments_mut().ok()?.push(&code.to_string());
    }
    Some(Request { url, body: Some(Body::Text((*text).to_owned())) })
}

/// Dead Man's Snitch keeps 256 characters of a message.
pub fn snitch(url: &Url, signal: &Signal, _run: &str) -> Option<Request> {
    let Signal::Ended { code, text } = signal else { return None };
    let url = with(url, &[("s", &code.to_string()), ("m", last_characters(text, 256))]);
    Some(Request { url, body: None })
}

/// A failure sends no ping.
pub fn plain(url: &Url, signal: &Signal, _run: &str) -> Option<Request> {
    matches!(signal, Signal::Ended { code: 0, .. }).then(|| Request { url: url.clone(), body: None })
}

/// The URL with these query pairs; they replace others with the same names.
pub fn with(url: &Url, pairs: &[(&str, &str)]) -> Url {
    let is_other = |name: &str| pairs.iter().all(|(own, _)| *own != name);
    let others: Vec<(String, String)> =
        url.query_pairs().filter(|(name, _)| is_other(name)).map(|(name, value)| (name.into(), value.into())).collect();
    let mut url = url.clone();
    url.query_pairs_mut().clear().extend_pairs(pairs).extend_pairs(others);
    url
}

pub fn last_characters(text: &str, count: usize) -> &str {
    text.char_indices().rev().nth(count.saturating_sub(1)).map_or(text, |(at, _)| &text[at..])
}
