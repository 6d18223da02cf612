//! libpq's connection parameters: the complete list, how giggles treats each, and where its value comes from.
//!
//! Invariant: a parameter has the meaning that libpq's manual gives it, or is named in a warning or an error; none is
//! ignored silently, and no error text contains a value.

use std::collections::BTreeMap;

use super::address::Address;
use super::service;
use crate::store::StoreError;

/// How giggles treats a parameter.
enum Meaning {
    /// As libpq does.
    Supported,
    /// It has no effect; a warning says so, unless the value requests nothing.
    None { unless: &'static [&'static str], because: &'static str },
    /// It requests a guarantee that giggles cannot give: refused, unless the value requests nothing.
    Refused { unless: &'static [&'static str], because: &'static str },
}

use Meaning::Supported;

const fn refused(unless: &'static [&'static str], because: &'static str) -> Meaning {
    Meaning::Refused { unless, because }
}

const fn none(unless: &'static [&'static str], because: &'static str) -> Meaning {
    Meaning::None { unless, because }
}

const NO_GSS: &str = "giggles has no GSSAPI";
const NO_OAUTH: &str = "giggles has no OAuth; use a password or a certificate";
const NO_LISTS: &str = "giggles reads no revocation lists";
const NO_KEYS: &str = "giggles takes a password, not the keys made from it";

/// Name, variable of the environment, meaning. Source: PostgreSQL 18's manual, 32.1.2 and 32.15.
const PARAMETERS: &[(&str, &str, Meaning)] = &[
    ("host", "PGHOST", Supported),
    ("hostaddr", "PGHOSTADDR", Supported),
    ("port", "PGPORT", Supported),
    ("dbname", "PGDATABASE", Supported),
    ("user", "PGUSER", Supported),
    ("password", "PGPASSWORD", Supported),
    ("passfile", "PGPASSFILE", Supported),
    ("service", "PGSERVICE", Supported),
    ("servicefile", "PGSERVICEFILE", Supported),
    ("options", "PGOPTIONS", Supported),
    ("application_name", "PGAPPNAME", Supported),
    ("fallback_application_name", "", Supported),
    ("connect_timeout", "PGCONNECT_TIMEOUT", Supported),
    ("keepalives", "", Supported),
    ("keepalives_idle", "", Supported),
    ("keepalives_interval", "", Supported),
    ("keepalives_count", "", Supported),
    ("tcp_user_timeout", "", Supported),
    ("target_session_attrs", "PGTARGETSESSIONATTRS", Supported),
    ("load_balance_hosts", "PGLOADBALANCEHOSTS", Supported),
    ("channel_binding", "PGCHANNELBINDING", Supported),
    ("sslmode", "PGSSLMODE", Supported),
    ("sslnegotiation", "PGSSLNEGOTIATION", Supported),
    ("sslrootcert", "PGSSLROOTCERT", Supported),
    ("sslcert", "PGSSLCERT", Supported),
    ("sslkey", "PGSSLKEY", Supported),
    ("sslcertmode", "PGSSLCERTMODE", Supported),
    ("sslsni", "PGSSLSNI", Supported),
    ("ssl_min_protocol_version", "PGSSLMINPROTOCOLVERSION", Supported),
    ("ssl_max_protocol_version", "PGSSLMAXPROTOCOLVERSION", Supported),
    (
        "client_encoding",
        "PGCLIENTENCODING",
        none(&["UTF8", "UTF-8", "utf8", "utf-8", "auto"], "giggles always sends UTF-8"),
    ),
    ("sslcompression", "PGSSLCOMPRESSION", none(&["0"], "TLS is not compressed")),
    ("sslkeylogfile", "", none(&[], "giggles writes no TLS keys to a file")),
    ("krbsrvname", "PGKRBSRVNAME", none(&[], NO_GSS)),
    ("gsslib", "PGGSSLIB", none(&[], NO_GSS)),
    ("gssdelegation", "PGGSSDELEGATION", none(&["0"], NO_GSS)),
    ("max_protocol_version", "PGMAXPROTOCOLVERSION", none(&["3.0", "3.2", "latest"], "giggles speaks protocol 3.0")),
    ("min_protocol_version", "PGMINPROTOCOLVERSION", refused(&["3.0"], "giggles speaks protocol 3.0")),
    ("gssencmode", "PGGSSENCMODE", refused(&["disable", "prefer"], "giggles has no GSSAPI; use sslmode")),
    (
        "require_auth",
        "PGREQUIREAUTH",
        refused(&[], "giggles accepts every authentication method; channel_binding=require insists on SCRAM"),
    ),
    ("requirepeer", "PGREQUIREPEER", refused(&[], "giggles does not check who owns the server's socket")),
    ("requiressl", "", refused(&["0"], "write sslmode=require")),
    ("sslcrl", "PGSSLCRL", refused(&[], NO_LISTS)),
    ("sslcrldir", "PGSSLCRLDIR", refused(&[], NO_LISTS)),
    ("sslpassword", "", refused(&[], "giggles reads no encrypted keys; decrypt it with openssl pkey")),
    ("scram_client_key", "", refused(&[], NO_KEYS)),
    ("scram_server_key", "", refused(&[], NO_KEYS)),
    ("oauth_issuer", "", refused(&[], NO_OAUTH)),
    ("oauth_client_id", "", refused(&[], NO_OAUTH)),
    ("oauth_client_secret", "", refused(&[], NO_OAUTH)),
    ("oauth_scope", "", refused(&[], NO_OAUTH)),
    (
        "replication",
        "",
        refused(&["false", "off", "no", "0"], "giggles stores rows, which a replication connection does not take"),
    ),
];

