//! Pages of `giggles serve`: the frame that all share, and the files that they load.
//!
//! To add a page: a file here with a pure function that fills a [`Layout`] and returns `layout.html()`; its handler is in
//! `serve/pages/`. To add a script or style: a row in [`ASSETS`], and `script(NAME)` or `style(NAME)` in the page. Nothing
//! is inline: the content security policy of the server allows neither inline code nor `style=` attributes.
//!
//! Invariant: pure functions to text. Every text that is not HTML passes through [`escape`].

pub mod days;
mod found;
pub mod search;
pub mod shell;

use std::sync::LazyLock;

use sha2::{Digest, Sha256};

use super::page;

pub use super::page::escape;

/// Hexadecimal digits of the hash in the address of a file.
const DIGITS: usize = 16;

/// A script or style that pages load.
pub struct Asset {
    /// `page.css`
    pub name: &'static str,
    /// Its content type.
    pub kind: &'static str,
    pub bytes: &'static [u8],
}

const SCRIPT: &str = "text/javascript; charset=utf-8";

/// All files.
pub const ASSETS: &[Asset] = &[
    Asset { name: "page.css", kind: "text/css; charset=utf-8", bytes: page::STYLE.as_bytes() },
    Asset { name: "page.js", kind: SCRIPT, bytes: page::SCRIPT.as_bytes() },
    Asset { name: "site.css", kind: "text/css; charset=utf-8", bytes: include_bytes!("site.css") },
    Asset { name: "site.js", kind: SCRIPT, bytes: include_bytes!("site.js") },
    Asset { name: "day.js", kind: SCRIPT, bytes: include_bytes!("day.js") },
    Asset { name: "calendar.js", kind: SCRIPT, bytes: include_bytes!("calendar.js") },
    Asset { name: "icon.svg", kind: "image/svg+xml", bytes: include_bytes!("icon.svg") },
    Asset { name: "icon-192.png", kind: "image/png", bytes: include_bytes!("icon-192.png") },
    Asset { name: "icon-512.png", kind: "image/png", bytes: include_bytes!("icon-512.png") },
];

/// The names of the files with the hash of their content: `page-0123456789abcdef.css`.
static NAMES: LazyLock<Vec<String>> = LazyLock::new(|| ASSETS.iter().map(hashed).collect());

fn hashed(asset: &Asset) -> String {
    let hash: String = Sha256::digest(asset.bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    let (stem, end) = asset.name.rsplit_once('.').unwrap_or((asset.name, ""));
    format!("{stem}-{}.{end}", &hash[..DIGITS])
}

/// The file of this hashed name.
pub fn asset(hashed: &str) -> Option<&'static Asset> {
    ASSETS.iter().zip(NAMES.iter()).find(|(_, name)| *name == hashed).map(|(asset, _)| asset)
}

/// The address of a file, such as `page.css`; it changes with the content, so that browsers may keep the file.
pub fn address(name: &str) -> String {
    let found = ASSETS.iter().zip(NAMES.iter()).find(|(asset, _)| asset.name == name);
    found.map_or_else(|| format!("/assets/{name}"), |(_, hashed)| format!("/assets/{hashed}"))
}

/// The element that loads a style.
pub fn style(name: &str) -> String {
    format!("<link rel=\"stylesheet\" href=\"{}\">\n", address(name))
}

/// The element that loads a script, which runs when the page is complete.
pub fn script(name: &str) -> String {
    format!("<script src=\"{}\" defer></script>\n", address(name))
}

/// What the heads of all pages have.
pub fn head() -> String {
    let (icon, touch) = (address("icon.svg"), address("icon-192.png"));
    format!(
        "{}{}<link rel=\"manifest\" href=\"/manifest.webmanifest\">\n<link rel=\"icon\" href=\"{icon}\">\n\
         <link rel=\"apple-touch-icon\" href=\"{touch}\">\n{}",
        style("page.css"),
        style("site.css"),
        script("site.js")
    )
}

/// Changes with every file.
fn version() -> String {
    let all: String = NAMES.join(" ");
    Sha256::digest(all).iter().take(DIGITS / 2).map(|byte| format!("{byte:02x}")).collect()
}

