//! The database behind a server: its connections may be lost at any time.

use super::server::Server;
use crate::support::homes::{Home, InPostgres};
use crate::support::program::{Place, said};

#[test]
fn connections_that_were_cut_are_replaced_and_every_answer_is_right() {
    let place = Place::with(&[("fixtures/clips/laugh_male_scratch2.flac", "20251024_130000.flac")]);
    let home = InPostgres::new();
    said(&mut place.scan_into(&home.url(), &["--tz", "UTC"])).ends_with(0);
    let server = Server::start(&place, &["--database", &home.url()]);
    for path in ["/healthz", "/days/2025-10-24", "/metrics", "/api/v1/sources"] {
        // Often enough that each worker answers, and so has a connection.
        let ask = || (0..24).for_each(|_| drop(server.get(path).with_status(200)));
        ask();
        home.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
             WHERE datname = current_database() AND pid <> pg_backend_pid()",
        );
        ask();
    }
}
