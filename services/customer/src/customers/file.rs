//! Reading files as they stand in the database, masked.

use std::{cmp::Reverse, collections::HashMap};

use foursight_access::Principal;
use foursight_kernel::{CustomerId, Error, Result, StoreId, TagId, sql::Timestamp, time};
use foursight_proto::{
    customer::v1::{ContactPoint, Customer},
    google::r#type::Date,
};
use foursight_runtime::{Database, RowsById, Tx, Within};
use secrecy::ExposeSecret;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    contacts,
    context::Context,
    customers::{
        CustomerError, KeyRing, LunarBirthday, Profile, WrappedKey, birthday, masking,
        profile::Contact,
        sealing::{DataKey, FieldKind},
    },
    names,
};

/// A file beside one of its stores within reach and one of its contact points; a file without any has a row all the same.
pub(crate) struct FileRow {
    id: Uuid,
    kind: i16,
    display_name: String,
    gender: i16,
    birthday: Option<foursight_kernel::sql::Date>,
    national_id_sealed: Option<Vec<u8>>,
    store_id: Uuid,
    source: i16,
    stage: i16,
    version: i64,
    create_time: Timestamp,
    update_time: Timestamp,
    master_version: i32,
    wrapped: Vec<u8>,
    served_by: Uuid,
    served_since: Timestamp,
    point_id: Option<Uuid>,
    point_kind: Option<i16>,
    point_sealed: Option<Vec<u8>>,
    point_start: Option<Timestamp>,
    point_end: Option<Timestamp>,
    lunar_year: Option<i16>,
    lunar_month: Option<i16>,
    lunar_leap: Option<bool>,
    lunar_day: Option<i16>,
    occupation: String,
    intended_models: Vec<String>,
    car_use: i16,
    budget_min_fen: Option<i64>,
    budget_max_fen: Option<i64>,
    spending_preference: i16,
    contact_channel: i16,
    contact_from: Option<i16>,
    contact_to: Option<i16>,
    tags: Vec<Uuid>,
    groups: Vec<i16>,
    value_tier: i16,
}

/// How sensitive facts are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shown {
    Masked,
    /// For who may, and only where it is on record.
    Whole,
}

/// The files of these ids that may be seen. `$1` is how far the statement may see, or NULL in a transaction that has said so;
/// `$2` are the ids. What is said comes before all that is read: nothing of the view is looked at while it is not known to be
/// said.
macro_rules! files {
    ($reach:expr, $ids:expr) => {
        sqlx::query_as!(
            FileRow,
            r#"SELECT id AS "id!", kind AS "kind!", display_name AS "display_name!", gender AS "gender!", birthday,
                      national_id_sealed, store_id AS "store_id!", source AS "source!", stage AS "stage!",
                      version AS "version!", create_time AS "create_time!", update_time AS "update_time!",
                      master_version AS "master_version!", wrapped AS "wrapped!", served_by AS "served_by!",
                      served_since AS "served_since!", point_id, point_kind, point_sealed, point_start, point_end,
                      lunar_year, lunar_month, lunar_leap, lunar_day, occupation AS "occupation!",
                      intended_models AS "intended_models!", car_use AS "car_use!", budget_min_fen, budget_max_fen,
                      spending_preference AS "spending_preference!", contact_channel AS "contact_channel!",
                      contact_from, contact_to, tags AS "tags!", groups AS "groups!", value_tier AS "value_tier!"
               FROM customer.files_in_reach
               WHERE (SELECT set_config('foursight.reach', coalesce($1, current_setting('foursight.reach', true)), true))
                     IS NOT NULL
                 AND id = ANY ($2)"#,
            $reach,
            $ids,
        )
    };
}

/// The files of these ids that the transaction's caller may see, newest first; their next birthdays are not told yet.
pub(crate) async fn read(tx: &mut PgConnection, keys: &KeyRing, ids: &[Uuid]) -> Result<Vec<Customer>> {
    let mut rows = rows_of(tx, ids).await?;
    rows.sort_unstable_by_key(|row| Reverse(row.id));
    open_all(&rows, keys, Shown::Masked)
}

/// The same files as they stand in the database, to be opened elsewhere.
pub(crate) async fn rows_of(tx: &mut PgConnection, ids: &[Uuid]) -> Result<Vec<FileRow>> {
    Ok(files!(None::<&str>, ids).fetch_all(tx).await?)
}

/// Opens files, whose rows stand together, in their order. Of many at once it takes a while.
pub(crate) fn open_all(rows: &[FileRow], keys: &KeyRing, shown: Shown) -> Result<Vec<Customer>> {
    rows.chunk_by(|one, next| one.id == next.id).map(|file| to_proto(file, keys, shown)).collect()
}

/// The same, by their ids.
pub(crate) async fn read_by_id(
    tx: &mut PgConnection,
    keys: &KeyRing,
    ids: &[Uuid],
) -> Result<HashMap<Uuid, Customer>> {
    let files = read(tx, keys, ids).await?;
    let id = |file: &Customer| CustomerId::parse_name(&file.name).map(CustomerId::uuid);
    Ok(files.into_iter().filter_map(|file| Some((id(&file).ok()?, file))).collect())
}

/// The file of this id, if the caller may see it, in one round trip.
pub(crate) async fn read_one(ctx: &Context, caller: &Principal, id: CustomerId) -> Result<Option<Customer>> {
    let rows = ctx.files.find(caller, id.uuid()).await?;
    if rows.is_empty() {
        return Ok(None);
    }
    let mut file = to_proto(&rows, &ctx.keys, Shown::Masked)?;
    birthday::tell_next(ctx, std::slice::from_mut(&mut file)).await;
    Ok(Some(file))
}

/// How files are read by id, for many callers at once.
#[derive(Debug, Clone)]
pub(crate) struct FilesById(pub(crate) Database);

