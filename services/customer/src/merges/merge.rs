//! `MergeCustomers`.

use std::mem;

use foursight_access::{Principal, audit};
use foursight_kernel::{CustomerId, Error, MergeId, RequestKey, Result, StaffId, StoreId, Violations, sql};
use foursight_messaging::NewEvent;
use foursight_proto::customer::{
    events::v1::CustomersMerged,
    v1::{DuplicateState, Merge, MergeCustomersRequest, SourceChannel},
};
use foursight_runtime::{record, step};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use sqlx::PgConnection;

use crate::{
    context::Context,
    customers::{
        CustomerError,
        facts::Field,
        file,
        on_file::{self, Origin},
        open::OpenError,
    },
    duplicates::SURE,
    merges::{
        MergeError,
        consents::{self, Withdrawer},
        reseal::Sealed,
        row,
        two::{self, Two},
    },
};

const METHOD: &str = "MergeCustomers";
/// For how long a merge can be undone.
const UNDO: SignedDuration = SignedDuration::from_hours(30 * 24);

struct Request {
    survivor: CustomerId,
    absorbed: CustomerId,
    store: StoreId,
    take: Vec<Field>,
    reason: String,
    by: StaffId,
    now: Timestamp,
}

/// Makes two files one. All of it happens together: what belongs to the absorbed file, the survivor's facts, the event, the audit row.
///
/// # Errors
/// `CUSTOMER_NOT_FOUND` when the caller does not see both files, `CUSTOMER_CHANGED`, `MERGE_REFUSED`, `STORE_OUT_OF_REACH`,
/// `REQUEST_ID_REUSED`, `STAFF_ONLY`, and every wrong field at once.
pub(super) async fn merge(
    ctx: &Context,
    caller: &Principal,
    mut request: MergeCustomersRequest,
) -> Result<Merge> {
    let by = caller.require_staff()?;
    let mut v = Violations::default();
    let request_id = v.request_id(&mem::take(&mut request.request_id));
    let store: Option<StoreId> = v.name("store", &request.store);
    let reason = v.text("reason", &request.reason, 0..=500);
    v.line("other_etag", &request.other_etag, 0..=40);
    let asked = two::parse(&mut v, (&request.name, &request.other, &request.take));
    v.check()?;
    let (Some((survivor, absorbed, take)), Some(store)) = (asked, store) else {
        return Err(CustomerError::NotFound.into());
    };
    ctx.staff.require_store(caller, "store", store).await?;
    let key = ctx.keys.step_key(request_id, METHOD, &caller.subject.name(), &request);
    let it = Request { survivor, absorbed, store, take, reason, by, now: ctx.now() };

    let mut tx = ctx.db.begin(caller).await?;
    two::lock(&mut tx).await?;
    if let Some(done) = done_before(&mut tx, ctx, caller, key.as_ref(), &it).await? {
        return Ok(done);
    }
    let two = Two::read(&mut tx, ctx, (survivor, absorbed), true).await?;
    let etag = |told: &str, version| told.is_empty() || told == file::etag(version);
    if !etag(&request.etag, two.survivor.file.version)
        || !etag(&request.other_etag, two.absorbed.file.version)
    {
        return Err(CustomerError::Changed.into());
    }
    let obstacles = two.obstacles();
    if !obstacles.is_empty() {
        return Err(MergeError::Refused(obstacles).into());
    }
    if it.reason.is_empty() && two.probability() < SURE {
        return Err(MergeError::ReasonRequired.into());
    }
    let id = write(&mut tx, ctx, caller, &it, &two).await?;
    let merged = row::find(&mut tx, id).await?.to_proto(caller);
    tx.commit().await?;
    Ok(merged)
}

/// What the same request has made, if it came before.
async fn done_before(
    tx: &mut PgConnection,
    ctx: &Context,
    caller: &Principal,
    key: Option<&RequestKey>,
    it: &Request,
) -> Result<Option<Merge>> {
    if step::is_new(tx, key, it.store, ctx.now()).await? {
        return Ok(None);
    }
    let id = sqlx::query_scalar!(
        "SELECT id FROM customer.merges WHERE survivor_id = $1 AND absorbed_id = $2 ORDER BY id DESC LIMIT 1",
        it.survivor.uuid(),
        it.absorbed.uuid(),
    )
    .fetch_optional(&mut *tx)
    .await?
    .ok_or(MergeError::NotFound)?;
    Ok(Some(row::find(tx, id.into()).await?.to_proto(caller)))
}

