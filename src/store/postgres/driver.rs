//! Converts libpq's parameters, with their units and special values, to the driver's configuration.
//!
//! Invariant: handles neither hosts nor passwords.

use std::time::Duration;

use postgres::Config;
use postgres::config::{ChannelBinding, LoadBalanceHosts, SslNegotiation};

use super::parameters::Parameters;
use super::tls::Mode;
use crate::store::StoreError;

pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// TCP keepalives detect a dead peer within a minute, not after the system's two hours: first probe after `IDLE`, then
/// every `INTERVAL`, connection closed after `SILENCE`. The server's side of the session gets the same settings.
pub const IDLE: Duration = Duration::from_secs(15);
pub const INTERVAL: Duration = Duration::from_secs(10);
pub const COUNT: u32 = 3;
pub const SILENCE: Duration = Duration::from_secs(45);
/// Far more than saving a year of detections takes.
pub const STATEMENT_TIMEOUT: Duration = Duration::from_secs(300);

/// None: no limit.
pub fn connect_timeout(parameters: &Parameters) -> Result<Option<Duration>, StoreError> {
    let seconds = parameters.number("connect_timeout")?;
    Ok(seconds.map_or(Some(CONNECT_TIMEOUT), seconds_above_zero))
}

fn seconds_above_zero(seconds: i64) -> Option<Duration> {
    u64::try_from(seconds).ok().filter(|seconds| *seconds > 0).map(|seconds| Duration::from_secs(seconds.min(86_400)))
}

pub fn statement_timeout(parameters: &Parameters) -> Result<Duration, StoreError> {
    let silence = parameters.number("tcp_user_timeout")?.filter(|silence| *silence > 0);
    let timeout = silence.map(|silence| Duration::from_millis(silence.unsigned_abs()).saturating_mul(5));
    Ok(timeout.map_or(STATEMENT_TIMEOUT, |timeout| timeout.max(Duration::from_secs(5))))
}

pub fn load_balancing(parameters: &Parameters) -> Result<LoadBalanceHosts, StoreError> {
    let word = parameters.read("load_balance_hosts", "disable or random", |word| match word {
        "disable" => Some(LoadBalanceHosts::Disable),
        "random" => Some(LoadBalanceHosts::Random),
        _ => None,
    })?;
    Ok(word.unwrap_or(LoadBalanceHosts::Disable))
}

pub fn config(
    parameters: &Parameters,
    user: &str,
    database: &str,
    connect_timeout: Option<Duration>,
    mode: Mode,
) -> Result<Config, StoreError> {
    let mut config = Config::new();
    config.user(user).dbname(database).load_balance_hosts(load_balancing(parameters)?);
    let name = parameters.get("application_name").or(parameters.get("fallback_application_name"));
    config.application_name(name.unwrap_or("giggles"));
    if let Some(options) = parameters.get("options") {
        config.options(options);
    }
    if let Some(limit) = connect_timeout {
        config.connect_timeout(limit);
    }
    let binding = parameters.read("channel_binding", "disable, prefer or require", |word| match word {
        "disable" => Some(ChannelBinding::Disable),
        "prefer" => Some(ChannelBinding::Prefer),
        "require" => Some(ChannelBinding::Require),
        _ => None,
    })?;
    config.channel_binding(binding.unwrap_or(ChannelBinding::Prefer));
    let negotiation = parameters.read("sslnegotiation", "postgres or direct", |word| match word {
        "postgres" => Some(SslNegotiation::Postgres),
        "direct" => Some(SslNegotiation::Direct),
        _ => None,
    })?;
    if negotiation == Some(SslNegotiation::Direct) && matches!(mode, Mode::Disable | Mode::Allow | Mode::Prefer) {
        return Err(StoreError::Config(
            "sslnegotiation=direct requires TLS: add sslmode=require, verify-ca or verify-full".into(),
        ));
    }
    config.ssl_negotiation(negotiation.unwrap_or(SslNegotiation::Postgres));
    keep_alive(&mut config, parameters)?;
    Ok(config)
}

/// As in libpq, 0 means the system's default.
fn keep_alive(config: &mut Config, parameters: &Parameters) -> Result<(), StoreError> {
    config.keepalives(parameters.switch("keepalives")?.unwrap_or(true));
    let seconds = |key: &str, usual: Duration| -> Result<Option<Duration>, StoreError> {
        Ok(parameters.number(key)?.map_or(Some(usual), seconds_above_zero))
    };
    if let Some(idle) = seconds("keepalives_idle", IDLE)? {
        config.keepalives_idle(idle);
    }
    if let Some(interval) = seconds("keepalives_interval", INTERVAL)? {
        config.keepalives_interval(interval);
    }
    let count = parameters.number("keepalives_count")?.map_or(Some(COUNT), |count| u32::try_from(count).ok());
    if let Some(count) = count.filter(|count| *count > 0) {
        config.keepalives_retries(count);
    }
    // In libpq, this is in milliseconds.
    let silence = parameters.number("tcp_user_timeout")?.map(|silence| u64::try_from(silence).unwrap_or(0));
    config.tcp_user_timeout(silence.map_or(SILENCE, Duration::from_millis));
    Ok(())
}
