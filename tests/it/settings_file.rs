//! The settings file: where it is found, what counts more, what is wrong in it, and what it never gives away.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use serde_json::Value;

use crate::support::program::{Place, said};

const LAUGH: (&str, &str) = ("fixtures/clips/laugh_male_scratch2.flac", "20251024_130000.flac");

/// One setting as `config show --json` shows it.
fn setting(shown: &Value, key: &str) -> (String, String) {
    let all = shown["settings"].as_array().unwrap();
    let found = all.iter().find(|setting| setting["key"] == key).expect(key);
    let line = found["line"].as_u64().map_or(String::new(), |line| format!(":{line}"));
    (found["value"].as_str().unwrap_or("-").to_owned(), found["origin"].as_str().unwrap().to_owned() + &line)
}

fn shown(place: &Place, flags: &[&str], variables: &[(&str, &str)]) -> Value {
    let mut command = place.command(&[&["config", "show", "--json"], flags].concat());
    said(command.envs(variables.iter().copied())).ends_with(0).json()
}

fn pair(value: &str, origin: &str) -> (String, String) {
    (value.to_owned(), origin.to_owned())
}

#[test]
fn a_flag_counts_more_than_a_variable_and_a_variable_more_than_the_file() {
    let place = Place::new();
    place.write_private("giggles.toml", "[detection]\nthreshold = \"strict\"\nnormalize = false\n");
    place.write_private("nightly.env", "GIGGLES_THRESHOLD='sensitive'\nGIGGLES_NO_NORMALIZE=0\n");
    let (config, env_file) = (["--config", "giggles.toml"], ["--env-file", "nightly.env"]);
    let threshold =
        |flags: &[&str], variables: &[(&str, &str)]| setting(&shown(&place, flags, variables), "detection.threshold");
    assert_eq!(threshold(&[], &[]), pair("normal", "default"));
    assert_eq!(threshold(&config, &[]), pair("strict", "settings_file:2"));
    let both = [config, env_file].concat();
    assert_eq!(threshold(&both, &[]), pair("sensitive", "env_file:1"));
    assert_eq!(threshold(&both, &[("GIGGLES_THRESHOLD", "0.3")]), pair("0.3", "variable"));
    assert_eq!(threshold(&both, &[("GIGGLES_THRESHOLD", "")]), pair("sensitive", "env_file:1"), "empty: not set");
    let all = [&both[..], &["--threshold", "0.2"]].concat();
    assert_eq!(threshold(&all, &[("GIGGLES_THRESHOLD", "0.3")]), pair("0.2", "flag"));
    assert_eq!(setting(&shown(&place, &config, &[]), "detection.normalize"), pair("false", "settings_file:3"));
    assert_eq!(setting(&shown(&place, &both, &[]), "detection.normalize"), pair("true", "env_file:2"));
}

#[test]
fn the_first_file_that_exists_is_read_and_no_other() {
    let place = Place::new();
    for (name, zone) in [("named.toml", "Asia/Tokyo"), ("variable.toml", "Asia/Seoul")] {
        place.write_private(name, &format!("[recordings]\nzone = \"{zone}\"\n"));
    }
    for (folder, zone) in [("xdg/giggles", "Europe/Paris"), ("home/.config/giggles", "Europe/Rome")] {
        fs::create_dir_all(place.path(folder)).unwrap();
        let text = format!("[recordings]\nzone = \"{zone}\"\n[run]\nthreads = 3\n");
        fs::write(place.path(folder).join("config.toml"), text).unwrap();
    }
    let zone =
        |flags: &[&str], variables: &[(&str, &str)]| setting(&shown(&place, flags, variables), "recordings.zone").0;
    let xdg = place.path("xdg").display().to_string();
    let all = [("GIGGLES_CONFIG", "variable.toml"), ("XDG_CONFIG_HOME", xdg.as_str())];
    assert_eq!(zone(&["--config", "named.toml"], &all), "Asia/Tokyo");
    assert_eq!(zone(&[], &all), "Asia/Seoul");
    assert_eq!(zone(&[], &[("GIGGLES_CONFIG", ""), all[1]]), "Europe/Paris");
    assert_eq!(zone(&[], &[("XDG_CONFIG_HOME", "relative")]), "Europe/Rome", "relative paths do not count");
    assert_eq!(zone(&[], &[]), "Europe/Rome");
    let other = setting(&shown(&place, &["--config", "named.toml"], &all), "run.threads");
    assert_eq!(other, pair("0", "default"), "no second file is read");
    assert_eq!(zone(&["--config", "/dev/null"], &all), "UTC", "an empty file sets nothing");
}

