//! Variables of the environment: those of flags, those of their own, and libpq's.

use std::collections::{BTreeMap, BTreeSet};

use giggles::doctor::VARIABLES;
use giggles::store::connection_parameters;

use super::commands::commands;
use super::{assert_page, code, table};
use crate::support::source;

/// Literals that look like variables and are none that giggles reads.
const OTHERS: [&str; 6] =
    ["A_QUICKTIME", "A_SPEEX", "AV_LOG_FORCE_NOCOLOR", "CARGO_PKG_VERSION", "LC_ALL", "SQL_ASCII"];

/// The flags that a variable stands for, by variable.
fn of_flags() -> BTreeMap<String, BTreeSet<String>> {
    let mut all: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for command in commands() {
        for argument in command.arguments {
            let name = argument.spelling.split(", ").last().unwrap_or_default();
            let name = name.split(' ').next().unwrap_or_default();
            for variable in argument.variables {
                all.entry(variable).or_default().insert(name.to_owned());
            }
        }
    }
    all
}

fn of_their_own() -> Vec<&'static str> {
    VARIABLES.iter().flat_map(|(names, _)| names.split(", ")).collect()
}

/// Whether this text in the sources is the name of a variable: `GIGGLES_BIN`.
fn is_variable(text: &str) -> bool {
    let is_name = text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_');
    is_name && text.contains('_') && text.len() > 5 && !text.ends_with('_')
}

/// The names of variables in the sources: literals that look like one, and those that follow from a flag.
fn in_sources() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for source in source::all().iter().filter(|source| !source.is_test()) {
        let code = source.text.split("#[cfg(test)]").next().unwrap_or_default();
        names.extend(code.split('"').skip(1).step_by(2).filter(|text| is_variable(text)).map(str::to_owned));
        for call in ["given(\"--", "switch(\"--", "path(\"--"] {
            let flags = code.split(call).skip(1).filter_map(|rest| rest.split('"').next());
            names.extend(flags.map(|flag| format!("GIGGLES_{}", flag.to_uppercase().replace('-', "_"))));
        }
        for call in ["var(\"", "var_os(\""] {
            names.extend(code.split(call).skip(1).filter_map(|rest| rest.split('"').next()).map(str::to_owned));
        }
    }
    names
}

#[test]
fn the_page_of_variables_is_the_programs() {
    let flags = of_flags();
    let rows = flags
        .iter()
        .map(|(variable, flags)| [code(variable), flags.iter().map(|flag| code(flag)).collect::<Vec<_>>().join(", ")]);
    let mut text = "A flag takes precedence over its variable. An empty variable counts as not set; an invalid one ends \
                    the command with 78.\nA flag without a value is set by `1`, `yes`, `true` or `on`.\n\n## Variables of flags\n\n"
        .to_owned();
    text += &table(["variable", "flag"], rows);
    text += "\n## Other variables\n\n";
    let rows = VARIABLES
        .iter()
        .map(|(names, meaning)| [names.split(", ").map(code).collect::<Vec<_>>().join(", "), (*meaning).to_owned()]);
    text += &table(["variable", "meaning"], rows);
    text += "\n## Postgres connection parameters\n\nlibpq's, in the URL of the database, a service file, or the \
             variable.\n\n";
    let rows = connection_parameters().into_iter().map(|(name, variable, how)| [code(name), code(variable), how]);
    text += &table(["parameter", "variable", "how giggles treats it"], rows);
    assert_page("environment.md", "Environment variables", &text);
}

#[test]
fn every_variable_of_the_sources_is_described() {
    let flags = of_flags();
    assert!(flags.contains_key("GIGGLES_DATABASE") && flags.contains_key("DATABASE_URL"), "{:?}", flags.keys());
    let libpq: Vec<&str> = connection_parameters().into_iter().map(|(_, variable, _)| variable).collect();
    let (own, names) = (of_their_own(), in_sources());
    assert!(names.contains("GIGGLES_TZ") && names.contains("TZDIR") && names.contains("SLURM_ARRAY_TASK_ID"));
    let is_described =
        |name: &str| flags.contains_key(name) || own.contains(&name) || libpq.contains(&name) || OTHERS.contains(&name);
    let missing: Vec<&String> = names.iter().filter(|name| !is_described(name)).collect();
    assert!(
        missing.is_empty(),
        "describe them in VARIABLES (src/doctor/environment.rs) or in a flag's help: {missing:?}"
    );
    let text: String = source::all().iter().map(|source| source.text.clone()).collect();
    let scripts = include_str!("../../../scripts/nightly_processing.sh").to_owned() + &text;
    let unknown: Vec<&&str> = own.iter().filter(|name| scripts.matches(**name).count() < 2).collect();
    assert!(unknown.is_empty(), "described, but nothing reads them: {unknown:?}");
}
