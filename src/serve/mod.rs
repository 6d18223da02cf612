//! `giggles serve`: a web server over what is stored, for people and for other programs.
//!
//! ```text
//! connection        limits, timeouts, drain                                      server, stream
//!   -> worker       a thread with a connection of its own to the database         workers, database
//!   -> guard        Host, Origin: no other site may ask through a browser         guard
//!   -> access       token, cookie or proxy header: which sources the viewer sees  access, throttle
//!   -> route        the table of routes, also the source of the OpenAPI document  routes, route
//!   -> handler      a synchronous function from a visit to a response             api/, pages/
//! ```
//!
//! To add a page: a pure function to HTML in `render/site/`, a handler `fn(&mut Visit) -> Result<Response, Problem>` in
//! `serve/pages/`, and its row in `pages::ROUTES`. To add a route of the API: a handler in `serve/api/`, an `Operation`
//! (operation.rs) that describes what it takes and gives, and its row in `api::ROUTES`. A handler may run twice, if the connection to the database was lost.
//!
//! Invariant: it analyzes no audio, and changes nothing but reviews. A handler sees only the sources of its viewer.

mod access;
mod api;
mod cache;
mod clip;
mod cursor;
mod database;
mod exchange;
mod guard;
mod openapi;
mod operation;
mod pages;
mod problem;
mod route;
mod routes;
mod schema;
mod server;
mod site;
mod stream;
mod throttle;
mod visit;
mod workers;

pub use self::access::{Access, Tokens};
pub use self::server::serve;
pub use self::site::Settings;
