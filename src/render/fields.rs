//! Every JSON document and every table that the formats write, with the meaning of each field, for docs/reference.
//!
//! A field that is not described here, or is never written, fails `tests/it/reference.rs`.

use super::json::{
    ENVELOPE, ERROR, LAUGH, MISSING_RANGE, NOT_AUDIO, RECORDING, REPLACED, RUN, SPEC_FIELD, START_TIMES, UNRESOLVED,
};
use crate::domain::{Counts, Described};
use crate::render::status::json as status;
use crate::render::{
    api, candidates, days, doctor, evaluate, explain, export, redetect, report, reviews, scores, settings, sources,
    verify,
};

/// The JSON documents.
pub const DOCUMENTS: &[Described] = &[
    Described {
        command: "giggles scan --json",
        about: "one document for the run",
        parts: &[
            ("", &[SPEC_FIELD]),
            ("run.", RUN),
            ("counts.", Counts::FIELDS),
            ("not_audio.", NOT_AUDIO),
            ("replaced.", REPLACED),
            ("start_times.", START_TIMES),
            ("unresolved.", UNRESOLVED),
            ("recordings[].", RECORDING),
            ("recordings[].missing_ranges[].", MISSING_RANGE),
            ("recordings[].laughs[].", LAUGH),
            ("recordings[].error.", ERROR),
        ],
    },
    Described {
        command: "giggles scan --ndjson",
        about: "one event a line; `payload` is a recording, or the run with its counts",
        parts: &[
            ("", ENVELOPE),
            ("payload.", RECORDING),
            ("payload.missing_ranges[].", MISSING_RANGE),
            ("payload.laughs[].", LAUGH),
            ("payload.error.", ERROR),
            ("payload.run.", RUN),
            ("payload.counts.", Counts::FIELDS),
            ("payload.not_audio.", NOT_AUDIO),
            ("payload.replaced.", REPLACED),
            ("payload.start_times.", START_TIMES),
            ("payload.unresolved.", UNRESOLVED),
        ],
    },
    Described {
        command: "giggles scan --all-sources --json",
        about: "one document for the runs of all sources",
        parts: &[
            ("", sources::DOCUMENT),
            ("sources[].result.", &[SPEC_FIELD]),
            ("sources[].result.run.", RUN),
            ("sources[].result.counts.", Counts::FIELDS),
            ("sources[].result.not_audio.", NOT_AUDIO),
            ("sources[].result.replaced.", REPLACED),
            ("sources[].result.start_times.", START_TIMES),
            ("sources[].result.unresolved.", UNRESOLVED),
            ("sources[].result.recordings[].", RECORDING),
            ("sources[].result.recordings[].missing_ranges[].", MISSING_RANGE),
            ("sources[].result.recordings[].laughs[].", LAUGH),
            ("sources[].result.recordings[].error.", ERROR),
        ],
    },
    Described {
        command: "giggles scan --all-sources --ndjson",
        about: "the events of each source, and at the end one event `source` for each",
        parts: &[
            ("", ENVELOPE),
            ("payload.", RECORDING),
            ("payload.missing_ranges[].", MISSING_RANGE),
            ("payload.laughs[].", LAUGH),
            ("payload.error.", ERROR),
            ("payload.run.", RUN),
            ("payload.counts.", Counts::FIELDS),
            ("payload.not_audio.", NOT_AUDIO),
            ("payload.replaced.", REPLACED),
            ("payload.start_times.", START_TIMES),
            ("payload.unresolved.", UNRESOLVED),
            ("payload.", sources::EVENT),
        ],
    },
    Described {
        command: "giggles status --json",
        about: "the last runs, and with `--date` one day for each source",
        parts: &[
            ("", status::DOCUMENT),
            ("runs[].", status::RUN),
            ("scores[].", status::SCORES),
            ("runs[].counts.", Counts::FIELDS),
            ("days[].", status::DAY),
            ("days[].recordings[].", status::RECORDING),
            ("days[].recordings[].missing_ranges[].", MISSING_RANGE),
            ("days[].recordings[].error.", ERROR),
            ("days[].laughs[].", status::LAUGH),
        ],
    },
    Described {
        command: "giggles days --json",
        about: "days in numbers, by date and source",
        parts: &[("", days::DOCUMENT), ("days[].", api::COUNT)],
    },
    Described {
        command: "giggles report --json",
        about: "days with their laughs, with `--candidates` also their candidates, and averages to compare with",
        parts: &[
            ("", report::DOCUMENT),
            ("days[].", status::DAY),
            ("days[].recordings[].", status::RECORDING),
            ("days[].recordings[].missing_ranges[].", MISSING_RANGE),
            ("days[].recordings[].error.", ERROR),
            ("days[].laughs[].", status::LAUGH),
            ("days[].candidates[].", candidates::CANDIDATE),
        ],
    },
    Described {
        command: "giggles export --format json",
        about: "one document of recordings with their laughs",
        parts: &[
            ("", export::JSON_FIELDS),
            ("recordings[].missing_ranges[].", MISSING_RANGE),
            ("recordings[].failure.", ERROR),
            ("recordings[].laughs[].", LAUGH),
            ("recordings[].laughs[].", export::REVIEW_FIELDS),
        ],
    },
    Described {
        command: "giggles export --format jsonl",
        about: "one laugh a line",
        parts: &[("", export::JSONL_FIELDS)],
    },
    Described { command: "giggles scores --format json", about: "a list of patches", parts: &[("", scores::DOCUMENT)] },
    Described {
        command: "giggles config show --json",
        about: "the effective settings, and where each comes from",
        parts: &[("", settings::DOCUMENT)],
    },
    Described { command: "giggles doctor --json", about: "the checks", parts: &[("", doctor::DOCUMENT)] },
    Described {
        command: "giggles doctor --all-sources --json",
        about: "the checks for each source",
        parts: &[("", doctor::SOURCES), ("sources[].", doctor::DOCUMENT)],
    },
    Described {
        command: "giggles redetect --json",
        about: "what was decided anew",
        parts: &[("", redetect::DOCUMENT)],
    },
    Described {
        command: "giggles verify --json",
        about: "clips and rows that do not agree",
        parts: &[("", verify::DOCUMENT)],
    },
    Described {
        command: "giggles explain --json",
        about: "why a sound counts as a laugh, or why it does not",
        parts: &[("", explain::DOCUMENT)],
    },
    Described {
        command: "giggles review import --json",
        about: "what was imported",
        parts: &[("", reviews::DOCUMENT)],
    },
    Described {
        command: "giggles evaluate --json",
        about: "the detections against the reviews; the first decision is without the personal score, the second with it",
        parts: &[
            ("", evaluate::DOCUMENT),
            ("", evaluate::PROPORTION),
            ("decisions[].", evaluate::DECISION),
            ("decisions[].", evaluate::PROPORTION),
            ("decisions[].curve[].", evaluate::CURVE),
            ("decisions[].curve[].", evaluate::PROPORTION),
        ],
    },
];

/// The tables.
pub const TABLES: &[Described] = &[
    Described {
        command: "giggles export --format csv",
        about: "one row per laugh, RFC 4180",
        parts: &[("", &export::CSV_COLUMNS)],
    },
    Described {
        command: "giggles export --format recordings",
        about: "one row per recording, RFC 4180",
        parts: &[("", &export::RECORDINGS_COLUMNS)],
    },
    Described {
        command: "giggles export --format raven",
        about: "one row per laugh, columns separated by tabs",
        parts: &[("", &export::RAVEN_COLUMNS)],
    },
    Described {
        command: "giggles export --format audacity",
        about: "one line per laugh, columns separated by tabs, no header",
        parts: &[("", &export::AUDACITY_COLUMNS)],
    },
    Described {
        command: "giggles report --csv",
        about: "one row per laugh, RFC 4180; a laugh that spans recordings is one row",
        parts: &[("", &report::COLUMNS)],
    },
    Described {
        command: "giggles scores --format csv",
        about: "one row per patch and class, RFC 4180; with `--all` one row per patch: `start` and a column for each class",
        parts: &[("", &scores::COLUMNS)],
    },
];
