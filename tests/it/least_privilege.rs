//! deploy/postgres/role.sql: the role that it makes runs runs, and can do nothing else.

use crate::support::homes;
use std::fs;
use std::process::Command;

use crate::support::audio;
use crate::support::program::{Place, Said, said};
use homes::{Home, InPostgres};
use postgres::{Client, NoTls};

const LAUGH: (&str, &str) = ("fixtures/clips/laugh_male_scratch2.flac", "laugh.flac");
const OTHER: (&str, &str) = ("fixtures/clips/crow_cc0.flac", "crow.flac");
const PASSWORD: &str = "open-barley";
/// SQLSTATE: insufficient_privilege.
const FORBIDDEN: &str = "42501";

/// A database whose owner has run giggles once, and a role that has what role.sql grants.
struct Deployment {
    place: Place,
    home: InPostgres,
    role: String,
}

impl Deployment {
    fn new() -> Deployment {
        let deployment = Deployment::without_tables();
        let flags = ["--allow-empty", "--source", "setup"];
        said(&mut deployment.place.scan_into(&deployment.home.url(), &flags)).ends_with(0);
        deployment.grant();
        deployment
    }

    fn without_tables() -> Deployment {
        let home = InPostgres::new();
        let role = format!("nightly_{}", home.ask("SELECT current_database()")[0]);
        home.execute(&format!("CREATE ROLE {role} LOGIN PASSWORD '{PASSWORD}'"));
        Deployment { place: Place::new(), home, role }
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

impl Drop for Deployment {
    fn drop(&mut self) {
        let role = &self.role;
        self.home.execute(&format!("DROP OWNED BY {role}; DROP ROLE {role}"));
    }
}

#[test]
fn the_role_runs_runs_with_failures_retried_copies_and_new_parameters() {
    let deployment = Deployment::new();
    let whole = fs::read(audio::file("tests/formats/opus_celt_64k.ogg")).unwrap();
    deployment.place.copy(LAUGH.0, LAUGH.1);
    deployment.run(&[]).ends_with(0);
    assert_eq!(deployment.rows("SELECT name, status FROM recordings"), ["laugh.flac|analyzed"]);
    let normal = deployment.rows("SELECT count(*) FROM detections");
    assert_ne!(normal, ["0"]);

    deployment.place.write("cut.ogg", &whole[..whole.len() / 2]);
    deployment.place.copy(OTHER.0, OTHER.1);
    deployment.run(&[]).ends_with(3);
    let all = "SELECT name, status FROM recordings ORDER BY name";
    assert_eq!(deployment.rows(all), ["crow.flac|analyzed", "cut.ogg|failed", "laugh.flac|analyzed"]);

    deployment.place.write("cut.ogg", &whole);
    deployment.run(&[]).ends_with(0);
    assert_eq!(
        deployment.rows(all),
        ["crow.flac|analyzed", "cut.ogg|analyzed", "laugh.flac|analyzed"],
        "the failure is over"
    );

    deployment.run(&["--threshold", "0.999"]).ends_with(0);
    assert_eq!(deployment.rows("SELECT count(*) FROM detections"), ["0"], "they were replaced under other rules");
    deployment.run(&["--force"]).ends_with(0);
    let of_the_laugh = "SELECT count(*) FROM detections JOIN recordings AS r ON r.id = recording_id
                        WHERE name = 'laugh.flac'";
    assert_eq!(deployment.rows(of_the_laugh), normal);
    assert_eq!(deployment.rows("SELECT exit_code FROM runs ORDER BY started_at"), ["0", "0", "3", "0", "0", "0"]);
}

#[test]
fn the_doctor_says_that_the_role_is_enough() {
    let deployment = Deployment::new();
    deployment.place.copy(LAUGH.0, LAUGH.1);
    let said = deployment.examined().ends_with(0);
    assert!(said.stdout.contains("\nok    rights       a run may store its rows\n"), "{}", said.stdout);
    deployment.run(&[]).ends_with(0);
    deployment.examined().ends_with(0);
}

#[test]
fn the_role_can_do_nothing_else() {
    let deployment = Deployment::new();
    deployment.place.copy(LAUGH.0, LAUGH.1);
    deployment.run(&[]).ends_with(0);
    deployment.home.execute("CREATE TABLE diary (line text); INSERT INTO diary VALUES ('dear')");
    for table in
        ["runs", "recordings", "detections", "score_tracks", "candidates", "reviews", "giggles_schema", "diary"]
    {
        for sql in ["DROP TABLE", "TRUNCATE", "COMMENT ON TABLE"] {
            let rest = if sql.starts_with("COMMENT") { " IS 'mine'" } else { "" };
            assert_eq!(deployment.refused(&format!("{sql} {table}{rest}")), FORBIDDEN, "{sql} {table}");
        }
        assert_eq!(deployment.refused(&format!("ALTER TABLE {table} ADD COLUMN mine int")), FORBIDDEN, "{table}");
        assert_eq!(deployment.refused(&format!("CREATE INDEX ON {table} ((1))")), FORBIDDEN, "{table}");
    }
    for sql in [
        "SELECT line FROM diary",
        "INSERT INTO diary VALUES ('me')",
        "DELETE FROM diary",
        "UPDATE runs SET exit_code = 0",
        "DELETE FROM runs",
        "UPDATE recordings SET status = 'analyzed'",
        "UPDATE detections SET peak_score = 1",
        "UPDATE score_tracks SET v = NULL",
        "DELETE FROM score_tracks",
        "UPDATE candidates SET peak_v = 9",
        "DELETE FROM candidates",
        "INSERT INTO reviews (source) SELECT source FROM reviews",
        "UPDATE reviews SET verdict = NULL",
        "DELETE FROM reviews",
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
        assert_eq!(deployment.refused(sql), FORBIDDEN, "{sql}");
    }
    assert_eq!(
        [deployment.home.count("diary"), deployment.home.count("runs"), deployment.home.count("recordings")],
        [1, 2, 1]
    );
}

#[test]
fn the_role_reads_reports_and_stores_no_review() {
    let deployment = Deployment::new();
    deployment.place.copy(LAUGH.0, "20251024_190000.flac");
    deployment.run(&["--tz", "UTC"]).ends_with(0);
    let say = |words: &[&str]| said(deployment.place.command(words).env("DATABASE_URL", deployment.url()));
    let laughs = say(&["export", "--format", "jsonl"]).ends_with(0).stdout;
    say(&["report", "--date", "2025-10-24", "--tz", "UTC"]).ends_with(0);
    say(&["status", "--date", "2025-10-24", "--tz", "UTC"]).ends_with(0);
    let laugh: serde_json::Value = serde_json::from_str(laughs.lines().next().unwrap()).unwrap();
    let content = deployment.rows("SELECT content_sha256 FROM recordings").remove(0);
    let review = serde_json::json!({
        "source": laugh["source"], "recording": laugh["file"], "content_sha256": content, "verdict": "confirmed",
        "start_seconds": laugh["start"], "end_seconds": laugh["end"], "starts_at": laugh["starts_at"], "comment": null,
        "at": "2025-10-25T08:00:00Z",
    });
    fs::write(deployment.place.path("reviews.jsonl"), review.to_string()).unwrap();
    say(&["review", "import", "reviews.jsonl"]).ends_with(78).complains_of("permission denied for table reviews");
    deployment.home.execute(&format!("GRANT INSERT, UPDATE ON reviews TO {}", deployment.role));
    assert_eq!(say(&["review", "import", "reviews.jsonl"]).ends_with(0).stdout, "1 review stored\n");
    deployment.run(&["--tz", "UTC", "--force"]).ends_with(0);
    assert!(say(&["report", "--date", "2025-10-24", "--tz", "UTC"]).ends_with(0).stdout.contains("(confirmed)"));
}

#[test]
fn without_tables_the_role_says_who_must_make_them() {
    let deployment = Deployment::without_tables();
    deployment.place.copy(LAUGH.0, LAUGH.1);
    let said = deployment.run(&[]).ends_with(78);
    said.complains_of("permission denied for schema public; the tables are to be brought to version")
        .complains_of("by their owner: run this giggles once with the owner's URL")
        .complains_of("deploy/postgres/role.sql");
    let said = deployment.examined().ends_with(78);
    assert!(said.stdout.contains("fail  schema       there are no tables yet, and nightly_"), "{}", said.stdout);
}
