//! One limit: calls are taken from the common count in small leases and spent here.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use aws_lc_rs::digest;
use foursight_kernel::{Error, Result};

use super::{
    local::Local,
    redis::{Grant, Store},
};
use crate::settings::Rate;

/// Who is limited, hashed: neither Redis nor a dump of memory tells who called.
pub(super) type Key = [u8; 16];

/// After this, unused calls are given up: the common count has moved on.
const LEASE: Duration = Duration::from_secs(1);
/// A refusal is remembered for at most so long before the common count is asked again.
const REFUSAL: Duration = Duration::from_secs(1);
/// So many may ask the common count at once.
const TURNS: usize = 64;
/// More clients than this at once: what is over is forgotten first.
const MANY: usize = 50_000;

#[derive(Debug)]
pub(super) struct Limiter {
    name: &'static str,
    rate: Rate,
    store: Arc<Store>,
    local: Local,
    leases: Mutex<HashMap<Key, Lease>>,
    /// Whose turn it is to ask the common count; clients share them.
    turns: [tokio::sync::Mutex<()>; TURNS],
}

#[derive(Debug, Clone, Copy)]
enum Lease {
    Calls { left: u32, until: Instant },
    Refused { until: Instant },
}

impl Limiter {
    pub(super) fn new(name: &'static str, rate: Rate, store: Arc<Store>) -> Self {
        Self {
            name,
            rate,
            store,
            local: Local::new(rate),
            leases: Mutex::default(),
            turns: std::array::from_fn(|_| tokio::sync::Mutex::default()),
        }
    }

    /// Counts one call.
    ///
    /// # Errors
    /// `RESOURCE_EXHAUSTED` with the time after which to try again.
    pub(super) async fn admit(&self, who: &[u8]) -> Result<()> {
        let key = self.key(who);
        if let Some(known) = self.spend(key) {
            return known.map_err(exhausted);
        }
        // One asks for all that come at the same moment. Were each to take a lease, few would take more calls than there are, and
        // the others be refused for nothing.
        let _turn = self.turns[usize::from(key[0]) % TURNS].lock().await;
        if let Some(known) = self.spend(key) {
            return known.map_err(exhausted);
        }
        match self.store.take(self.name, &key, self.rate).await {
            Some(Grant::Calls(granted)) => {
                self.keep(key, granted - 1);
                Ok(())
            }
            Some(Grant::After(wait)) => {
                self.refuse(key, wait);
                Err(exhausted(wait))
            }
            None => self.local.admit(key).map_err(exhausted),
        }
    }

    fn key(&self, who: &[u8]) -> Key {
        let mut context = digest::Context::new(&digest::SHA256);
        context.update(self.name.as_bytes());
        context.update(b"\0");
        context.update(who);
        let mut key = Key::default();
        for (place, byte) in key.iter_mut().zip(context.finish().as_ref()) {
            *place = *byte;
        }
        key
    }

    /// None when Redis has to be asked.
    fn spend(&self, key: Key) -> Option<Result<(), Duration>> {
        let now = Instant::now();
        let mut leases = self.leases.lock().unwrap_or_else(PoisonError::into_inner);
        match leases.get_mut(&key)? {
            Lease::Calls { left, until } if *left > 0 && *until > now => {
                *left -= 1;
                Some(Ok(()))
            }
            Lease::Refused { until } if *until > now => Some(Err(*until - now)),
            _ => None,
        }
    }

    fn keep(&self, key: Key, calls: u32) {
        let now = Instant::now();
        let mut leases = self.leases.lock().unwrap_or_else(PoisonError::into_inner);
        if leases.len() >= MANY {
            leases.retain(|_, lease| match lease {
                Lease::Calls { left, until } => *left > 0 && *until > now,
                Lease::Refused { until } => *until > now,
            });
        }
        leases.insert(key, Lease::Calls { left: calls, until: now + LEASE });
    }

    fn refuse(&self, key: Key, wait: Duration) {
        let until = Instant::now() + wait.min(REFUSAL);
        let mut leases = self.leases.lock().unwrap_or_else(PoisonError::into_inner);
        leases.insert(key, Lease::Refused { until });
    }
}

fn exhausted(wait: Duration) -> Error {
    Error::exhausted("RATE_LIMITED", "too many calls: wait, then go on more slowly", wait)
}
