//! The section `[gateway]` of the configuration.

use std::time::Duration;

use serde::Deserialize;

/// The gateway's settings, with defaults that a busy store does not meet.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct GatewaySettings {
    /// Bytes of a JSON body, at most.
    pub(crate) json_body_limit: usize,
    /// Bytes of a gRPC message, at most.
    pub(crate) grpc_body_limit: usize,
    /// Bytes of the path and query, at most.
    pub(crate) url_limit: usize,
    /// Bytes of all headers together, at most.
    pub(crate) header_limit: usize,
    /// Seconds that a call may take when the client names no deadline.
    pub(crate) default_deadline_s: u64,
    /// Seconds that a client may ask for, at most.
    pub(crate) longest_deadline_s: u64,
    /// Origins whose pages may call the API from a browser, for example `https://console.group.example`; `*` for all.
    pub(crate) allowed_origins: Vec<String>,
    /// How many proxies of ours stand in front and append to `x-forwarded-for`; 0 takes the connection's address.
    pub(crate) trusted_proxies: usize,
    /// How often somebody may call.
    pub(crate) limits: RateSettings,
}

/// How often somebody may call. Redis counts for all replicas together.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RateSettings {
    /// One account.
    pub(crate) account: Rate,
    /// One client address (IPv6: one /64), whoever calls from there.
    pub(crate) address: Rate,
    /// Sign-ins from one address.
    pub(crate) sign_in_address: Rate,
    /// Sign-ins with one login from one address.
    pub(crate) sign_in_login: Rate,
    /// Sign-ins with one login, from wherever.
    pub(crate) sign_in_login_anywhere: Rate,
}

/// So many in so many seconds, and so many at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rate {
    /// Calls in the long run; at least 1.
    pub(crate) calls: u32,
    /// Seconds in which they are made; at least 1.
    pub(crate) per_s: u32,
    /// Calls at once after a pause; at least 1.
    pub(crate) burst: u32,
}

impl Default for GatewaySettings {
    fn default() -> Self {
        Self {
            json_body_limit: 1 << 20,
            grpc_body_limit: 4 << 20,
            url_limit: 8 << 10,
            header_limit: 16 << 10,
            default_deadline_s: 30,
            longest_deadline_s: 300,
            allowed_origins: Vec::new(),
            trusted_proxies: 0,
            limits: RateSettings::default(),
        }
    }
}

impl Default for RateSettings {
    fn default() -> Self {
        Self {
            account: Rate { calls: 2_000, per_s: 1, burst: 4_000 },
            address: Rate { calls: 4_000, per_s: 1, burst: 8_000 },
            // A showroom signs in from one address in the morning.
            sign_in_address: Rate { calls: 60, per_s: 60, burst: 60 },
            sign_in_login: Rate { calls: 10, per_s: 60, burst: 10 },
            // More than one address can use up, so that nobody alone keeps a login's owner out.
            sign_in_login_anywhere: Rate { calls: 120, per_s: 60, burst: 120 },
        }
    }
}

impl GatewaySettings {
    pub(crate) fn default_deadline(&self) -> Duration {
        Duration::from_secs(self.default_deadline_s)
    }

    pub(crate) fn longest_deadline(&self) -> Duration {
        Duration::from_secs(self.longest_deadline_s)
    }
}

impl Rate {
    /// The time after which one more call is allowed.
    pub(crate) fn interval(&self) -> Duration {
        Duration::from_secs(self.per_s.max(1).into()) / self.calls.max(1)
    }

    /// How many calls one replica takes from the common count at a time, so that not every call asks Redis. A
    /// twentieth of a second's worth: what a replica holds unused is little, and it is given up after a second.
    pub(crate) fn lease(&self) -> u32 {
        (self.calls / self.per_s.max(1) / 20).clamp(1, 500)
    }
}
