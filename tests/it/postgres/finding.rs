//! User, password, hosts and parameters, as libpq finds them.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

use postgres::{Client, NoTls};

use crate::support::postgres::Cluster;
use crate::support::program::{Place, said};

const PASSWORD: &str = "open-barley";

/// A server that has a role of our own user's name.
fn cluster() -> &'static Cluster {
    static CLUSTER: OnceLock<Cluster> = OnceLock::new();
    CLUSTER.get_or_init(|| {
        let cluster = Cluster::start(&[], |_| {});
        let user = user();
        let mut admin = Client::connect(&cluster.url("postgres"), NoTls).unwrap();
        for statement in [
            format!("CREATE ROLE \"{user}\" LOGIN PASSWORD '{PASSWORD}'"),
            format!("CREATE DATABASE \"{user}\" OWNER \"{user}\""),
            format!("CREATE DATABASE laughs OWNER \"{user}\""),
        ] {
            admin.batch_execute(&statement).unwrap();
        }
        cluster
    })
}

/// The name of our user, as the system has it.
fn user() -> String {
    let output = Command::new("id").arg("-un").output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn write_private(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

/// Each test has a source of its own: runs of one source wait for each other.
fn scan(place: &Place, url: &str) -> Command {
    let test = std::thread::current().name().unwrap_or_default().to_owned();
    place.scan_into(url, &["--allow-empty", "--source", &test])
}

fn closed_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// cron sets LOGNAME at best; and who sets USER to something else means nothing by it.
#[test]
fn the_user_is_the_one_that_the_system_knows() {
    let (place, port) = (Place::new(), cluster().port);
    write_private(&place.path("home/.pgpass"), &format!("*:*:*:{}:{PASSWORD}\n", user()));
    for database in ["/laughs", ""] {
        let url = format!("postgres://127.0.0.1:{port}{database}");
        said(&mut scan(&place, &url)).ends_with(0);
        said(scan(&place, &url).env("USER", "somebody").env("LOGNAME", "else")).ends_with(0);
    }
}

/// As in a container that runs under a bare number.
#[test]
fn a_user_without_a_name_has_to_be_named() {
    if user() != "root" {
        eprintln!("NOT RUN: only root can be another user");
        return;
    }
    let place = Place::new();
    let program = place.path("giggles");
    let copied = Command::new("cp").arg(env!("CARGO_BIN_EXE_giggles")).arg(&program).status().unwrap();
    assert!(copied.success());
    fs::set_permissions(place.path(""), fs::Permissions::from_mode(0o755)).unwrap();
    let nameless = |url: &str, variables: &[(&str, &str)]| {
        let mut command = Command::new(&program);
        command.env_clear().args(["doctor", "--tz", "UTC", "--database", url, "recordings"]).uid(54_321).gid(54_321);
        said(command.envs(variables.iter().copied()).current_dir(place.path("")))
    };
    let refused = nameless(&format!("postgres://127.0.0.1:{}/laughs", cluster().port), &[]).ends_with(78);
    assert!(
        refused.stdout.contains("the user id 54321 has no name on this machine: name a user"),
        "{}",
        refused.stdout
    );
    let url = format!("postgres://127.0.0.1:{}/laughs", cluster().port);
    let named = nameless(&url, &[("PGUSER", &user()), ("PGPASSWORD", PASSWORD)]);
    assert!(named.stdout.contains("PostgreSQL 1"), "{}{}", named.stdout, named.stderr);
}

#[test]
fn each_host_has_its_own_line_of_the_password_file() {
    let (place, port, closed) = (Place::new(), cluster().port, closed_port());
    write_private(&place.path("home/.pgpass"), &format!("127.0.0.1:{port}:laughs:{}:{PASSWORD}\n", user()));
    let url = format!("postgres://{}@127.0.0.9:{closed},127.0.0.1:{port}/laughs", user());
    said(&mut scan(&place, &url)).ends_with(0);
    // What a server says of a user, the next one is not asked as well.
    let url = format!("postgres://nobody@127.0.0.1:{port},127.0.0.1:{closed}/laughs");
    said(scan(&place, &url).env("PGPASSWORD", "x")).ends_with(78).complains_of("password authentication failed");
    let url = format!("postgres://{}@127.0.0.9:{closed},127.0.0.8:{closed}/laughs", user());
    let away = said(&mut scan(&place, &url)).ends_with(75);
    away.complains_of(&format!("127.0.0.9:{closed}: ")).complains_of(&format!("127.0.0.8:{closed}: "));
}

#[test]
fn the_environment_fills_in_what_a_postgres_url_leaves_open() {
    let (place, port) = (Place::new(), cluster().port.to_string());
    let set = |command: &mut Command, without: &str| {
        let user = user();
        let all = [
            ("PGHOST", "127.0.0.1"),
            ("PGPORT", &port),
            ("PGUSER", &user),
            ("PGDATABASE", "laughs"),
            ("PGPASSWORD", PASSWORD),
            ("PGSSLMODE", "disable"),
            ("PGAPPNAME", "the nightly run"),
            ("PGOPTIONS", "-csearch_path=public"),
            ("PGTARGETSESSIONATTRS", "primary"),
            ("PGCONNECT_TIMEOUT", "7"),
        ];
        command.envs(all.into_iter().filter(|(name, _)| *name != without));
    };
    for url in ["postgres:", "postgres://", "postgresql:///laughs"] {
        let mut command = scan(&place, url);
        set(&mut command, "");
        said(&mut command).ends_with(0);
    }
    // The environment alone does not make it Postgres.
    let mut command = place.command(&["scan", "recordings", "--allow-empty"]);
    set(&mut command, "");
    said(&mut command).ends_with(0);
    assert!(place.path("home/.local/share/giggles/giggles.db").is_file());
    let mut command = scan(&place, "postgres:");
    set(&mut command, "PGPORT");
    let elsewhere = said(command.env("PGPORT", closed_port().to_string())).ends_with(75);
    elsewhere.complains_of(", database laughs) cannot be reached");
    let mut command = scan(&place, "postgres:");
    set(&mut command, "");
    said(command.env("PGSSLMODE", "perhaps")).ends_with(78).complains_of("sslmode");
    let mut command = scan(&place, "postgres:");
    set(&mut command, "");
    said(command.env("PGTARGETSESSIONATTRS", "standby")).ends_with(75).complains_of("it is not a standby");
}

#[test]
fn a_service_stands_for_its_parameters() {
    let (place, port) = (Place::new(), cluster().port);
    let file = place.path("services.conf");
    let lines = format!("[nightly]\nhost=127.0.0.1\nport={port}\nuser={}\npassword={PASSWORD}\n", user());
    fs::write(&file, format!("# ours\n[other]\nhost=127.0.0.9\n{lines}dbname=laughs\n")).unwrap();
    said(scan(&place, "postgres:?service=nightly").env("PGSERVICEFILE", &file)).ends_with(0);
    said(scan(&place, "postgres:").env("PGSERVICEFILE", &file).env("PGSERVICE", "nightly")).ends_with(0);
    // The URL, then the service, then the environment.
    let mut command = scan(&place, "postgres:///postgres?service=nightly");
    command.env("PGSERVICEFILE", &file).env("PGHOST", "127.0.0.9").env("PGUSER", "nobody");
    said(&mut command).ends_with(78).complains_of("permission denied for schema public");
    fs::copy(&file, place.path("home/.pg_service.conf")).unwrap();
    said(&mut scan(&place, "postgres:?service=nightly")).ends_with(0);
    said(&mut scan(&place, "postgres:?service=weekly")).ends_with(78).complains_of("write a section [weekly] there");
}

#[test]
fn a_parameter_means_what_libpq_says_or_is_named() {
    let (place, port) = (Place::new(), cluster().port);
    let url = |parameter: &str| format!("postgres://{}:{PASSWORD}@127.0.0.1:{port}/laughs?{parameter}", user());
    let scan = |parameter: &str, code: i32| {
        let mut command = place.command(&["scan", "recordings", "--allow-empty"]);
        said(command.env("DATABASE_URL", url(parameter))).ends_with(code)
    };
    for parameter in [
        "keepalives_count=3&keepalives_idle=10&keepalives_interval=5&tcp_user_timeout=30000",
        "sslmode=disable&sslcompression=0&gssencmode=prefer&client_encoding=UTF8&replication=false",
        "connect_timeout=0&fallback_application_name=laughs&load_balance_hosts=random&target_session_attrs=read-write",
        "sslmode=prefer&sslsni=0&ssl_min_protocol_version=TLSv1.2&sslcertmode=disable&channel_binding=prefer",
        "hostaddr=127.0.0.1&passfile=/nowhere",
    ] {
        let said = scan(parameter, 0);
        assert_eq!(said.stderr, "", "{parameter}");
    }
    for parameter in ["client_encoding=LATIN1", "krbsrvname=postgres", "sslcompression=1", "sslkeylogfile=/tmp/keys"] {
        let name = parameter.split('=').next().unwrap();
        scan(parameter, 0).complains_of(&format!("the parameter '{name}' in the database's address has no effect"));
    }
    for parameter in [
        "sslcrl=/a.crl",
        "requirepeer=postgres",
        "gssencmode=require",
        "require_auth=md5",
        "replication=true",
        "sslpassword=x",
        "keepalives_retries=3",
        "sslmod=require",
        "connect_timeout=soon",
        "sslcertmode=require",
        "ssl_max_protocol_version=TLSv1.1",
        "sslnegotiation=direct",
        "target_session_attrs=best",
    ] {
        let name = parameter.split('=').next().unwrap();
        scan(parameter, 78).complains_of(name);
    }
}
