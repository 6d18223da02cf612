//! A run on the Postgres that people have: found as libpq finds it, behind a pooler, in another encoding, or gone.

#[path = "postgres/encodings.rs"]
mod encodings;
#[path = "postgres/finding.rs"]
mod finding;
#[path = "store/homes.rs"]
mod homes;
#[path = "postgres/poolers.rs"]
mod poolers;
#[path = "support/postgres.rs"]
mod server;
mod support;
#[path = "postgres/url_files.rs"]
mod url_files;
#[path = "postgres/vanishing.rs"]
mod vanishing;
