//! A run on the Postgres that people have: found as libpq finds it, behind a pooler, in another encoding, or gone.

mod encodings;
mod finding;
mod poolers;
mod url_files;
mod vanishing;
