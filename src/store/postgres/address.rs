//! Parses a Postgres URL into libpq's parameters, by libpq's rules.
//!
//! Invariant: pure, and no text created here contains a password.

use crate::store::StoreError;

/// A parsed URL.
pub struct Address {
    /// Parameters in their order in the URL; if one is given twice, the last value applies.
    pub pairs: Vec<(String, String)>,
    /// The URL with its password masked.
    pub shown: String,
}

/// Parses `postgres://[USER[:PASSWORD]@][HOST[:PORT],…][/DATABASE][?PARAMETER=VALUE&…]`; `postgres:` alone takes
/// everything from the environment.
pub fn parse(text: &str) -> Result<Address, StoreError> {
    let (scheme, rest) = match text.split_once("://") {
        Some(parts) => parts,
        None => bare(text)?,
    };
    let (base, query) = rest.split_once('?').unwrap_or((rest, ""));
    check_encoding(base, query)?;
    let (authority, database) = base.split_once('/').unwrap_or((base, ""));
    let (credentials, hosts) = authority.rsplit_once('@').map_or((None, authority), |(who, hosts)| (Some(who), hosts));
    let mut pairs = Vec::new();
    if let Some(credentials) = credentials {
        let (user, password) = credentials.split_once(':').map_or((credentials, None), |(u, p)| (u, Some(p)));
        pairs.push(("user".to_owned(), decoded(user)?));
        pairs.extend(password.map(decoded).transpose()?.map(|password| ("password".to_owned(), password)));
    }
    pairs.extend(host_pairs(hosts)?);
    pairs.push(("dbname".to_owned(), decoded(database)?));
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        pairs.push(parameter(pair)?);
    }
    let shown = format!("{scheme}://{}{}", masked_base(base), masked_query(query));
    Ok(Address { pairs, shown })
}

/// `postgres:` and `postgres:?…`.
fn bare(text: &str) -> Result<(&str, &str), StoreError> {
    let parts = text.split_once(':').filter(|(_, rest)| rest.is_empty() || rest.starts_with('?'));
    parts.ok_or_else(|| {
        StoreError::Config("the database's address lacks its //; write postgres://USER@HOST/DATABASE".into())
    })
}

/// Refuses a raw @, / or ? in a password: it moves the boundaries of the URL's parts, so that any part may contain the
/// password.
fn check_encoding(base: &str, query: &str) -> Result<(), StoreError> {
    let (authority, path) = base.split_once('/').unwrap_or((base, ""));
    // `neil:se?cret@db/laughs`: the apparent parameters are the rest of the password.
    let cut_by_mark = query.contains('@') && authority == base && base.contains(':') && !base.contains('@');
    let is_cut = authority.matches('@').count() > 1 || path.contains(['@', '/']) || cut_by_mark;
    if is_cut { Err(unencoded()) } else { Ok(()) }
}

pub fn unencoded() -> StoreError {
    StoreError::Config(
        "the database's address cannot be read; in its user, password and names write %40 for @, %2F for /, %3F for ?"
            .into(),
    )
}

/// Hosts and ports in the form of libpq's parameters: comma-separated lists.
fn host_pairs(list: &str) -> Result<Vec<(String, String)>, StoreError> {
    let (mut hosts, mut ports) = (Vec::new(), Vec::new());
    for entry in list.split(',') {
        let (host, port) = match entry.strip_prefix('[') {
            Some(rest) => rest.split_once(']').ok_or_else(|| unreadable("a [ has no ]"))?,
            None => entry.find(':').map_or((entry, ""), |colon| entry.split_at(colon)),
        };
        if !port.is_empty() && !port.starts_with(':') {
            return Err(unreadable("a ] is followed by something other than a port"));
        }
        hosts.push(decoded(host)?);
        ports.push(decoded(port.trim_start_matches(':'))?);
    }
    let given = |values: Vec<String>, key: &str| {
        values.iter().any(|value| !value.is_empty()).then(|| (key.to_owned(), values.join(",")))
    };
    Ok(given(hosts, "host").into_iter().chain(given(ports, "port")).collect())
}

