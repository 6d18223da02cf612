//! Search: laughs by what they are and what was written about them, in pages.

use jiff::tz::TimeZone;

use super::{Layout, escape, found, query};
use crate::domain::{LAUGHTER_NAMES, LaughPage};

/// The fields of the form, with what was asked.
pub const FIELDS: [&str; 13] = [
    "source",
    "text",
    "class",
    "verdict",
    "favourite",
    "score",
    "shortest",
    "longest",
    "from",
    "to",
    "after",
    "before",
    "order",
];

/// The content of the page.
pub struct Search<'a> {
    /// Value of each of [`FIELDS`]; empty: not asked.
    pub asked: [String; FIELDS.len()],
    /// The sources to choose from.
    pub sources: &'a [String],
    /// Whether all of them may be searched at once.
    pub has_all: bool,
    pub page: &'a LaughPage,
    pub zone: &'a TimeZone,
    pub has_clips: bool,
    /// Whether it continues after an earlier page.
    pub is_continued: bool,
}

impl Search<'_> {
    fn asked(&self, name: &str) -> &str {
        FIELDS.iter().position(|field| *field == name).map_or("", |index| &self.asked[index])
    }
}

/// The whole page.
pub fn search(search: &Search) -> String {
    let is_favourites =
        search.asked("favourite") == "1" && FIELDS.iter().filter(|field| !search.asked(field).is_empty()).count() == 1;
    let (title, current) = if is_favourites { ("Favourites", FAVOURITES) } else { ("Search", "/search") };
    let open = if is_favourites { "" } else { " open" };
    let body = format!(
        "<h1>{title}</h1>\n<details class=\"filter\"{open}>\n<summary>What to search for</summary>\n{}</details>\n{}",
        form(search),
        results(search)
    );
    Layout { title, current, scripts: &[], body }.html()
}

/// Address of the list of favourites.
pub const FAVOURITES: &str = "/search?favourite=1";

fn results(search: &Search) -> String {
    let laughs = &search.page.laughs;
    if laughs.is_empty() {
        let none = if search.is_continued { "There are no more." } else { "No laugh was found. Ask for less." };
        return format!("<p class=\"quiet\" role=\"status\">{none}</p>\n");
    }
    let list = found::list(laughs, search.zone, search.has_clips);
    let pairs: Vec<(&str, &str)> = FIELDS.into_iter().zip(search.asked.iter().map(String::as_str)).collect();
    let first = if search.is_continued {
        format!("<a href=\"/search{}\">First page</a>\n", escape(&query(&pairs)))
    } else {
        String::new()
    };
    let next = search.page.next.map_or(String::new(), |next| {
        let (next, mut pairs) = (next.to_string(), pairs.clone());
        pairs.push(("cursor", &next));
        format!("<a rel=\"next\" href=\"/search{}\">Next page →</a>\n", escape(&query(&pairs)))
    });
    format!(
        "<section>\n<h2>Laughs</h2>\n{list}<nav class=\"around\" aria-label=\"Pages of results\"><p>{first}{next}</p></nav>\n</section>\n"
    )
}

fn form(search: &Search) -> String {
    let input = |name: &str, label: &str, attributes: &str| {
        let value = escape(search.asked(name));
        format!("<label>{label} <input name=\"{name}\" value=\"{value}\" {attributes}></label>\n")
    };
    let select = |name: &str, label: &str, options: &[(&str, &str)]| {
        let option = |(value, text): &(&str, &str)| {
            let selected = if *value == search.asked(name) { " selected" } else { "" };
            format!("<option value=\"{}\"{selected}>{}</option>", escape(value), escape(text))
        };
        let options: String = options.iter().map(option).collect();
        format!("<label>{label} <select name=\"{name}\">{options}</select></label>\n")
    };
    let classes: Vec<(&str, &str)> =
        [("", "all")].into_iter().chain(LAUGHTER_NAMES.iter().map(|name| (*name, *name))).collect();
    let all = search.has_all.then_some(("", "all"));
    let sources: Vec<(&str, &str)> =
        all.into_iter().chain(search.sources.iter().map(|name| (name.as_str(), name.as_str()))).collect();
    let fields = [
        input("text", "Comment or recording", "type=\"search\" maxlength=\"200\""),
        select("class", "Class", &classes),
        if search.sources.len() > 1 { select("source", "Source", &sources) } else { String::new() },
        select(
            "verdict",
            "Verdict",
            &[("", "not rejected"), ("confirmed", "confirmed"), ("rejected", "rejected"), ("none", "none")],
        ),
        select("favourite", "Favourites", &[("", "all laughs"), ("1", "only favourites"), ("0", "no favourites")]),
        input("score", "Score from", "type=\"number\" min=\"0\" max=\"1\" step=\"0.01\""),
        input("shortest", "Seconds from", "type=\"number\" min=\"0\" max=\"600\" step=\"0.1\""),
        input("longest", "Seconds to", "type=\"number\" min=\"0\" max=\"600\" step=\"0.1\""),
        input("from", "Time of day from", "type=\"time\""),
        input("to", "Time of day to", "type=\"time\""),
        input("after", "First day", "type=\"date\""),
        input("before", "Last day", "type=\"date\""),
        select("order", "Order", &[("", "newest first"), ("oldest", "oldest first"), ("best", "highest score first")]),
    ];
    format!(
        "<form class=\"search\" action=\"/search\">\n{}<button type=\"submit\">Search</button>\n</form>\n",
        fields.concat()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_asked_stays_text_and_is_kept_for_the_next_page() {
        let evil = "\"><script>alert(1)</script>";
        let asked = FIELDS.map(|field| if field == "text" { evil.to_owned() } else { String::new() });
        let (page, sources) = (LaughPage::default(), [evil.to_owned(), "b".to_owned()]);
        let shown = Search {
            asked,
            sources: &sources,
            has_all: true,
            page: &page,
            zone: &TimeZone::UTC,
            has_clips: true,
            is_continued: false,
        };
        let html = search(&shown);
        assert!(!html.contains("<script>") && html.contains("No laugh was found"), "{html}");
        assert_eq!(html.matches("&quot;&gt;&lt;script&gt;").count(), 3, "the text, and the source with its name");
    }
}
