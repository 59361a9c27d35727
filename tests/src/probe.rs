//! A role of the tests' own that listens to everything. Its effects are not idempotent, as those of the services are: an event
//! that is handled twice leaves two rows.

use std::{sync::Arc, time::Duration};

use anyhow::Result;
use async_trait::async_trait;
use foursight_kernel::Error;
use foursight_messaging::{ConsumerSpec, HandleError, Handler, Received, Source, topology::PUBLISHERS};
use foursight_runtime::{Role, RoleContext, RoleParts};
use sqlx::{PgConnection, migrate::Migrator};

/// The probe's name, and its schema's.
pub const PROBE: &str = "probe";

static MIGRATOR: Migrator = sqlx::migrate!("./probe");

/// Listens to everything, and writes one row for each event that it handles.
#[derive(Debug, Clone, Copy)]
pub struct ProbeRole;

#[async_trait]
impl Role for ProbeRole {
    fn name(&self) -> &'static str {
        PROBE
    }

    fn migrator(&self) -> Option<&'static Migrator> {
        Some(&MIGRATOR)
    }

    async fn build(&self, _: &RoleContext) -> Result<RoleParts> {
        let consumer = ConsumerSpec::new("effects", &PUBLISHERS.map(Source::service), Arc::new(Effects));
        Ok(RoleParts { consumers: vec![consumer], ..RoleParts::default() })
    }
}

/// All roles of the product, and the probe.
pub fn roles() -> Vec<Arc<dyn Role>> {
    let mut roles = foursight::roles::all();
    roles.push(Arc::new(ProbeRole));
    roles
}

struct Effects;

#[async_trait]
impl Handler for Effects {
    async fn handle(&self, tx: &mut PgConnection, event: &Received) -> Result<(), HandleError> {
        let postponed: bool =
            sqlx::query_scalar("SELECT EXISTS (SELECT FROM probe.postponed WHERE event_id = $1)")
                .bind(event.id)
                .fetch_one(&mut *tx)
                .await?;
        if postponed {
            let later = Duration::from_secs(1);
            return Err(Error::unavailable("POSTPONED", "the event is to be tried again later", later).into());
        }
        sqlx::query("INSERT INTO probe.effects (event_id, event_type, version) VALUES ($1, $2, $3)")
            .bind(event.id)
            .bind(&event.event_type)
            .bind(event.version)
            .execute(tx)
            .await?;
        Ok(())
    }
}