/// Every command with what it needs to parse; none does anything, since the settings are read first.
const COMMANDS: &[&[&str]] = &[
    &["scan", "recordings"],
    &["doctor", "recordings"],
    &["status"],
    &["report"],
    &["export", "--format", "csv"],
    &["scores", "recordings/20251024_130000.flac"],
    &["verify", "--clips", "recordings"],
    &["review"],
    &["review", "import", "no-such-file"],
    &["redetect"],
    &["evaluate"],
    &["explain", "1"],
    &["prune", "--older-than", "1y", "--rows"],
    &["config", "show"],
    &["config", "check"],
];

#[test]
fn every_command_refuses_an_unknown_key_and_names_its_place_and_the_nearest() {
    let place = Place::with(&[LAUGH]);
    fs::write(place.path("giggles.toml"), "[detection]\n\n  treshold = 0.5\n").unwrap();
    for words in COMMANDS {
        let said = said(place.command(words).env("GIGGLES_CONFIG", "giggles.toml")).ends_with(78);
        let text = format!("{}{}", said.stdout, said.stderr);
        let problem = "line 3, column 3: unknown key detection.treshold; did you mean detection.threshold?";
        assert!(text.contains(problem) && text.contains("giggles.toml"), "{words:?}: {text}");
    }
    for words in [&["completions", "bash"][..], &["man"]] {
        said(place.command(words).env("GIGGLES_CONFIG", "giggles.toml")).ends_with(0);
    }
}

/// A wrong value of each kind: the message names the file, the line and the key, and no flag.
#[test]
fn a_wrong_value_names_file_line_and_key() {
    let place = Place::with(&[LAUGH]);
    for (group, line, words) in [
        ("detection", "threshold = \"high\"", "detection.threshold high: give sensitive, normal"),
        ("detection", "threshold = nan", "detection.threshold nan: give"),
        ("detection", "merge_gap = -1", "detection.merge_gap -1: give seconds from 0 to 3600"),
        ("detection", "padding = inf", "detection.padding inf: give seconds"),
        ("detection", "views = 2", "detection.views 2: give 1, 3 or 5"),
        ("detection", "min_patches = 99999999999999999999", "detection.min_patches 99999999999999999999: give"),
        ("detection", "normalize = \"no\"", "detection.normalize is of type string; write true or false"),
        ("detection", "model = \"no/such/model\"", "no/such/model"),
        ("recordings", "zone = \"Mars\"", "recordings.zone: 'Mars' is not a known time zone"),
        ("recordings", "name_zone = \"Mars\"", "recordings.name_zone: 'Mars'"),
        ("recordings", "date = \"24.10.2025\"", "recordings.date: '24.10.2025' is not a date"),
        ("recordings", "date = 2025-10-24", "recordings.date is of type datetime; write a text in quotes"),
        ("recordings", "shard = \"4/3\"", "recordings.shard: "),
        ("recordings", "source = \" \"", "recordings.source: the name is empty"),
        ("recordings", "folder = [1]", "recordings.folder is of type array; write a text in quotes, or several"),
        ("recordings", "ffmpeg = \"no/such/ffmpeg\"", "recordings.ffmpeg: "),
        ("database", "url = \"mysql://db\"", "database.url: the database's address is not supported"),
        ("database", "url_file = \"no-such-file\"", "no-such-file cannot be read"),
        ("database", "keep_embeddings = 1.5", "database.keep_embeddings 1.5: give a number of days"),
        ("clips", "folder = 3", "clips.folder is of type integer"),
        ("clips", "before = \"2\"", "clips.before is of type string; write a number, without quotes"),
        ("notify", "ping_url = \"hc-ping.com/uuid\"", "notify.ping_url: it is not a URL"),
        ("notify", "ping_service = \"pigeon\"", "notify.ping_service: it is not a known service"),
        ("run", "threads = 1025", "run.threads 1025: give a number of threads up to 1024"),
        ("run", "threads = [", "is not valid TOML: "),
        ("run", "log_format = \"yaml\"", "run.log_format: the log format must be text, json or emf"),
        ("run", "strict = 1", "run.strict is of type integer; write true or false, such as strict = false"),
    ] {
        place.write_private("giggles.toml", &format!("[{group}]\n{line}\n"));
        let mut command = place.command(&["scan", "recordings", "--config", "giggles.toml"]);
        if group != "database" {
            command.env("DATABASE_URL", place.sqlite());
        }
        let said = said(&mut command).ends_with(78);
        assert!(said.stderr.contains(words), "{line}: {}", said.stderr);
        let is_own = ["model", "url_file"].iter().any(|key| line.starts_with(key));
        assert!(is_own || said.stderr.contains("giggles.toml, line "), "{line}: {}", said.stderr);
        // Of a model it says that a flag names it, whatever does.
        assert!(is_own || !said.stderr.contains("--"), "{line}: it names a flag: {}", said.stderr);
    }
    assert!(!place.path("laughs.db").exists(), "settings are checked before any work");
}

