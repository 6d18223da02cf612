//! Who asks, and which sources they see: a token, the cookie of a login, or the header of an authenticating proxy.
//!
//! The cookie is `EXPIRES-MAC`; the MAC is made with the token as its key (HMAC-SHA256). So the server keeps no
//! sessions, and a token that leaves the file ends its logins.

use std::collections::BTreeSet;
use std::time::Instant;

use hmac::{Hmac, Mac};
use hyper::StatusCode;
use hyper::header::{AUTHORIZATION, COOKIE, HeaderName, RETRY_AFTER};
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::exchange::{Request, hex};
use super::problem::Problem;
use super::throttle::Throttle;

/// Name of the cookie.
const COOKIE_NAME: &str = "giggles_session";
/// How long a login lasts.
const SESSION_SECONDS: i64 = 30 * 24 * 3600;
/// Fewer characters could be guessed.
const SHORTEST: usize = 20;
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// The sources that a viewer sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Viewer {
    All,
    Only(BTreeSet<String>),
}

impl Viewer {
    pub fn sees(&self, source: &str) -> bool {
        match self {
            Viewer::All => true,
            Viewer::Only(sources) => sources.contains(source),
        }
    }
}

/// The tokens of a file or a variable.
///
/// One a line: `TOKEN` sees all sources, `TOKEN SOURCE` one source; the same token in several lines sees all of theirs.
#[derive(Clone, Default)]
pub struct Tokens(Vec<Token>);

#[derive(Clone)]
struct Token {
    /// SHA-256 of the token.
    digest: [u8; 32],
    viewer: Viewer,
}

impl Tokens {
    /// # Errors
    /// Says which line is wrong, and never repeats a token.
    pub fn parse(text: &str) -> Result<Tokens, String> {
        let mut tokens = Tokens::default();
        let lines = text.trim_start_matches('\u{feff}').lines().map(str::trim).zip(1..);
        for (line, number) in lines.filter(|(line, _)| !line.is_empty() && !line.starts_with('#')) {
            let (token, source) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
            if token.len() < SHORTEST || !token.bytes().all(is_token_byte) {
                return Err(format!(
                    "line {number}: a token has at least {SHORTEST} letters, digits or -._~+/=; make one with openssl rand -hex 32"
                ));
            }
            tokens.add(Sha256::digest(token).into(), source.trim());
        }
        if tokens.0.is_empty() {
            Err("there is no token; make one with openssl rand -hex 32".into())
        } else {
            Ok(tokens)
        }
    }

    fn add(&mut self, digest: [u8; 32], source: &str) {
        let new = match source {
            "" => Viewer::All,
            source => Viewer::Only(BTreeSet::from([source.to_owned()])),
        };
        match self.0.iter_mut().find(|token| token.digest == digest) {
            None => self.0.push(Token { digest, viewer: new }),
            Some(known) => match (&mut known.viewer, new) {
                (Viewer::Only(sources), Viewer::Only(more)) => sources.extend(more),
                (viewer, _) => *viewer = Viewer::All,
            },
        }
    }

    /// Compares with every token, so that the time says nothing.
    fn find(&self, matches: impl Fn(&Token) -> bool) -> Option<&Token> {
        self.0.iter().fold(None, |found, token| if matches(token) { Some(token) } else { found })
    }

    fn of_text(&self, text: &str) -> Option<&Token> {
        let digest = Sha256::digest(text);
        self.find(|token| token.digest.ct_eq(&digest).into())
    }

    fn of_session(&self, session: &str, now: Timestamp) -> Option<&Token> {
        let (expires, mac) = session.split_once('-')?;
        let seconds: i64 = expires.parse().ok()?;
        (seconds > now.as_second()).then_some(())?;
        self.find(|token| token.mac(expires).as_bytes().ct_eq(mac.as_bytes()).into())
    }
}

/// The characters of a bearer token (RFC 6750).
fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte)
}

impl Token {
    fn mac(&self, expires: &str) -> String {
        // A key of any length is accepted.
        let Ok(mut mac) = <Hmac<Sha256> as Mac>::new_from_slice(&self.digest) else { return String::new() };
        mac.update(b"giggles session ");
        mac.update(expires.as_bytes());
        hex(&mac.finalize().into_bytes())
    }
}

