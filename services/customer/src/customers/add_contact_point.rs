//! `AddContactPoint`.

use std::mem;

use foursight_access::{Principal, audit};
use foursight_kernel::{
    ContactPointId, CustomerId, Error, Result, StoreId, Violations, sql, unique_violation,
};
use foursight_messaging::{NewEvent, outbox};
use foursight_proto::customer::{
    events::v1::{ContactPointAdded, ContactPointEnded},
    v1::{AddContactPointRequest, Customer, CustomerKind, SourceChannel},
};
use foursight_runtime::{record, step};
use jiff::Timestamp;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    contacts::ContactValue,
    context::Context,
    customers::{
        CustomerError, file, learn,
        new_file::MOST_CONTACT_POINTS,
        on_file::{self, OnFile},
        sealing::FieldKind,
        stores,
        tries::{self, Try},
    },
    names, times,
};

const METHOD: &str = "AddContactPoint";
const TAKEN: Try = Try { method: METHOD, reason: "PHONE_TAKEN" };
const TAKEN_OVER: Try = Try { method: METHOD, reason: "PHONE_TAKEN_OVER" };

struct Addition {
    value: ContactValue,
    store: StoreId,
    source: SourceChannel,
    since: Timestamp,
    confirmed: bool,
}

/// Whose phone it was until now.
struct Ended {
    holder: CustomerId,
    point: Uuid,
    version: i64,
}

/// Adds a way to reach the customer. A person's phone that is on another's file leaves that one, when it is confirmed.
///
/// # Errors
/// `CUSTOMER_NOT_FOUND`, `CONTACT_POINT_EXISTS`, `CONTACT_POINTS_FULL`, `PHONE_TAKEN`, `TOO_MANY_TRIES`, `STORE_OUT_OF_REACH`,
/// `REQUEST_ID_REUSED`, `CONFLICT`, and every wrong field at once.
pub(crate) async fn add(
    ctx: &Context,
    caller: &Principal,
    mut request: AddContactPointRequest,
) -> Result<Customer> {
    let now = ctx.now();
    let mut v = Violations::default();
    let id: Option<CustomerId> = v.name("name", &request.name);
    let request_id = v.request_id(&mem::take(&mut request.request_id));
    let it = parse(&mut v, &request, now);
    v.check()?;
    let (Some(id), Some(it)) = (id, it) else { return Err(Error::invalid_field("name", "is required")) };
    ctx.staff.require_store(caller, "store", it.store).await?;

    let key = ctx.keys.step_key(request_id, METHOD, &caller.subject.name(), &request);
    let mut tx = ctx.db.begin(caller).await?;
    let on_file = on_file::lock(&mut tx, ctx, id).await?;
    if step::is_new(&mut tx, key.as_ref(), it.store, now).await? {
        require_room(&mut tx, ctx, &on_file, &it).await?;
        let exclusive = on_file.kind == CustomerKind::Person && it.value.field_kind() == FieldKind::Phone;
        let ended = match free(&mut tx, ctx, caller, (&on_file, exclusive), &it, now).await? {
            Free::Yes(ended) => ended,
            Free::Taken(hash) => {
                tx.rollback().await?;
                return Err(refuse(ctx, caller, &it, &hash, now).await?);
            }
        };
        let point = insert(&mut tx, ctx, &on_file, &it, exclusive).await?;
        tell(ctx, &mut tx, caller, &on_file, (&it, point), ended.as_ref(), now).await?;
    }
    file::commit_and_read(tx, ctx, id).await
}

fn parse(v: &mut Violations, request: &AddContactPointRequest, now: Timestamp) -> Option<Addition> {
    let store = v.name("store", &request.store);
    let source = v.required_enum("source", request.source);
    let told = v.timestamp("start_time", request.start_time.as_ref());
    let since = times::past(v, "start_time", told, now);
    let kind = v.required_enum("kind", request.kind)?;
    let value = ContactValue::parse(kind, &request.value).map_err(|error| v.push("value", error)).ok();
    Some(Addition {
        value: value?,
        store: store?,
        source: source?,
        since,
        confirmed: request.phone_confirmed,
    })
}

/// Refuses what the file has, and what is too much for it.
async fn require_room(tx: &mut PgConnection, ctx: &Context, on_file: &OnFile, it: &Addition) -> Result<()> {
    let held = learn::held(tx, on_file.id).await?;
    let hash = ctx.keys.contact_hash(&it.value);
    if learn::holds(&held, &on_file.key, &it.value, hash.as_deref())? {
        return Err(CustomerError::PointExists.into());
    }
    if held.len() >= MOST_CONTACT_POINTS {
        return Err(CustomerError::PointsFull.into());
    }
    Ok(())
}

/// Whether a value may come to a file.
enum Free {
    /// It may; with whose it was until now.
    Yes(Option<Ended>),
    /// It tells who somebody else is, and nobody has asked again.
    Taken(Vec<u8>),
}

