//! Databases that would take the rows of a run, and those that would not.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;

use giggles::store::open;
use postgres::{Client, NoTls};

use super::*;
use crate::doctor::agreement::{GRANTED, OPEN, SECURED, SOME, UNSEEN};
use crate::doctor::evenings::{evening, on_postgres, on_postgres_with};
use crate::support::past_runs::past_run;
use crate::support::program::eventually;

#[test]
fn a_database_that_is_not_one_or_is_damaged() {
    let place = place();
    let unmounted = format!("sqlite:{}", place.path("unmounted/laughs.db").display());
    let said = said(&mut command(&place, &unmounted, &[])).ends_with(78);
    says(&said, "rights", &["fail", "does not exist", "mount its disk"]);
    place.scan(&[]).ends_with(0);
    let page = place.number("SELECT rootpage FROM sqlite_master WHERE name = 'detections_by_date'") as usize;
    let mut bytes = fs::read(place.path("laughs.db")).unwrap();
    bytes[8192 * (page - 1)..][..8192].fill(0x55);
    fs::write(place.path("laughs.db"), bytes).unwrap();
    says(&doctor(&place, &[]).ends_with(78), "rights", &["fail", "it is damaged"]);
    fs::write(place.path("laughs.db"), "nothing like a database ".repeat(200)).unwrap();
    says(&doctor(&place, &[]).ends_with(78), "database", &["fail", "not an SQLite database"]);
}

#[test]
fn a_file_that_may_not_be_written() {
    let place = place();
    place.scan(&[]).ends_with(0);
    fs::set_permissions(place.path("laughs.db"), fs::Permissions::from_mode(0o444)).unwrap();
    let said = place.as_nobody(&["doctor", "-j1", "--database", &place.sqlite(), "recordings"]).ends_with(78);
    says(&said, "database", &["ok "]);
    says(&said, "rights", &["fail", "laughs.db may not be written: Permission denied", "check the permissions"]);
}

#[test]
fn a_newer_schema() {
    let (place, database) = (place(), Postgres::start());
    for url in [place.sqlite(), database.url.clone()] {
        drop(open(&url.parse().unwrap()).unwrap());
        let newer = "INSERT INTO giggles_schema (version, applied_at) VALUES (99, '2030-01-01T00:00:00Z')";
        if url.starts_with("sqlite") {
            rusqlite::Connection::open(place.path("laughs.db")).unwrap().execute_batch(newer).unwrap()
        } else {
            Client::connect(&url, NoTls).unwrap().batch_execute(newer).unwrap()
        }
        let said = said(&mut command(&place, &url, &[])).ends_with(78);
        says(&said, "schema", &["fail", "version 99, written by a newer giggles; this one knows ", "update giggles"]);
    }
}

#[test]
fn a_server_that_is_not_there_is_75() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = format!("postgres://neil:open-sesame@127.0.0.1:{port}/laughs");
    let said = said(&mut command(&place(), &url, &[])).ends_with(75);
    says(&said, "database", &["busy", "neil:***@127.0.0.1", "cannot be reached: ", "try again later"]);
    assert!(said.stdout.ends_with("a scan would not run now (75); try again later\n"), "{}", said.stdout);
    assert!(!format!("{}{}", said.stdout, said.stderr).contains("sesame"));
}

#[test]
fn a_role_without_rights() {
    let (place, database) = (place(), Postgres::start());
    let mut admin = Client::connect(&database.url, NoTls).unwrap();
    let name: String = admin.query_one("SELECT current_database()::text", &[]).unwrap().get(0);
    let role = format!("poor_{name}");
    admin.batch_execute(&format!("CREATE ROLE {role} LOGIN PASSWORD 'open-barley'")).unwrap();
    let mut url = url::Url::parse(&database.url).unwrap();
    url.set_username(&role).unwrap();
    url.set_password(Some("open-barley")).unwrap();
    let examined = || said(&mut command(&place, url.as_str(), &[]));
    says(&examined().ends_with(78), "schema", &["fail", &format!("{role} may not make them"), "GRANT CREATE"]);
    drop(open(&database.url.parse().unwrap()).unwrap());
    admin.batch_execute(&format!("GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}")).unwrap();
    let said = examined().ends_with(78);
    says(&said, "rights", &["INSERT on runs", "DELETE on recordings", "run deploy/postgres/role.sql"]);
    says(&said, "rights", &["DELETE on detections", "UPDATE of embedding on reviews", "INSERT on candidates"]);
    assert!(!finding_of(&said, "rights").contains("SELECT on"));
    admin
        .batch_execute(&format!(
            "GRANT INSERT ON runs, recordings, detections, score_tracks, candidates TO {role};
             GRANT DELETE, UPDATE ON recordings, detections TO {role}; GRANT UPDATE ON candidates TO {role};
             GRANT UPDATE (embedding) ON reviews TO {role}"
        ))
        .unwrap();
    says(&examined().ends_with(0), "rights", &["ok "]);
    open(&url.as_str().parse().unwrap()).unwrap().save(&past_run("neil").build()).expect("what is ok is enough");
    admin.batch_execute(&format!("ALTER ROLE {role} SET default_transaction_read_only = on")).unwrap();
    says(&examined().ends_with(78), "rights", &["fail", "its transactions are read-only"]);
    admin.batch_execute(&format!("DROP OWNED BY {role}; DROP ROLE {role}")).unwrap();
}

