//! Pages of `giggles serve`: the frame that all share, and the files that they load.
//!
//! To add a page: a file here with a pure function that fills a [`Layout`] and returns `layout.html()`; its handler is in
//! `serve/pages/`. To add a script or style: a row in [`ASSETS`], and `script(NAME)` or `style(NAME)` in the page. Nothing
//! is inline: the content security policy of the server allows neither inline code nor `style=` attributes.
//!
//! Invariant: pure functions to text. Every text that is not HTML passes through [`escape`].

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
    pub text: &'static str,
}

/// All files.
pub const ASSETS: &[Asset] = &[
    Asset { name: "page.css", kind: "text/css; charset=utf-8", text: page::STYLE },
    Asset { name: "page.js", kind: "text/javascript; charset=utf-8", text: page::SCRIPT },
    Asset { name: "site.css", kind: "text/css; charset=utf-8", text: include_str!("site.css") },
];

/// The names of the files with the hash of their content: `page-0123456789abcdef.css`.
static NAMES: LazyLock<Vec<String>> = LazyLock::new(|| ASSETS.iter().map(hashed).collect());

fn hashed(asset: &Asset) -> String {
    let hash: String = Sha256::digest(asset.text).iter().map(|byte| format!("{byte:02x}")).collect();
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

/// The frame of a page.
pub struct Layout<'a> {
    /// Text.
    pub title: &'a str,
    /// Names of [`ASSETS`], besides the two styles that all pages have.
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
             <meta name=\"color-scheme\" content=\"light dark\">\n<title>{} · giggles</title>\n{}{}{scripts}</head>\n\
             <body>\n<main>\n{}</main>\n</body>\n</html>\n",
            escape(self.title),
            style("page.css"),
            style("site.css"),
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
    Layout { title: "Log in", scripts: &[], body }.html()
}

/// The page of an error.
pub fn problem(status: u16, title: &str, detail: &str) -> String {
    let body = format!(
        "<h1>{status} {}</h1>\n<p class=\"error\">{}</p>\n<p class=\"aside\"><a href=\"/\">Go to the first page</a></p>\n",
        escape(title),
        escape(detail)
    );
    Layout { title, scripts: &[], body }.html()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_found_under_its_hashed_name_only() {
        let address = address("page.css");
        let name = address.strip_prefix("/assets/").unwrap();
        assert!(name.starts_with("page-") && name.ends_with(".css") && name.len() == "page-.css".len() + DIGITS);
        assert_eq!(asset(name).unwrap().text, page::STYLE);
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