async fn free(
    tx: &mut PgConnection,
    ctx: &Context,
    caller: &Principal,
    (on_file, exclusive): (&OnFile, bool),
    it: &Addition,
    now: Timestamp,
) -> Result<Free> {
    let Some(hash) = ctx.keys.contact_hash(&it.value).filter(|_| exclusive) else {
        return Ok(Free::Yes(None));
    };
    tries::admit_caller(tx, caller, now).await?;
    let Some(holder) = holder(tx, &hash).await? else { return Ok(Free::Yes(None)) };
    if !it.confirmed {
        return Ok(Free::Taken(hash));
    }
    // To take it from a file that is not the caller's to see is as rare as to be wrong about one.
    if !stores::is_visible(tx, holder).await? {
        let phones = [hash.clone()];
        tries::admit(tx, caller, phones.to_vec(), now).await?;
        tries::failed(tx, caller, TAKEN_OVER, it.store, &phones, now).await?;
    }
    let ended = sqlx::query!(
        r#"SELECT holder_id AS "holder!", point_id AS "point!", holder_version AS "version!"
           FROM customer.take_over_phone($1, $2, $3, $4)"#,
        on_file.id.uuid(),
        hash,
        sql::at(it.since) as _,
        sql::at(now) as _,
    )
    .fetch_optional(tx)
    .await?;
    let ended = ended.map(|it| Ended { holder: it.holder.into(), point: it.point, version: it.version });
    Ok(Free::Yes(ended))
}

/// On whose file a person's phone is, in the whole group.
async fn holder(tx: &mut PgConnection, hash: &[u8]) -> Result<Option<CustomerId>> {
    let holder = sqlx::query_scalar!(
        "SELECT customer.file_of($1, ARRAY[$2::bytea], NULL)",
        sql::number(CustomerKind::Person),
        hash,
    )
    .fetch_one(tx)
    .await?;
    Ok(holder.map(CustomerId::from))
}

/// Says whose it is to who sees that file. That it is anybody's is told to others a few times only.
async fn refuse(
    ctx: &Context,
    caller: &Principal,
    it: &Addition,
    hash: &[u8],
    now: Timestamp,
) -> Result<Error> {
    let mut tx = ctx.db.begin(caller).await?;
    let holder = holder(&mut tx, hash).await?;
    if let Some(holder) = holder
        && stores::is_visible(&mut tx, holder).await?
    {
        return Ok(CustomerError::PhoneTaken(Some(holder)).into());
    }
    let phones = [hash.to_vec()];
    tries::admit(&mut tx, caller, phones.to_vec(), now).await?;
    tries::failed(&mut tx, caller, TAKEN, it.store, &phones, now).await?;
    tx.commit().await?;
    Ok(CustomerError::PhoneTaken(None).into())
}

async fn insert(
    tx: &mut PgConnection,
    ctx: &Context,
    on_file: &OnFile,
    it: &Addition,
    exclusive: bool,
) -> Result<ContactPointId> {
    let point: ContactPointId = ctx.ids.next();
    sqlx::query!(
        "INSERT INTO customer.contact_points
             (customer_id, id, kind, sealed, hash, tail_hash, exclusive, source, store_id, start_time)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        on_file.id.uuid(),
        point.uuid(),
        sql::number(it.value.kind()),
        on_file.key.seal(it.value.field_kind(), it.value.exposed())?,
        ctx.keys.contact_hash(&it.value),
        ctx.keys.contact_tail_hash(&it.value),
        exclusive,
        sql::number(it.source),
        it.store.uuid(),
        sql::at(it.since) as _,
    )
    .execute(tx)
    .await
    .map_err(|error| match unique_violation(&error) {
        Some("contact_points_holder") => {
            Error::aborted("CONFLICT", "somebody put the same phone on another file now; try again")
        }
        _ => Error::from(error),
    })?;
    Ok(point)
}

/// Tells both files' stores. The value stays here.
async fn tell(
    ctx: &Context,
    tx: &mut PgConnection,
    caller: &Principal,
    on_file: &OnFile,
    (it, point): (&Addition, ContactPointId),
    ended: Option<&Ended>,
    now: Timestamp,
) -> Result<()> {
    let version = on_file::touch(tx, on_file.id, now).await?;
    let taken_from = ended.map(|ended| names::below(ended.holder, "contactPoints", ended.point));
    if let (Some(ended), Some(name)) = (ended, &taken_from) {
        let told = ContactPointEnded {
            customer: ended.holder.name(),
            store: String::new(),
            contact_point: name.clone(),
            kind: it.value.kind().into(),
            taken_over: true,
        };
        // Of no one store: each that serves the old holder has it in the timeline.
        let event = NewEvent::new(&told, ended.holder.uuid(), ended.version, None);
        outbox::append(tx, &ctx.ids, now, event).await?;
    }
    let told = ContactPointAdded {
        customer: on_file.id.name(),
        store: it.store.name(),
        contact_point: names::below(on_file.id, "contactPoints", point.uuid()),
        kind: it.value.kind().into(),
        source: it.source.into(),
        taken_over: ended.is_some(),
    };
    let action = audit::Action {
        method: METHOD,
        resource: &told.contact_point,
        store: Some(it.store),
        detail: serde_json::json!({
            "kind": it.value.kind().as_str_name(), "source": it.source.as_str_name(), "taken_from": taken_from,
        }),
    };
    let event = NewEvent::new(&told, on_file.id.uuid(), version, Some(it.store));
    record::change(tx, &ctx.ids, caller, now, event, action).await
}