#[test]
fn a_lock_that_is_held_is_75_and_stays_held() {
    let (place, database) = (place(), Postgres::start());
    for url in [place.sqlite(), database.url.clone()] {
        let location = url.parse().unwrap();
        let mut past_run = open(&location).unwrap();
        past_run.lock("default").unwrap();
        let held = said(&mut command(&place, &url, &[])).ends_with(75);
        says(&held, "lock", &["busy", "another giggles (", " is running on the source 'default'"]);
        says(&said(&mut command(&place, &url, &["--source", "mia"])).ends_with(0), "lock", &["ok ", "'mia'"]);
        open(&location).unwrap().lock("default").expect_err("the run still holds it");
        drop(past_run);
        // A process that another test starts at this moment holds the file for as long as it takes to begin.
        eventually("the doctor does not hold it", || open(&location).unwrap().lock("default").is_ok());
    }
}

/// As a run gives it up: a pool that hangs keeps the network alive and answers nothing.
#[test]
fn a_server_that_says_nothing_more_is_given_up() {
    let evening = on_postgres().made().table_held().parameter("tcp_user_timeout", "1000");
    says(&evening.run("doctor").ends_with(75), "database", &["busy", "no answer within 5s; try again later"]);
}

#[test]
fn names_that_other_tables_have() {
    let taken = ["fail", "it holds other tables with the names giggles needs (", "a database of its own"];
    says(&on_postgres().execute("CREATE TABLE detections (x int)").run("doctor").ends_with(78), "schema", &taken);
    let in_a_file = evening().execute("CREATE TABLE runs (x int)");
    says(&in_a_file.run("doctor").ends_with(78), "schema", &taken);
    let refused = in_a_file.run("scan").ends_with(78);
    refused.complains_of("with the names giggles needs (table runs already exists); give giggles");
}

#[test]
fn row_level_security() {
    let secured =
        |policies: &str| on_postgres().made().execute(SECURED).execute(policies).by_role(GRANTED).run("doctor");
    let refused = "no policy lets nightly_";
    says(&secured("").ends_with(78), "rights", &["fail", refused, "INSERT on recordings, SELECT on recordings"]);
    says(&secured(UNSEEN).ends_with(78), "rights", &["fail", refused, "SELECT on recordings", "CREATE POLICY giggles"]);
    let doubt =
        ["warn", "applies to nightly_", " on recordings: ", "store their laughs twice", "CREATE POLICY giggles ON"];
    says(&secured(SOME).ends_with(0), "rights", &doubt);
    says(&secured(&format!("{UNSEEN}; CREATE POLICY q ON recordings FOR SELECT USING (true)")), "rights", &doubt);
    says(&secured(&format!("{OPEN}; CREATE POLICY q ON recordings AS RESTRICTIVE USING (true)")), "rights", &doubt);
    says(&secured("CREATE POLICY p ON recordings USING (true) WITH CHECK (bytes > 0)"), "rights", &doubt);
    says(
        &secured(&format!("{OPEN}; ALTER POLICY p ON recordings TO giggles")).ends_with(78),
        "rights",
        &["fail", refused],
    );
    says(&secured(OPEN).ends_with(0), "rights", &["ok "]);
    let hidden = on_postgres().made().execute("ALTER TABLE giggles_schema ENABLE ROW LEVEL SECURITY").by_role(GRANTED);
    says(&hidden.run("doctor").ends_with(78), "rights", &["fail", refused, "SELECT on giggles_schema"]);
    let owner = on_postgres().made().execute(SECURED);
    says(&owner.run("doctor").ends_with(0), "rights", &["ok "]);
}

/// What the doubt says: a run under such a policy replaces what it does not see, and so stores laughs twice.
#[test]
fn what_policies_hide_is_stored_twice() {
    let policies = format!("{SECURED}; {UNSEEN}; CREATE POLICY q ON recordings FOR SELECT USING (true)");
    let evening = on_postgres_with(LAUGH).made().execute(&policies).by_role(GRANTED);
    evening.run("scan").ends_with(0);
    let once = evening.laughs();
    assert!(once > 0);
    let again = evening.with(&["--force"]);
    again.run("scan").ends_with(0);
    assert_eq!(again.laughs(), 2 * once);
}