/// A query from names and values, percent-encoded; empty values are left out.
pub fn query(pairs: &[(&str, &str)]) -> String {
    let pairs = pairs.iter().filter(|(_, value)| !value.is_empty());
    let text: Vec<String> = pairs.map(|(name, value)| format!("{name}={}", encoded(value))).collect();
    if text.is_empty() { String::new() } else { format!("?{}", text.join("&")) }
}

fn encoded(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(byte).collect()
}

/// The path of a clip, percent-encoded.
fn path(clip: &str) -> String {
    clip.split('/').map(encoded).collect::<Vec<_>>().join("/")
}

/// The pages that every page links to: address and name.
const PAGES: &[(&str, &str)] =
    &[("/", "Days"), ("/latest", "Last day"), ("/search", "Search"), (search::FAVOURITES, "Favourites")];

/// The links above every page. `current`: the address of this one.
pub fn bar(current: &str) -> String {
    let link = |(address, name): &(&str, &str)| {
        let here = if *address == current { " aria-current=\"page\"" } else { "" };
        format!("<a href=\"{address}\"{here}>{name}</a>\n")
    };
    format!("<nav class=\"bar\" aria-label=\"Pages\">\n{}</nav>\n", PAGES.iter().map(link).collect::<String>())
}

/// The frame of a page.
pub struct Layout<'a> {
    /// Text.
    pub title: &'a str,
    /// Address of the page, if it is one of those that every page links to.
    pub current: &'a str,
    /// Names of [`ASSETS`], besides those that all pages have.
    pub scripts: &'a [&'a str],
    /// HTML.
    pub body: String,
}

impl Layout<'_> {
    /// The whole document.
    pub fn html(&self) -> String {
        let scripts: String = self.scripts.iter().map(|name| script(name)).collect();
        format!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"color-scheme\" content=\"light dark\">\n<title>{} · giggles</title>\n{}{scripts}</head>\n\
             <body>\n<main>\n{}{}</main>\n</body>\n</html>\n",
            escape(self.title),
            head(),
            if self.current.is_empty() { String::new() } else { bar(self.current) },
            self.body
        )
    }
}

/// The page that asks for a token. `next`: the path of the page to show afterwards.
pub fn login(next: &str, error: Option<&str>) -> String {
    let error = error.map_or(String::new(), |text| format!("<p class=\"error\" role=\"alert\">{}</p>\n", escape(text)));
    let body = format!(
        "<h1>Log in</h1>\n{error}<form class=\"login\" method=\"post\" action=\"/login\">\n\
         <input type=\"hidden\" name=\"next\" value=\"{}\">\n\
         <label>Token <input type=\"password\" name=\"token\" autocomplete=\"current-password\" required autofocus></label>\n\
         <button type=\"submit\">Log in</button>\n</form>\n\
         <p class=\"aside\">The person who runs this server has the tokens in a file.</p>\n",
        escape(next)
    );
    Layout { title: "Log in", current: "", scripts: &[], body }.html()
}

/// The page of an error.
pub fn problem(status: u16, title: &str, detail: &str) -> String {
    let body = format!(
        "<h1>{status} {}</h1>\n<p class=\"error\">{}</p>\n<p class=\"aside\"><a href=\"/\">Go to the first page</a></p>\n",
        escape(title),
        escape(detail)
    );
    Layout { title, current: "", scripts: &[], body }.html()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_found_under_its_hashed_name_only() {
        let address = address("page.css");
        let name = address.strip_prefix("/assets/").unwrap();
        assert!(name.starts_with("page-") && name.ends_with(".css") && name.len() == "page-.css".len() + DIGITS);
        assert_eq!(asset(name).unwrap().bytes, page::STYLE.as_bytes());
        assert!(asset("page.css").is_none() && asset("page-0123456789abcdef.css").is_none());
    }

    #[test]
    fn texts_are_escaped_and_nothing_is_inline() {
        let evil = "\"><script>alert(1)</script>";
        for html in [login(evil, Some(evil)), problem(404, evil, evil)] {
            assert!(!html.contains("<script>") && !html.contains(" style=") && !html.contains("<style"), "{html}");
        }
    }
}
