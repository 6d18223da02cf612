//! The table of services: how to recognize a service by its URL, and how to build its requests.
//!
//! Invariant: pure; URLs in, requests out.

use std::fmt;

use url::Url;

use super::heartbeats::{
    better_stack, cronitor, healthchecks, is_better_stack, is_cronitor, is_sentry, is_snitch, is_uptime_kuma, plain,
    sentry, snitch, uptime_kuma,
};
use super::messages::{
    discord, gotify, is_discord, is_gotify, is_mattermost, is_ntfy, is_slack, mattermost, ntfy, slack,
};

/// What a ping reports.
#[derive(Debug, Clone, Copy)]
pub enum Signal<'a> {
    /// The run starts.
    Started,
    /// The run has ended with this exit code; the text is for people.
    Ended { code: u8, text: &'a str },
    /// Another run held the lock, so nothing was done. Neither a success nor a failure.
    Held { text: &'a str },
}

/// One request: POST with a body, GET without.
#[derive(Debug, PartialEq, Eq)]
pub struct Request {
    pub url: Url,
    pub body: Option<Body>,
}

#[derive(Debug, PartialEq, Eq)]
pub enum Body {
    Text(String),
    Json(serde_json::Value),
}

impl Body {
    pub fn content_type(&self) -> &'static str {
        match self {
            Body::Text(_) => "text/plain; charset=utf-8",
            Body::Json(_) => "application/json",
        }
    }
}

impl fmt::Display for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Body::Text(text) => f.write_str(text),
            Body::Json(json) => json.fmt(f),
        }
    }
}

pub struct Service {
    /// Its name in settings.
    key: &'static str,
    /// Its name for people.
    name: &'static str,
    kind: Kind,
    /// Whether the URL belongs to this service: by its host, or by its path if the service can be self-hosted.
    fits: fn(&Url) -> bool,
    /// None: the service does not support this signal.
    request: fn(&Url, &Signal, &str) -> Option<Request>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Expects a ping for every run, and raises the alarm if it is missing.
    Heartbeat,
    /// Shows a message to people, and does not notice a missing run.
    Message,
}

use self::Kind::{Heartbeat, Message};

/// No service has this name. The given text may be a secret in the wrong place, so it is not shown.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("it is not a known service; write one of {}, or leave it out to go by the URL", Service::key_list())]
pub struct UnknownService;

/// The first service that fits is used; the last one fits every URL.
const SERVICES: &[Service] = &[
    // https://cronitor.io/docs/telemetry-api
    Service { key: "cronitor", name: "Cronitor", kind: Heartbeat, fits: is_cronitor, request: cronitor },
    // https://docs.sentry.io/product/crons/getting-started/http/
    Service { key: "sentry", name: "Sentry", kind: Heartbeat, fits: is_sentry, request: sentry },
    // https://github.com/louislam/uptime-kuma/wiki/Internal-API, push monitors
    Service { key: "uptime-kuma", name: "Uptime Kuma", kind: Heartbeat, fits: is_uptime_kuma, request: uptime_kuma },
    // https://betterstack.com/docs/uptime/cron-and-heartbeat-monitor/
    Service {
        key: "better-stack",
        name: "Better Stack",
        kind: Heartbeat,
        fits: is_better_stack,
        request: better_stack,
    },
    // https://deadmanssnitch.com/docs
    Service { key: "dead-mans-snitch", name: "Dead Man's Snitch", kind: Heartbeat, fits: is_snitch, request: snitch },
    // https://docs.ntfy.sh/publish/
    Service { key: "ntfy", name: "ntfy", kind: Message, fits: is_ntfy, request: ntfy },
    // https://gotify.net/docs/pushmsg
    Service { key: "gotify", name: "Gotify", kind: Message, fits: is_gotify, request: gotify },
    // https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks
    Service { key: "slack", name: "Slack", kind: Message, fits: is_slack, request: slack },
    // https://docs.discord.com/developers/resources/webhook#execute-webhook
    Service { key: "discord", name: "Discord", kind: Message, fits: is_discord, request: discord },
    // https://docs.mattermost.com/developers/integrate/webhooks/incoming; Rocket.Chat accepts the same
    Service { key: "mattermost", name: "Mattermost", kind: Message, fits: is_mattermost, request: mattermost },
    // Any URL that expects a request after a success only.
    Service { key: "plain", name: "a plain URL", kind: Heartbeat, fits: |_| false, request: plain },
    // https://healthchecks.io/docs/http_api/, and compatible services
    Service {
        key: "healthchecks",
        name: "healthchecks.io or compatible",
        kind: Heartbeat,
        fits: |_| true,
        request: healthchecks,
    },
];

