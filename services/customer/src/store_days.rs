//! Which day it is at a store: identity is asked for its time zone, which is remembered for a while.

use std::time::Duration;

use foursight_kernel::StoreId;
use foursight_proto::identity::v1::{GetStoreRequest, directory_service_client::DirectoryServiceClient};
use foursight_runtime::PeerChannel;
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use moka::future::Cache;
use tokio::time::timeout;

/// A store moves to another zone hardly ever.
const REMEMBERED: Duration = Duration::from_mins(10);
/// For how long identity is not asked again after it did not answer.
const PAUSE: Duration = Duration::from_secs(10);
/// For how long somebody who reads a file is made to wait for it.
const PATIENCE: Duration = Duration::from_millis(300);
const MOST_REMEMBERED: u64 = 10_000;
/// The hours in which a look through everything keeps nobody waiting.
const NIGHT: std::ops::Range<i8> = 1..5;
/// All of China has one zone.
const USUAL: &str = "Asia/Shanghai";

/// The dates of stores. Cheap to clone.
#[derive(Clone)]
pub(crate) struct StoreDays {
    identity: PeerChannel,
    zones: Cache<StoreId, TimeZone>,
    unanswered: Cache<StoreId, ()>,
}

impl StoreDays {
    pub(crate) fn new(identity: PeerChannel) -> Self {
        let zones = Cache::builder().max_capacity(MOST_REMEMBERED).time_to_live(REMEMBERED).build();
        let unanswered = Cache::builder().max_capacity(MOST_REMEMBERED).time_to_live(PAUSE).build();
        Self { identity, zones, unanswered }
    }

    /// The date at the store; in China where identity does not say which zone it has: a file is read whether it answers or not.
    pub(crate) async fn today(&self, store: StoreId, now: Timestamp) -> Date {
        now.to_zoned(self.zone(store).await).date()
    }

    /// The store's time zone; China's where identity does not say it.
    pub(crate) async fn zone(&self, store: StoreId) -> TimeZone {
        match self.zones.get(&store).await {
            Some(zone) => zone,
            None => self.look_up(store).await.unwrap_or_else(usual),
        }
    }

    async fn look_up(&self, store: StoreId) -> Option<TimeZone> {
        if self.unanswered.contains_key(&store) {
            return None;
        }
        let mut identity = DirectoryServiceClient::new(self.identity.clone());
        let answer = timeout(PATIENCE, identity.get_store(GetStoreRequest { name: store.name() })).await;
        let calendar = answer.ok().and_then(Result::ok).and_then(|store| store.into_inner().calendar);
        let zone = calendar.and_then(|calendar| TimeZone::get(&calendar.time_zone).ok());
        match &zone {
            Some(zone) => self.zones.insert(store, zone.clone()).await,
            None => self.unanswered.insert(store, ()).await,
        }
        zone
    }
}

/// The zone where there is no store to ask for.
pub(crate) fn usual() -> TimeZone {
    TimeZone::get(USUAL).unwrap_or(TimeZone::UTC)
}

/// Whether it is night where the stores are.
pub(crate) fn is_night(now: Timestamp) -> bool {
    NIGHT.contains(&now.to_zoned(usual()).hour())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn night_is_where_the_stores_are() {
        assert!(is_night("2026-03-01T18:30:00Z".parse().unwrap()));
        assert!(!is_night("2026-03-01T03:30:00Z".parse().unwrap()));
    }
}