/// Every parameter for docs/reference: its name, its variable (may be empty), and how giggles treats it.
pub fn described() -> Vec<(&'static str, &'static str, String)> {
    let unless = |values: &[&str]| match values {
        [] => String::new(),
        values => format!(", unless it is {}", values.join(", ")),
    };
    let treatment = |meaning: &Meaning| match meaning {
        Supported => "as libpq does".to_owned(),
        Meaning::None { unless: values, because } => format!("no effect, with a warning{}: {because}", unless(values)),
        Meaning::Refused { unless: values, because } => format!("refused{}: {because}", unless(values)),
    };
    PARAMETERS.iter().map(|(name, variable, meaning)| (*name, *variable, treatment(meaning))).collect()
}

/// A parameter whose value is never shown.
pub fn is_secret(key: &str) -> bool {
    ["password", "sslpassword", "oauth_client_secret", "scram_client_key", "scram_server_key"].contains(&key)
}

/// Environment variables. None for those that are not set.
pub type Variables<'a> = &'a dyn Fn(&str) -> Result<Option<String>, StoreError>;

/// The connection parameters of the URL, else of a service file, else of the environment.
pub struct Parameters {
    values: BTreeMap<&'static str, Value>,
}

struct Value {
    text: String,
    /// How an error names it: `the parameter 'port'`, `PGPORT`.
    by: String,
    is_of_url: bool,
}

impl Parameters {
    pub fn gather(address: &Address, variables: Variables) -> Result<Parameters, StoreError> {
        let mut parameters = Parameters { values: BTreeMap::new() };
        for (key, text) in &address.pairs {
            parameters.set(key, text, format!("the parameter '{key}' in the database's address"), true, true)?;
        }
        if let Some(name) = parameters.or_variable("service", variables)? {
            let file = parameters.or_variable("servicefile", variables)?;
            for (key, text) in service::read(&name, file.as_deref(), variables)? {
                parameters.set(&key, &text, format!("the parameter '{key}' of the service {name}"), false, false)?;
            }
        }
        for (key, variable, meaning) in PARAMETERS.iter().filter(|(_, variable, _)| !variable.is_empty()) {
            // A variable without an effect here is probably set for other programs.
            if !matches!(meaning, Meaning::None { .. })
                && let Some(text) = variables(variable)?
            {
                parameters.set(key, &text, (*variable).to_owned(), false, false)?;
            }
        }
        if variables("PGREQUIRESSL")?.is_some_and(|text| text.starts_with('1')) {
            parameters.set("sslmode", "require", "PGREQUIRESSL".to_owned(), false, false)?;
        }
        Ok(parameters)
    }

    fn or_variable(&self, key: &str, variables: Variables) -> Result<Option<String>, StoreError> {
        let variable = PARAMETERS.iter().find(|(name, ..)| *name == key).map_or("", |(_, variable, _)| variable);
        self.get(key).map_or_else(|| variables(variable), |text| Ok(Some(text.to_owned())))
    }

    /// An empty value leaves the parameter to the next source.
    fn set(&mut self, key: &str, text: &str, by: String, is_of_url: bool, last_counts: bool) -> Result<(), StoreError> {
        let Some((key, _, meaning)) = PARAMETERS.iter().find(|(name, ..)| *name == key) else {
            return Err(StoreError::Config(format!("giggles does not know {by}, nor does libpq; leave it out").into()));
        };
        if text.is_empty() || (!last_counts && self.values.contains_key(key)) {
            return Ok(());
        }
        match meaning {
            Meaning::Refused { unless, because } if !unless.contains(&text) => {
                return Err(StoreError::Config(format!("{by} is not supported: {because}; leave it out").into()));
            }
            Meaning::None { unless, because } if !unless.contains(&text) => {
                log::warn!("{by} has no effect: {because}");
            }
            _ => {}
        }
        self.values.insert(key, Value { text: text.to_owned(), by, is_of_url });
        Ok(())
    }

