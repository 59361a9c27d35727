//! The limit that a replica keeps on its own while Redis is away.

use std::{
    num::NonZeroU32,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use governor::{
    DefaultKeyedRateLimiter, Quota, RateLimiter,
    clock::{Clock as _, DefaultClock},
};

use super::limiter::Key;
use crate::settings::Rate;

/// After so many calls, clients that were not seen for long are forgotten.
const TIDY_AFTER: usize = 100_000;

#[derive(Debug)]
pub(super) struct Local {
    limiter: DefaultKeyedRateLimiter<Key>,
    clock: DefaultClock,
    calls: AtomicUsize,
}

impl Local {
    pub(super) fn new(rate: Rate) -> Self {
        let burst = NonZeroU32::new(rate.burst).unwrap_or(NonZeroU32::MIN);
        let quota =
            Quota::with_period(rate.interval()).unwrap_or(Quota::per_second(burst)).allow_burst(burst);
        Self {
            limiter: RateLimiter::keyed(quota),
            clock: DefaultClock::default(),
            calls: AtomicUsize::new(0),
        }
    }

    /// Counts one call, or tells how long to wait.
    pub(super) fn admit(&self, key: Key) -> Result<(), Duration> {
        if self.calls.fetch_add(1, Ordering::Relaxed).is_multiple_of(TIDY_AFTER) {
            self.limiter.retain_recent();
        }
        self.limiter.check_key(&key).map_err(|until| until.wait_time_from(self.clock.now()))
    }
}
