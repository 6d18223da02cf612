//! What a served page links to: the days around it, and the other sources.

use jiff::civil::Date;

use super::escape;
use crate::render::site::query;

/// The links of a served page.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Around {
    /// The neighbouring days that have recordings.
    pub previous: Option<Date>,
    pub next: Option<Date>,
    /// The sources that the viewer sees.
    pub sources: Vec<String>,
    /// The chosen one; None: all.
    pub source: Option<String>,
}

impl Around {
    /// The address of a day with the chosen source.
    fn day(&self, date: Date) -> String {
        format!("/days/{date}{}", query(&[("source", self.source.as_deref().unwrap_or_default())]))
    }
}

/// The links above the day.
pub fn navigation(around: &Around, date: Date) -> String {
    let link = |date: Option<Date>, relation: &str, text: &str| {
        date.map_or(String::new(), |date| {
            let (address, name) = (escape(&around.day(date)), date.strftime("%a %-d %b"));
            let text = text.replace("{}", &name.to_string());
            format!("<a rel=\"{relation}\" href=\"{address}\">{text}</a>\n")
        })
    };
    let days = link(around.previous, "prev", "← {}") + &link(around.next, "next", "{} →");
    let days = if days.is_empty() { days } else { format!("<p class=\"neighbours\">{days}</p>\n") };
    format!("<nav class=\"around\" aria-label=\"Days and sources\">\n{days}{}</nav>\n", sources(around, date))
}

/// All sources, or one of them; nothing if there is only one.
fn sources(around: &Around, date: Date) -> String {
    if around.sources.len() < 2 {
        return String::new();
    }
    let link = |source: Option<&str>| {
        let address = format!("/days/{date}{}", query(&[("source", source.unwrap_or_default())]));
        let current = if around.source.as_deref() == source { " aria-current=\"page\"" } else { "" };
        let name = source.map_or("All sources".to_owned(), |name| format!("<bdi>{}</bdi>", escape(name)));
        format!("<a href=\"{}\"{current}>{name}</a>\n", escape(&address))
    };
    let named = around.sources.iter().map(|source| link(Some(source)));
    format!("<p class=\"sources\">{}{}</p>\n", link(None), named.collect::<String>())
}
