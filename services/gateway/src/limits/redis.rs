//! The count that all replicas share: the generic cell rate algorithm, in one script.

use std::{
    fmt::{self, Write as _},
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    time::{Duration, Instant},
};

use redis::{
    Client, Script,
    aio::{ConnectionManager, ConnectionManagerConfig},
};

use super::limiter::Key;
use crate::settings::Rate;

/// A limit is worth no more waiting than this.
const TIMEOUT: Duration = Duration::from_millis(50);
/// After a failure the next call that asks Redis comes so much later; the others do not wait for it.
const PAUSE: Duration = Duration::from_secs(1);

/// `KEYS[1]` holds the theoretical arrival time in microseconds. Arguments: microseconds for each call, calls at once,
/// calls wanted. Answers with the calls granted, or with 0 and the microseconds to wait.
const GCRA: &str = r"
local now = redis.call('TIME')
now = now[1] * 1000000 + now[2]
local interval, burst, wanted = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local arrival = math.max(tonumber(redis.call('GET', KEYS[1]) or now), now)
local free = math.floor((now + burst * interval - arrival) / interval)
if free < 1 then
  return {0, arrival + interval - burst * interval - now}
end
local granted = math.min(wanted, free)
arrival = arrival + granted * interval
redis.call('SET', KEYS[1], string.format('%.0f', arrival), 'PX', math.ceil((arrival - now) / 1000) + 1)
return {granted, 0}
";

/// What the common count allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Grant {
    /// So many calls, at least one.
    Calls(u32),
    /// None until then.
    After(Duration),
}

pub(super) struct Store {
    connection: ConnectionManager,
    script: Script,
    started: Instant,
    /// Milliseconds after `started` until which Redis is not asked.
    paused_until: AtomicU64,
    away: AtomicBool,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("away", &self.away).finish_non_exhaustive()
    }
}

impl Store {
    /// Connects when it is first asked, and again in the background whenever the connection is lost.
    pub(super) fn new(url: &str) -> anyhow::Result<Self> {
        let config = ConnectionManagerConfig::new()
            .set_response_timeout(Some(TIMEOUT))
            .set_connection_timeout(Some(Duration::from_secs(1)))
            .set_number_of_retries(1);
        Ok(Self {
            connection: ConnectionManager::new_lazy_with_config(Client::open(url)?, config)?,
            script: Script::new(GCRA),
            started: Instant::now(),
            paused_until: AtomicU64::new(0),
            away: AtomicBool::new(false),
        })
    }

    /// None while Redis is away.
    pub(super) async fn take(&self, limit: &str, key: &Key, rate: Rate) -> Option<Grant> {
        if self.now() < self.paused_until.load(Ordering::Relaxed) {
            return None;
        }
        let mut name = format!("foursight:limit:{limit}:");
        for byte in key {
            // Writing to a string does not fail.
            let _ = write!(name, "{byte:02x}");
        }
        let interval = u64::try_from(rate.interval().as_micros()).unwrap_or(u64::MAX).max(1);
        let mut connection = self.connection.clone();
        let mut call = self.script.key(name);
        call.arg(interval).arg(rate.burst.max(1)).arg(rate.lease());
        let answer = tokio::time::timeout(TIMEOUT, call.invoke_async::<(u32, i64)>(&mut connection)).await;
        match answer {
            Ok(Ok((granted, wait))) => {
                if self.away.swap(false, Ordering::Relaxed) {
                    tracing::info!("redis is back: rate limits are counted for all replicas together again");
                }
                Some(match granted {
                    0 => Grant::After(Duration::from_micros(u64::try_from(wait).unwrap_or(0).max(1))),
                    calls => Grant::Calls(calls),
                })
            }
            Ok(Err(error)) => self.lost(&error.to_string()),
            Err(_) => self.lost("no answer in time"),
        }
    }

    fn lost(&self, error: &str) -> Option<Grant> {
        let pause = u64::try_from(PAUSE.as_millis()).unwrap_or(u64::MAX);
        self.paused_until.store(self.now() + pause, Ordering::Relaxed);
        if !self.away.swap(true, Ordering::Relaxed) {
            tracing::warn!(error, "redis is away: each replica counts rate limits on its own");
        }
        None
    }

    fn now(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}
