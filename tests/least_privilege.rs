//! deploy/postgres/role.sql: the role that it makes runs nights, and can do nothing else.

#[path = "store/homes.rs"]
mod homes;
#[path = "support/postgres.rs"]
mod server;
mod support;

use std::fs;
use std::process::Command;

use homes::{Home, InPostgres};
use postgres::{Client, NoTls};
use support::audio;
use support::program::{Place, Said, said};

const LAUGH: (&str, &str) = ("fixtures/clips/laugh_male_scratch2.flac", "laugh.flac");
const OTHER: (&str, &str) = ("fixtures/clips/crow_cc0.flac", "crow.flac");
const PASSWORD: &str = "open-barley";
/// SQLSTATE: insufficient_privilege.
const FORBIDDEN: &str = "42501";

/// A database whose owner has run giggles once, and a role that has what role.sql grants.
struct Night {
    place: Place,
    home: InPostgres,
    role: String,
}

impl Night {
    fn new() -> Night {
        let night = Night::without_tables();
        let flags = ["--allow-empty", "--source", "setup"];
        said(&mut night.place.scan_into(&night.home.url(), &flags)).ends_with(0);
        night.grant();
        night
    }

    fn without_tables() -> Night {
        let home = InPostgres::new();
        let role = format!("night_{}", home.ask("SELECT current_database()")[0]);
        home.tell(&format!("CREATE ROLE {role} LOGIN PASSWORD '{PASSWORD}'"));
        Night { place: Place::new(), home, role }
    }

    /// As deploy/README.md says; twice, since it is to be repeated after an upgrade.
    fn grant(&self) {
        for _ in 0..2 {
            let mut psql = Command::new("psql");
            psql.args(["--no-psqlrc", "--quiet", &format!("--set=role={}", self.role), "--file"]);
            psql.arg(audio::file("deploy/postgres/role.sql")).arg(self.home.url());
            let output = psql.output().expect("psql is missing: apt-get install postgresql-client");
            let stderr = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success() && stderr.is_empty(), "{stderr}");
        }
    }

    fn url(&self) -> String {
        let mut url = url::Url::parse(&self.home.url()).unwrap();
        url.set_username(&self.role).unwrap();
        url.set_password(Some(PASSWORD)).unwrap();
        url.into()
    }

    fn run(&self, flags: &[&str]) -> Said {
        said(self.place.command(&["scan", "recordings"]).args(flags).env("DATABASE_URL", self.url()))
    }

    fn examined(&self) -> Said {
        said(self.place.command(&["doctor", "-j1", "recordings"]).env("DATABASE_URL", self.url()))
    }

    fn rows(&self, sql: &str) -> Vec<String> {
        self.home.ask(sql)
    }

    /// The SQLSTATE with which the server refuses the role a statement.
    fn refused(&self, sql: &str) -> String {
        let mut client = Client::connect(&self.url(), NoTls).unwrap();
        let error = client.batch_execute(sql).expect_err(sql);
        error.code().unwrap_or_else(|| panic!("{sql}: {error}")).code().to_owned()
    }
}

impl Drop for Night {
    fn drop(&mut self) {
        let role = &self.role;
        self.home.tell(&format!("DROP OWNED BY {role}; DROP ROLE {role}"));
    }
}

#[test]
fn the_role_runs_nights_with_failures_second_chances_and_new_rules() {
    let night = Night::new();
    let whole = fs::read(audio::file("tests/formats/opus_celt_64k.ogg")).unwrap();
    night.place.copy(LAUGH.0, LAUGH.1);
    night.run(&[]).ends_with(0);
    assert_eq!(night.rows("SELECT name, status FROM recordings"), ["laugh.flac|analyzed"]);
    let normal = night.rows("SELECT count(*) FROM detections");
    assert_ne!(normal, ["0"]);

    night.place.write("cut.ogg", &whole[..whole.len() / 2]);
    night.place.copy(OTHER.0, OTHER.1);
    night.run(&[]).ends_with(3);
    let all = "SELECT name, status FROM recordings ORDER BY name";
    assert_eq!(night.rows(all), ["crow.flac|analyzed", "cut.ogg|failed", "laugh.flac|analyzed"]);

    night.place.write("cut.ogg", &whole);
    night.run(&[]).ends_with(0);
    assert_eq!(
        night.rows(all),
        ["crow.flac|analyzed", "cut.ogg|analyzed", "laugh.flac|analyzed"],
        "the failure is over"
    );

    night.run(&["--threshold", "0.999"]).ends_with(0);
    assert_eq!(night.rows("SELECT count(*) FROM detections"), ["0"], "they were replaced under other rules");
    night.run(&["--force"]).ends_with(0);
    let of_the_laugh = "SELECT count(*) FROM detections JOIN recordings AS r ON r.id = recording_id
                        WHERE name = 'laugh.flac'";
    assert_eq!(night.rows(of_the_laugh), normal);
    assert_eq!(night.rows("SELECT exit_code FROM runs ORDER BY started_at"), ["0", "0", "3", "0", "0", "0"]);
}

