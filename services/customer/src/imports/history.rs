//! What deliveries and visits of the past have in common: they are told as what they are, brought in later, so that nobody acts on them.

use foursight_kernel::{Error, StaffId, sql};
use foursight_messaging::{NewEvent, outbox::PastEvent};
use foursight_proto::customer::v1::LifeCycleStage;
use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    context::Context,
    customers::stage::{self, Dealing},
    imports::{
        kind::{FieldSpec, SetBack},
        reading::Reader,
        worker::Stop,
    },
    store_days,
};

const ADVISOR: &str = "advisor";

/// The column that says who it was. By name nobody can be told for sure.
pub(super) const ADVISOR_FIELD: FieldSpec = FieldSpec {
    key: ADVISOR,
    names: &["顾问id", "顾问编号", "员工编号", "staff id", "advisor id"],
    rule: "请填写员工的编号（staff/…），没有就留空",
};

/// Reads who it was.
pub(super) fn advisor(it: &mut Reader<'_>) -> Option<StaffId> {
    it.ruled(ADVISOR, |text| {
        let name = if text.starts_with("staff/") { text.to_owned() } else { format!("staff/{text}") };
        StaffId::parse_name(&name)
    })
}

/// Which day it was in China: a record is the same one again by its day.
pub(super) fn day_of(at: Timestamp) -> Date {
    at.to_zoned(store_days::usual()).date()
}

/// What undoing a record needs, sealed under the run's key.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Before {
    /// The owner's stage as it was, as the row made it, and the file's version then.
    pub(super) stage: Option<(i16, i16, i64)>,
    /// Whether the car's file said nothing of a hand-over.
    pub(super) delivered: bool,
}

/// Moves a customer's stage by something of the past: only forwards, and nobody who was taken for lost or dormant comes back by it.
pub(super) async fn deal(
    tx: &mut PgConnection,
    customer: Uuid,
    dealing: Dealing,
    now: Timestamp,
) -> Result<Option<(i16, i16, i64)>, Stop> {
    let was = sqlx::query_scalar!(
        "SELECT stage FROM customer.customers WHERE id = $1 AND merged_into IS NULL FOR NO KEY UPDATE",
        customer,
    )
    .fetch_optional(&mut *tx)
    .await?;
    let Some(was) = was else { return Ok(None) };
    let stage = LifeCycleStage::try_from(i32::from(was)).map_err(Error::internal)?;
    let moves = match stage {
        LifeCycleStage::Unspecified | LifeCycleStage::Prospect | LifeCycleStage::Intention => true,
        LifeCycleStage::Buyer => dealing == Dealing::Visit,
        LifeCycleStage::Service | LifeCycleStage::Dormant | LifeCycleStage::Lost => false,
    };
    if !moves {
        return Ok(None);
    }
    let is = sql::number(stage::after(stage, None, dealing));
    let version = sqlx::query_scalar!(
        "UPDATE customer.customers SET stage = $2, version = version + 1, update_time = $3 WHERE id = $1 RETURNING version",
        customer,
        is,
        sql::at(now) as _,
    )
    .fetch_one(tx)
    .await?;
    Ok(Some((was, is, version)))
}

/// Gives a customer the stage back, unless something has changed the file since.
pub(super) async fn deal_back(
    back: &mut SetBack<'_>,
    customer: Option<Uuid>,
    before: &Before,
) -> Result<(), Stop> {
    let Some((was, is, version)) = before.stage else { return Ok(()) };
    sqlx::query!(
        "UPDATE customer.customers SET stage = $2, version = version + 1, update_time = $5
         WHERE id = $1 AND stage = $3 AND version = $4",
        customer,
        was,
        is,
        version,
        sql::at(back.ctx.now()) as _,
    )
    .execute(&mut *back.tx)
    .await?;
    Ok(())
}

/// Tells of it at its own time.
pub(super) async fn tell(
    tx: &mut PgConnection,
    ctx: &Context,
    mut events: Vec<(Timestamp, NewEvent)>,
) -> Result<(), Stop> {
    // Stable: what is told at one instant stays in its order.
    events.sort_by_key(|(at, _)| *at);
    let events = events.into_iter().map(|(at, event)| PastEvent { id: ctx.ids.uuid(), at, event }).collect();
    Ok(foursight_messaging::outbox::append_all(tx, events).await?)
}
