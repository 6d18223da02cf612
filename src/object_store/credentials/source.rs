//! The sources of credentials.

use std::path::PathBuf;

use rusty_s3::Credentials;
use serde::Deserialize;
use url::Url;

use super::endpoint::Endpoint;
use super::{CredentialsError, Issued};
use crate::domain::Reason;
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
    /// # Errors
    /// Half of a pair is set: without the other half, another identity than the intended one would be used.
    pub fn find(variables: Variables, profile: &Profile, settings: &Settings) -> Result<Source, CredentialsError> {
        let web = |role: String, file: String| {
            let address = variables("AWS_ENDPOINT_URL_STS").or_else(|| variables("AWS_ENDPOINT_URL"));
            let address = address.unwrap_or_else(|| format!("https://sts.{}", settings.domain()));
            let session = variables("AWS_ROLE_SESSION_NAME").unwrap_or_else(|| SESSION.to_owned());
            Source::WebIdentity(WebIdentity { role, token_file: file.into(), session, address })
        };
        let own = |key: &str| profile.get(key).map(str::to_owned);
        if let Some((key, secret)) = pair(["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"], variables, "")? {
            return Ok(Source::Fixed(credentials(key, secret, variables("AWS_SESSION_TOKEN"))));
        }
        if let Some((role, file)) = pair(["AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE"], variables, "")? {
            return Ok(web(role, file));
        }
        if let (Some(role), Some(file)) = (own("role_arn"), own("web_identity_token_file")) {
            return Ok(web(role, file));
        }
        // Not the keys beside it: they are those that may assume the role.
        refuse_unsupported(profile, &["role_arn"])?;
        match pair(["aws_access_key_id", "aws_secret_access_key"], &own, "the profile: ")? {
            Some((key, secret)) => Ok(Source::Fixed(credentials(key, secret, own("aws_session_token")))),
            None => Source::of_machine(variables, profile),
        }
    }

    /// Credentials that the machine has, if no others are configured.
    fn of_machine(variables: Variables, profile: &Profile) -> Result<Source, CredentialsError> {
        refuse_unsupported(profile, &["credential_process", "sso_session", "sso_start_url", "login_session"])?;
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

/// Both settings, or none.
fn pair(names: [&str; 2], get: Variables, place: &str) -> Result<Option<(String, String)>, CredentialsError> {
    let missing = |set: &str, missing: &str| {
        Err(CredentialsError::missing(format!("{place}{set} is set without {missing}; set both, or none")))
    };
    match names.map(get) {
        [Some(first), Some(second)] => Ok(Some((first, second))),
        [None, None] => Ok(None),
        [Some(_), None] => missing(names[0], names[1]),
        [None, Some(_)] => missing(names[1], names[0]),
    }
}

fn refuse_unsupported(profile: &Profile, keys: &[&str]) -> Result<(), CredentialsError> {
    keys.iter().find(|key| profile.get(key).is_some()).map_or(Ok(()), |key| {
        Err(CredentialsError::missing(format!(
            "the profile has {key}, which giggles does not support; export credentials instead \
             (aws configure export-credentials --format env)"
        )))
    })
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
    let text = std::fs::read_to_string(path).map_err(|error| {
        CredentialsError::missing(Reason::new(format!("{} cannot be read: {error}", path.display())).caused_by(error))
    })?;
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

/// A machine without the service, or with a disabled one, has no credentials at all.
fn without_service(error: CredentialsError) -> CredentialsError {
    if error.is_temporary() {
        return error;
    }
    CredentialsError::missing(Reason::new(format!("{NONE}; {error}")).caused_by(error))
}

/// IMDSv2: a token first, then the name of the role, then its credentials.
fn instance(endpoint: &Endpoint, address: &str) -> Result<Issued, CredentialsError> {
    let base = address.trim_end_matches('/');
    let header = [("X-aws-ec2-metadata-token-ttl-seconds", TOKEN_SECONDS)];
    let token = endpoint.put(&format!("{base}/latest/api/token"), &header).map_err(without_service)?;
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
    fn half_of_a_pair_is_an_error_that_names_the_other_half() {
        for (set, missing) in [(KEYS[0], KEYS[1]), (KEYS[1], KEYS[0]), (WEB[0], WEB[1]), (WEB[1], WEB[0])] {
            let error = source(&[set, ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/x")]).err().unwrap();
            let expected = format!("{} is set without {}; set both, or none", set.0, missing.0);
            assert_eq!((error.to_string(), error.is_temporary()), (expected, false));
        }
    }

    #[test]
    fn the_keys_of_a_profile_are_not_those_of_its_role() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config").display().to_string();
        let found = |lines: &str| {
            std::fs::write(&path, format!("[default]\n{lines}")).unwrap();
            let variables =
                |name: &str| name.ends_with("_FILE").then(|| path.clone()).filter(|_| !name.contains("WEB"));
            let profile = Profile::selected(&variables).unwrap();
            let settings = Settings::read(&variables, &profile).unwrap();
            Source::find(&variables, &profile, &settings)
        };
        let (key, secret, role) =
            ("aws_access_key_id = AKIA\n", "aws_secret_access_key = secret\n", "role_arn = arn:aws:iam::1:role/r\n");
        assert!(matches!(found(&[key, secret].concat()), Ok(Source::Fixed(_))));
        assert!(matches!(
            found(&[key, secret, role, "web_identity_token_file = /t"].concat()),
            Ok(Source::WebIdentity(_))
        ));
        let text = |lines: &[&str]| found(&lines.concat()).err().unwrap().to_string();
        assert!(text(&[key, secret, role]).starts_with("the profile has role_arn, which giggles does not support"));
        assert!(text(&[secret]).starts_with("the profile: aws_secret_access_key is set without aws_access_key_id"));
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
