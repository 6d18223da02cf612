//! `giggles config show`: the effective settings.

use giggles::audio::zone::system_zone;
use giggles::environment;
use giggles::error::Fatal;
use giggles::exit::Exit;
use giggles::render::settings::{Origin, SettingView, SettingsView, document, text};
use giggles::store::Location;
use giggles::text::zone_name;

use crate::cli::database_url::credential;
use crate::cli::scan::{Arguments, DEFAULT_SOURCE};
use crate::cli::settings::keys::{Key, Kind, Secret, all};
use crate::cli::settings::layers::{self, env_file_line, layers};
use crate::cli::{Flags, show};

pub const EXAMPLES: &str = "\
Examples:
  giggles config show
      show the value of every setting, and where it comes from
  giggles config show --source neil --threshold strict
      show those of giggles scan --source neil --threshold strict
  giggles config show --json | jq '.settings[] | select(.origin != \"default\")'
      print what is set, for scripts

Takes the flags of giggles scan. Passwords and ping URLs are masked.";

pub fn run(arguments: &Arguments, flags: &Flags, quiet: bool) -> Result<Exit, Fatal> {
    let view = view(flags);
    show(quiet, arguments.is_json(), || document(&view), || text(&view))?;
    Ok(Exit::Complete)
}

fn view(flags: &Flags) -> SettingsView {
    let settings = all().map(|key| setting(key, flags)).collect();
    let layers = layers();
    SettingsView {
        settings_file: layers.path().map(|path| path.display().to_string()),
        env_file: layers.env_file.as_ref().map(|file| file.path.display().to_string()),
        profile: layers.profile().map(|profile| profile.name.clone()),
        settings,
        profiles: layers::profiles(),
    }
}

fn setting(key: &'static Key, flags: &Flags) -> SettingView {
    let found = if key.flag == "--database" {
        address(key, flags)
    } else {
        of_flag(key, flags).or_else(|| of_variable(key, key.variable)).or_else(|| of_file(key))
    };
    let (value, origin) = match found {
        Some((value, origin)) => (Some(masked(key, value)), origin),
        None => (default(key, flags), Origin::Default),
    };
    SettingView {
        key: key.path(),
        value,
        origin,
        flag: key.flag,
        variable: key.variable,
        in_source: key.in_source,
        default: (key.default)(),
        meaning: key.meaning,
    }
}

type Found = Option<(String, Origin)>;

fn of_flag(key: &Key, flags: &Flags) -> Found {
    let flag = if key.kind == Kind::Paths { "PATH" } else { key.flag };
    let text = flags.get(flag).filter(|text| !text.is_empty())?;
    Some((as_in_file(key, text), Origin::Flag(flag.to_owned())))
}

fn of_variable(key: &Key, variable: &str) -> Found {
    let text = environment::var_os(variable).filter(|text| !variable.is_empty() && !text.is_empty())?;
    let name = variable.to_owned();
    let origin = match env_file_line(variable) {
        Some((path, line)) => Origin::EnvFile(path.display().to_string(), line, name),
        None => Origin::Variable(name),
    };
    Some((as_in_file(key, &text.to_string_lossy()), origin))
}

fn of_file(key: &Key) -> Found {
    let layers = layers();
    let (entry, _) = layers.entry(key)?;
    let text = entry.values.join(", ");
    let origin = Origin::SettingsFile(layers.path()?.display().to_string(), entry.line);
    (!text.is_empty()).then(|| (as_in_file(key, &text), origin))
}

/// The address of the database, which more than one setting gives: the first in the order of `database_url`.
fn address(key: &'static Key, flags: &Flags) -> Found {
    let in_file = |found: Found| found.map(|(path, origin)| (format!("(in {path})"), origin));
    let url_file = all().find(|key| key.flag == "--database-url-file")?;
    let of_credential = || {
        let path = credential()?.display().to_string();
        Some((path, Origin::Variable("CREDENTIALS_DIRECTORY".to_owned())))
    };
    of_flag(key, flags)
        .or_else(|| in_file(of_flag(url_file, flags)))
        .or_else(|| of_variable(key, "GIGGLES_DATABASE"))
        .or_else(|| in_file(of_variable(url_file, url_file.variable)))
        .or_else(|| of_variable(key, "DATABASE_URL"))
        .or_else(|| in_file(of_credential()))
        .or_else(|| of_file(key))
        .or_else(|| in_file(of_file(url_file)))
}

/// `--no-normalize` is `normalize = false`; what a flag or variable says is turned around.
fn as_in_file(key: &Key, text: &str) -> String {
    let is_off = ["0", "n", "no", "f", "false", "off"].contains(&text.trim().to_lowercase().as_str());
    match key.kind {
        Kind::Not => is_off.to_string(),
        Kind::Switch => (!is_off).to_string(),
        _ => text.to_owned(),
    }
}

fn masked(key: &Key, text: String) -> String {
    match key.secret {
        _ if text.starts_with("(in ") => text,
        Secret::Password => {
            let location: Result<Location, _> = text.parse();
            location.map_or_else(|_| "(not shown: not an address)".to_owned(), |location| location.to_string())
        }
        Secret::Url => host(&text).unwrap_or_else(|| "(not shown: not a URL)".to_owned()),
        Secret::No if key.kind == Kind::Command => {
            let program = text.split(", ").next().unwrap_or_default();
            format!("{program} …")
        }
        Secret::No => text,
    }
}

/// `https://hc-ping.com/…`
fn host(url: &str) -> Option<String> {
    let (scheme, rest) = url.trim().split_once("://")?;
    let host = rest.split(['/', '?', '#']).next()?.rsplit('@').next()?;
    Some(format!("{scheme}://{host}/…"))
}

/// The value without a setting, where the machine decides it.
fn default(key: &Key, flags: &Flags) -> Option<String> {
    match key.flag {
        "--database" => Location::standard().ok().map(|location| location.to_string()),
        "--tz" => system_zone().ok().map(|zone| zone_name(&zone)),
        "--name-tz" => all().find(|key| key.flag == "--tz").and_then(|zone| setting(zone, flags).value),
        "--source" => Some(DEFAULT_SOURCE.to_owned()),
        _ => Some((key.default)()).filter(|text| !text.is_empty()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_shown_by_its_host() {
        assert_eq!(host("https://hc-ping.com/4fd8?x=1").as_deref(), Some("https://hc-ping.com/…"));
        assert_eq!(host(" https://user:secret@ntfy.sh?auth=1").as_deref(), Some("https://ntfy.sh/…"));
        assert_eq!(host("4fd8-uuid"), None);
    }
}