/// Files that are none, or hold what nobody would write: no crash, 78, and a message with the name of the file.
#[test]
fn no_file_makes_a_command_crash() {
    let place = Place::new();
    let deep = |open: &str, close: &str, count: usize| format!("x = {}{}\n", open.repeat(count), close.repeat(count));
    let texts: [(&str, Vec<u8>); 16] = [
        ("not UTF-8", vec![b'[', 0xff, 0xfe]),
        ("UTF-16", "[run]".encode_utf16().flat_map(u16::to_le_bytes).collect()),
        ("NUL", b"[run]\nthreads = 1\0\n".to_vec()),
        ("2 MB", "# comment\n".repeat(200_000).into_bytes()),
        ("1 MB of brackets", vec![b'['; 1 << 20]),
        ("deep arrays", deep("[", "]", 10_000).into_bytes()),
        ("deep tables", deep("{a=", "}", 10_000).into_bytes()),
        ("deep names", format!("[{}]\n", vec!["a"; 10_000].join(".")).into_bytes()),
        ("a key twice", b"[run]\nthreads = 1\nthreads = 2\n".to_vec()),
        ("a table twice", b"[run]\n[run]\n".to_vec()),
        ("a source twice", b"[source.neil]\n[source.' neil']\n".to_vec()),
        ("no name", b"[source.\" \"]\nzone = 'UTC'\n".to_vec()),
        ("source is a text", b"source = 'neil'\n".to_vec()),
        ("a group is an array", b"[[run]]\nthreads = 1\n".to_vec()),
        ("escapes", b"[run]\n\"\\u001b[31m\\n\" = 1\n".to_vec()),
        ("a long name", format!("[run]\n{} = 1\n", "a".repeat(100_000)).into_bytes()),
    ];
    let run = || said(&mut place.command(&["status", "--config", "giggles.toml"])).ends_with(78);
    for (what, bytes) in texts {
        fs::write(place.path("giggles.toml"), bytes).unwrap();
        let stderr = run().stderr;
        assert!(stderr.contains("giggles.toml") && stderr.len() < 500 && !stderr.contains('\x1b'), "{what}: {stderr}");
        said(&mut place.command(&["config", "check", "--config", "giggles.toml"])).ends_with(78);
    }
    fs::remove_file(place.path("giggles.toml")).unwrap();
    assert!(run().stderr.contains("giggles.toml cannot be read: "), "none is there");
    fs::create_dir(place.path("giggles.toml")).unwrap();
    assert!(run().stderr.contains("giggles.toml is a directory; name the file in it"));
    fs::remove_dir(place.path("giggles.toml")).unwrap();
    symlink("giggles.toml", place.path("giggles.toml")).unwrap();
    assert!(run().stderr.contains("giggles.toml cannot be read: "), "a link to itself");
}

/// In the usual place, too: a link that leads nowhere is not taken for no file.
#[test]
fn a_file_in_the_usual_place_that_cannot_be_read_is_an_error() {
    let place = Place::new();
    fs::create_dir_all(place.path("home/.config/giggles")).unwrap();
    let file = place.path("home/.config/giggles/config.toml");
    symlink("nowhere", &file).unwrap();
    place.run(&["status"]).ends_with(78).complains_of("config.toml cannot be read");
    fs::remove_file(&file).unwrap();
    fs::write(&file, "").unwrap();
    let mut command = place.command(&["status"]);
    let lock = || fs::set_permissions(&file, fs::Permissions::from_mode(0o000)).unwrap();
    let said = place.said_by_nobody_after(&mut command, lock).ends_with(78);
    said.complains_of("config.toml cannot be read: Permission denied");
}

