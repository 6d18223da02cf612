//! Keys of the settings file, from `giggles config show --json`, which shows every one.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{assert_page, code, commands, table};
use crate::support::program::Place;

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn settings() -> Vec<Value> {
    let shown = Place::new().run(&["config", "show", "--json"]).ends_with(0).json();
    shown["settings"].as_array().unwrap().clone()
}

#[test]
fn the_page_of_keys_is_the_programs() {
    let rows = settings().into_iter().map(|setting| {
        let name = |field: &str| code(&text(&setting[field]));
        [name("key"), name("in_source"), text(&setting["meaning"]), name("flag"), name("variable"), name("default")]
    });
    let mut page = "The settings file is TOML. It is the first of: `--config FILE`, `GIGGLES_CONFIG`, \
                    `$XDG_CONFIG_HOME/giggles/config.toml` (else `~/.config/giggles/config.toml`),\n\
                    `/etc/giggles/config.toml`; the others are not read. `giggles config init` writes one with every key. A \
                    flag takes precedence over a variable, a variable\nover the file. `[source.NAME]` sets for one source \
                    what the second column names. Paths count from the folder of the file; `~/` is the home.\nAn empty text \
                    counts as not set. An unknown key ends every command with 78.\n\n"
        .to_owned();
    page += &table(["key", "in `[source.NAME]`", "meaning", "flag", "variable", "default"], rows);
    assert_page("settings.md", "Keys of the settings file", &page);
}

/// Variables that no key of the file stands for; `WITHOUT_KEY` in src/cli/settings/keys.rs says why.
const WITHOUT_KEY: [&str; 8] = [
    "GIGGLES_BIN",
    "GIGGLES_CONFIG",
    "GIGGLES_CPU",
    "GIGGLES_ENV_FILE",
    "GIGGLES_RUN_ID",
    "GIGGLES_TEST_POSTGRES",
    "GIGGLES_TILES",
    "GIGGLES_TOKENS",
];

#[test]
fn every_variable_of_giggles_has_a_key_or_a_reason_to_have_none() {
    let of_flags = commands::commands().into_iter().flat_map(|command| command.arguments);
    let of_flags = of_flags.flat_map(|argument| argument.variables);
    let own = giggles::doctor::VARIABLES.iter().flat_map(|(names, _)| names.split(", ")).map(str::to_owned);
    let all: BTreeSet<String> = of_flags.chain(own).filter(|name| name.starts_with("GIGGLES_")).collect();
    let with_key: BTreeSet<String> = settings().iter().map(|setting| text(&setting["variable"])).collect();
    let without: Vec<&String> = all.iter().filter(|name| !with_key.contains(*name)).collect();
    assert_eq!(without, WITHOUT_KEY);
    let unknown: Vec<&String> = with_key.iter().filter(|name| !name.is_empty() && !all.contains(*name)).collect();
    assert!(unknown.is_empty(), "no flag and no document names {unknown:?}");
}