#[test]
fn the_doctor_says_that_the_role_is_enough() {
    let night = Night::new();
    night.place.copy(LAUGH.0, LAUGH.1);
    let said = night.examined().ends_with(0);
    assert!(said.stdout.contains("\nok    rights       a run may store its rows\n"), "{}", said.stdout);
    night.run(&[]).ends_with(0);
    night.examined().ends_with(0);
}

#[test]
fn the_role_can_do_nothing_else() {
    let night = Night::new();
    night.place.copy(LAUGH.0, LAUGH.1);
    night.run(&[]).ends_with(0);
    night.home.tell("CREATE TABLE diary (line text); INSERT INTO diary VALUES ('dear')");
    for table in ["runs", "recordings", "detections", "notes", "giggles_schema", "diary"] {
        for sql in ["DROP TABLE", "TRUNCATE", "COMMENT ON TABLE"] {
            let rest = if sql.starts_with("COMMENT") { " IS 'mine'" } else { "" };
            assert_eq!(night.refused(&format!("{sql} {table}{rest}")), FORBIDDEN, "{sql} {table}");
        }
        assert_eq!(night.refused(&format!("ALTER TABLE {table} ADD COLUMN mine int")), FORBIDDEN, "{table}");
        assert_eq!(night.refused(&format!("CREATE INDEX ON {table} ((1))")), FORBIDDEN, "{table}");
    }
    for sql in [
        "SELECT line FROM diary",
        "INSERT INTO diary VALUES ('me')",
        "DELETE FROM diary",
        "UPDATE runs SET exit_code = 0",
        "DELETE FROM runs",
        "UPDATE recordings SET status = 'analyzed'",
        "UPDATE detections SET peak_score = 1",
        "DELETE FROM detections",
        "INSERT INTO notes SELECT * FROM notes",
        "UPDATE notes SET verdict = NULL",
        "DELETE FROM notes",
        "INSERT INTO giggles_schema (version) VALUES (9)",
        "DELETE FROM giggles_schema",
        "CREATE TABLE mine (x int)",
        "CREATE VIEW mine AS SELECT 1",
        "CREATE FUNCTION mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE SCHEMA mine",
        "CREATE ROLE mine",
        "CREATE DATABASE mine",
        "GRANT SELECT ON diary TO PUBLIC",
        "CREATE TRIGGER mine BEFORE INSERT ON runs FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()",
        "COPY diary TO PROGRAM 'cat'",
        "SELECT pg_read_file('PG_VERSION')",
        "SELECT rolpassword FROM pg_authid",
    ] {
        assert_eq!(night.refused(sql), FORBIDDEN, "{sql}");
    }
    assert_eq!([night.home.count("diary"), night.home.count("runs"), night.home.count("recordings")], [1, 2, 1]);
}

#[test]
fn the_role_reads_reports_and_stores_no_note() {
    let night = Night::new();
    night.place.copy(LAUGH.0, "20251024_190000.flac");
    night.run(&["--tz", "UTC"]).ends_with(0);
    let say = |words: &[&str]| said(night.place.command(words).env("DATABASE_URL", night.url()));
    let laughs = say(&["export", "--format", "jsonl"]).ends_with(0).stdout;
    say(&["report", "--date", "2025-10-24", "--tz", "UTC"]).ends_with(0);
    say(&["status", "--date", "2025-10-24", "--tz", "UTC"]).ends_with(0);
    let laugh: serde_json::Value = serde_json::from_str(laughs.lines().next().unwrap()).unwrap();
    let content = night.rows("SELECT content_sha256 FROM recordings").remove(0);
    let note = serde_json::json!({
        "source": laugh["source"], "recording": laugh["file"], "content_sha256": content, "verdict": "keep",
        "start_seconds": laugh["start"], "end_seconds": laugh["end"], "starts_at": laugh["starts_at"], "note": null,
        "at": "2025-10-25T08:00:00Z",
    });
    fs::write(night.place.path("notes.jsonl"), note.to_string()).unwrap();
    say(&["notes", "import", "notes.jsonl"]).ends_with(78).complains_of("permission denied for table notes");
    night.home.tell(&format!("GRANT INSERT, UPDATE ON notes TO {}", night.role));
    assert_eq!(say(&["notes", "import", "notes.jsonl"]).ends_with(0).stdout, "1 note stored\n");
    night.run(&["--tz", "UTC", "--force"]).ends_with(0);
    assert!(say(&["report", "--date", "2025-10-24", "--tz", "UTC"]).ends_with(0).stdout.contains("(kept)"));
}

#[test]
fn without_tables_the_role_says_who_must_make_them() {
    let night = Night::without_tables();
    night.place.copy(LAUGH.0, LAUGH.1);
    let said = night.run(&[]).ends_with(78);
    said.complains_of("permission denied for schema public; the tables are to be brought to version")
        .complains_of("by their owner: run this giggles once with the owner's URL")
        .complains_of("deploy/postgres/role.sql");
    let said = night.examined().ends_with(78);
    assert!(said.stdout.contains("fail  schema       there are no tables yet, and night_"), "{}", said.stdout);
}
