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
        })
    }

    pub(crate) async fn account(&self, subject: &str) -> Result<()> {
        self.account.admit(subject.as_bytes()).await
    }

    pub(crate) async fn address(&self, address: IpAddr) -> Result<()> {
        self.address.admit(&network(address)).await
    }

    pub(crate) async fn sign_in(&self, address: IpAddr, login: Option<&str>) -> Result<()> {
        self.sign_in_address.admit(&network(address)).await?;
        match login {
            Some(login) => self.sign_in_login.admit(login.trim().to_lowercase().as_bytes()).await,
            None => Ok(()),
        }
    }
}

/// What counts as one client: an IPv4 address, or the /64 that one IPv6 host is given.
fn network(address: IpAddr) -> Vec<u8> {
    match address.to_canonical() {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).octets()[..8].to_vec(),
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
    }

    #[test]
    fn one_ipv6_host_is_one_client_and_a_mapped_address_is_its_ipv4() {
        let parse = |text: &str| network(text.parse().unwrap());
        assert_eq!(parse("2001:db8::1"), parse("2001:db8::ffff:2"));
        assert_ne!(parse("2001:db8::1"), parse("2001:db8:0:1::1"));
        assert_eq!(parse("::ffff:192.0.2.7"), parse("192.0.2.7"));
    }
}
