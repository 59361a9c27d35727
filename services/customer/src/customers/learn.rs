//! What a file learns from somebody who stands at the counter: facts that it lacks are added, dated; what it says already
//! stays as it is.

use foursight_kernel::{ContactPointId, CustomerId, Result, sql, unique_violation};
use foursight_proto::customer::v1::{CustomerKind, Gender};
use jiff::Timestamp;
use secrecy::ExposeSecret;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    contacts::ContactValue,
    context::Context,
    customers::{
        CustomerError, NewFile, WrappedKey,
        new_file::MOST_CONTACT_POINTS,
        open::{Clash, OpenError},
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

/// A file as it stands; locked until the transaction ends.
struct OnFile {
    gender: i16,
    birthday: Option<sql::Date>,
    national_id_hash: Option<Vec<u8>>,
    master_version: i32,
    wrapped: Vec<u8>,
}

/// A contact point that holds now.
struct PointOnFile {
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
    customer: CustomerId,
    told: &NewFile,
    now: Timestamp,
) -> Result<Learnt, OpenError> {
    let file = lock(tx, customer).await?;
    let key = WrappedKey { master_version: file.master_version, wrapped: file.wrapped.clone() };
    let key = ctx.keys.unwrap(customer, &key).map_err(foursight_kernel::Error::from)?;
    let mut learnt = Learnt::default();
    points(tx, ctx, customer, &key, told, now, &mut learnt).await?;
    facts(tx, ctx, customer, &key, &file, told, &mut learnt).await?;
    if !learnt.added.is_empty() {
        sqlx::query!(
            "UPDATE customer.customers SET version = version + 1, update_time = $2 WHERE id = $1",
            customer.uuid(),
            sql::at(now) as _,
        )
        .execute(tx)
        .await
        .map_err(foursight_kernel::Error::from)?;
    }
    Ok(learnt)
}

async fn lock(tx: &mut PgConnection, customer: CustomerId) -> Result<OnFile> {
    let file = sqlx::query_as!(
        OnFile,
        "SELECT c.gender, c.birthday, c.national_id_hash, k.master_version, k.wrapped
         FROM customer.customers c JOIN customer.customer_keys k ON k.customer_id = c.id
         WHERE c.id = $1 FOR NO KEY UPDATE OF c",
        customer.uuid(),
    )
    .fetch_optional(tx)
    .await?;
    Ok(file.ok_or(CustomerError::NotFound)?)
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
    let held = sqlx::query_as!(
        PointOnFile,
        "SELECT kind, sealed, hash FROM customer.contact_points WHERE customer_id = $1 AND end_time IS NULL",
        customer.uuid(),
    )
    .fetch_all(&mut *tx)
    .await?;
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

/// Whether the file has the value. An address has no hash, and a file few of them.
fn holds(held: &[PointOnFile], key: &DataKey, value: &ContactValue, hash: Option<&[u8]>) -> Result<bool> {
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

/// Gender, birthday and national id: taken where the file has none.
async fn facts(
    tx: &mut PgConnection,
    ctx: &Context,
    customer: CustomerId,
    key: &DataKey,
    file: &OnFile,
    told: &NewFile,
    learnt: &mut Learnt,
) -> Result<(), OpenError> {
    let gender = (told.gender != Gender::Unspecified).then(|| sql::number(told.gender));
    let gender_on_file = (file.gender != 0).then_some(file.gender);
    let birthday_on_file = file.birthday.map(sql::Date::to_jiff);
    let hash = told.national_id.as_ref().map(|number| ctx.keys.national_id_hash(number.expose_secret()));
    let new_gender = learnt.fact("gender", gender, gender_on_file);
    let new_birthday = learnt.fact("birthday", told.birthday, birthday_on_file);
    let new_hash = learnt.fact("national_id", hash.as_deref(), file.national_id_hash.as_deref());
    if new_gender.is_none() && new_birthday.is_none() && new_hash.is_none() {
        return Ok(());
    }
    let sealed = match (&told.national_id, new_hash) {
        (Some(number), Some(_)) => Some(
            key.seal(FieldKind::NationalId, number.expose_secret()).map_err(foursight_kernel::Error::from)?,
        ),
        _ => None,
    };
    sqlx::query!(
        "UPDATE customer.customers
         SET gender = coalesce($2, gender), birthday = coalesce($3, birthday),
             national_id_sealed = coalesce($4, national_id_sealed), national_id_hash = coalesce($5, national_id_hash)
         WHERE id = $1",
        customer.uuid(),
        new_gender,
        new_birthday.map(sql::on) as _,
        sealed,
        new_hash,
    )
    .execute(tx)
    .await
    .map_err(|error| match unique_violation(&error) {
        Some("customers_national_id") => OpenError::Clash(Clash::Customer),
        _ => OpenError::Other(error.into()),
    })?;
    Ok(())
}

impl Learnt {
    /// The fact, when it is new; what is said otherwise is not taken.
    fn fact<T: PartialEq>(&mut self, path: &str, told: Option<T>, on_file: Option<T>) -> Option<T> {
        let told = told?;
        match on_file {
            None => {
                self.added.push(path.to_owned());
                Some(told)
            }
            Some(on_file) => {
                if on_file != told {
                    self.not_taken.push(path.to_owned());
                }
                None
            }
        }
    }
}

fn path(place: usize) -> String {
    format!("contact_points[{place}]")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fact_is_learnt_once_and_never_replaced() {
        let mut learnt = Learnt::default();
        assert_eq!(learnt.fact("gender", None::<i16>, None), None);
        assert_eq!(learnt.fact("gender", Some(1), None), Some(1));
        assert_eq!(learnt.fact("birthday", Some(1), Some(1)), None);
        assert_eq!(learnt.fact("national_id", Some(2), Some(1)), None);
        let expected = Learnt { added: vec!["gender".to_owned()], not_taken: vec!["national_id".to_owned()] };
        assert_eq!(learnt, expected);
    }
}
