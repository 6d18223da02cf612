//! docs/reference: its pages are made from the program and compared with what is there, so that they stay true.
//!
//! `GIGGLES_WRITE_REFERENCE=1 cargo test --test it reference::` writes them.

mod columns;
mod commands;
mod environment;
mod fields;
mod settings;

use std::path::{Path, PathBuf};

use giggles::exit::Exit;
use giggles::notify::metrics::METRICS;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/reference")
}

/// The page is what is made from the program, or is written.
fn assert_page(name: &str, title: &str, text: &str) {
    let note = "<!-- Made by `GIGGLES_WRITE_REFERENCE=1 cargo test --test it reference::`; do not edit. -->";
    let page = format!("# {title}\n\n{note}\n\n{}\n", text.trim_end());
    let path = folder().join(name);
    if std::env::var_os("GIGGLES_WRITE_REFERENCE").is_some() {
        std::fs::create_dir_all(folder()).unwrap();
        std::fs::write(&path, &page).unwrap();
    }
    let there = std::fs::read_to_string(&path).unwrap_or_default();
    let different = there.lines().zip(page.lines()).find(|(there, made)| there != made);
    let place = different.map_or_else(String::new, |(there, made)| format!("\n  there: {there}\n  now:   {made}"));
    assert!(there == page, "docs/reference/{name} is not what giggles does now; write it anew:\n{note}{place}");
}

/// A table in Markdown. A vertical bar in a cell is escaped.
fn table<const N: usize>(header: [&str; N], rows: impl IntoIterator<Item = [String; N]>) -> String {
    let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    let escaped = |cell: &String| cell.replace('|', "\\|");
    let rows: String = rows.into_iter().map(|row| line(row.iter().map(escaped).collect())).collect();
    format!("{}|{}\n{rows}", line(header.map(str::to_owned).to_vec()), "---|".repeat(N))
}

/// Words in a cell that stand for themselves.
fn code(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!("`{text}`") }
}

#[test]
fn the_page_of_exit_codes_is_the_programs() {
    let rows = Exit::ALL.map(|exit| [exit.code().to_string(), exit.meaning().to_owned()]);
    let text = "The exit code of every command, the ping, the metric `giggles_last_run_exit_code` and the column \
                `runs.exit_code`.\nNew codes may come; an unknown code means failure.\n\n";
    assert_page("exit-codes.md", "Exit codes", &(text.to_owned() + &table(["code", "meaning"], rows)));
}

#[test]
fn the_page_of_metrics_is_the_programs() {
    let rows = METRICS.map(|metric| {
        let labels = metric.labels.iter().map(|(name, values)| format!("`{name}`: {values}"));
        [code(metric.name), metric.help.to_owned(), labels.collect::<Vec<_>>().join("; ")]
    });
    let text = "What `--metrics-file` writes for Prometheus' node exporter. All metrics are gauges with the label \
                `source` and, of\na run with `--shard`, `shard`.\n\n";
    let table = table(["metric", "meaning", "other labels"], rows);
    assert_page("metrics.md", "Metrics", &(text.to_owned() + &table));
}

#[test]
fn the_index_names_every_page() {
    let pages = [
        ("commands.md", "commands and flags"),
        ("environment.md", "environment variables and connection parameters"),
        ("settings.md", "keys of the settings file"),
        ("exit-codes.md", "exit codes"),
        ("formats.md", "fields of JSON documents, columns of CSV and other tables"),
        ("metrics.md", "metrics"),
        ("columns.md", "tables and columns of the database"),
    ];
    let rows = pages.map(|(page, about)| [format!("[{page}]({page})"), about.to_owned()]);
    assert_page("README.md", "Reference", &table(["page", "what"], rows));
    let mut names: Vec<String> = std::fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name != "README.md")
        .collect();
    names.sort();
    let mut expected = pages.map(|(page, _)| page);
    expected.sort_unstable();
    assert_eq!(names, expected);
}
