//! AWS's profile files: `~/.aws/credentials` and `~/.aws/config`.
//!
//! ```text
//! [default]  [NAME] (credentials)  [profile NAME] (config)
//! key = value                -> key
//! key =                      -> the next indented lines are key.subkey
//!     subkey = value
//! # comment, ; comment
//! ```
//!
//! Source: AWS CLI User Guide, "Configuration and credential file settings".

use std::collections::HashMap;
use std::path::PathBuf;

use super::credentials::CredentialsError;
use super::settings::{Variables, named};
use crate::domain::Reason;

/// The settings of one profile, from both files; the credentials file counts more.
#[derive(Debug, Default, Clone)]
pub struct Profile {
    values: HashMap<String, String>,
}

impl Profile {
    /// The profile that the environment selects. Files that do not exist are empty.
    ///
    /// # Errors
    /// A file cannot be read, or none has the profile that a variable names.
    pub fn selected(variables: Variables) -> Result<Profile, CredentialsError> {
        let selected = named(variables, &["AWS_PROFILE", "AWS_DEFAULT_PROFILE"]);
        let name = selected.as_ref().map_or("default", |(_, name)| name);
        let home = variables("HOME").map(|home| PathBuf::from(home).join(".aws"));
        let read = |variable: &str, file: &str| {
            let path = variables(variable).map(PathBuf::from).or_else(|| Some(home.as_ref()?.join(file)));
            match path.map(std::fs::read_to_string) {
                Some(Err(error)) if error.kind() != std::io::ErrorKind::NotFound => {
                    let reason = Reason::new(format!("AWS's profile files cannot be read: {error}"));
                    Err(CredentialsError::missing(reason.caused_by(error)))
                }
                Some(Ok(text)) => Ok(text),
                _ => Ok(String::new()),
            }
        };
        let (config, credentials) =
            (read("AWS_CONFIG_FILE", "config")?, read("AWS_SHARED_CREDENTIALS_FILE", "credentials")?);
        let section = if name == "default" { name.to_owned() } else { format!("profile {name}") };
        let of_config = values(&config, &section).or_else(|| values(&config, &format!("profile {name}")));
        let sections = (of_config, values(&credentials, name));
        if let ((None, None), Some((variable, name))) = (&sections, &selected) {
            return Err(CredentialsError::missing(format!(
                "{variable}: no profile '{}' in AWS's profile files (~/.aws/config, ~/.aws/credentials)",
                name.escape_debug()
            )));
        }
        let (config, credentials) = (sections.0.unwrap_or_default(), sections.1.unwrap_or_default());
        Ok(Profile { values: config.into_iter().chain(credentials).collect() })
    }

    pub fn get(&self, key: &str) -> Option<&str> {
        self.values.get(key).map(String::as_str).filter(|value| !value.is_empty())
    }
}

/// The settings of one section; None if the file does not have it.
fn values(text: &str, section: &str) -> Option<HashMap<String, String>> {
    let (mut values, mut is_inside, mut parent) = (None, false, None);
    for line in text.lines() {
        let content = line.trim();
        if content.is_empty() || content.starts_with(['#', ';']) {
            continue;
        }
        if let Some(name) = content.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            (is_inside, parent) = (name.0.split_whitespace().eq(section.split_whitespace()), None);
            if is_inside {
                values.get_or_insert_with(HashMap::new);
            }
            continue;
        }
        let Some((key, value)) = content.split_once('=').filter(|_| is_inside) else { continue };
        let (key, value) = (key.trim().to_lowercase(), value.trim().to_owned());
        let is_nested = line.starts_with([' ', '\t']);
        if !is_nested {
            parent = value.is_empty().then(|| key.clone());
        }
        let key = parent.as_ref().filter(|_| is_nested).map_or(key.clone(), |parent| format!("{parent}.{key}"));
        values.get_or_insert_with(HashMap::new).insert(key, value);
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: &str = "
# comment
[default]
region = eu-central-1
[profile  night]
region=us-west-2
s3 =
    addressing_style = path
  max_concurrent_requests = 20
endpoint_url = http://localhost:8333
[night]
region = wrong
";

    #[test]
    fn a_section_has_its_settings_and_nested_ones() {
        let night = values(CONFIG, "profile night").unwrap();
        assert_eq!(night["region"], "us-west-2");
        assert_eq!(
            (night["s3.addressing_style"].as_str(), night["endpoint_url"].as_str()),
            ("path", "http://localhost:8333")
        );
        assert_eq!(values(CONFIG, "default").unwrap()["region"], "eu-central-1");
        assert!(values(CONFIG, "other").is_none());
    }

    #[test]
    fn both_files_make_a_profile() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            std::fs::write(folder.path().join(name), text).unwrap();
            folder.path().join(name).display().to_string()
        };
        let config = write("config", CONFIG);
        let credentials = write("credentials", "[night]\naws_access_key_id = AKIA\naws_secret_access_key = a=b/c+d\n");
        let variables = |name: &str| match name {
            "AWS_CONFIG_FILE" => Some(config.clone()),
            "AWS_SHARED_CREDENTIALS_FILE" => Some(credentials.clone()),
            "AWS_PROFILE" => Some("night".into()),
            _ => None,
        };
        let profile = Profile::selected(&variables).unwrap();
        assert_eq!((profile.get("region"), profile.get("aws_secret_access_key")), (Some("us-west-2"), Some("a=b/c+d")));
    }

    #[test]
    fn a_profile_that_no_file_has_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let (config, missing) = (folder.path().join("config"), folder.path().join("credentials"));
        std::fs::write(&config, CONFIG).unwrap();
        let selected = |variable: &'static str, profile: &'static str| {
            Profile::selected(&|name| match name {
                "AWS_CONFIG_FILE" => Some(config.display().to_string()),
                "AWS_SHARED_CREDENTIALS_FILE" => Some(missing.display().to_string()),
                _ => (name == variable).then(|| profile.to_owned()),
            })
        };
        assert!(selected("AWS_PROFILE", "night").is_ok() && selected("OTHER", "").is_ok());
        for variable in ["AWS_PROFILE", "AWS_DEFAULT_PROFILE"] {
            let error = selected(variable, "nigth").unwrap_err();
            assert!(!error.is_temporary());
            assert!(error.to_string().starts_with(&format!("{variable}: no profile 'nigth'")), "{error}");
        }
    }
}
