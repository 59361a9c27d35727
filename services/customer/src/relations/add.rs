//! `AddRelation`.

use std::collections::HashMap;

use foursight_access::{Principal, audit};
use foursight_kernel::{
    CustomerId, Error, RelationId, RequestKey, Result, StaffId, StoreId, Violations, replay, sql,
    unique_violation,
};
use foursight_messaging::NewEvent;
use foursight_proto::customer::{
    events::v1::RelationAdded,
    v1::{AddRelationRequest, CustomerKind, Relation, RelationKind, SourceChannel},
};
use foursight_runtime::record;
use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    context::Context,
    customers::CustomerError,
    names,
    relations::{
        RelationError,
        row::{self, COLLECTION, relation_rows},
        rule::{from_other_side, inverse, misfit},
    },
};

struct NewRelation {
    customer: CustomerId,
    other: CustomerId,
    kind: RelationKind,
    source: SourceChannel,
    store: StoreId,
}

/// Says what somebody is to a customer.
///
/// # Errors
/// `CUSTOMER_NOT_FOUND`, `RELATION_EXISTS`, `STORE_OUT_OF_REACH`, `REQUEST_ID_REUSED`, and every wrong field at once.
pub(super) async fn add(ctx: &Context, caller: &Principal, request: AddRelationRequest) -> Result<Relation> {
    let mut v = Violations::default();
    let request_id = v.request_id(&request.request_id);
    let new = parse(&mut v, &request);
    v.check()?;
    let Some(new) = new else { return Err(Error::invalid_field("relation", "is required")) };
    ctx.staff.require_store(caller, "relation.store", new.store).await?;
    let content = AddRelationRequest { request_id: String::new(), ..request };
    let key = RequestKey::of(request_id, &content);
    let key = key.as_ref();
    let before = |key| made_before(ctx, caller, new.customer, key);
    replay::once(key, before, write(ctx, caller, &new, key)).await
}

fn parse(v: &mut Violations, request: &AddRelationRequest) -> Option<NewRelation> {
    let customer: Option<CustomerId> = v.name("parent", &request.parent);
    let relation = request.relation.clone().unwrap_or_default();
    let other: Option<CustomerId> = v.name("relation.other", &relation.other);
    if customer.is_some() && customer == other {
        v.push("relation.other", "must be another customer than the one in the path");
    }
    let kind = v.required_enum("relation.kind", relation.kind);
    let source = v.required_enum("relation.source", relation.source);
    let store = v.name("relation.store", &relation.store);
    Some(NewRelation { customer: customer?, other: other?, kind: kind?, source: source?, store: store? })
}

/// What the same request made the first time.
async fn made_before(
    ctx: &Context,
    caller: &Principal,
    from: CustomerId,
    key: &RequestKey,
) -> Result<Option<Relation>> {
    let mut tx = ctx.db.begin(caller).await?;
    let row = relation_rows!("r.request_id = $2", from.uuid(), key.id).fetch_optional(&mut *tx).await?;
    let Some(row) = row else { return Ok(None) };
    key.confirm(row.request_hash.as_deref())?;
    row.to_proto(caller, from).map(Some)
}

/// `None` when the request id is taken.
async fn write(
    ctx: &Context,
    caller: &Principal,
    new: &NewRelation,
    key: Option<&RequestKey>,
) -> Result<Option<Relation>> {
    let mut tx = ctx.db.begin(caller).await?;
    require_fit(&mut tx, new).await?;
    let id: RelationId = ctx.ids.next();
    let written = insert(&mut tx, ctx, new, (id, caller.staff()), key).await;
    if let Err(error) = &written
        && unique_violation(error) == Some("customer_relations_once")
    {
        return Err(RelationError::Exists.into());
    }
    if replay::unless_taken(written, "customer_relations_request")?.is_none() {
        return Ok(None);
    }
    let added = RelationAdded {
        relation: names::below(new.customer, COLLECTION, id.uuid()),
        customer: new.customer.name(),
        store: new.store.name(),
        kind: new.kind.into(),
        other: new.other.name(),
    };
    let action = audit::Action {
        method: "AddRelation",
        resource: &added.relation,
        store: Some(new.store),
        detail: json!({ "kind": new.kind.as_str_name(), "other": added.other }),
    };
    let event = NewEvent::new(&added, id.uuid(), 1, Some(new.store));
    record::change(&mut tx, &ctx.ids, caller, ctx.now(), event, action).await?;
    let relation = row::find(&mut tx, new.customer, id).await?.to_proto(caller, new.customer)?;
    tx.commit().await?;
    Ok(Some(relation))
}

/// Locks both files, in one order, so that neither is absorbed or erased meanwhile, and looks whether the kind is theirs to have.
async fn require_fit(tx: &mut PgConnection, new: &NewRelation) -> Result<()> {
    let files = sqlx::query!(
        "SELECT id, kind FROM customer.customers WHERE id = ANY ($1) AND merged_into IS NULL ORDER BY id FOR KEY SHARE",
        &[new.customer.uuid(), new.other.uuid()],
    )
    .fetch_all(tx)
    .await?;
    let kinds: HashMap<Uuid, i16> = files.into_iter().map(|file| (file.id, file.kind)).collect();
    let kind_of = |customer: CustomerId| {
        let kind = kinds.get(&customer.uuid()).copied().ok_or(CustomerError::NotFound)?;
        CustomerKind::try_from(i32::from(kind)).map_err(Error::internal)
    };
    match misfit(new.kind, kind_of(new.customer)?, kind_of(new.other)?) {
        Some(why) => Err(Error::invalid_field("relation.kind", why)),
        None => Ok(()),
    }
}

async fn insert(
    tx: &mut PgConnection,
    ctx: &Context,
    new: &NewRelation,
    (id, staff): (RelationId, Option<StaffId>),
    key: Option<&RequestKey>,
) -> Result<(), sqlx::Error> {
    let (request_id, request_hash) = replay::columns(key);
    let (customer, other, kind) = if from_other_side(new.kind) {
        (new.other, new.customer, inverse(new.kind))
    } else {
        (new.customer, new.other, new.kind)
    };
    sqlx::query!(
        "INSERT INTO customer.customer_relations (id, customer_id, other_id, kind, source, start_time, store_id, staff_id,
             request_id, request_hash)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        id.uuid(),
        customer.uuid(),
        other.uuid(),
        sql::number(kind),
        sql::number(new.source),
        sql::at(ctx.now()) as _,
        new.store.uuid(),
        staff.map(StaffId::uuid),
        request_id,
        request_hash,
    )
    .execute(tx)
    .await?;
    Ok(())
}