#[test]
fn a_password_that_others_can_read_is_refused() {
    let place = Place::new();
    let url = "[database]\nurl = \"postgres://neil:se%40same@127.0.0.1:1/x\"\n";
    let path = place.write_private("giggles.toml", url);
    let status = |code| place.run(&["status", "--config", "giggles.toml"]).ends_with(code);
    status(75);
    for mode in [0o640, 0o604, 0o620, 0o602] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        let said = status(78);
        said.complains_of(
            "holds a password and is readable by other users of this machine; run chmod 600 giggles.toml",
        );
        let check = place.run(&["config", "check", "--config", "giggles.toml"]).ends_with(78);
        assert!(check.stdout.contains("chmod 600") && !check.stdout.contains("same"), "{}", check.stdout);
    }
    fs::write(&path, "[notify]\nping_url = \"https://hc-ping.com/secret-uuid\"\n").unwrap();
    let check = place.run(&["config", "check", "--config", "giggles.toml"]).ends_with(0);
    assert!(check.stdout.starts_with("warn  the file holds a ping URL"), "{}", check.stdout);
    for words in [&["config", "show"][..], &["config", "show", "--json"]] {
        let said = place.run(&[words, &["--config", "giggles.toml"]].concat()).ends_with(0);
        assert!(said.stdout.contains("https://hc-ping.com/…") && !said.stdout.contains("uuid"), "{}", said.stdout);
    }
    let said = place.run(&["config", "show", "--database", "postgres://neil:sesame@db/x"]).ends_with(0);
    assert!(said.stdout.contains("postgres://neil:***@db/x") && !said.stdout.contains("sesame"), "{}", said.stdout);
}

#[test]
fn init_writes_a_private_file_once() {
    let place = Place::new();
    let init = || place.run(&["config", "init"]);
    let file = place.path("home/.config/giggles/config.toml");
    assert!(init().ends_with(0).stdout.contains("home/.config/giggles/config.toml: written"));
    let mode = |path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(file.clone()), mode(place.path("home/.config/giggles"))), (0o600, 0o700));
    let text = fs::read_to_string(&file).unwrap();
    assert!(text.contains("#threshold = \"normal\"\n") && text.contains("[source.neil]"), "{text}");
    init().ends_with(78).complains_of("config.toml exists, and is not replaced");
    assert_eq!(fs::read_to_string(&file).unwrap(), text);
    let said = place.run(&["config", "check"]).ends_with(0);
    assert!(said.stdout.ends_with("config.toml: nothing is wrong\n"), "{}", said.stdout);
    assert_eq!(said.stderr, "");
    place.run(&["config", "init", "-q", "--config", "other.toml"]).ends_with(0);
    assert!(place.path("other.toml").exists());
    symlink("nowhere.toml", place.path("link.toml")).unwrap();
    place.run(&["config", "init", "--config", "link.toml"]).ends_with(78);
}

#[test]
fn check_lists_everything_that_is_wrong() {
    let place = Place::new();
    let text = "[recordings]\nfolder = [\"recordings\", \"nowhere\"]\nzone = \"Mars\"\n[clips]\nfolder = \"no-clips\"\n\
                [detect]\nthreshold = 1\n[detection]\nthreshold = 1\n[source.mia]\nthreads = 1\nzone = \"Moon\"\n";
    place.write_private("giggles.toml", text);
    let mut command = place.command(&["config", "check", "--config", "giggles.toml"]);
    let said = said(command.env("GIGGLES_TRESHOLD", "1")).ends_with(78);
    for line in [
        "error line 6, column 2: [detect] is not a group; did you mean [detection]?",
        "error line 11, column 1: unknown key source.mia.threads; threads is the same for all sources: write it in [run]",
        "error line 3: recordings.zone: 'Mars' is not a known time zone",
        "error line 9: detection.threshold 1: give sensitive",
        "error line 12: source.mia.zone: 'Moon' is not",
        "warn  line 2: recordings.folder: ",
        "nowhere does not exist; is its disk mounted?",
        "warn  line 5: clips.folder: ",
        "warn  GIGGLES_TRESHOLD is not a variable of giggles; did you mean GIGGLES_THRESHOLD?",
        "giggles.toml: 5 errors and 3 warnings",
    ] {
        assert!(said.stdout.contains(line), "{line} is not in\n{}", said.stdout);
    }
}

