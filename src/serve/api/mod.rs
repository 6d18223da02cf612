//! `/api/v1` and what monitoring reads: JSON for other programs.

mod health;

use super::route::{Route, get};

/// The routes for programs.
pub const ROUTES: &[Route] = &[get("/healthz", health::health).public()];
