//! Reading files as they stand in the database, masked.

use foursight_kernel::{CustomerId, Result, StoreId, sql::Timestamp, time};
use foursight_proto::{
    customer::v1::{ContactPoint, Customer},
    google::r#type::Date,
};
use secrecy::ExposeSecret;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    contacts,
    customers::{
        KeyRing, WrappedKey, masking,
        sealing::{DataKey, FieldKind},
    },
    names,
};

struct FileRow {
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
    stores: Vec<Uuid>,
    point_ids: Vec<Uuid>,
    point_kinds: Vec<i16>,
    point_values: Vec<Vec<u8>>,
    point_starts: Vec<Timestamp>,
    point_ends: Vec<Option<Timestamp>>,
}

/// The files of these ids that the transaction's caller may see, newest first.
pub(crate) async fn read(tx: &mut PgConnection, keys: &KeyRing, ids: &[Uuid]) -> Result<Vec<Customer>> {
    let rows = sqlx::query_as!(
        FileRow,
        r#"SELECT c.id, c.kind, c.display_name, c.gender, c.birthday, c.national_id_sealed, c.store_id, c.source,
                  c.stage, c.version, c.create_time, c.update_time, k.master_version, k.wrapped,
                  ARRAY(SELECT s.store_id FROM customer.customer_stores s
                        WHERE s.customer_id = c.id ORDER BY s.start_time, s.store_id) AS "stores!: Vec<Uuid>",
                  p.ids AS "point_ids!: Vec<Uuid>", p.kinds AS "point_kinds!: Vec<i16>",
                  p.sealed AS "point_values!: Vec<Vec<u8>>", p.starts AS "point_starts!: Vec<Timestamp>",
                  p.ends AS "point_ends!: Vec<Option<Timestamp>>"
           FROM customer.customers c
           JOIN customer.customer_keys k ON k.customer_id = c.id
           CROSS JOIN LATERAL (
               SELECT coalesce(array_agg(x.id ORDER BY x.id), '{}') AS ids,
                      coalesce(array_agg(x.kind ORDER BY x.id), '{}') AS kinds,
                      coalesce(array_agg(x.sealed ORDER BY x.id), '{}') AS sealed,
                      coalesce(array_agg(x.start_time ORDER BY x.id), '{}') AS starts,
                      coalesce(array_agg(x.end_time ORDER BY x.id), '{}') AS ends
               FROM customer.contact_points x WHERE x.customer_id = c.id
           ) p
           WHERE c.id = ANY($1)
           ORDER BY c.id DESC"#,
        ids,
    )
    .fetch_all(tx)
    .await?;
    rows.into_iter().map(|row| row.to_proto(keys)).collect()
}

impl FileRow {
    fn to_proto(&self, keys: &KeyRing) -> Result<Customer> {
        let id = CustomerId::from(self.id);
        let key = WrappedKey { master_version: self.master_version, wrapped: self.wrapped.clone() };
        let key = keys.unwrap(id, &key)?;
        let national_id = match &self.national_id_sealed {
            None => String::new(),
            Some(sealed) => masked(&key, FieldKind::NationalId, sealed)?,
        };
        Ok(Customer {
            name: id.name(),
            kind: self.kind.into(),
            display_name: self.display_name.clone(),
            gender: self.gender.into(),
            birthday: self.birthday.map(|birthday| date_to_proto(birthday.to_jiff())),
            national_id,
            contact_points: self.contact_points(id, &key)?,
            // Another store's id is not the caller's business.
            store: if self.stores.contains(&self.store_id) {
                StoreId::from(self.store_id).name()
            } else {
                String::new()
            },
            stores: self.stores.iter().map(|store| StoreId::from(*store).name()).collect(),
            source: self.source.into(),
            stage: self.stage.into(),
            create_time: Some(time::to_proto(self.create_time.to_jiff())),
            update_time: Some(time::to_proto(self.update_time.to_jiff())),
            etag: etag(self.version),
        })
    }

    fn contact_points(&self, id: CustomerId, key: &DataKey) -> Result<Vec<ContactPoint>> {
        let points = self.point_ids.iter().zip(&self.point_kinds).zip(&self.point_values);
        let times = self.point_starts.iter().zip(&self.point_ends);
        points
            .zip(times)
            .map(|(((point, kind), sealed), (start, end))| {
                let (kind, field) = contacts::kind_of(*kind)?;
                Ok(ContactPoint {
                    name: names::below(id, "contactPoints", *point),
                    kind: kind.into(),
                    value: masked(key, field, sealed)?,
                    start_time: Some(time::to_proto(start.to_jiff())),
                    end_time: end.map(|end| time::to_proto(end.to_jiff())),
                })
            })
            .collect()
    }
}

fn masked(key: &DataKey, field: FieldKind, sealed: &[u8]) -> Result<String> {
    Ok(masking::mask(field, key.open(field, sealed)?.expose_secret()))
}

/// A date in the proto's form.
pub(crate) fn date_to_proto(date: jiff::civil::Date) -> Date {
    Date { year: date.year().into(), month: date.month().into(), day: date.day().into() }
}

/// What changes with every change of the file.
pub(crate) fn etag(version: i64) -> String {
    version.to_string()
}
