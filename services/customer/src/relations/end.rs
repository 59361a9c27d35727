//! `EndRelation`.

use std::mem;

use foursight_access::{Principal, audit};
use foursight_kernel::{
    CustomerId, Error, RelationId, RequestKey, Result, StaffId, StoreId, Violations, sql,
};
use foursight_messaging::NewEvent;
use foursight_proto::customer::{
    events::v1::RelationEnded,
    v1::{EndRelationRequest, Relation},
};
use foursight_runtime::{record, step};
use serde_json::json;

use crate::{
    context::Context,
    customers::stores,
    names,
    relations::{RelationError, row},
};

const METHOD: &str = "EndRelation";

/// Ends a relation, for both.
///
/// # Errors
/// `CUSTOMER_NOT_FOUND`, `RELATION_NOT_FOUND`, `RELATION_ENDED`, `STORE_OUT_OF_REACH`, `REQUEST_ID_REUSED`, and every wrong field at once.
pub(super) async fn end(
    ctx: &Context,
    caller: &Principal,
    mut request: EndRelationRequest,
) -> Result<Relation> {
    let mut v = Violations::default();
    let from: Option<CustomerId> = v.name("name", &request.name);
    let id: Option<RelationId> = names::parse_below(&mut v, "relation", &request.relation, from);
    let store: Option<StoreId> = v.name("store", &request.store);
    let request_id = v.request_id(&mem::take(&mut request.request_id));
    v.check()?;
    let (Some(from), Some(id), Some(store)) = (from, id, store) else {
        return Err(Error::invalid_field("name", "is required"));
    };
    ctx.staff.require_store(caller, "store", store).await?;
    let key = RequestKey::of_step(request_id, METHOD, &caller.subject.name(), &request);
    let now = ctx.now();
    let mut tx = ctx.db.begin(caller).await?;
    stores::require_visible(&mut tx, from).await?;
    sqlx::query!(
        "SELECT FROM customer.customer_relations WHERE id = $1 AND (customer_id = $2 OR other_id = $2) FOR UPDATE",
        id.uuid(),
        from.uuid(),
    )
    .fetch_optional(&mut *tx)
    .await?
    .ok_or(RelationError::NotFound)?;
    let it = row::find(&mut tx, from, id).await?;
    if step::is_new(&mut tx, key.as_ref(), store, now).await? {
        if it.end_time.is_some() {
            return Err(RelationError::Ended.into());
        }
        // With it end those that say the same and rest.
        sqlx::query!(
            "UPDATE customer.customer_relations
             SET end_time = greatest(start_time, $4), end_store_id = $5, end_staff_id = $6
             WHERE end_time IS NULL AND kind = $3
               AND ((customer_id = $1 AND other_id = $2) OR (customer_id = $2 AND other_id = $1))",
            it.customer_id,
            it.other_id,
            it.kind,
            sql::at(now) as _,
            store.uuid(),
            caller.staff().map(StaffId::uuid),
        )
        .execute(&mut *tx)
        .await?;
        let ended = RelationEnded {
            relation: names::below(from, row::COLLECTION, it.id),
            customer: from.name(),
            store: store.name(),
            kind: it.kind_from(from)?.into(),
            other: it.other(from).name(),
        };
        let action = audit::Action {
            method: METHOD,
            resource: &ended.relation,
            store: Some(store),
            detail: json!({ "other": ended.other }),
        };
        let event = NewEvent::new(&ended, it.id, 2, Some(store));
        record::change(&mut tx, &ctx.ids, caller, now, event, action).await?;
    }
    let relation = row::find(&mut tx, from, id).await?.to_proto(caller, from)?;
    tx.commit().await?;
    Ok(relation)
}