/// The settings of access.
#[derive(Default)]
pub struct Access {
    /// None: whoever reaches the server sees all; only on loopback.
    pub tokens: Option<Tokens>,
    /// The header in which an authenticating proxy names its user.
    pub proxy_header: Option<HeaderName>,
    pub(super) throttle: Throttle,
}

impl Access {
    pub fn new(tokens: Option<Tokens>, proxy_header: Option<HeaderName>) -> Access {
        Access { tokens, proxy_header, throttle: Throttle::default() }
    }

    /// Whether there is a login page.
    pub fn has_login(&self) -> bool {
        self.tokens.is_some()
    }

    /// Who asks.
    pub fn viewer(&self, request: &Request) -> Result<Viewer, Problem> {
        if let Some(name) = &self.proxy_header
            && request.header(name).is_some_and(|user| !user.trim().is_empty())
        {
            return Ok(Viewer::All);
        }
        let Some(tokens) = &self.tokens else {
            return match &self.proxy_header {
                None => Ok(Viewer::All),
                Some(name) => {
                    Err(Problem::forbidden(format!("the proxy sends no {name}; it must authenticate its users")))
                }
            };
        };
        if let Some(text) = bearer(request) {
            return self.checked(request, text).map(|token| token.viewer.clone());
        }
        let session = cookies(request).find_map(|(name, value)| (name == COOKIE_NAME).then_some(value));
        let token = session.and_then(|session| tokens.of_session(session, Timestamp::now()));
        token.map(|token| token.viewer.clone()).ok_or_else(Problem::unauthorized)
    }

    /// The value of `Set-Cookie` for this token.
    pub fn login(&self, request: &Request, text: &str) -> Result<String, Problem> {
        let token = self.checked(request, text)?;
        let expires = (Timestamp::now().as_second() + SESSION_SECONDS).to_string();
        let session = format!("{expires}-{}", token.mac(&expires));
        Ok(set_cookie(request, &session, SESSION_SECONDS))
    }

    /// The value of `Set-Cookie` that ends a login.
    pub fn logout(&self, request: &Request) -> String {
        set_cookie(request, "", 0)
    }

    fn checked(&self, request: &Request, text: &str) -> Result<&Token, Problem> {
        let now = Instant::now();
        if let Some(wait) = self.throttle.wait(request.peer, now) {
            let seconds = (wait.as_secs() + 1).to_string();
            let detail = format!("too many wrong tokens; wait {seconds} seconds");
            return Err(Problem::new(StatusCode::TOO_MANY_REQUESTS, detail).with(RETRY_AFTER, &seconds));
        }
        let token = self.tokens.as_ref().and_then(|tokens| tokens.of_text(text.trim()));
        token.ok_or_else(|| {
            self.throttle.failed(request.peer, now);
            log::warn!("a wrong token from {}", request.peer);
            let mut problem = Problem::unauthorized();
            problem.detail = "the token is wrong; the person who runs this server has it in the token file".into();
            problem
        })
    }
}

/// `Secure` if the viewer reached the proxy by TLS; over plain HTTP, browsers would refuse such a cookie.
fn set_cookie(request: &Request, value: &str, seconds: i64) -> String {
    let secure = if request.header(&FORWARDED_PROTO) == Some("https") { "; Secure" } else { "" };
    format!("{COOKIE_NAME}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}")
}

