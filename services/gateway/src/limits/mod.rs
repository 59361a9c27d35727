//! Rate limits: one count for all replicas in Redis, and the same rate on each replica's own while Redis is away.

mod limiter;
mod local;
mod redis;

use std::{
    net::{IpAddr, Ipv6Addr},
    sync::Arc,
};

use foursight_kernel::Result;

use self::{limiter::Limiter, redis::Store};
use crate::settings::RateSettings;

/// Every limit that the gateway keeps.
#[derive(Debug)]
pub(crate) struct Limits {
    account: Limiter,
    address: Limiter,
    sign_in_address: Limiter,
    sign_in_login: Limiter,
    sign_in_login_anywhere: Limiter,
}

impl Limits {
    /// `redis_url` may name a server that is away; it is used as soon as it comes.
    pub(crate) fn new(settings: &RateSettings, redis_url: &str) -> anyhow::Result<Self> {
        let store = Arc::new(Store::new(redis_url)?);
        let limiter = |name, rate| Limiter::new(name, rate, store.clone());
        Ok(Self {
            account: limiter("account", settings.account),
            address: limiter("address", settings.address),
            sign_in_address: limiter("sign-in-address", settings.sign_in_address),
            sign_in_login: limiter("sign-in-login", settings.sign_in_login),
            sign_in_login_anywhere: limiter("sign-in-login-anywhere", settings.sign_in_login_anywhere),
        })
    }

    pub(crate) async fn account(&self, subject: &str) -> Result<()> {
        self.account.admit(subject.as_bytes()).await
    }

    pub(crate) async fn address(&self, address: IpAddr) -> Result<()> {
        self.address.admit(&key(address)).await
    }

    /// The tight limit is for a login at one network: whoever guesses there does not keep its owner out elsewhere.
    pub(crate) async fn sign_in(&self, address: IpAddr, login: Option<&str>) -> Result<()> {
        self.sign_in_address.admit(&key(address)).await?;
        let Some(login) = login else { return Ok(()) };
        let login = login.trim().to_lowercase();
        self.sign_in_login.admit(&[&key(address), login.as_bytes()].concat()).await?;
        self.sign_in_login_anywhere.admit(login.as_bytes()).await
    }
}

/// What counts as one client: an IPv4 address, or the /64 that one IPv6 host is given.
pub(crate) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
    }
}

/// The same, as bytes: always as many, so that what follows them cannot be taken for a part of them.
fn key(address: IpAddr) -> [u8; 16] {
    match network(address) {
        IpAddr::V4(address) => address.to_ipv6_mapped().octets(),
        IpAddr::V6(address) => address.octets(),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use tonic::Code;

    use super::*;

    /// Nobody listens there: what holds is the replica's own count.
    const AWAY: &str = "redis://127.0.0.1:1";

    #[tokio::test]
    async fn without_redis_the_same_rate_holds_and_calls_go_on() {
        let mut settings = RateSettings::default();
        settings.sign_in_address.burst = 100;
        settings.sign_in_login.burst = 3;
        let limits = Limits::new(&settings, AWAY).unwrap();
        let address = IpAddr::from([192, 0, 2, 7]);
        for login in ["Lin", "lin ", "LIN"] {
            limits.sign_in(address, Some(login)).await.unwrap();
        }
        let refused = limits.sign_in(address, Some("lin")).await.unwrap_err();
        assert_eq!((refused.code(), refused.reason()), (Code::ResourceExhausted, "RATE_LIMITED"));
        limits.sign_in(address, Some("wu")).await.unwrap();
        limits.sign_in(IpAddr::from([192, 0, 2, 8]), Some("lin")).await.unwrap();
    }

    #[tokio::test]
    async fn one_login_is_tried_from_everywhere_only_so_often() {
        let mut settings = RateSettings::default();
        settings.sign_in_login_anywhere.burst = 4;
        let limits = Limits::new(&settings, AWAY).unwrap();
        let from = |last| IpAddr::from([192, 0, 2, last]);
        for last in 1..=4 {
            limits.sign_in(from(last), Some("lin")).await.unwrap();
        }
        assert!(limits.sign_in(from(5), Some("lin")).await.is_err());
        limits.sign_in(from(5), Some("wu")).await.unwrap();
    }

    #[test]
    fn one_ipv6_host_is_one_client_and_a_mapped_address_is_its_ipv4() {
        let parse = |text: &str| network(text.parse().unwrap());
        assert_eq!(parse("2001:db8::1"), parse("2001:db8::ffff:2"));
        assert_ne!(parse("2001:db8::1"), parse("2001:db8:0:1::1"));
        assert_eq!(parse("::ffff:192.0.2.7"), parse("192.0.2.7"));
    }
}
