//! Tells outside the database how far a service's audit log is sealed, so that an end that is cut off is missed.

use std::sync::atomic::{AtomicI64, Ordering};

use foursight_access::audit;
use foursight_kernel::Result;
use foursight_messaging::{
    Bus,
    anchors::{self, Anchor},
};

/// Says that the last anchor is not known here.
const UNKNOWN: i64 = 0;

pub(super) struct Anchoring {
    service: &'static str,
    bus: Bus,
    /// The place that was told last.
    told: AtomicI64,
}

impl Anchoring {
    pub(super) fn new(service: &'static str, bus: Bus) -> Self {
        Self { service, bus, told: AtomicI64::new(UNKNOWN) }
    }

    /// Tells the chain's end, unless that was done. A thorough round asks what was told, since the stream may have lost its end, too.
    pub(super) async fn anchor(&self, end: Option<audit::Seal>, thorough: bool) -> Result<()> {
        // While NATS is away the log is sealed all the same; a later round tells how far it came.
        let Some(end) = end.filter(|_| self.bus.is_connected()) else { return Ok(()) };
        let told = self.told.swap(UNKNOWN, Ordering::Relaxed);
        let end = Anchor { link: end.link, hash: end.hash };
        if thorough || told == UNKNOWN {
            self.bus.ensure_streams().await?;
            let last = anchors::last(&self.bus, self.service).await?;
            if last.as_ref().is_some_and(|last| last.link >= end.link && *last != end) {
                tracing::error!(
                    service = self.service,
                    end = end.link,
                    anchored = last.as_ref().map(|last| last.link),
                    "the audit log is not the one that was anchored; `foursight audit` says more"
                );
            }
            if last.is_none() {
                tracing::warn!(
                    service = self.service,
                    end = end.link,
                    "the audit log had no anchor; it has one from here on"
                );
            }
            if last.as_ref() != Some(&end) {
                anchors::publish(&self.bus, self.service, &end).await?;
            }
        } else if told != end.link {
            anchors::publish(&self.bus, self.service, &end).await?;
        }
        self.told.store(end.link, Ordering::Relaxed);
        Ok(())
    }
}