impl RowsById for FilesById {
    type Row = FileRow;

    async fn ask(&self, within: &Within, ids: &[Uuid]) -> Result<Vec<FileRow>> {
        self.0.ask(|| files!(within.as_str(), ids)).await
    }

    fn id(row: &FileRow) -> Uuid {
        row.id
    }
}

/// The file that these rows are of, of which there is one at least: contact points in the order in which they were learnt, stores in
/// the order in which they came to serve.
fn to_proto(rows: &[FileRow], keys: &KeyRing, shown: Shown) -> Result<Customer> {
    let mut rows: Vec<&FileRow> = rows.iter().collect();
    rows.sort_unstable_by_key(|row| (row.point_id, row.served_since.to_jiff(), row.served_by));
    let first = rows.first().ok_or_else(|| Error::internal("a file without rows"))?;
    let id = CustomerId::from(first.id);
    let key = WrappedKey { master_version: first.master_version, wrapped: first.wrapped.clone() };
    let key = keys.unwrap(id, &key)?;
    let of_first_point = rows.iter().take_while(|row| row.point_id == first.point_id);
    let stores = of_first_point.map(|row| row.served_by).collect();
    let of_first_store = rows.iter().filter(|row| row.served_by == first.served_by);
    let points = of_first_store.filter_map(|row| row.contact_point(id, &key, shown).transpose());
    first.to_proto(&key, shown, stores, points.collect::<Result<_>>()?)
}

impl FileRow {
    /// Whose it is.
    pub(crate) fn id(&self) -> Uuid {
        self.id
    }

    fn to_proto(
        &self,
        key: &DataKey,
        shown: Shown,
        stores: Vec<Uuid>,
        contact_points: Vec<ContactPoint>,
    ) -> Result<Customer> {
        let id = CustomerId::from(self.id);
        let national_id = match &self.national_id_sealed {
            None => String::new(),
            Some(sealed) => value(key, shown, FieldKind::NationalId, sealed)?,
        };
        Ok(Customer {
            name: id.name(),
            kind: self.kind.into(),
            display_name: self.display_name.clone(),
            gender: self.gender.into(),
            birthday: self.birthday.map(|birthday| date_to_proto(birthday.to_jiff())),
            national_id,
            contact_points,
            // Another store's id is not the caller's business.
            store: if stores.contains(&self.store_id) {
                StoreId::from(self.store_id).name()
            } else {
                String::new()
            },
            stores: stores.into_iter().map(|store| StoreId::from(store).name()).collect(),
            source: self.source.into(),
            stage: self.stage.into(),
            create_time: Some(time::to_proto(self.create_time.to_jiff())),
            update_time: Some(time::to_proto(self.update_time.to_jiff())),
            etag: etag(self.version),
            lunar_birthday: self.lunar_birthday().map(LunarBirthday::to_proto),
            next_birthday: None,
            profile: self.profile().to_proto(),
            tags: self.tags.iter().map(|tag| TagId::from(*tag).name()).collect(),
            groups: self.groups.iter().map(|group| i32::from(*group)).collect(),
            value_tier: self.value_tier.into(),
        })
    }

    fn profile(&self) -> Profile {
        Profile {
            occupation: self.occupation.clone(),
            intended_models: self.intended_models.clone(),
            car_use: self.car_use,
            budget: self.budget_min_fen.zip(self.budget_max_fen),
            spending_preference: self.spending_preference,
            contact: Contact { channel: self.contact_channel, hours: self.contact_from.zip(self.contact_to) },
        }
    }

    fn lunar_birthday(&self) -> Option<LunarBirthday> {
        LunarBirthday::from_columns(self.lunar_year, self.lunar_month, self.lunar_leap, self.lunar_day)
    }

    /// None in the row of a file that has no contact point.
    fn contact_point(&self, id: CustomerId, key: &DataKey, shown: Shown) -> Result<Option<ContactPoint>> {
        let (Some(point), Some(kind), Some(sealed)) = (self.point_id, self.point_kind, &self.point_sealed)
        else {
            return Ok(None);
        };
        let (kind, field) = contacts::kind_of(kind)?;
        Ok(Some(ContactPoint {
            name: names::below(id, "contactPoints", point),
            kind: kind.into(),
            value: value(key, shown, field, sealed)?,
            start_time: self.point_start.map(|start| time::to_proto(start.to_jiff())),
            end_time: self.point_end.map(|end| time::to_proto(end.to_jiff())),
        }))
    }
}

fn value(key: &DataKey, shown: Shown, field: FieldKind, sealed: &[u8]) -> Result<String> {
    let value = key.open(field, sealed)?;
    Ok(match shown {
        Shown::Masked => masking::mask(field, value.expose_secret()),
        Shown::Whole => value.expose_secret().to_owned(),
    })
}

/// Commits a step at a file, and answers with the file as the step left it.
///
/// # Errors
/// `CUSTOMER_NOT_FOUND`, `UNAVAILABLE` while the database is away.
pub(super) async fn commit_and_read(mut tx: Tx, ctx: &Context, id: CustomerId) -> Result<Customer> {
    let found = read(&mut tx, &ctx.keys, &[id.uuid()]).await?;
    tx.commit().await?;
    let mut file = found.into_iter().next().ok_or(CustomerError::NotFound)?;
    birthday::tell_next(ctx, std::slice::from_mut(&mut file)).await;
    Ok(file)
}

/// A date in the proto's form.
pub(crate) fn date_to_proto(date: jiff::civil::Date) -> Date {
    Date { year: date.year().into(), month: date.month().into(), day: date.day().into() }
}

/// What changes with every change of the file.
pub(crate) fn etag(version: i64) -> String {
    version.to_string()
}