/// The token of `Authorization: Bearer TOKEN`.
fn bearer(request: &Request) -> Option<&str> {
    let (scheme, token) = request.header(&AUTHORIZATION)?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn cookies(request: &Request) -> impl Iterator<Item = (&str, &str)> {
    let headers = request.headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    headers.flat_map(|text| text.split(';')).filter_map(|pair| pair.trim().split_once('='))
}

#[cfg(test)]
mod tests {
    use hyper::Method;

    use super::*;
    use crate::serve::exchange::tests::request;

    const ALL: &str = "all-sources-0123456789abcdef";
    const NEIL: &str = "only-neil-0123456789abcdef";

    fn access() -> Access {
        let text = format!("# of the family\n{ALL}\n\n{NEIL} neil\n{NEIL}\tAnna Lena \n");
        Access::new(Some(Tokens::parse(&text).unwrap()), None)
    }

    fn only(sources: [&str; 2]) -> Viewer {
        Viewer::Only(sources.map(str::to_owned).into())
    }

    fn with(name: &str, value: &str) -> Request {
        request(Method::GET, "/", &[(name, value)])
    }

    #[test]
    fn a_token_sees_the_sources_of_its_lines() {
        let viewer = |token: &str| access().viewer(&with("authorization", &format!("Bearer {token}"))).ok();
        assert_eq!(viewer(ALL), Some(Viewer::All));
        assert_eq!(viewer(NEIL), Some(only(["neil", "Anna Lena"])));
        assert_eq!(viewer("only-neil-0123456789abcdeg"), None);
        assert!(access().viewer(&request(Method::GET, "/", &[])).is_err());
        let both = Access::new(Some(Tokens::parse(&format!("{NEIL} neil\n{NEIL}")).unwrap()), None);
        assert_eq!(both.viewer(&with("authorization", &format!("bearer {NEIL}"))).unwrap(), Viewer::All);
    }

    #[test]
    fn a_login_is_a_cookie_that_scripts_cannot_read_and_that_expires() {
        let access = access();
        let cookie = access.login(&request(Method::POST, "/login", &[]), NEIL).unwrap();
        assert!(cookie.contains("; HttpOnly; SameSite=Strict") && !cookie.contains("Secure") && !cookie.contains(NEIL));
        let session = cookie.split(';').next().unwrap();
        assert_eq!(access.viewer(&with("cookie", &format!("a=b; {session}"))).unwrap(), only(["neil", "Anna Lena"]));
        assert!(access.login(&with("x-forwarded-proto", "https"), NEIL).unwrap().ends_with("; Secure"));
        let (expires, mac) = session.split_once('=').unwrap().1.split_once('-').unwrap();
        let later: i64 = expires.parse::<i64>().unwrap() + 1;
        for forged in
            [format!("{later}-{mac}"), format!("{expires}-{}", "0".repeat(64)), format!("{expires}-"), "-".into()]
        {
            assert!(access.viewer(&with("cookie", &format!("{COOKIE_NAME}={forged}"))).is_err(), "{forged}");
        }
        let tokens = access.tokens.as_ref().unwrap();
        let at = |seconds: i64| Timestamp::from_second(seconds).unwrap();
        let text = format!("{expires}-{mac}");
        assert!(tokens.of_session(&text, at(later - 2)).is_some() && tokens.of_session(&text, at(later)).is_none());
    }

    #[test]
    fn a_login_ends_when_its_token_leaves_the_file() {
        let cookie = access().login(&request(Method::POST, "/login", &[]), NEIL).unwrap();
        let session = cookie.split(';').next().unwrap();
        let without = Access::new(Some(Tokens::parse(ALL).unwrap()), None);
        assert!(without.viewer(&with("cookie", session)).is_err());
    }

    #[test]
    fn wrong_tokens_are_limited_and_logins_are_not() {
        let access = access();
        let cookie = access.login(&request(Method::POST, "/login", &[]), ALL).unwrap();
        let status = || access.viewer(&with("authorization", "Bearer wrong")).unwrap_err().status.as_u16();
        let all: Vec<u16> = (0..12).map(|_| status()).collect();
        assert_eq!(all, [vec![401; 10], vec![429; 2]].concat());
        assert!(access.viewer(&with("cookie", cookie.split(';').next().unwrap())).is_ok());
    }

    #[test]
    fn the_header_of_a_proxy_is_required_once_it_is_trusted() {
        let name = HeaderName::from_static("remote-user");
        let proxied = Access::new(None, Some(name.clone()));
        assert_eq!(proxied.viewer(&with("remote-user", "neil")).unwrap(), Viewer::All);
        assert_eq!(proxied.viewer(&with("remote-user", " ")).unwrap_err().status, 403);
        let both = Access::new(Some(Tokens::parse(ALL).unwrap()), Some(name));
        assert_eq!(both.viewer(&with("authorization", &format!("Bearer {ALL}"))).unwrap(), Viewer::All);
        assert_eq!(access().viewer(&with("remote-user", "neil")).unwrap_err().status, 401, "not trusted");
    }

    #[test]
    fn wrong_token_files_are_refused_without_repeating_a_token() {
        for (text, why) in
            [("", "no token"), ("# x\n", "no token"), ("short\n", "line 1"), ("\nwith-a-quote\"0123456789\n", "line 2")]
        {
            let error = Tokens::parse(text).map(|_| ()).unwrap_err();
            assert!(error.contains(why) && !error.contains("quote\""), "{error}");
        }
    }
}
