//! What a handler is given: the request, who asks, and the reader of the database.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::access::Viewer;
use super::database::Connection;
use super::exchange::Request;
use super::operation::instant;
use super::problem::Problem;
use super::site::Site;
use crate::audio::window::day;
use crate::audio::zone::parse_zone;
use crate::domain::Window;
use crate::status::usual_zone;
use crate::store::Reader;

/// Items of a page without the parameter `limit`, and at most.
const PAGE: usize = 100;
pub const LARGEST_PAGE: i64 = 500;

/// A request that is being answered.
pub struct Visit<'a> {
    pub site: &'a Site,
    pub request: &'a Request,
    /// The parts of the path that stand in braces in its route.
    pub captures: Vec<(&'static str, String)>,
    /// Which sources may be shown.
    pub viewer: Viewer,
    /// Whether the viewer has a token, or needs none. Only on public routes it is false.
    pub is_known: bool,
    pub(super) connection: &'a mut Connection,
}

impl Visit<'_> {
    /// A reader of the database. It knows nothing of viewers: pass it only sources that the viewer sees.
    pub fn reader(&mut self) -> Result<&mut dyn Reader, Problem> {
        self.connection.reader(&self.site.database)
    }

    /// A part of the path.
    pub fn part(&self, name: &str) -> &str {
        self.captures.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| value)
    }

    /// A parameter of the query; empty counts as not given.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        let found = self.request.query.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    /// The sources that the viewer sees, by name.
    pub fn sources(&mut self) -> Result<Vec<String>, Problem> {
        let viewer = self.viewer.clone();
        let mut sources = self.reader()?.sources()?;
        sources.retain(|source| viewer.sees(source));
        Ok(sources)
    }

    /// The source of the parameter `source`, or all that the viewer sees.
    pub fn asked_sources(&mut self) -> Result<Vec<String>, Problem> {
        let sources = self.sources()?;
        match self.parameter("source") {
            None => Ok(sources),
            // The same answer as for a source that the viewer may not see.
            Some(name) if !sources.iter().any(|source| source == name) => {
                Err(Problem::not_found("there is no such source; /api/v1/sources lists them"))
            }
            Some(name) => Ok(vec![name.to_owned()]),
        }
    }

    /// The zone of the parameter `tz`, else that of the settings, else that of the last run.
    pub fn zone(&mut self) -> Result<TimeZone, Problem> {
        if let Some(name) = self.parameter("tz") {
            return parse_zone(name).map_err(|error| Problem::unprocessable(format!("tz: {error}")));
        }
        if let Some(zone) = &self.site.zone {
            return Ok(zone.clone());
        }
        // A viewer of a few sources learns nothing of others.
        let source = match &self.viewer {
            Viewer::All => None,
            Viewer::Only(sources) => sources.first().cloned(),
        };
        Ok(usual_zone(&self.reader()?.runs(source.as_deref(), 1)?)?)
    }

    /// The window of the parameters `from` and `to`, which were checked. A date as `to` includes its day.
    pub fn window(&self, zone: &TimeZone) -> Result<Window, Problem> {
        let at = |name: &str, of_day: fn(Window) -> Option<Timestamp>| {
            let text = self.parameter(name)?;
            let date = text.parse::<Date>().ok().filter(|_| text.len() == 10);
            date.map_or_else(|| instant(text), |date| of_day(day(date, zone)))
        };
        let window = Window { from: at("from", |day| day.from), to: at("to", |day| day.to) };
        match (window.from, window.to) {
            (Some(from), Some(to)) if to <= from => Err(Problem::unprocessable("to is before from; exchange them")),
            _ => Ok(window),
        }
    }

    /// How many items a page has.
    pub fn limit(&self) -> usize {
        self.parameter("limit").and_then(|text| text.parse().ok()).unwrap_or(PAGE)
    }

    /// A date, from a part of the path or a parameter.
    pub fn date(name: &str, text: &str) -> Result<Date, Problem> {
        text.parse().map_err(|_| Problem::wrong(format!("{name}: write a date as 2025-10-24")))
    }
}
