//! The sources of credentials.

use std::path::PathBuf;

use rusty_s3::Credentials;
use serde::Deserialize;
use url::Url;

use super::endpoint::Endpoint;
use super::{CredentialsError, Issued};
use crate::object_store::profile::Profile;
use crate::object_store::settings::{Settings, Variables};
use crate::object_store::xml::element;

/// The agent of ECS, for relative addresses.
const CONTAINER: &str = "http://169.254.170.2";
/// Addresses to which the container's token is sent without encryption: loopback, and the agents of ECS and EKS.
const CONTAINER_HOSTS: [&str; 5] = ["127.0.0.1", "localhost", "169.254.170.2", "169.254.170.23", "[fd00:ec2::23]"];
/// The metadata service of EC2.
const INSTANCE: &str = "http://169.254.169.254";
const ROLE_PATH: &str = "latest/meta-data/iam/security-credentials/";
/// How long a token of the metadata service is valid; it is used at once.
const TOKEN_SECONDS: &str = "300";
/// The name of the session if none is set.
const SESSION: &str = "giggles";

const NONE: &str = "no credentials were found; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, or run \
                    with a role (web identity, ECS, EC2)";

/// Where credentials come from.
pub enum Source {
    Fixed(Credentials),
    WebIdentity(WebIdentity),
    Container { address: String, token: ContainerToken },
    Instance { address: String },
}

pub struct WebIdentity {
    role: String,
    token_file: PathBuf,
    session: String,
    /// The address of STS.
    address: String,
}

/// What the container's agent expects in `Authorization`.
pub enum ContainerToken {
    None,
    Value(String),
    /// Read each time, because it changes.
    File(PathBuf),
}

impl Source {
    pub fn find(variables: Variables, profile: &Profile, settings: &Settings) -> Result<Source, CredentialsError> {
        let web = |role: Option<String>, file: Option<String>| {
            let address = variables("AWS_ENDPOINT_URL_STS").or_else(|| variables("AWS_ENDPOINT_URL"));
            let address = address.unwrap_or_else(|| format!("https://sts.{}", settings.domain()));
            let session = variables("AWS_ROLE_SESSION_NAME").unwrap_or_else(|| SESSION.to_owned());
            Some(Source::WebIdentity(WebIdentity { role: role?, token_file: file?.into(), session, address }))
        };
        let own = |key: &str| profile.get(key).map(str::to_owned);
        let keys = |key: Option<String>, secret: Option<String>, token: Option<String>| {
            Some(Source::Fixed(credentials(key?, secret?, token)))
        };
        let [key, secret, token] = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"].map(variables);
        let [own_key, own_secret, own_token] =
            ["aws_access_key_id", "aws_secret_access_key", "aws_session_token"].map(own);
        keys(key, secret, token)
            .or_else(|| web(variables("AWS_ROLE_ARN"), variables("AWS_WEB_IDENTITY_TOKEN_FILE")))
            .or_else(|| web(own("role_arn"), own("web_identity_token_file")))
            .or_else(|| keys(own_key, own_secret, own_token))
            .map_or_else(|| Source::of_machine(variables, profile), Ok)
    }

    /// Credentials that the machine has, if no others are configured.
    fn of_machine(variables: Variables, profile: &Profile) -> Result<Source, CredentialsError> {
        let unsupported = ["role_arn", "credential_process", "sso_session", "sso_start_url", "login_session"];
        if let Some(key) = unsupported.iter().find(|key| profile.get(key).is_some()) {
            return Err(CredentialsError::missing(format!(
                "the profile has {key}, which giggles does not support; export credentials instead \
                 (aws configure export-credentials --format env)"
            )));
        }
        let relative = variables("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI").map(|path| format!("{CONTAINER}{path}"));
        if let Some(address) = relative.or_else(|| variables("AWS_CONTAINER_CREDENTIALS_FULL_URI")) {
            return container(address, variables);
        }
        if variables("AWS_EC2_METADATA_DISABLED").is_some_and(|disabled| disabled.eq_ignore_ascii_case("true")) {
            return Err(CredentialsError::missing(NONE));
        }
        let address = variables("AWS_EC2_METADATA_SERVICE_ENDPOINT").unwrap_or_else(|| INSTANCE.to_owned());
        Ok(Source::Instance { address })
    }

    /// Whether other credentials can be asked for when these have expired.
    pub fn is_renewable(&self) -> bool {
        !matches!(self, Source::Fixed(_))
    }

    pub fn issue(&self, endpoint: &Endpoint) -> Result<Issued, CredentialsError> {
        match self {
            Source::Fixed(credentials) => Ok(Issued { credentials: credentials.clone(), expires: None }),
            Source::WebIdentity(identity) => identity.issue(endpoint),
            Source::Container { address, token } => {
                let token = token.read()?;
                let headers: Vec<(&str, &str)> = token.iter().map(|token| ("Authorization", token.as_str())).collect();
                from_json(&endpoint.get("the container's credentials", address, &headers)?)
            }
            Source::Instance { address } => instance(endpoint, address),
        }
    }
}

fn credentials(key: String, secret: String, token: Option<String>) -> Credentials {
    match token {
        Some(token) => Credentials::new_with_token(key, secret, token),
        None => Credentials::new(key, secret),
    }
}

