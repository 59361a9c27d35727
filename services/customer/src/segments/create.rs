//! `CreateSegment`.

use foursight_access::{Principal, Reach, audit};
use foursight_kernel::{Error, RequestKey, Result, SegmentId, StoreId, Violations, replay, sql};
use foursight_proto::customer::v1::{CreateSegmentRequest, Segment};
use prost::Message as _;

use super::{
    MOST_SEGMENTS, SegmentError,
    row::{self, Row, Said},
};
use crate::context::Context;

/// Saves a segment.
///
/// # Errors
/// `STORE_OUT_OF_REACH`, `TOO_MANY_SEGMENTS`, `REQUEST_ID_REUSED`, and every wrong field at once.
pub(super) async fn create(
    ctx: &Context,
    caller: &Principal,
    request: CreateSegmentRequest,
) -> Result<Segment> {
    let mut v = Violations::default();
    let request_id = v.request_id(&request.request_id);
    let segment = request.segment.unwrap_or_default();
    let said = Said::parse(&mut v, &segment);
    v.check()?;
    let Some(said) = said else { return Err(Error::invalid_field("segment", "is required")) };
    match said.store {
        Some(store) => ctx.staff.require_store(caller, "segment.store", store).await?,
        None if caller.reach != Reach::Group => {
            let message = "is required: a segment of the whole group is for who reaches the whole group";
            return Err(Error::invalid_field("segment.store", message));
        }
        None => {}
    }
    let key = RequestKey::of(request_id, &segment);
    let key = key.as_ref();
    replay::once(key, |key| made_before(ctx, caller, key), write(ctx, caller, &said, key)).await
}

async fn made_before(ctx: &Context, caller: &Principal, key: &RequestKey) -> Result<Option<Segment>> {
    let mut tx = ctx.db.begin(caller).await?;
    let row = sqlx::query_as!(
        Row,
        "SELECT id, store_id, display_name, description, condition, shared, creator, version, create_time, update_time,
                archive_time, request_hash
         FROM customer.segments WHERE request_id = $1",
        key.id,
    )
    .fetch_optional(&mut *tx)
    .await?;
    let Some(row) = row else { return Ok(None) };
    key.confirm(row.request_hash.as_deref())?;
    Ok(Some(row::told(&mut tx, &row).await?))
}

/// `None` when the request id is taken.
async fn write(
    ctx: &Context,
    caller: &Principal,
    said: &Said,
    key: Option<&RequestKey>,
) -> Result<Option<Segment>> {
    let (now, id) = (ctx.now(), ctx.ids.next::<SegmentId>());
    let mut tx = ctx.db.begin(caller).await?;
    let in_use = sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM customer.segments
           WHERE archive_time IS NULL AND store_id IS NOT DISTINCT FROM $1"#,
        said.store.map(StoreId::uuid),
    )
    .fetch_one(&mut *tx)
    .await?;
    if in_use >= MOST_SEGMENTS {
        return Err(SegmentError::TooMany.into());
    }
    let (request_id, request_hash) = replay::columns(key);
    let written = sqlx::query!(
        "INSERT INTO customer.segments (id, store_id, display_name, description, condition, shared, creator, version,
             create_time, update_time, request_id, request_hash)
         VALUES ($1, $2, $3, $4, $5, $6, $7, 1, $8, $8, $9, $10)",
        id.uuid(),
        said.store.map(StoreId::uuid),
        said.display_name,
        said.description,
        said.condition.encode_to_vec(),
        said.shared,
        caller.subject.name(),
        sql::at(now) as _,
        request_id,
        request_hash,
    )
    .execute(&mut *tx)
    .await;
    if replay::unless_taken(written, "segments_request")?.is_none() {
        return Ok(None);
    }
    let action = audit::Action {
        method: "CreateSegment",
        resource: &id.name(),
        store: said.store,
        detail: serde_json::json!({ "shared": said.shared }),
    };
    audit::record(&mut tx, caller, now, action).await?;
    let row = row::read(&mut tx, caller, id).await?;
    let segment = row::told(&mut tx, &row).await?;
    tx.commit().await?;
    Ok(Some(segment))
}
