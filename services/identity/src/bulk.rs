//! Stores and staff in sets, for the demo group: the same rows and events as one by one, in a few statements.

use foursight_kernel::{Error, Ids, Result, StaffId, StoreId, Violations, sql};
use foursight_messaging::{NewEvent, outbox};
use foursight_proto::identity::v1::{Calendar, Role, Store};
use jiff::Timestamp;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    staff::{StaffRecord, account},
    stores::{StoreRecord, create::NewStore},
};

/// A store that is to be there.
#[derive(Debug, Clone)]
pub struct StoreRow {
    /// Its id.
    pub id: StoreId,
    /// Short code, unique in the group.
    pub code: String,
    /// Its name.
    pub display_name: String,
    /// The region's name.
    pub region: String,
    /// The city; may be empty.
    pub city: String,
    /// When it works.
    pub calendar: Calendar,
}

/// A member of staff who is to be there, active.
#[derive(Debug, Clone)]
pub struct StaffRow {
    /// The person's id.
    pub id: StaffId,
    /// Login name, unique in the group.
    pub login: String,
    /// The person's name.
    pub display_name: String,
    /// At least one.
    pub roles: Vec<Role>,
    /// The person's stores; empty at headquarters.
    pub stores: Vec<StoreId>,
    /// Whether the person's reach is the whole group.
    pub headquarters: bool,
    /// Argon2id in PHC form, from [`crate::hash_password`]; people of a demo may share one.
    pub password_hash: String,
}

/// Inserts stores and staff as of `now`, with the events that tell of them. `tx` must reach the whole group.
///
/// # Errors
/// `INVALID_ARGUMENT` for rows that the API would refuse, too; `INTERNAL` for an id, code or login that is there already.
pub async fn load(
    tx: &mut PgConnection,
    ids: &Ids,
    stores: &[StoreRow],
    staff: &[StaffRow],
    now: Timestamp,
) -> Result<()> {
    let mut v = Violations::default();
    let stores: Vec<StoreRecord> =
        stores.iter().enumerate().filter_map(|(index, row)| store_record(&mut v, index, row)).collect();
    let records: Vec<StaffRecord> =
        staff.iter().enumerate().map(|(index, row)| staff_record(&mut v, index, row, now)).collect();
    v.check()?;
    insert_stores(tx, &stores, now).await?;
    insert_staff(tx, &records, staff, now).await?;
    let of_stores = stores
        .iter()
        .map(|store| NewEvent::new(&store.to_event(), store.id.uuid(), store.version, Some(store.id)));
    let of_staff =
        records.iter().map(|staff| NewEvent::new(&staff.to_event(), staff.id.uuid(), staff.version, None));
    let past = |event| outbox::PastEvent { id: ids.uuid(), at: now, event };
    outbox::append_all(tx, of_stores.chain(of_staff).map(past).collect()).await
}

fn store_record(v: &mut Violations, index: usize, row: &StoreRow) -> Option<StoreRecord> {
    let store = Store {
        name: String::new(),
        code: row.code.clone(),
        display_name: row.display_name.clone(),
        region: row.region.clone(),
        city: row.city.clone(),
        calendar: Some(row.calendar.clone()),
    };
    let new = NewStore::read(v, &format!("stores[{index}]"), &store)?;
    Some(new.into_record(row.id, None))
}

fn staff_record(v: &mut Violations, index: usize, row: &StaffRow, now: Timestamp) -> StaffRecord {
    StaffRecord {
        id: row.id,
        login: account::check_login(v, &format!("staff[{index}].login"), &row.login),
        display_name: v.text(&format!("staff[{index}].display_name"), &row.display_name, 1..=100),
        roles: row.roles.iter().copied().map(sql::number).collect(),
        headquarters: row.headquarters,
        active: true,
        created_at: sql::at(now),
        version: 1,
        stores: row.stores.clone(),
    }
}

async fn insert_stores(tx: &mut PgConnection, stores: &[StoreRecord], now: Timestamp) -> Result<()> {
    let calendars: Vec<serde_json::Value> = stores
        .iter()
        .map(|store| serde_json::to_value(&store.calendar.0))
        .collect::<Result<_, _>>()
        .map_err(Error::internal)?;
    let text = |of: fn(&StoreRecord) -> &String| stores.iter().map(of).cloned().collect::<Vec<String>>();
    sqlx::query!(
        "INSERT INTO identity.stores
             (id, code, display_name, region, city, time_zone, calendar, created_at, updated_at)
         SELECT id, code, display_name, region, city, time_zone, calendar, $8, $8
         FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::jsonb[])
             AS row (id, code, display_name, region, city, time_zone, calendar)",
        &stores.iter().map(|store| store.id.uuid()).collect::<Vec<Uuid>>(),
        &text(|store| &store.code),
        &text(|store| &store.display_name),
        &text(|store| &store.region),
        &text(|store| &store.city),
        &text(|store| &store.time_zone),
        &calendars,
        sql::at(now) as _,
    )
    .execute(tx)
    .await?;
    Ok(())
}

async fn insert_staff(
    tx: &mut PgConnection,
    records: &[StaffRecord],
    rows: &[StaffRow],
    now: Timestamp,
) -> Result<()> {
    // An array of arrays cannot be ragged, so the roles travel as text.
    let roles: Vec<String> = records
        .iter()
        .map(|staff| format!("{{{}}}", staff.roles.iter().map(i16::to_string).collect::<Vec<_>>().join(",")))
        .collect();
    sqlx::query!(
        "INSERT INTO identity.staff
             (id, login, display_name, password_hash, roles, headquarters, created_at, updated_at)
         SELECT id, login, display_name, password_hash, roles::smallint[], headquarters, $7, $7
         FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::boolean[])
             AS row (id, login, display_name, password_hash, roles, headquarters)",
        &records.iter().map(|staff| staff.id.uuid()).collect::<Vec<Uuid>>(),
        &records.iter().map(|staff| staff.login.clone()).collect::<Vec<String>>(),
        &records.iter().map(|staff| staff.display_name.clone()).collect::<Vec<String>>(),
        &rows.iter().map(|row| row.password_hash.clone()).collect::<Vec<String>>(),
        &roles,
        &records.iter().map(|staff| staff.headquarters).collect::<Vec<bool>>(),
        sql::at(now) as _,
    )
    .execute(&mut *tx)
    .await?;
    let (people, places): (Vec<Uuid>, Vec<Uuid>) = records
        .iter()
        .flat_map(|staff| staff.stores.iter().map(|store| (staff.id.uuid(), store.uuid())))
        .unzip();
    sqlx::query!(
        "INSERT INTO identity.staff_stores (staff_id, store_id) SELECT * FROM unnest($1::uuid[], $2::uuid[])",
        &people,
        &places,
    )
    .execute(tx)
    .await?;
    Ok(())
}