impl Service {
    /// The service that a URL belongs to.
    pub fn recognize(url: &Url) -> &'static Service {
        SERVICES.iter().find(|service| (service.fits)(url)).expect("the last fits all")
    }

    /// The service that a setting names.
    pub fn named(key: &str) -> Result<&'static Service, UnknownService> {
        let key = key.trim();
        SERVICES.iter().find(|service| service.key.eq_ignore_ascii_case(key)).ok_or(UnknownService)
    }

    pub fn name(&self) -> &'static str {
        self.name
    }

    pub fn notices_silence(&self) -> bool {
        self.kind == Heartbeat
    }

    /// The names of all services in settings, separated by commas.
    pub fn key_list() -> String {
        Service::keys().collect::<Vec<_>>().join(", ")
    }

    /// The names of all services in settings.
    pub fn keys() -> impl Iterator<Item = &'static str> {
        SERVICES.iter().map(|service| service.key)
    }

    pub fn request(&self, url: &Url, signal: &Signal, run: &str) -> Option<Request> {
        (self.request)(url, signal, run)
    }
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RUN: &str = "1b4e28ba-2fa1-41d2-883f-0016d3cca427";

    fn request_of(url: &str, signal: Signal) -> Option<(String, Option<String>)> {
        let url = Url::parse(url).unwrap();
        let request = Service::recognize(&url).request(&url, &signal, RUN)?;
        Some((request.url.to_string(), request.body.map(|body| body.to_string())))
    }

    fn request_url(url: &str, signal: Signal) -> String {
        request_of(url, signal).unwrap().0
    }

    #[test]
    fn a_service_is_recognized_by_its_url() {
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
            ("https://hc.example.org/ping/key/hooks", "healthchecks.io or compatible"),
            ("https://hc.example.org/ping/0f3c6b0e-9a5d-4f57-8a6e-5f0c3c1f7a11", "healthchecks.io or compatible"),
            ("https://kuma.example.org/api/push/KEY?status=up&msg=OK&ping=", "Uptime Kuma"),
            ("http://192.168.1.4:3001/status/api/push/KEY", "Uptime Kuma"),
            ("https://uptime.betterstack.com/api/v1/heartbeat/KEY", "Better Stack"),
            ("https://betteruptime.com/api/v1/heartbeat/KEY/", "Better Stack"),
            ("https://nosnch.in/c2354d53d2", "Dead Man's Snitch"),
            ("https://ntfy.sh/topic", "ntfy"),
            ("https://ntfy.example.org/topic", "ntfy"),
            ("https://push.example.org/message?token=A1", "Gotify"),
            ("https://example.org/gotify/message?token=A1", "Gotify"),
            ("https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX", "Slack"),
            ("https://discord.com/api/webhooks/1234/key_-1", "Discord"),
            ("https://canary.discord.com/api/v10/webhooks/1234/key", "Discord"),
            ("https://discord.com/api/webhooks/1234/key/slack", "Slack"),
            ("https://chat.example.org/hooks/xo7wj9ncqjg8pnb4dq3rx4hr7c", "Mattermost"),
            ("https://chat.example.org/hooks/64b5/xo7wj9ncqjg8pnb4dq3rx4hr7c", "Mattermost"),
        ] {
            assert_eq!(Service::recognize(&Url::parse(url).unwrap()).name(), service, "{url}");
        }
    }

    #[test]
    fn every_service_can_be_named_and_an_unknown_name_is_not_shown() {
        for service in SERVICES {
            let named = Service::named(&format!(" {} ", service.key.to_uppercase()));
            assert_eq!(named.unwrap().name, service.name);
        }
        let error = Service::named("https://ntfy.sh/secret").unwrap_err().to_string();
        assert!(error.contains("uptime-kuma, better-stack, ") && !error.contains("secret"), "{error}");
    }

    #[test]
    fn services_only_get_the_signals_they_support() {
        let url = Url::parse("https://example.org/key").unwrap();
        let supporting = |signal: Signal| -> Vec<&str> {
            SERVICES.iter().filter(|service| service.request(&url, &signal, RUN).is_some()).map(|s| s.key).collect()
        };
        assert_eq!(supporting(Signal::Started), ["cronitor", "sentry", "healthchecks"]);
        assert_eq!(supporting(Signal::Held { text: "" }), ["healthchecks"]);
        assert_eq!(
            supporting(Signal::Ended { code: 3, text: "" }).len(),
            SERVICES.len() - 1,
            "a plain URL is left alone"
        );
        assert_eq!(supporting(Signal::Ended { code: 0, text: "" }).len(), SERVICES.len());
    }

    #[test]
    fn uptime_kuma_gets_up_or_down_in_the_query() {
        let url = "https://kuma.example.org/api/push/KEY?status=up&msg=OK&ping=";
        let (good, bad) = (Signal::Ended { code: 0, text: "2 laughs" }, Signal::Ended { code: 3, text: "a & b" });
        assert_eq!(request_url(url, good), "https://kuma.example.org/api/push/KEY?status=up&msg=2+laughs&ping=");
        assert_eq!(request_url(url, bad), "https://kuma.example.org/api/push/KEY?status=down&msg=a+%26+b&ping=");
        let plain = request_of("https://kuma.example.org/api/push/KEY", good);
        assert_eq!(plain, Some(("https://kuma.example.org/api/push/KEY?status=up&msg=2+laughs".into(), None)));
    }

    #[test]
    fn better_stack_gets_the_exit_code_appended_to_its_url() {
        let url = "https://uptime.betterstack.com/api/v1/heartbeat/KEY";
        assert_eq!(request_of(url, Signal::Ended { code: 0, text: "t" }), Some((url.into(), Some("t".into()))));
        for url in [url.to_owned(), format!("{url}/")] {
            let ended = request_url(&url, Signal::Ended { code: 78, text: "" });
            assert_eq!(ended, "https://uptime.betterstack.com/api/v1/heartbeat/KEY/78");
        }
    }

    #[test]
    fn dead_mans_snitch_gets_the_exit_code_and_256_characters() {
        let ended = request_url("https://nosnch.in/KEY", Signal::Ended { code: 3, text: &"x".repeat(300) });
        assert_eq!(ended, format!("https://nosnch.in/KEY?s=3&m={}", "x".repeat(256)));
    }

    #[test]
    fn ntfy_gets_a_title_and_a_priority_unless_the_url_has_them() {
        let ended = Signal::Ended { code: 3, text: &"ä".repeat(5000) };
        let (url, body) = request_of("https://ntfy.sh/topic?auth=QmVhcmVy&Priority=max", ended).unwrap();
        assert_eq!(url, "https://ntfy.sh/topic?title=giggles%3A+exit+code+3&tags=warning&auth=QmVhcmVy&Priority=max");
        assert_eq!(body.unwrap().len(), 4096);
        let fine = request_url("https://ntfy.sh/topic", Signal::Ended { code: 0, text: "" });
        assert!(fine.contains("priority=low"), "{fine}");
    }

    #[test]
    fn chats_get_escaped_text_that_notifies_no_group() {
        let hostile = "<!channel>@all`[x](http://evil)*.wav: failed";
        let ended = Signal::Ended { code: 3, text: hostile };
        let json = |url: &str| -> serde_json::Value {
            serde_json::from_str(&request_of(url, ended).unwrap().1.unwrap()).unwrap()
        };
        let gotify = json("https://push.example.org/message?token=A1");
        assert_eq!((&gotify["message"], &gotify["priority"]), (&hostile.into(), &8.into()));
        let slack = json("https://hooks.slack.com/services/T0/B0/X");
        assert_eq!(slack["text"], "&lt;!channel&gt;@all`[x](http://evil)*.wav: failed");
        let block = "```\n<!channel>@all'[x](http://evil)*.wav: failed\n```";
        assert_eq!(json("https://chat.example.org/hooks/xo7wj9ncqjg8pnb4dq3rx4hr7c")["text"], block);
        let discord = json("https://discord.com/api/webhooks/1234/key");
        assert_eq!(
            (&discord["content"], &discord["allowed_mentions"]["parse"]),
            (&block.into(), &serde_json::json!([]))
        );
        let long = "x".repeat(9000);
        let (_, body) =
            request_of("https://discord.com/api/webhooks/1234/key", Signal::Ended { code: 0, text: &long }).unwrap();
        let body: serde_json::Value = serde_json::from_str(&body.unwrap()).unwrap();
        assert!(body["content"].as_str().unwrap().chars().count() <= 2000);
    }

    #[test]
    fn healthchecks_gets_start_exit_code_and_log() {
        let url = "https://hc-ping.com/b6ae";
        let rid = format!("?rid={RUN}");
        assert_eq!(request_of(url, Signal::Started), Some((format!("{url}/start{rid}"), Some(String::new()))));
        let ended = Signal::Ended { code: 3, text: "one failed" };
        assert_eq!(request_of(url, ended), Some((format!("{url}/3{rid}"), Some("one failed".into()))));
        assert_eq!(request_url(url, Signal::Held { text: "" }), format!("{url}/log{rid}"));
        let slug = "https://hc.example.org/ping/key/night/?create=1";
        let full = format!("https://hc.example.org/ping/key/night/0?create=1&rid={RUN}");
        assert_eq!(request_url(slug, Signal::Ended { code: 0, text: "" }), full);
    }

    #[test]
    fn cronitor_gets_the_state_in_the_query() {
        let url = "https://cronitor.link/p/key/night";
        assert_eq!(request_url(url, Signal::Started), format!("{url}?series={RUN}&state=run"));
        let ended = request_url(url, Signal::Ended { code: 75, text: "try again & again" });
        assert_eq!(ended, format!("{url}?series={RUN}&state=fail&status_code=75&message=try+again+%26+again"));
        let long = "ä".repeat(5000);
        assert_eq!(request_url(url, Signal::Ended { code: 0, text: &long }).matches("%C3%A4").count(), 2000);
        assert_eq!(request_of(url, Signal::Held { text: "" }), None);
    }

    #[test]
    fn sentry_gets_the_status_in_the_query() {
        let url = "https://o0.ingest.sentry.io/api/7/cron/night/key/";
        for (signal, status) in [
            (Signal::Started, "in_progress"),
            (Signal::Ended { code: 0, text: "" }, "ok"),
            (Signal::Ended { code: 143, text: "" }, "error"),
        ] {
            assert_eq!(request_of(url, signal), Some((format!("{url}?check_in_id={RUN}&status={status}"), None)));
        }
    }
}
