//! `giggles serve`: reads the flags into `serve::Settings`, listens, and serves until a signal arrives.

use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use giggles::domain::Reason;
use giggles::environment;
use giggles::error::Fatal;
use giggles::exit::Exit;
use giggles::object_store::is_object_url;
use giggles::serve::{Access, Settings, Tokens, serve};

use super::database_url::read_private;
use super::settings::{Given, config, given, path, variable, wrong, zone};
use super::signals::SignalHandler;
use super::stored::Database;
use super::{help_end_without_codes, print_text};

const EXAMPLES: &str = "\
Examples:
  giggles serve --clips ~/laughs
      serve pages on http://127.0.0.1:8760, to this machine only
  giggles serve --listen 0.0.0.0:8760 --token-file tokens --host laughs.example.org
      serve a network; viewers log in with a token of the file
  giggles serve --trust-proxy-header Remote-User --host laughs.example.org
      serve a proxy on this machine that encrypts and authenticates

The token file has one token a line: TOKEN sees all sources; TOKEN SOURCE sees one source, and several with a line for each.
Make a token with openssl rand -hex 32. Other users of this machine can open what a loopback address serves, unless a
token is needed.

SIGTERM and SIGINT end the server: it answers the requests that it has, for five seconds at most, and exits with 0. A second
signal ends it at once.";

/// The address without --listen: this machine only.
pub const LISTEN: &str = "127.0.0.1:8760";
/// The file of systemd's credentials (`LoadCredential=serve-tokens:…`) that holds the tokens.
const CREDENTIAL: &str = "serve-tokens";
/// Time from a signal to the end.
const GRACE: Duration = Duration::from_secs(5);

/// The flags of `giggles serve`.
#[derive(Args)]
#[command(after_help = help_end_without_codes(EXAMPLES))]
pub struct Arguments {
    /// Listen on this address and port [default: 127.0.0.1:8760] [env: GIGGLES_LISTEN]
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<String>,
    /// Play the clips in this folder, which `scan --clips` wrote [env: GIGGLES_CLIPS]
    #[arg(long, value_name = "FOLDER")]
    clips: Option<PathBuf>,
    /// Set the time zone of calendar days [default: that of the last run] [env: GIGGLES_TZ]
    #[arg(long, value_name = "ZONE")]
    tz: Option<String>,
    /// Require a token of this file from every viewer and program [env: GIGGLES_TOKEN_FILE]
    #[arg(long, value_name = "FILE", help_heading = "Access")]
    token_file: Option<PathBuf>,
    /// Let a proxy authenticate: it names its user in this header, which no viewer may be able to send
    /// [env: GIGGLES_TRUST_PROXY_HEADER]
    #[arg(long, value_name = "NAME", help_heading = "Access")]
    trust_proxy_header: Option<String>,
    /// Serve this host name; give several with commas [default: localhost and addresses] [env: GIGGLES_HOST]
    #[arg(long, value_name = "NAME", help_heading = "Access")]
    host: Option<String>,
    #[command(flatten, next_help_heading = "Database")]
    database: Database,
}

/// Serves until a signal arrives.
pub fn run(arguments: &Arguments, quiet: bool, signals: &SignalHandler) -> Result<Exit, Fatal> {
    let listeners = listeners(arguments)?;
    let settings = settings(arguments)?;
    let addresses: Vec<SocketAddr> = listeners.iter().filter_map(|listener| listener.local_addr().ok()).collect();
    let is_protected = settings.access.tokens.is_some() || settings.access.proxy_header.is_some();
    if let Some(open) = addresses.iter().find(|address| !address.ip().to_canonical().is_loopback() && !is_protected) {
        let why = format!(
            "{open} can be reached from other machines; give --token-file or --trust-proxy-header, or listen on {LISTEN}"
        );
        return Err(wrong("--listen", why));
    }
    signals.set_grace(GRACE);
    if !quiet {
        addresses.iter().try_for_each(|address| print_text(&format!("serving http://{address}\n")))?;
    }
    serve(settings, listeners, &signals.stop).map(|()| Exit::Complete)
}

fn settings(arguments: &Arguments) -> Result<Settings, Fatal> {
    let header = given("--trust-proxy-header", arguments.trust_proxy_header.as_deref())?;
    if let Some(header) = &header {
        check_header(header)?;
    }
    let proxy_header = header.and_then(|given| given.text.trim().parse().ok());
    let hosts = given("--host", arguments.host.as_deref())?.map(|given| hosts_of(&given)).transpose()?;
    Ok(Settings {
        database: arguments.database.location()?,
        clips: clips(arguments)?,
        zone: zone(arguments.tz.as_deref())?,
        access: Access::new(tokens(arguments)?, proxy_header),
        hosts: hosts.unwrap_or_default(),
    })
}

