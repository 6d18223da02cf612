//! Where a bucket is: region, endpoint and the style of its URLs, from the variables and files that AWS's tools read.
//!
//! Source: AWS SDKs and Tools Reference Guide, "Service-specific endpoints" and "AWS Region".

use rusty_s3::{Bucket, UrlStyle};
use url::Url;

use super::credentials::CredentialsError;
use super::profile::Profile;

/// Reads an environment variable; empty counts as not set.
pub type Variables<'a> = &'a dyn Fn(&str) -> Option<String>;

/// The region that answers for all buckets, and names the right one.
const DEFAULT_REGION: &str = "us-east-1";

/// Settings that do not depend on credentials.
#[derive(Debug, Clone)]
pub struct Settings {
    pub region: String,
    /// None: AWS's own for the region.
    endpoint: Option<Url>,
    /// None: as the bucket's name allows.
    style: Option<UrlStyle>,
}

impl Settings {
    pub fn read(variables: Variables, profile: &Profile) -> Result<Settings, CredentialsError> {
        let region = named(variables, &["AWS_REGION", "AWS_DEFAULT_REGION"])
            .map(|(_, region)| region)
            .or_else(|| profile.get("region").map(str::to_owned));
        let endpoint = match named(variables, &["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"])
            .or_else(|| Some(("endpoint_url", profile.get("endpoint_url")?.to_owned())))
        {
            None => None,
            Some((name, text)) => Some(endpoint(&text).ok_or_else(|| {
                CredentialsError::missing(format!("{name}: give a URL such as https://s3.example.org"))
            })?),
        };
        let style = match profile.get("s3.addressing_style") {
            Some("path") => Some(UrlStyle::Path),
            Some("virtual") => Some(UrlStyle::VirtualHost),
            // Servers other than AWS's seldom have a host per bucket.
            _ => endpoint.as_ref().map(|_| UrlStyle::Path),
        };
        Ok(Settings { region: region.unwrap_or_else(|| DEFAULT_REGION.to_owned()), endpoint, style })
    }

    /// None if the name cannot be part of an address.
    pub fn bucket(&self, name: &str) -> Option<Bucket> {
        let endpoint = self.endpoint.clone().or_else(|| endpoint(&format!("https://s3.{}", self.domain())))?;
        // A certificate for *.s3.amazonaws.com holds for one label only.
        let usual = if name.contains('.') { UrlStyle::Path } else { UrlStyle::VirtualHost };
        Bucket::new(endpoint, self.style.unwrap_or(usual), name.to_owned(), self.region.clone()).ok()
    }

    /// The domain of AWS's services in the region.
    pub fn domain(&self) -> String {
        let china = if self.region.starts_with("cn-") { ".cn" } else { "" };
        format!("{}.amazonaws.com{china}", self.region)
    }
}

/// The first of these variables that is set.
pub fn named(variables: Variables, names: &[&'static str]) -> Option<(&'static str, String)> {
    names.iter().find_map(|name| Some((*name, variables(name)?)))
}

fn endpoint(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let is_plain = url.username().is_empty() && url.password().is_none();
    (is_plain && ["http", "https"].contains(&url.scheme()) && url.has_host()).then_some(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(set: &[(&str, &str)]) -> Result<Settings, CredentialsError> {
        let variables = |name: &str| set.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        Settings::read(&variables, &Profile::default())
    }

    fn base(set: &[(&str, &str)], bucket: &str) -> String {
        settings(set).unwrap().bucket(bucket).unwrap().base_url().to_string()
    }

    #[test]
    fn the_address_of_a_bucket_follows_region_endpoint_and_name() {
        assert_eq!(base(&[], "life"), "https://life.s3.us-east-1.amazonaws.com/");
        assert_eq!(base(&[("AWS_REGION", "eu-west-1")], "my.life"), "https://s3.eu-west-1.amazonaws.com/my.life/");
        assert_eq!(
            base(&[("AWS_DEFAULT_REGION", "cn-north-1")], "life"),
            "https://life.s3.cn-north-1.amazonaws.com.cn/"
        );
        let local = [("AWS_ENDPOINT_URL", "http://other:1"), ("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:8333")];
        assert_eq!(base(&local, "life"), "http://127.0.0.1:8333/life/");
    }

    #[test]
    fn an_endpoint_that_is_not_a_url_is_refused_without_its_text() {
        for wrong in ["localhost:8333", "s3://x", "https://user:secret@host", "not a url"] {
            let error = settings(&[("AWS_ENDPOINT_URL", wrong)]).unwrap_err().to_string();
            assert!(error.starts_with("AWS_ENDPOINT_URL: ") && !error.contains("secret"), "{error}");
        }
    }
}