async fn write(
    tx: &mut PgConnection,
    ctx: &Context,
    caller: &Principal,
    it: &Request,
    two: &Two,
) -> Result<MergeId> {
    let id: MergeId = ctx.ids.next();
    let taken = two.taken(&it.take);
    insert(tx, it, id, &taken).await?;
    decided(tx, it).await?;
    let withdrawn = consents::withdrawn(tx, it.survivor, it.absorbed).await?;
    absorb(tx, it, id, two).await?;
    let version = survivor(tx, ctx, caller, it, two, &taken).await?;
    let by = Withdrawer { staff: it.by, time: it.now };
    consents::withdraw(tx, ctx, it.survivor, by, version, &withdrawn).await?;
    sqlx::query!(r#"SELECT customer.keep_merged($1, $2) AS "kept?""#, id.uuid(), it.survivor.uuid())
        .fetch_one(&mut *tx)
        .await?;
    let merged = CustomersMerged {
        merge: id.name(),
        customer: it.survivor.name(),
        other: it.absorbed.name(),
        store: it.store.name(),
    };
    let detail = json!({
        "customer": it.survivor.name(),
        "other": it.absorbed.name(),
        "taken": taken.iter().map(|field| field.path()).collect::<Vec<_>>(),
    });
    let action = audit::Action { method: METHOD, resource: &id.name(), store: Some(it.store), detail };
    let event = NewEvent::new(&merged, it.survivor.uuid(), version, Some(it.store));
    record::change(tx, &ctx.ids, caller, it.now, event, action).await?;
    Ok(id)
}

async fn insert(tx: &mut PgConnection, it: &Request, id: MergeId, taken: &[Field]) -> Result<()> {
    let until = it.now.checked_add(UNDO).map_err(Error::internal)?;
    sqlx::query!(
        "INSERT INTO customer.merges
             (id, survivor_id, absorbed_id, store_id, staff_id, reason, taken, merge_time, undo_until)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        id.uuid(),
        it.survivor.uuid(),
        it.absorbed.uuid(),
        it.store.uuid(),
        it.by.uuid(),
        it.reason,
        &taken.iter().map(|field| *field as i16).collect::<Vec<_>>(),
        sql::at(it.now) as _,
        sql::at(until) as _,
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// The pair is decided; what else was to be decided of the absorbed file is to be found anew.
async fn decided(tx: &mut PgConnection, it: &Request) -> Result<()> {
    let (one, other) = (it.survivor.uuid(), it.absorbed.uuid());
    sqlx::query!(
        "WITH decided AS (
             UPDATE customer.duplicates SET state = $5, store_id = $3, staff_id = $4, decide_time = $6, reason = $7
             WHERE low_id = least($1::uuid, $2) AND high_id = greatest($1, $2)
             RETURNING id
         )
         DELETE FROM customer.duplicates
         WHERE (low_id = $2 OR high_id = $2) AND state = 1 AND id NOT IN (SELECT id FROM decided)",
        one,
        other,
        it.store.uuid(),
        it.by.uuid(),
        sql::number(DuplicateState::Merged),
        sql::at(it.now) as _,
        it.reason,
    )
    .execute(tx)
    .await?;
    Ok(())
}

async fn absorb(tx: &mut PgConnection, it: &Request, id: MergeId, two: &Two) -> Result<()> {
    let (from, to) = (&two.absorbed.file, &two.survivor.file);
    let points = Sealed::points(&two.new_points(), to)?;
    let facts = Sealed::facts(tx, from, to).await?;
    let people = Sealed::people(tx, from, to).await?;
    sqlx::query!(
        r#"SELECT customer.absorb_file($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) AS "absorbed?""#,
        id.uuid(),
        it.survivor.uuid(),
        it.absorbed.uuid(),
        sql::at(it.now) as _,
        &points.ids,
        &points.values as _,
        &facts.ids,
        &facts.values as _,
        &people.ids,
        &people.values as _,
    )
    .fetch_one(tx)
    .await?;
    Ok(())
}

/// What the survivor says of itself from now on; gives its new version.
async fn survivor(
    tx: &mut PgConnection,
    ctx: &Context,
    caller: &Principal,
    it: &Request,
    two: &Two,
    taken: &[Field],
) -> Result<i64> {
    let (file, other) = (&two.survivor.file, &two.absorbed.file);
    let version = if taken.is_empty() {
        on_file::touch(tx, it.survivor, it.now).await?
    } else {
        // What it takes comes from where the other file came from.
        let source = SourceChannel::try_from(i32::from(other.opened.source)).map_err(Error::internal)?;
        let origin = Origin { store: it.store, source, time: it.now };
        let taken = file.take(tx, ctx, caller, (taken, &other.facts), origin).await;
        taken.map_err(|error| match error {
            OpenError::Other(error) => error,
            OpenError::TooManyTries(error) => error.into(),
            OpenError::Clash(_) => CustomerError::Changed.into(),
        })?
    };
    sqlx::query!(
        "UPDATE customer.customers c
         SET stage = $2, tags = $3, groups = $4,
             value_tier = coalesce((SELECT v.decided_tier FROM customer.customer_values v WHERE v.customer_id = c.id), c.value_tier)
         WHERE c.id = $1",
        it.survivor.uuid(),
        sql::number(two.stage()),
        &two.tags(),
        &two.groups(),
    )
    .execute(tx)
    .await?;
    Ok(version)
}
