//! Parameters as the driver takes them: libpq's words, units and zeros.
//!
//! Invariant: knows no host and no password.

use std::time::Duration;

use postgres::Config;
use postgres::config::{ChannelBinding, LoadBalanceHosts, SslNegotiation};

use super::parameters::Parameters;
use super::tls::Mode;
use crate::store::StoreError;

pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// A peer that has gone silent is noticed within a minute, not after the system's two hours: asked after `IDLE`,
/// then every `INTERVAL`, and given up after `SILENCE`. The server is told the same of us.
pub const IDLE: Duration = Duration::from_secs(15);
pub const INTERVAL: Duration = Duration::from_secs(10);
pub const COUNT: u32 = 3;
pub const SILENCE: Duration = Duration::from_secs(45);
/// Far more than a save of a year's laughs needs.
pub const PATIENCE: Duration = Duration::from_secs(300);

/// None: for ever.
pub fn connect_timeout(parameters: &Parameters) -> Result<Option<Duration>, StoreError> {
    let seconds = parameters.number("connect_timeout")?;
    Ok(seconds.map_or(Some(CONNECT_TIMEOUT), seconds_above_zero))
}

fn seconds_above_zero(seconds: i64) -> Option<Duration> {
    u64::try_from(seconds).ok().filter(|seconds| *seconds > 0).map(|seconds| Duration::from_secs(seconds.min(86_400)))
}

pub fn patience(parameters: &Parameters) -> Result<Duration, StoreError> {
    let silence = parameters.number("tcp_user_timeout")?.filter(|silence| *silence > 0);
    let patience = silence.map(|silence| Duration::from_millis(silence.unsigned_abs()).saturating_mul(5));
    Ok(patience.map_or(PATIENCE, |patience| patience.max(Duration::from_secs(5))))
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
            "sslnegotiation=direct takes a server with TLS for granted: add sslmode=require, verify-ca or verify-full"
                .into(),
        ));
    }
    config.ssl_negotiation(negotiation.unwrap_or(SslNegotiation::Postgres));
    keep_alive(&mut config, parameters)?;
    Ok(config)
}

/// As libpq, 0 is the system's own value.
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
    // Of libpq, these are milliseconds.
    let silence = parameters.number("tcp_user_timeout")?.map(|silence| u64::try_from(silence).unwrap_or(0));
    config.tcp_user_timeout(silence.map_or(SILENCE, Duration::from_millis));
    Ok(())
}
