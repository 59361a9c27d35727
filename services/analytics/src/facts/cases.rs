//! Cases: somebody said something.

use foursight_kernel::{
    ids::{CaseId, StoreId},
    sql,
};
use foursight_messaging::{HandleError, Received};
use foursight_proto::complaint::{events::v1::CaseOpened, v1::CaseKind};
use sqlx::PgConnection;

use super::Reading;

/// The event's own time is the intake's: a case is opened by taking it.
pub(super) async fn opened(
    tx: &mut PgConnection,
    event: &Received,
    told: &CaseOpened,
) -> Result<(), HandleError> {
    let (case, store, kind) = read(told)?;
    sqlx::query!(
        "INSERT INTO analytics.cases AS c (case_id, store_id, kind, open_time, version)
         VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (case_id) DO UPDATE
         SET store_id = EXCLUDED.store_id, kind = EXCLUDED.kind,
             open_time = EXCLUDED.open_time, version = EXCLUDED.version
         WHERE c.version < EXCLUDED.version",
        case.uuid(),
        store.uuid(),
        kind,
        sql::at(event.time) as _,
        event.version,
    )
    .execute(tx)
    .await?;
    Ok(())
}

fn read(told: &CaseOpened) -> Result<(CaseId, StoreId, i16), HandleError> {
    let mut reading = Reading::new();
    let case = reading.0.name::<CaseId>("case", &told.case);
    let store = reading.0.name::<StoreId>("store", &told.store);
    let kind = reading.0.required_enum::<CaseKind>("kind", told.kind);
    let kind = kind.and_then(|kind| i16::try_from(i32::from(kind)).ok());
    let fact = case.zip(store).zip(kind);
    reading.finish(fact.map(|((case, store), kind)| (case, store, kind)))
}
