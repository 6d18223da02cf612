//! What makes the pages installable: the manifest, and the worker that shows a page without a connection.

use serde_json::json;

use super::{Layout, address, version};

/// `manifest.webmanifest`
pub fn manifest() -> String {
    let icon = |name: &str, sizes: &str, kind: &str| json!({ "src": address(name), "sizes": sizes, "type": kind, "purpose": "any" });
    let maskable = |name: &str, sizes: &str| json!({ "src": address(name), "sizes": sizes, "type": "image/png", "purpose": "maskable" });
    let manifest = json!({
        "name": "giggles",
        "short_name": "giggles",
        "description": "The laughs of each day",
        "id": "/",
        "start_url": "/",
        "scope": "/",
        "display": "standalone",
        "background_color": "#fbf9f5",
        "theme_color": "#a4530a",
        "icons": [
            icon("icon.svg", "any", "image/svg+xml"),
            icon("icon-192.png", "192x192", "image/png"),
            icon("icon-512.png", "512x512", "image/png"),
            maskable("icon-512.png", "512x512"),
        ],
    });
    format!("{manifest:#}\n")
}

/// The worker, with the addresses of the files that it keeps.
pub fn worker() -> String {
    let files = json!(["/offline", address("page.css"), address("site.css"), address("icon.svg")]);
    include_str!("worker.js").replace("VERSION", &version()).replace("FILES", &files.to_string())
}

/// The page that is shown without a connection.
pub fn offline() -> String {
    let body =
        "<h1>No connection</h1>\n<p class=\"aside\">The server of giggles does not answer. Nothing of what it stores \
                is kept in this browser.</p>\n<p class=\"aside\"><a href=\"/\">Try again</a></p>\n"
            .to_owned();
    Layout { title: "No connection", current: "", scripts: &[], body }.html()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worker_keeps_the_shell_only() {
        let worker = worker();
        assert!(!worker.contains("VERSION") && !worker.contains("FILES"));
        let kept = worker.split("const SHELL = ").nth(1).unwrap().split(';').next().unwrap();
        let kept: Vec<String> = serde_json::from_str(kept).unwrap();
        assert!(kept.iter().all(|path| path == "/offline" || super::super::asset(&path["/assets/".len()..]).is_some()));
    }

    #[test]
    fn the_icons_of_the_manifest_exist() {
        let manifest: serde_json::Value = serde_json::from_str(&manifest()).unwrap();
        for icon in manifest["icons"].as_array().unwrap() {
            let name = icon["src"].as_str().unwrap().strip_prefix("/assets/").unwrap();
            assert_eq!(super::super::asset(name).unwrap().kind, icon["type"].as_str().unwrap());
        }
    }
}
