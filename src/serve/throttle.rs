//! Limits wrong tokens: per address and in total.
//!
//! A cookie is not limited: it cannot be guessed, and the limit must not lock out who has logged in.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Wrong tokens in a period, of one address and of all.
const PER_ADDRESS: u32 = 10;
const IN_TOTAL: u32 = 300;
const PERIOD: Duration = Duration::from_secs(60);

/// The wrong tokens of the current period.
#[derive(Default)]
pub struct Throttle {
    failures: Mutex<Failures>,
}

#[derive(Default)]
struct Failures {
    /// Start of the period.
    since: Option<Instant>,
    /// At most `IN_TOTAL` addresses.
    by_address: HashMap<IpAddr, u32>,
    in_total: u32,
}

impl Throttle {
    /// How long this address must wait before its next token is checked.
    pub fn wait(&self, peer: IpAddr, now: Instant) -> Option<Duration> {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        failures.begin(now);
        let of_address = failures.by_address.get(&network(peer)).copied().unwrap_or_default();
        let is_limited = of_address >= PER_ADDRESS || failures.in_total >= IN_TOTAL;
        is_limited.then(|| failures.since.map_or(PERIOD, |since| PERIOD.saturating_sub(now - since)))
    }

    /// Counts a wrong token.
    pub fn failed(&self, peer: IpAddr, now: Instant) {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        failures.begin(now);
        failures.in_total += 1;
        *failures.by_address.entry(network(peer)).or_default() += 1;
    }
}

impl Failures {
    fn begin(&mut self, now: Instant) {
        if self.since.is_none_or(|since| now.saturating_duration_since(since) >= PERIOD) {
            *self = Failures { since: Some(now), ..Failures::default() };
        }
    }
}

/// Of IPv6 the /64, which is what one client usually has.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_waits_after_ten_wrong_tokens_and_others_do_not() {
        let (throttle, now) = (Throttle::default(), Instant::now());
        let [a, b] = ["2001:db8::1", "192.0.2.1"].map(|text| text.parse::<IpAddr>().unwrap());
        for _ in 0..PER_ADDRESS {
            assert_eq!(throttle.wait(a, now), None);
            throttle.failed(a, now);
        }
        assert_eq!(throttle.wait("2001:db8::2".parse().unwrap(), now), Some(PERIOD), "the same network");
        assert_eq!(throttle.wait(b, now), None);
        assert_eq!(throttle.wait(a, now + PERIOD), None, "a period later");
    }

    #[test]
    fn many_addresses_together_are_limited_too() {
        let (throttle, now) = (Throttle::default(), Instant::now());
        for number in 0..IN_TOTAL {
            throttle.failed(IpAddr::from(number.to_be_bytes()), now);
        }
        assert!(throttle.wait(IpAddr::from([192, 0, 2, 1]), now).is_some());
    }
}