/// The values of the server are checked as the server reads them.
#[test]
fn check_and_serve_refuse_the_same_values_of_the_server() {
    let place = Place::new();
    place.write_private("short", "abc\n");
    place.write_private("good", "0123456789abcdef0123456789abcdef\n");
    fs::write(place.path("open"), "0123456789abcdef0123456789abcdef\n").unwrap();
    for (line, words) in [
        ("listen = \"8760\"", "line 2: serve.listen: '8760' is not an address with a port, such as 127.0.0.1:8760"),
        ("listen = \"127.0.0.1:87600\"", "serve.listen: '127.0.0.1:87600' is not an address"),
        ("listen = \"http://127.0.0.1:8760\"", "serve.listen: 'http://127.0.0.1:8760' is not an address"),
        ("listen = \"::1:8760\"", "serve.listen: '::1:8760' is not an address"),
        ("trust_proxy_header = \"Remote User\"", "serve.trust_proxy_header: is not the name of a header"),
        ("host = \"laughs.example.org, https://x/\"", "serve.host: 'https://x/' is not a host name"),
        ("token_file = \"none\"", "none cannot be read"),
        ("token_file = \"short\"", "short: line 1: a token has at least 20"),
        ("token_file = \"open\"", "is readable by other users of this machine"),
        ("token_file = 3", "serve.token_file is of type integer"),
    ] {
        place.write_private("giggles.toml", &format!("[serve]\n{line}\n"));
        let check = place.run(&["config", "check", "--config", "giggles.toml"]).ends_with(78);
        assert!(check.stdout.contains(words), "{line}: {}", check.stdout);
        let short = words.split_once(": ").map_or(words, |(_, short)| short);
        place.run(&["serve", "--config", "giggles.toml"]).ends_with(78).complains_of(short);
    }
    let good = "[serve]\nlisten = \"[::1]:0\"\ntoken_file = \"good\"\ntrust_proxy_header = \"Remote-User\"\n\
                host = \"laughs.example.org, [::1]\"\n";
    place.write_private("giggles.toml", good);
    place.run(&["config", "check", "--config", "giggles.toml"]).ends_with(0);
}

/// What a scan stores is of the file, and what reads it finds it there.
#[test]
fn every_command_reads_the_same_settings() {
    let place = Place::with(&[LAUGH]);
    fs::create_dir(place.path("clips")).unwrap();
    fs::create_dir_all(place.path("home/.config/giggles")).unwrap();
    let text = format!(
        "[database]\nurl = \"{}\"\n[recordings]\nfolder = \"{}\"\nsource = \"neil\"\nzone = \"Asia/Tokyo\"\n\
         name_zone = \"UTC\"\n[clips]\nfolder = \"{}\"\n[notify]\nmetrics_file = \"../../../giggles.prom\"\n",
        place.sqlite(),
        place.recordings().display(),
        place.path("clips").display()
    );
    fs::write(place.path("home/.config/giggles/config.toml"), text).unwrap();
    // In another folder: paths of the file do not depend on it.
    let run = |words: &[&str]| said(place.command(words).current_dir("/"));
    run(&["scan"]).ends_with(0);
    assert_eq!(place.number("SELECT count(*) FROM runs WHERE source = 'neil' AND zone = 'Asia/Tokyo'"), 1);
    assert!(place.path("clips/neil").is_dir() && place.path("giggles.prom").is_file());
    assert!(run(&["status"]).ends_with(0).stdout.contains("neil"));
    assert!(run(&["report", "--date", "2025-10-24"]).stdout.contains("2025-10-24"));
    assert!(run(&["verify"]).ends_with(0).stdout.contains('1'));
    let doctor = run(&["doctor"]);
    assert!(doctor.stdout.contains("Asia/Tokyo"), "{}", doctor.stdout);
    let file = place.path("home/.config/giggles/config.toml").display().to_string();
    let line = format!("ok    settings     settings file {file}; no env file\n");
    assert!(doctor.stdout.starts_with(&line), "{}", doctor.stdout);
    let env_file = place.write_private("nightly.env", "GIGGLES_THREADS='many'\n");
    let env_file = env_file.display().to_string();
    let wrong = run(&["doctor", "--env-file", &env_file]).ends_with(78);
    let threads = format!("fail  settings     {env_file}, line 1: GIGGLES_THREADS many: give a number");
    assert!(wrong.stdout.starts_with(&threads), "{}", wrong.stdout);
    assert!(wrong.stdout.contains(&format!("settings file {file}; env file {env_file}\n")), "{}", wrong.stdout);
}