/// Whether the text is an address and a port; whether this machine has it shows when the server listens.
pub fn check_listen(given: &Given) -> Result<(), Fatal> {
    given.read(|text| {
        let (host, port) = text.trim().rsplit_once(':').unwrap_or_default();
        let is_host = !host.is_empty() && !host.contains('/') && (!host.contains(':') || host.starts_with('['));
        let is_address = is_host && port.parse::<u16>().is_ok();
        is_address.then_some(()).ok_or_else(|| format!("'{text}' is not an address with a port, such as {LISTEN}"))
    })
}

/// Whether the text is the name of a header (RFC 9110, 5.6.2: a token).
pub fn check_header(given: &Given) -> Result<(), Fatal> {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    let is_name = |text: &str| !text.is_empty() && text.bytes().all(is_token);
    given.read(|text| is_name(text.trim()).then_some(()).ok_or("is not the name of a header, such as Remote-User"))
}

/// The host names, without scheme and port.
pub fn hosts_of(given: &Given) -> Result<Vec<String>, Fatal> {
    let is_host = |host: &str| !host.contains(['/', ' ', '@']) && (!host.contains(':') || host.starts_with('['));
    let hosts = given.text.split(',').map(str::trim).filter(|host| !host.is_empty());
    let wrong = |host: &str| given.wrong(format!("'{host}' is not a host name; leave out scheme, port and path"));
    hosts.map(|host| if is_host(host) { Ok(host.to_owned()) } else { Err(wrong(host)) }).collect()
}

/// Whether the file has tokens, and other users cannot read it.
pub fn check_token_file(given: &Given) -> Result<(), Fatal> {
    from_file(Path::new(&given.text)).map(drop).map_err(|error| given.wrong(error.to_string()))
}

fn clips(arguments: &Arguments) -> Result<Option<PathBuf>, Fatal> {
    match path("--clips", arguments.clips.as_deref()) {
        Some(path) if is_object_url(&path) => {
            let why = "the server takes its clips from a folder of this machine; copy them there first (aws s3 sync, rclone sync) or mount the bucket";
            Err(wrong("--clips", why))
        }
        Some(path) if !path.is_dir() => {
            Err(wrong("--clips", format!("{} is not a folder; check that its disk is mounted", path.display())))
        }
        path => Ok(path),
    }
}

/// From the file, the variable `GIGGLES_TOKENS` with the same lines, or systemd's credential.
fn tokens(arguments: &Arguments) -> Result<Option<Tokens>, Fatal> {
    let credential = environment::var_os("CREDENTIALS_DIRECTORY").map(|folder| Path::new(&folder).join(CREDENTIAL));
    let file = path("--token-file", arguments.token_file.as_deref());
    let text = match (file, variable("GIGGLES_TOKENS")?, credential.filter(|path| path.exists())) {
        (Some(file), ..) => return from_file(&file).map(Some),
        (None, Some(text), _) => text,
        (None, None, Some(file)) => return from_file(&file).map(Some),
        (None, None, None) => return Ok(None),
    };
    Tokens::parse(&text).map(Some).map_err(|why| wrong("GIGGLES_TOKENS", why))
}

fn from_file(file: &Path) -> Result<Tokens, Fatal> {
    let shown = file.display();
    let bytes = read_private(file).map_err(|why| config(why.reworded(format!("the token file {shown} {why}"))))?;
    let text = String::from_utf8(bytes).map_err(|_| config(format!("the token file {shown} is not valid UTF-8")))?;
    Tokens::parse(&text).map_err(|why| config(format!("the token file {shown}: {why}")))
}

/// Those that systemd passes on (socket activation: `LISTEN_FDS`, `LISTEN_PID`), else those of `--listen`.
fn listeners(arguments: &Arguments) -> Result<Vec<TcpListener>, Fatal> {
    let mut inherited = listenfd::ListenFd::from_env();
    let of_systemd = (0..inherited.len()).filter_map(|index| inherited.take_tcp_listener(index).transpose());
    let of_systemd: Vec<TcpListener> = of_systemd.collect::<Result<_, _>>().map_err(|error| {
        config(
            Reason::new(format!("the socket of systemd cannot be used: {error}; give it a TCP address"))
                .caused_by(error),
        )
    })?;
    if !of_systemd.is_empty() {
        return Ok(of_systemd);
    }
    let listen = given("--listen", arguments.listen.as_deref())?;
    if let Some(listen) = &listen {
        check_listen(listen)?;
    }
    let (by, text) = listen.map_or(("--listen".to_owned(), LISTEN.to_owned()), |given| (given.by, given.text));
    let unusable = |error: std::io::Error| {
        let text = format!("{text}: {error}; give a free ADDRESS:PORT of this machine");
        wrong(&by, Reason::new(text).caused_by(error))
    };
    let addresses: Vec<SocketAddr> = text.trim().to_socket_addrs().map_err(unusable)?.collect();
    addresses.iter().map(|address| TcpListener::bind(address).map_err(unusable)).collect()
}
