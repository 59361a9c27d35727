//! What the others answer. The last answer completes an erasure: what came meanwhile is swept, and the certificate is sealed.

use std::sync::Arc;

use async_trait::async_trait;
use foursight_access::{Principal, audit};
use foursight_kernel::{CustomerId, ErasureId, Error, Result, SharedClock, sql};
use foursight_messaging::{ConsumerSpec, HandleError, Handler, Received, Source};
use foursight_proto::{
    analytics::events::v1::CustomerDataErased as ErasedByAnalytics,
    complaint::events::v1::CustomerDataErased as ErasedByComplaint,
    customer::v1::{ErasedTable, ErasureState},
    notification::events::v1::CustomerDataErased as ErasedByNotification,
};
use foursight_runtime::erasure;
use jiff::Timestamp;
use serde_json::json;
use sqlx::{PgConnection, types::Json};

use super::{
    certificate,
    row::{self, ErasureRow, TableCounts},
};

/// The consumer of the others' answers.
pub(crate) fn consumer(clock: SharedClock) -> ConsumerSpec {
    let sources = [
        Source::event::<ErasedByAnalytics>(),
        Source::event::<ErasedByComplaint>(),
        Source::event::<ErasedByNotification>(),
    ];
    ConsumerSpec::new("erasure-answers", &sources, Arc::new(Answers { clock }))
}

struct Answers {
    clock: SharedClock,
}

#[async_trait]
impl Handler for Answers {
    async fn handle(&self, tx: &mut PgConnection, event: &Received) -> Result<(), HandleError> {
        let (service, erasure, tables) = if let Some(it) = event.decode::<ErasedByAnalytics>()? {
            ("analytics", it.erasure, it.tables)
        } else if let Some(it) = event.decode::<ErasedByComplaint>()? {
            ("complaint", it.erasure, it.tables)
        } else if let Some(it) = event.decode::<ErasedByNotification>()? {
            ("notification", it.erasure, it.tables)
        } else {
            return Ok(());
        };
        let id = ErasureId::parse_name(&erasure)
            .map_err(|error| HandleError::Permanent(Error::internal(error)))?;
        // Answers come at the same moment; the last of them has to see the others.
        let found = sqlx::query_as!(
            ErasureRow,
            r#"SELECT id, customer_id, state, ground, reference, requester, services, request_time, complete_time,
                      certificate, seal
               FROM customer.erasures WHERE id = $1 FOR UPDATE"#,
            id.uuid(),
        )
        .fetch_optional(&mut *tx)
        .await?;
        let Some(found) = found else { return Ok(()) };
        if found.state != sql::number(ErasureState::Running) {
            return Ok(());
        }
        keep(&mut *tx, id, service, event.time, &tables).await?;
        complete(tx, found, self.clock.now()).await?;
        Ok(())
    }
}

/// Keeps what a service has done; the first answer counts.
pub(super) async fn keep(
    tx: &mut PgConnection,
    id: ErasureId,
    service: &str,
    at: Timestamp,
    tables: &[ErasedTable],
) -> Result<()> {
    let tables: Vec<TableCounts> = tables.iter().map(TableCounts::from).collect();
    sqlx::query!(
        "INSERT INTO customer.erasure_answers (erasure_id, service, erase_time, tables) VALUES ($1, $2, $3, $4)
         ON CONFLICT DO NOTHING",
        id.uuid(),
        service,
        sql::at(at) as _,
        Json(tables) as _,
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// Completes an erasure whose row is locked, when all have answered.
async fn complete(tx: &mut PgConnection, row: ErasureRow, now: Timestamp) -> Result<()> {
    let id = ErasureId::from(row.id);
    let mut answers = row::answers(&mut *tx, id).await?;
    if row.services.iter().any(|service| !answers.iter().any(|answer| answer.service == *service)) {
        return Ok(());
    }
    // What was under way when the file went.
    let swept = erasure::erase(&mut *tx, CustomerId::from(row.customer_id), now).await?;
    if let Some(own) = answers.iter_mut().find(|answer| answer.service == "customer") {
        own.tables.0 = with_swept(&own.tables.0, &swept);
    }
    let certificate = certificate::text(&row, &answers, now)?;
    let seal = certificate::seal(&certificate);
    if let Some(own) = answers.iter().find(|answer| answer.service == "customer") {
        sqlx::query!(
            "UPDATE customer.erasure_answers SET tables = $2 WHERE erasure_id = $1 AND service = 'customer'",
            row.id,
            Json(&own.tables.0) as _,
        )
        .execute(&mut *tx)
        .await?;
    }
    sqlx::query!(
        "UPDATE customer.erasures SET state = $2, complete_time = $3, certificate = $4, seal = $5 WHERE id = $1",
        row.id,
        sql::number(ErasureState::Completed),
        sql::at(now) as _,
        certificate,
        seal,
    )
    .execute(&mut *tx)
    .await?;
    // The log outlives whoever could write another certificate.
    let action = audit::Action {
        method: "CompleteErasure",
        resource: &id.name(),
        store: None,
        detail: json!({ "customer": CustomerId::from(row.customer_id).name(), "seal": hex::encode(&seal) }),
    };
    audit::record(tx, &Principal::service("customer"), now, action).await
}

/// What was done in two goes: rows that went in either, and those that stayed after the last.
fn with_swept(first: &[TableCounts], swept: &[ErasedTable]) -> Vec<TableCounts> {
    let before = |table: &str| first.iter().find(|counts| counts.name == table);
    let both = |last: &ErasedTable| TableCounts {
        name: last.table.clone(),
        removed: last.removed + before(&last.table).map_or(0, |counts| counts.removed),
        blanked: last.blanked + before(&last.table).map_or(0, |counts| counts.blanked),
        kept: last.kept,
    };
    swept.iter().map(both).collect()
}