/// # Errors
/// The address is neither encrypted nor on this machine: the token must not be sent there.
fn container(address: String, variables: Variables) -> Result<Source, CredentialsError> {
    let url = Url::parse(&address).ok();
    let is_safe = url.is_some_and(|url| {
        url.scheme() == "https" || url.host_str().is_some_and(|host| CONTAINER_HOSTS.contains(&host))
    });
    if !is_safe {
        return Err(CredentialsError::missing(
            "AWS_CONTAINER_CREDENTIALS_FULL_URI: give an https URL, or one of this machine",
        ));
    }
    let token = match variables("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE") {
        Some(file) => ContainerToken::File(file.into()),
        None => variables("AWS_CONTAINER_AUTHORIZATION_TOKEN").map_or(ContainerToken::None, ContainerToken::Value),
    };
    Ok(Source::Container { address, token })
}

impl ContainerToken {
    fn read(&self) -> Result<Option<String>, CredentialsError> {
        match self {
            ContainerToken::None => Ok(None),
            ContainerToken::Value(token) => Ok(Some(token.clone())),
            ContainerToken::File(path) => token_in(path).map(Some),
        }
    }
}

fn token_in(path: &PathBuf) -> Result<String, CredentialsError> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| CredentialsError::missing(format!("{} cannot be read: {error}", path.display())))?;
    Ok(text.trim().to_owned())
}

impl WebIdentity {
    fn issue(&self, endpoint: &Endpoint) -> Result<Issued, CredentialsError> {
        let token = token_in(&self.token_file)?;
        let form = [
            ("Action", "AssumeRoleWithWebIdentity"),
            ("Version", "2011-06-15"),
            ("RoleArn", &self.role),
            ("RoleSessionName", &self.session),
            ("WebIdentityToken", &token),
        ];
        let xml = endpoint.post("STS", &self.address, &form)?;
        let value = |name: &str| element(&xml, name).map(str::to_owned);
        let issued = || {
            let keys = (value("AccessKeyId")?, value("SecretAccessKey")?);
            let expires = value("Expiration")?.parse().ok()?;
            Some(Issued { credentials: credentials(keys.0, keys.1, value("SessionToken")), expires: Some(expires) })
        };
        issued().ok_or_else(|| CredentialsError::temporary("STS gave no credentials in its answer"))
    }
}

/// IMDSv2: a token first, then the name of the role, then its credentials.
fn instance(endpoint: &Endpoint, address: &str) -> Result<Issued, CredentialsError> {
    let base = address.trim_end_matches('/');
    let header = [("X-aws-ec2-metadata-token-ttl-seconds", TOKEN_SECONDS)];
    let token = endpoint
        .put(&format!("{base}/latest/api/token"), &header)
        .map_err(|_| CredentialsError::missing(format!("{NONE}; this machine has no EC2 metadata service")))?;
    let header = [("X-aws-ec2-metadata-token", token.trim())];
    let what = "the EC2 metadata service";
    let roles = endpoint.get(what, &format!("{base}/{ROLE_PATH}"), &header)?;
    let role = roles.lines().next().map(str::trim).filter(|role| !role.is_empty());
    let role = role.ok_or_else(|| CredentialsError::missing(format!("{NONE}; this instance has no role")))?;
    from_json(&endpoint.get(what, &format!("{base}/{ROLE_PATH}{role}"), &header)?)
}

/// The answer of the container's agent and of the metadata service.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    access_key_id: String,
    secret_access_key: String,
    token: Option<String>,
    expiration: Option<jiff::Timestamp>,
}

fn from_json(text: &str) -> Result<Issued, CredentialsError> {
    // serde's message could quote the text.
    let answer: Answer = serde_json::from_str(text)
        .map_err(|_| CredentialsError::temporary("the answer with the machine's credentials cannot be understood"))?;
    let credentials = credentials(answer.access_key_id, answer.secret_access_key, answer.token);
    Ok(Issued { credentials, expires: answer.expiration })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(set: &[(&str, &str)]) -> Result<Source, CredentialsError> {
        let variables = |name: &str| set.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        let profile = Profile::default();
        let settings = Settings::read(&variables, &profile).unwrap();
        Source::find(&variables, &profile, &settings)
    }

    const KEYS: [(&str, &str); 2] = [("AWS_ACCESS_KEY_ID", "AKIA"), ("AWS_SECRET_ACCESS_KEY", "secret")];
    const WEB: [(&str, &str); 2] =
        [("AWS_ROLE_ARN", "arn:aws:iam::1:role/r"), ("AWS_WEB_IDENTITY_TOKEN_FILE", "/var/run/token")];

    #[test]
    fn the_first_configured_source_counts() {
        assert!(matches!(source(&[&KEYS[..], &WEB[..]].concat()), Ok(Source::Fixed(_))));
        let relative = ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/v2/credentials/1");
        assert!(matches!(source(&[WEB[0], WEB[1], relative]), Ok(Source::WebIdentity(_))));
        let container = source(&[relative]).unwrap();
        assert!(
            matches!(container, Source::Container { address, .. } if address == "http://169.254.170.2/v2/credentials/1")
        );
        assert!(matches!(source(&[]), Ok(Source::Instance { .. })));
        assert!(source(&[("AWS_EC2_METADATA_DISABLED", "true")]).is_err());
    }

    #[test]
    fn a_containers_token_goes_to_this_machine_or_over_tls_only() {
        let full = |address| source(&[("AWS_CONTAINER_CREDENTIALS_FULL_URI", address)]).is_ok();
        assert!(
            full("http://127.0.0.1:51679/x") && full("http://169.254.170.23/v1/credentials") && full("https://host/x")
        );
        assert!(!full("http://example.org/x") && !full("http://127.0.0.1.example.org/x") && !full("/x"));
    }

    #[test]
    fn an_answer_that_is_not_understood_is_not_quoted() {
        let error = from_json("{\"AccessKeyId\": \"AKIA\", \"SecretAccessKey\": 5}").err().unwrap().to_string();
        assert!(!error.contains("AKIA"), "{error}");
    }
}