    pub fn get(&self, key: &str) -> Option<&str> {
        self.values.get(key).map(|value| value.text.as_str())
    }

    pub fn owned(&self, key: &str) -> Option<String> {
        self.get(key).map(str::to_owned)
    }

    /// Whether the URL itself contains it.
    pub fn is_of_url(&self, key: &str) -> bool {
        self.values.get(key).is_some_and(|value| value.is_of_url)
    }

    /// Whether it comes from a service file or the environment.
    pub fn is_from_elsewhere(&self, key: &str) -> bool {
        self.values.get(key).is_some_and(|value| !value.is_of_url)
    }

    /// Parses a value; an error names the parameter and the accepted values, never the value.
    pub fn read<T>(
        &self,
        key: &str,
        accepted: &str,
        meaning: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, StoreError> {
        let Some(value) = self.values.get(key) else { return Ok(None) };
        let read = meaning(value.text.trim());
        read.map(Some).ok_or_else(|| StoreError::Config(format!("{}: give {accepted}", value.by).into()))
    }

    /// Parses a whole number.
    pub fn number(&self, key: &str) -> Result<Option<i64>, StoreError> {
        self.read(key, "a whole number", |text| text.parse().ok())
    }

    /// Parses a 0 or 1.
    pub fn switch(&self, key: &str) -> Result<Option<bool>, StoreError> {
        Ok(self.number(key)?.map(|number| number != 0))
    }
}

#[cfg(test)]
mod tests {
    use super::super::address;
    use super::*;

    fn gathered(url: &str, environment: &[(&str, &str)]) -> Result<Parameters, StoreError> {
        let variable = |name: &str| {
            Ok(environment.iter().find(|(variable, _)| *variable == name).map(|(_, value)| (*value).to_owned()))
        };
        Parameters::gather(&address::parse(url)?, &variable)
    }

    #[test]
    fn the_url_wins_over_the_environment() {
        let environment = [("PGHOST", "elsewhere"), ("PGUSER", "neil"), ("PGPORT", "5433")];
        let parameters = gathered("postgres://here/laughs", &environment).unwrap();
        assert_eq!(parameters.get("host"), Some("here"));
        assert_eq!(parameters.get("user"), Some("neil"));
        assert_eq!(parameters.number("port").unwrap(), Some(5433));
        assert!(parameters.is_of_url("host") && parameters.is_from_elsewhere("user"));
        let parameters = gathered("postgres://here", &[("PGREQUIRESSL", "1")]).unwrap();
        assert_eq!(parameters.get("sslmode"), Some("require"));
    }

    /// The list is complete: PostgreSQL 18's manual, 32.1.2.
    #[test]
    fn every_parameter_of_the_manual_is_known() {
        let manual = "host hostaddr port dbname user password passfile require_auth channel_binding connect_timeout \
            client_encoding options application_name fallback_application_name keepalives keepalives_idle \
            keepalives_interval keepalives_count tcp_user_timeout replication gssencmode sslmode requiressl \
            sslnegotiation sslcompression sslcert sslkey sslkeylogfile sslpassword sslcertmode sslrootcert sslcrl \
            sslcrldir sslsni requirepeer ssl_min_protocol_version ssl_max_protocol_version min_protocol_version \
            max_protocol_version krbsrvname gsslib gssdelegation scram_client_key scram_server_key service servicefile \
            target_session_attrs load_balance_hosts oauth_issuer oauth_client_id oauth_client_secret oauth_scope";
        for key in manual.split_whitespace() {
            assert!(PARAMETERS.iter().any(|(name, ..)| *name == key), "{key}");
        }
        assert_eq!(manual.split_whitespace().count(), PARAMETERS.len());
    }

    #[test]
    fn a_guarantee_that_giggles_cannot_give_is_refused_by_name() {
        for (parameter, why) in [
            ("sslcrl=/a.crl", "revocation lists"),
            ("gssencmode=require", "GSSAPI"),
            ("require_auth=scram-sha-256", "channel_binding=require"),
            ("replication=database", "replication"),
            ("keepalives_retries=3", "does not know the parameter 'keepalives_retries'"),
            ("sslmod=require", "does not know the parameter 'sslmod'"),
        ] {
            let error = gathered(&format!("postgres://db/x?{parameter}"), &[]).err().unwrap().to_string();
            assert!(error.contains(why), "{error}");
        }
        for harmless in ["gssencmode=prefer", "replication=false", "sslcompression=0", "min_protocol_version=3.0"] {
            gathered(&format!("postgres://db/x?{harmless}"), &[]).unwrap();
        }
        let error = gathered("postgres://db/x", &[("PGREQUIREAUTH", "md5")]).err().unwrap().to_string();
        assert!(error.starts_with("PGREQUIREAUTH is not supported"), "{error}");
    }
}
