//! giggles: from a folder of recordings to laughs in a database.
pub mod audio;
pub mod exit;
pub mod laughter;
pub mod record;
pub mod store;
pub mod yamnet;
