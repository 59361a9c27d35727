//! Writing a new file: one statement for the file, its link to the store, its key and its contact points; then the event
//! and the audit row.

use foursight_access::{Principal, audit};
use foursight_kernel::{CustomerId, Error, RequestKey, Result, replay, sql, unique_violation};
use foursight_messaging::NewEvent;
use foursight_proto::customer::{events::v1::CustomerCreated, v1::LifeCycleStage};
use foursight_runtime::record;
use jiff::Timestamp;
use sqlx::PgConnection;

use crate::{
    context::Context,
    customers::{SealedFile, sealed_file::PointColumns, search},
};

/// Why a file could not be written.
#[derive(Debug)]
pub(crate) enum OpenError {
    /// A file with the same phone, national id or request id is there; the transaction is over.
    Clash(Clash),
    /// Anything else.
    Other(Error),
}

/// What two files would have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Clash {
    Request,
    Customer,
}

impl From<Error> for OpenError {
    fn from(error: Error) -> Self {
        Self::Other(error)
    }
}

/// Opens the file in the caller's transaction.
pub(crate) async fn open(
    tx: &mut PgConnection,
    ctx: &Context,
    caller: &Principal,
    file: &SealedFile,
    request: Option<&RequestKey>,
    now: Timestamp,
) -> Result<(), OpenError> {
    insert(tx, file, request, now).await.map_err(|error| match unique_violation(&error) {
        Some("customers_request") => OpenError::Clash(Clash::Request),
        Some("customers_national_id" | "contact_points_holder") => OpenError::Clash(Clash::Customer),
        _ => OpenError::Other(error.into()),
    })?;
    let facts = &file.facts;
    let created = CustomerCreated {
        customer: file.id.name(),
        store: facts.store.name(),
        kind: facts.kind.into(),
        source: facts.source.into(),
    };
    let event = NewEvent::new(&created, file.id.uuid(), 1, Some(facts.store));
    let action = audit::Action {
        method: "CreateCustomer",
        resource: &file.id.name(),
        store: Some(facts.store),
        detail: serde_json::json!({ "kind": facts.kind.as_str_name(), "source": facts.source.as_str_name() }),
    };
    record::change(tx, &ctx.ids, caller, now, event, action).await?;
    Ok(())
}

async fn insert(
    tx: &mut PgConnection,
    file: &SealedFile,
    request: Option<&RequestKey>,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    let facts = &file.facts;
    let (national_id_sealed, national_id_hash) =
        file.national_id.as_ref().map(|(sealed, hash)| (sealed.as_slice(), hash.as_slice())).unzip();
    let (request_id, request_hash) = replay::columns(request);
    let points = PointColumns::of(file.points.iter());
    sqlx::query!(
        "WITH file AS (
             INSERT INTO customer.customers (id, kind, display_name, search_name, gender, birthday, national_id_sealed,
                 national_id_hash, store_id, source, stage, version, create_time, update_time, request_id, request_hash)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 1, $12, $12, $13, $14)
         ), link AS (
             INSERT INTO customer.customer_stores (customer_id, store_id, start_time) VALUES ($1, $9, $12)
         ), key AS (
             INSERT INTO customer.customer_keys (customer_id, master_version, wrapped) VALUES ($1, $15, $16)
         )
         INSERT INTO customer.contact_points
             (customer_id, id, kind, sealed, hash, tail_hash, exclusive, source, store_id, start_time)
         SELECT $1, p.id, p.kind, p.sealed, p.hash, p.tail_hash, p.exclusive, $10, $9, $12
         FROM unnest($17::uuid[], $18::smallint[], $19::bytea[], $20::bytea[], $21::bytea[], $22::boolean[])
              AS p (id, kind, sealed, hash, tail_hash, exclusive)",
        file.id.uuid(),
        sql::number(facts.kind),
        facts.display_name,
        search::fold(&facts.display_name),
        sql::number(facts.gender),
        facts.birthday.map(sql::on) as _,
        national_id_sealed,
        national_id_hash,
        facts.store.uuid(),
        sql::number(facts.source),
        sql::number(LifeCycleStage::Prospect),
        sql::at(now) as _,
        request_id,
        request_hash,
        file.key.master_version,
        file.key.wrapped,
        &points.ids,
        &points.kinds,
        &points.sealed as _,
        &points.hashes as _,
        &points.tail_hashes as _,
        &points.exclusive,
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// The one file of somebody who stands at the counter, whichever store opened it.
pub(crate) async fn file_of(tx: &mut PgConnection, file: &SealedFile) -> Result<Option<CustomerId>> {
    let phones = file.phone_hashes();
    let found = sqlx::query_scalar!(
        "SELECT customer.file_of($1, $2, $3)",
        sql::number(file.facts.kind),
        &phones,
        file.national_id_hash(),
    )
    .fetch_one(tx)
    .await?;
    Ok(found.map(CustomerId::from))
}
