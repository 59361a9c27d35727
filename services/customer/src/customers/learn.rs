//! What a file learns from somebody who stands at the counter: facts that it lacks are added, dated; what it says already
//! stays as it is.

use foursight_access::Principal;
use foursight_kernel::{ContactPointId, CustomerId, Result, sql};
use foursight_proto::customer::v1::CustomerKind;
use jiff::Timestamp;
use secrecy::ExposeSecret;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    contacts::ContactValue,
    context::Context,
    customers::{
        NewFile,
        facts::Field,
        new_file::MOST_CONTACT_POINTS,
        on_file::{self, OnFile, Origin},
        open::OpenError,
        sealed_file::{PointColumns, SealedPoint},
        sealing::{DataKey, FieldKind},
    },
};

/// What became of each fact, by its path below the customer: `contact_points[0]`. What the file had already is in neither.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Learnt {
    pub(crate) added: Vec<String>,
    pub(crate) not_taken: Vec<String>,
}

/// A contact point that holds now.
pub(super) struct PointOnFile {
    kind: i16,
    sealed: Vec<u8>,
    hash: Option<Vec<u8>>,
}

/// Adds to a file, which the transaction's caller sees, what was told and it lacks.
///
/// # Errors
/// `CUSTOMER_NOT_FOUND`; a clash when somebody else's file took the national id in that moment.
pub(crate) async fn learn(
    tx: &mut PgConnection,
    ctx: &Context,
    caller: &Principal,
    customer: CustomerId,
    told: &NewFile,
    now: Timestamp,
) -> Result<Learnt, OpenError> {
    let file = on_file::lock(tx, ctx, customer).await?;
    let mut learnt = Learnt::default();
    points(tx, ctx, customer, &file.key, told, now, &mut learnt).await?;
    let counted = facts_lacked(tx, ctx, caller, &file, told, now, &mut learnt).await?;
    if !counted && !learnt.added.is_empty() {
        on_file::touch(tx, customer, now).await?;
    }
    Ok(learnt)
}

async fn points(
    tx: &mut PgConnection,
    ctx: &Context,
    customer: CustomerId,
    key: &DataKey,
    told: &NewFile,
    now: Timestamp,
    learnt: &mut Learnt,
) -> Result<()> {
    let held = held(tx, customer).await?;
    // Ids of one instant come in no order; a file shows its contact points in the order in which they were told.
    let mut ids: Vec<ContactPointId> = told.contacts.iter().map(|_| ctx.ids.next()).collect();
    ids.sort_unstable();
    let mut room = MOST_CONTACT_POINTS.saturating_sub(held.len());
    let mut new: Vec<(usize, SealedPoint)> = Vec::new();
    for ((place, value), id) in told.contacts.iter().enumerate().zip(ids) {
        let hash = ctx.keys.contact_hash(value);
        if holds(&held, key, value, hash.as_deref())? {
            continue;
        }
        if room == 0 {
            learnt.not_taken.push(path(place));
            continue;
        }
        room -= 1;
        let point = SealedPoint {
            id,
            kind: value.kind() as i16,
            sealed: key.seal(value.field_kind(), value.exposed())?,
            hash,
            tail_hash: ctx.keys.contact_tail_hash(value),
            exclusive: told.kind == CustomerKind::Person && value.field_kind() == FieldKind::Phone,
        };
        new.push((place, point));
    }
    if new.is_empty() {
        return Ok(());
    }
    // Two writers of the same two phones take them in the same order, and so never wait for each other in a ring.
    new.sort_unstable_by(|a, b| a.1.hash.cmp(&b.1.hash));
    let written = insert(tx, customer, told, &new, now).await?;
    new.sort_unstable_by_key(|(place, _)| *place);
    for (place, point) in new {
        let list = if written.contains(&point.id.uuid()) { &mut learnt.added } else { &mut learnt.not_taken };
        list.push(path(place));
    }
    Ok(())
}

/// The contact points of a file that hold now.
pub(super) async fn held(tx: &mut PgConnection, customer: CustomerId) -> Result<Vec<PointOnFile>> {
    let held = sqlx::query_as!(
        PointOnFile,
        "SELECT kind, sealed, hash FROM customer.contact_points WHERE customer_id = $1 AND end_time IS NULL",
        customer.uuid(),
    )
    .fetch_all(tx)
    .await?;
    Ok(held)
}

/// Whether the file has the value. An address has no hash, and a file few of them.
pub(super) fn holds(
    held: &[PointOnFile],
    key: &DataKey,
    value: &ContactValue,
    hash: Option<&[u8]>,
) -> Result<bool> {
    for point in held.iter().filter(|point| point.kind == value.kind() as i16) {
        let same = match hash {
            Some(_) => point.hash.as_deref() == hash,
            None => key.open(value.field_kind(), &point.sealed)?.expose_secret() == value.exposed(),
        };
        if same {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Gives the ids of those that were written: a phone that tells who another person is stays where it is.
async fn insert(
    tx: &mut PgConnection,
    customer: CustomerId,
    told: &NewFile,
    points: &[(usize, SealedPoint)],
    now: Timestamp,
) -> Result<Vec<Uuid>> {
    let points = PointColumns::of(points.iter().map(|(_, point)| point));
    let written = sqlx::query_scalar!(
        "INSERT INTO customer.contact_points
             (customer_id, id, kind, sealed, hash, tail_hash, exclusive, source, store_id, start_time)
         SELECT $1, p.id, p.kind, p.sealed, p.hash, p.tail_hash, p.exclusive, $2, $3, $4
         FROM unnest($5::uuid[], $6::smallint[], $7::bytea[], $8::bytea[], $9::bytea[], $10::boolean[])
              AS p (id, kind, sealed, hash, tail_hash, exclusive)
         ON CONFLICT DO NOTHING
         RETURNING id",
        customer.uuid(),
        sql::number(told.source),
        told.store.uuid(),
        sql::at(now) as _,
        &points.ids,
        &points.kinds,
        &points.sealed as _,
        &points.hashes as _,
        &points.tail_hashes as _,
        &points.exclusive,
    )
    .fetch_all(tx)
    .await?;
    Ok(written)
}

/// All but the name: taken where the file has none; what it says otherwise is not. Whether anything was, and the file's version so
/// went up.
async fn facts_lacked(
    tx: &mut PgConnection,
    ctx: &Context,
    caller: &Principal,
    file: &OnFile,
    told: &NewFile,
    now: Timestamp,
    learnt: &mut Learnt,
) -> Result<bool, OpenError> {
    let facts = told.facts();
    let fields = Field::ALL.into_iter().filter(|field| *field != Field::DisplayName && facts.has(*field));
    let (known, new): (Vec<Field>, Vec<Field>) = fields.partition(|field| file.facts.has(*field));
    let path = |field: &Field| field.path().to_owned();
    learnt.not_taken.extend(file.changed(&known, &facts).iter().map(path));
    learnt.added.extend(new.iter().map(path));
    if new.is_empty() {
        return Ok(false);
    }
    let origin = Origin { store: told.store, source: told.source, time: now };
    file.take(tx, ctx, caller, (&new, &facts), origin).await?;
    Ok(true)
}

fn path(place: usize) -> String {
    format!("contact_points[{place}]")
}
