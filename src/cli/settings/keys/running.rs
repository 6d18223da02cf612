//! Keys of clips, of notifications, of how a run works, and of the server.

use super::{Key, Kind, Secret, done, key};
use crate::cli::scan::AROUND;
use crate::cli::serve::{LISTEN, check_header, check_listen, check_token_file, hosts_of};
use crate::cli::settings::values::{address_of, log_format_of, seconds_of, service_of, switch_of, threads_of, time_of};

pub static RUNNING: &[Key] = &[
    Key {
        in_source: "clips",
        flag: "--clips",
        variable: "GIGGLES_CLIPS",
        example: "\"/srv/laughs\"",
        ..key(
            "clips",
            "folder",
            Kind::Path,
            "The folder of the clips, or s3://BUCKET/PREFIX; without it, no clips are written",
        )
    },
    Key {
        in_source: "clip_before",
        flag: "--clip-before",
        variable: "GIGGLES_CLIP_BEFORE",
        default: || AROUND.to_string(),
        check: |given| done(seconds_of(given)),
        ..key("clips", "before", Kind::Number, "Seconds of sound in a clip before its laugh")
    },
    Key {
        in_source: "clip_after",
        flag: "--clip-after",
        variable: "GIGGLES_CLIP_AFTER",
        default: || AROUND.to_string(),
        check: |given| done(seconds_of(given)),
        ..key("clips", "after", Kind::Number, "Seconds of sound in a clip after its laugh")
    },
    Key {
        variable: "GIGGLES_PLAYER",
        example: "\"mpv\"",
        ..key(
            "clips",
            "player",
            Kind::Text,
            "The program that plays clips in `giggles review`; without it, the first known one in PATH",
        )
    },
    Key {
        in_source: "ping_url",
        flag: "--ping-url",
        variable: "GIGGLES_PING_URL",
        secret: Secret::Url,
        example: "\"https://hc-ping.com/your-uuid\"",
        check: |given| done(address_of(given)),
        ..key("notify", "ping_url", Kind::Text, "The start and the end of each run are reported to this URL")
    },
    Key {
        in_source: "ping_service",
        flag: "--ping-service",
        variable: "GIGGLES_PING_SERVICE",
        example: "\"ntfy\"",
        check: |given| done(service_of(given)),
        ..key("notify", "ping_service", Kind::Text, "The service of the ping URL, if the URL does not show it")
    },
    Key {
        in_source: "start_ping",
        flag: "--no-start-ping",
        variable: "GIGGLES_NO_START_PING",
        default: || "true".to_owned(),
        check: |given| done(switch_of(given)),
        ..key("notify", "start_ping", Kind::Not, "Whether the start of a run is reported, too")
    },
    Key {
        in_source: "metrics_file",
        flag: "--metrics-file",
        variable: "GIGGLES_METRICS_FILE",
        example: "\"/var/lib/prometheus/node-exporter/giggles.prom\"",
        ..key("notify", "metrics_file", Kind::Path, "Metrics for the Prometheus node exporter are written to this file")
    },
    Key {
        flag: "--threads",
        variable: "GIGGLES_THREADS",
        default: || "0".to_owned(),
        check: |given| done(threads_of(given)),
        ..key("run", "threads", Kind::Number, "Threads; 0 means one per core")
    },
    Key {
        in_source: "strict",
        flag: "--strict",
        variable: "GIGGLES_STRICT",
        default: || "false".to_owned(),
        check: |given| done(switch_of(given)),
        ..key("run", "strict", Kind::Switch, "Whether nothing is stored (1) if one recording fails")
    },
    Key {
        in_source: "commit_every",
        flag: "--commit-every",
        variable: "GIGGLES_COMMIT_EVERY",
        example: "\"1h\"",
        check: |given| done(time_of(given)),
        ..key("run", "commit_every", Kind::Text, "How often a run stores what is analyzed; without it, once at its end")
    },
    Key {
        in_source: "allow_empty",
        flag: "--allow-empty",
        variable: "GIGGLES_ALLOW_EMPTY",
        default: || "false".to_owned(),
        check: |given| done(switch_of(given)),
        ..key("run", "allow_empty", Kind::Switch, "Whether a run without recordings ends with 0")
    },
    Key {
        flag: "--log-format",
        variable: "GIGGLES_LOG_FORMAT",
        default: || "text".to_owned(),
        check: |given| done(log_format_of(given)),
        ..key("run", "log_format", Kind::Text, "The format of messages on standard error: text, json or emf")
    },
    Key {
        flag: "--listen",
        variable: "GIGGLES_LISTEN",
        default: || LISTEN.to_owned(),
        check: check_listen,
        ..key("serve", "listen", Kind::Text, "The address and port of `giggles serve`")
    },
    Key {
        flag: "--token-file",
        variable: "GIGGLES_TOKEN_FILE",
        example: "\"/etc/giggles/tokens\"",
        check: check_token_file,
        ..key(
            "serve",
            "token_file",
            Kind::Path,
            "Every viewer and program needs a token of this file, readable by its owner only",
        )
    },
    Key {
        flag: "--trust-proxy-header",
        variable: "GIGGLES_TRUST_PROXY_HEADER",
        example: "\"Remote-User\"",
        check: check_header,
        ..key("serve", "trust_proxy_header", Kind::Text, "A proxy authenticates, and names its user in this header")
    },
    Key {
        flag: "--host",
        variable: "GIGGLES_HOST",
        example: "\"laughs.example.org\"",
        check: |given| done(hosts_of(given)),
        ..key(
            "serve",
            "host",
            Kind::Text,
            "The host names that are served, with commas; without it, localhost and addresses",
        )
    },
];
