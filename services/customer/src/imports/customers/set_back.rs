//! Giving a file that a run changed back what it was.

use foursight_kernel::{Error, sql};
use foursight_messaging::NewEvent;
use foursight_proto::customer::{events::v1::CustomerUpdated, v1::Customer};
use prost::Message;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    context::Context,
    customers::{
        facts::{Facts, Field},
        on_file::{self, OnFile, Origin},
        open::OpenError,
        sealing::FieldKind,
    },
    imports::{
        kind::SetBack,
        outcome::{Kept, Written},
        run::Run,
        worker::Stop,
    },
};

use super::change::Before;

/// Gives a file back what it was.
pub(super) async fn set_back(back: &mut SetBack<'_>, row: &Written) -> Result<Result<(), Kept>, Stop> {
    let SetBack { tx, ctx, run, events, .. } = back;
    let (ctx, run) = (*ctx, *run);
    let tx: &mut PgConnection = tx;
    let (Some(id), Some(sealed)) = (row.customer_id, &row.before) else { return Ok(Err(Kept::Gone)) };
    let Ok(file) = on_file::lock(&mut *tx, ctx, id.into()).await else { return Ok(Err(Kept::Gone)) };
    if Some(file.version) != row.version {
        return Ok(Err(Kept::Changed));
    }
    let before = file.key.open_bytes(FieldKind::BeforeImport, sealed)?;
    let before: Before = serde_json::from_slice(&before).map_err(Error::internal)?;
    if before.linked && deals_here(tx, run, id).await? {
        return Ok(Err(Kept::Needed));
    }
    if is_anothers(tx, ctx, id, &before).await? {
        return Ok(Err(Kept::Changed));
    }
    let mut paths = Vec::new();
    let now = ctx.now();
    let fields: Vec<Field> = before.fields.iter().filter_map(|number| Field::of_number(*number)).collect();
    let mut version = file.version;
    if !before.points.is_empty() {
        sqlx::query!(
            "DELETE FROM customer.contact_points WHERE customer_id = $1 AND id = ANY ($2)",
            id,
            &before.points
        )
        .execute(&mut *tx)
        .await?;
        paths.push("contact_points".to_owned());
    }
    if fields.is_empty() && !before.points.is_empty() {
        version += 1;
        sqlx::query!(
            "UPDATE customer.customers SET version = version + 1, update_time = $2 WHERE id = $1",
            id,
            sql::at(now) as _
        )
        .execute(&mut *tx)
        .await?;
    }
    if !fields.is_empty() {
        version = take_back(tx, ctx, run, &file, &fields, &before).await?;
        paths.extend(fields.iter().map(|field| field.path().to_owned()));
    }
    if before.linked {
        sqlx::query!(
            "DELETE FROM customer.customer_stores WHERE customer_id = $1 AND store_id = $2",
            id,
            run.store_id
        )
        .execute(&mut *tx)
        .await?;
        paths.push("stores".to_owned());
    }
    let event = CustomerUpdated {
        customer: file.id.name(),
        store: run.store().name(),
        source: run.source()?.into(),
        fields: paths,
    };
    events.push(NewEvent::new(&event, id, version, Some(run.store())));
    Ok(Ok(()))
}

async fn take_back(
    tx: &mut PgConnection,
    ctx: &Context,
    run: &Run,
    file: &OnFile,
    fields: &[Field],
    before: &Before,
) -> Result<i64, Stop> {
    let was = Customer::decode(before.was.as_slice()).map_err(Error::internal)?;
    let facts = Facts::kept(&was)?;
    let origin = Origin { store: run.store(), source: run.source()?, time: ctx.now() };
    file.take(tx, ctx, &run.creator(), (fields, &facts), origin).await.map_err(|error| match error {
        // Somebody else has the id number now: it is tried again, and told in the end.
        OpenError::Clash(_) => Stop::Clash,
        OpenError::TooManyTries(error) => Stop::Other(error.into()),
        OpenError::Other(error) => error.into(),
    })
}

/// Whether the id number that the file had is somebody else's now.
async fn is_anothers(tx: &mut PgConnection, ctx: &Context, id: Uuid, before: &Before) -> Result<bool, Stop> {
    let was = Customer::decode(before.was.as_slice()).map_err(Error::internal)?;
    if !before.fields.contains(&(Field::NationalId as i16)) || was.national_id.is_empty() {
        return Ok(false);
    }
    let anothers = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM customer.customers WHERE national_id_hash = $1 AND id <> $2) AS "anothers!""#,
        ctx.keys.national_id_hash(&was.national_id),
        id,
    )
    .fetch_one(tx)
    .await?;
    Ok(anothers)
}

/// Whether the store has dealings with a customer whom it came to serve by the run.
async fn deals_here(tx: &mut PgConnection, run: &Run, id: Uuid) -> Result<bool, Stop> {
    let deals = sqlx::query_scalar!(
        r#"SELECT (EXISTS (SELECT FROM customer.leads l WHERE l.customer_id = $1 AND l.store_id = $2)
                   OR EXISTS (SELECT FROM customer.receptions r WHERE r.customer_id = $1 AND r.store_id = $2)
                   OR EXISTS (SELECT FROM customer.deliveries d WHERE d.customer_id = $1 AND d.store_id = $2)
                   OR EXISTS (SELECT FROM customer.visits v WHERE v.customer_id = $1 AND v.store_id = $2)) AS "deals!""#,
        id,
        run.store_id,
    )
    .fetch_one(tx)
    .await?;
    Ok(deals)
}
