//! New files and events of a batch, a set at a time.

use foursight_kernel::CustomerId;
use foursight_messaging::{NewEvent, outbox::PastEvent};
use foursight_proto::customer::events::v1::{CustomerCreated, CustomerUpdated};
use jiff::Timestamp;
use sqlx::PgConnection;

use crate::{
    bulk::{events::Versions, seal::Sealed, write::customers},
    context::Context,
    imports::{run::Run, worker::Stop},
};

use super::{change::Change, plan::Plan};

/// Opens files.
pub(super) async fn creates(tx: &mut PgConnection, rows: &[Sealed]) -> Result<(), Stop> {
    if rows.is_empty() {
        return Ok(());
    }
    Ok(customers(tx, rows, &Versions::default()).await?)
}

/// Tells of all that changed.
pub(super) async fn events(
    tx: &mut PgConnection,
    ctx: &Context,
    run: &Run,
    plan: &Plan,
    now: Timestamp,
) -> Result<(), Stop> {
    let created = plan.creates.iter().map(|row| {
        let facts = &row.file.facts;
        let event = CustomerCreated {
            customer: row.file.id.name(),
            store: facts.store.name(),
            kind: facts.kind.into(),
            source: facts.source.into(),
        };
        NewEvent::new(&event, row.file.id.uuid(), 1, Some(facts.store))
    });
    let updated = plan.changes.iter().map(|change| updated(run, change));
    let events =
        created.chain(updated).map(|event| PastEvent { id: ctx.ids.uuid(), at: now, event }).collect();
    Ok(foursight_messaging::outbox::append_all(tx, events).await?)
}

fn updated(run: &Run, change: &Change) -> NewEvent {
    let mut fields: Vec<String> = change.fields.iter().map(|field| field.path().to_owned()).collect();
    if !change.points.is_empty() {
        fields.push("contact_points".to_owned());
    }
    if change.link {
        fields.push("stores".to_owned());
    }
    let id: CustomerId = change.file.id;
    let event = CustomerUpdated {
        customer: id.name(),
        store: run.store().name(),
        source: change.told.file.source.into(),
        fields,
    };
    NewEvent::new(&event, id.uuid(), change.file.version + i64::from(change.counts()), Some(run.store()))
}
