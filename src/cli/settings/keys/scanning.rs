//! Keys of what is stored, what is scanned and what counts as a laugh.

use giggles::domain::DetectionParameters;

use super::{Key, Kind, Secret, done, key};
use crate::cli::database_url::location_of;
use crate::cli::settings::values::{
    KEEP_EMBEDDINGS, date_of, days_of, patches_of, seconds_of, shard_of, source_of, switch_of, threshold_of, views_of,
};
use crate::cli::settings::zone_named;

fn usual() -> DetectionParameters {
    DetectionParameters::default()
}

pub static SCANNING: &[Key] = &[
    Key {
        flag: "--database",
        variable: "GIGGLES_DATABASE",
        secret: Secret::Password,
        example: "\"sqlite:/var/lib/giggles/giggles.db\"",
        check: |given| done(location_of(given)),
        ..key(
            "database",
            "url",
            Kind::Database,
            "The database: the path of an SQLite file, or postgres://…; without it, a file in the user's data folder",
        )
    },
    Key {
        flag: "--database-url-file",
        variable: "GIGGLES_DATABASE_URL_FILE",
        example: "\"/etc/giggles/database-url\"",
        ..key("database", "url_file", Kind::Path, "A file with the address of the database, readable by its owner only")
    },
    Key {
        example: "\"/etc/giggles/database-password\"",
        ..key(
            "database",
            "password_file",
            Kind::Path,
            "A file with the password for database.url, readable by its owner only",
        )
    },
    Key {
        example: "[\"pass\", \"show\", \"giggles\"]",
        ..key(
            "database",
            "password_command",
            Kind::Command,
            "A program and its arguments; it prints the password for database.url. No shell reads it",
        )
    },
    Key {
        flag: "--keep-embeddings",
        variable: "GIGGLES_KEEP_EMBEDDINGS",
        default: || KEEP_EMBEDDINGS.to_string(),
        check: |given| done(days_of(given)),
        ..key(
            "database",
            "keep_embeddings",
            Kind::Number,
            "Days after which the embeddings of sounds without a review are removed",
        )
    },
    Key {
        in_source: "folder",
        variable: "GIGGLES_RECORDINGS",
        example: "\"/srv/recordings\"",
        ..key(
            "recordings",
            "folder",
            Kind::Paths,
            "The folder of the recordings, or an array of folders, or s3://BUCKET/PREFIX",
        )
    },
    Key {
        flag: "--source",
        variable: "GIGGLES_SOURCE",
        example: "\"neil\"",
        check: |given| done(source_of(given)),
        ..key(
            "recordings",
            "source",
            Kind::Text,
            "The person or device that recorded; scan stores as `default` without it, other commands select all sources",
        )
    },
    Key {
        in_source: "zone",
        flag: "--tz",
        variable: "GIGGLES_TZ",
        example: "\"America/Los_Angeles\"",
        check: |given| done(given.read(zone_named)),
        ..key("recordings", "zone", Kind::Text, "The time zone of calendar days; without it, the system's")
    },
    Key {
        in_source: "name_zone",
        flag: "--name-tz",
        variable: "GIGGLES_NAME_TZ",
        example: "\"UTC\"",
        check: |given| done(given.read(zone_named)),
        ..key(
            "recordings",
            "name_zone",
            Kind::Text,
            "The time zone of file names that contain none; without it, recordings.zone",
        )
    },
    Key {
        in_source: "date",
        flag: "--date",
        variable: "GIGGLES_DATE",
        example: "\"yesterday\"",
        check: |given| done(date_of(given)),
        ..key("recordings", "date", Kind::Text, "Scan only this day; without it, all days")
    },
    Key {
        flag: "--shard",
        variable: "GIGGLES_SHARD",
        example: "\"auto\"",
        check: |given| done(shard_of(given)),
        ..key("recordings", "shard", Kind::Text, "Scan only this part of the recordings: k/n, or auto in an array job")
    },
    Key {
        in_source: "ffmpeg",
        flag: "--ffmpeg",
        variable: "GIGGLES_FFMPEG",
        default: || "false".to_owned(),
        ..key(
            "recordings",
            "ffmpeg",
            Kind::Program,
            "Decode with ffmpeg what giggles cannot decode: true, or the path of ffmpeg",
        )
    },
    Key {
        in_source: "threshold",
        flag: "--threshold",
        variable: "GIGGLES_THRESHOLD",
        default: || "normal".to_owned(),
        check: |given| done(threshold_of(given)),
        ..key("detection", "threshold", Kind::Score, "sensitive, normal, strict, or a score between 0 and 1")
    },
    Key {
        in_source: "merge_gap",
        flag: "--merge-gap",
        variable: "GIGGLES_MERGE_GAP",
        default: || usual().merge_gap_seconds.to_string(),
        check: |given| done(seconds_of(given)),
        ..key("detection", "merge_gap", Kind::Number, "Seconds; laughs that are closer than this are merged")
    },
    Key {
        in_source: "min_patches",
        flag: "--min-patches",
        variable: "GIGGLES_MIN_PATCHES",
        default: || usual().min_patches.to_string(),
        check: |given| done(patches_of(given)),
        ..key(
            "detection",
            "min_patches",
            Kind::Number,
            "Laughs of fewer patches than this are dropped; patches are 0.48 s apart",
        )
    },
    Key {
        in_source: "padding",
        flag: "--padding",
        variable: "GIGGLES_PADDING",
        default: || usual().padding_seconds.to_string(),
        check: |given| done(seconds_of(given)),
        ..key("detection", "padding", Kind::Number, "Seconds by which each laugh is extended before and after")
    },
    Key {
        in_source: "views",
        flag: "--views",
        variable: "GIGGLES_VIEWS",
        default: || usual().views.to_string(),
        check: |given| done(views_of(given)),
        ..key("detection", "views", Kind::Number, "Possible laughs are scored at this many speeds: 1, 3 or 5")
    },
    Key {
        in_source: "personal",
        flag: "--no-personal",
        variable: "GIGGLES_NO_PERSONAL",
        default: || "true".to_owned(),
        check: |given| done(switch_of(given)),
        ..key("detection", "personal", Kind::Not, "Whether the reviews of the source change what counts as a laugh")
    },
    Key {
        in_source: "normalize",
        flag: "--no-normalize",
        variable: "GIGGLES_NO_NORMALIZE",
        default: || "true".to_owned(),
        check: |given| done(switch_of(given)),
        ..key("detection", "normalize", Kind::Not, "Whether loudness is normalized before the analysis")
    },
    Key {
        flag: "--model",
        variable: "GIGGLES_MODEL",
        example: "\"/opt/giggles/yamnet.safetensors\"",
        ..key("detection", "model", Kind::Path, "A model file instead of the one in the program")
    },
];