fn parameter(pair: &str) -> Result<(String, String), StoreError> {
    let (key, value) = pair.split_once('=').ok_or_else(unencoded)?;
    // A text that is not a parameter name may be the rest of a password.
    let is_word = !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    if !is_word {
        return Err(unencoded());
    }
    let value = decoded(value)?;
    // As libpq does, for URLs written for JDBC.
    Ok(match (key, value.as_str()) {
        ("ssl", "true") => ("sslmode".to_owned(), "require".to_owned()),
        _ => (key.to_owned(), value),
    })
}

/// Percent-decodes: `%40` is an @; a plus stays a plus.
fn decoded(text: &str) -> Result<String, StoreError> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, behind)) = rest.split_first() {
        rest = behind;
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digits = rest.get(..2).filter(|digits| digits.iter().all(u8::is_ascii_hexdigit));
        let digits = digits.and_then(|digits| std::str::from_utf8(digits).ok());
        let value = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()).filter(|&value| value != 0);
        bytes.push(value.ok_or_else(|| unreadable("a % is not followed by two hexadecimal digits; write %25 for %"))?);
        rest = &rest[2..];
    }
    String::from_utf8(bytes).map_err(|_| unreadable("a percent-encoded value is not UTF-8"))
}

pub fn unreadable(reason: &str) -> StoreError {
    StoreError::Config(format!("the database's address cannot be read: {reason}").into())
}

fn masked_base(base: &str) -> String {
    match base.split_once('@') {
        Some((credentials, rest)) => match credentials.split_once(':') {
            Some((user, _)) => format!("{user}:***@{rest}"),
            None => base.to_owned(),
        },
        None => base.to_owned(),
    }
}

/// Masks the values of secret parameters.
fn masked_query(query: &str) -> String {
    let mask = |pair: &str| match pair.split_once('=') {
        Some((key, _)) if super::parameters::is_secret(key) => format!("{key}=***"),
        _ => pair.to_owned(),
    };
    match query {
        "" => String::new(),
        _ => format!("?{}", query.split('&').map(mask).collect::<Vec<_>>().join("&")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<(String, String)> {
        parse(text).unwrap_or_else(|error| panic!("{text}: {error}")).pairs
    }

    fn value(text: &str, key: &str) -> Option<String> {
        read(text).into_iter().rfind(|(name, _)| name == key).map(|(_, value)| value)
    }

    #[test]
    fn the_parts_of_a_url_become_parameters() {
        let url = "postgres://ne%69l:a%3Ab+c@[::1]:5433,two,%2Frun%2Fpg:5434/la%20ughs?application_name=a%26b";
        assert_eq!(value(url, "user").unwrap(), "neil");
        assert_eq!(value(url, "password").unwrap(), "a:b+c");
        assert_eq!(value(url, "host").unwrap(), "::1,two,/run/pg");
        assert_eq!(value(url, "port").unwrap(), "5433,,5434");
        assert_eq!(value(url, "dbname").unwrap(), "la ughs");
        assert_eq!(value(url, "application_name").unwrap(), "a&b");
        assert_eq!(value("postgres://one/a?host=two&host=three", "host").unwrap(), "three");
        assert_eq!(value("postgres://one/a?ssl=true", "sslmode").unwrap(), "require");
        assert_eq!(value("postgres:", "host"), None);
        assert_eq!(value("postgresql:?service=nightly", "service").unwrap(), "nightly");
        assert_eq!(value("postgres://neil@/laughs", "host"), None);
    }

    #[test]
    fn a_url_that_cannot_be_read_is_not_echoed() {
        for url in [
            "postgres://neil:se@cret@db/laughs",
            "postgres://neil:se/cret@db/laughs",
            "postgres://neil:se?cret@db/laughs",
            "postgres://neil:se?cret=1@db/laughs",
            "postgres://neil:secret%zz@db/laughs",
            "postgres://neil:secret%0@db/laughs",
            "postgres://neil:secret@[::1/laughs",
            "postgres://neil:secret@[::1]x/laughs",
            "postgres://db/laughs?secret",
            "postgres:neil:secret",
        ] {
            let error = parse(url).err().unwrap_or_else(|| panic!("{url}")).to_string();
            assert!(!error.contains("cret"), "{error}");
        }
    }
}
