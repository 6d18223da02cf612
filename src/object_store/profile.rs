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

use super::settings::Variables;

/// The settings of one profile, from both files; the credentials file counts more.
#[derive(Debug, Default, Clone)]
pub struct Profile {
    values: HashMap<String, String>,
}

impl Profile {
    /// The profile that the environment selects. Files that do not exist are empty.
    pub fn selected(variables: Variables) -> std::io::Result<Profile> {
        let name = variables("AWS_PROFILE").or_else(|| variables("AWS_DEFAULT_PROFILE"));
        let name = name.unwrap_or_else(|| "default".to_owned());
        let home = variables("HOME").map(|home| PathBuf::from(home).join(".aws"));
        let read = |variable: &str, file: &str| {
            let path = variables(variable).map(PathBuf::from).or_else(|| Some(home.as_ref()?.join(file)));
            match path.map(std::fs::read_to_string) {
                Some(Err(error)) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
                Some(Ok(text)) => Ok(text),
                _ => Ok(String::new()),
            }
        };
        let (config, credentials) =
            (read("AWS_CONFIG_FILE", "config")?, read("AWS_SHARED_CREDENTIALS_FILE", "credentials")?);
        let section = if name == "default" { name.clone() } else { format!("profile {name}") };
        let mut profile = Profile { values: values(&config, &section) };
        profile.values.extend(values(&credentials, &name));
        Ok(profile)
    }

    pub fn get(&self, key: &str) -> Option<&str> {
        self.values.get(key).map(String::as_str).filter(|value| !value.is_empty())
    }
}

/// The settings of one section.
fn values(text: &str, section: &str) -> HashMap<String, String> {
    let (mut values, mut is_inside, mut parent) = (HashMap::new(), false, None);
    for line in text.lines() {
        let content = line.trim();
        if content.is_empty() || content.starts_with(['#', ';']) {
            continue;
        }
        if let Some(name) = content.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            (is_inside, parent) = (name.0.split_whitespace().eq(section.split_whitespace()), None);
            continue;
        }
        let Some((key, value)) = content.split_once('=').filter(|_| is_inside) else { continue };
        let (key, value) = (key.trim().to_lowercase(), value.trim().to_owned());
        let is_nested = line.starts_with([' ', '\t']);
        if !is_nested {
            parent = value.is_empty().then(|| key.clone());
        }
        let key = parent.as_ref().filter(|_| is_nested).map_or(key.clone(), |parent| format!("{parent}.{key}"));
        values.insert(key, value);
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
        let night = values(CONFIG, "profile night");
        assert_eq!(night["region"], "us-west-2");
        assert_eq!(
            (night["s3.addressing_style"].as_str(), night["endpoint_url"].as_str()),
            ("path", "http://localhost:8333")
        );
        assert_eq!(values(CONFIG, "default")["region"], "eu-central-1");
        assert!(values(CONFIG, "other").is_empty());
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
}
