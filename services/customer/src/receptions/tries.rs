//! Tries at a file that is there already: a few wrong names are mistakes, many are a guess. Each counts until it is proven, and
//! leaves its mark in the audit log either way.

use std::time::Duration;

use foursight_access::{Principal, audit};
use foursight_kernel::{Error, Result, sql};
use jiff::{SignedDuration, Timestamp};
use sqlx::PgConnection;

use crate::{
    context::Context,
    customers::{NewFile, open},
    receptions::ReceptionError,
};

/// How far back tries count.
const WITHIN: Duration = Duration::from_mins(15);
/// So many are open to one caller, at whatever phones,
const MOST_BY_CALLER: i64 = 10;
/// and so many at one phone, by whomever.
const MOST_AT_PHONE: i64 = 5;
/// After this they are forgotten.
const KEPT: SignedDuration = SignedDuration::from_hours(24);

/// A try that is not proven yet.
#[derive(Debug, Clone, Copy)]
pub(super) struct Try(i64);

/// Counts a try when the visitor's phone or id card is on a file; `None` when it is on none. On the record before the file is
/// looked into, so that many at once are counted, too.
///
/// # Errors
/// `TOO_MANY_TRIES` with the time after which to try again.
pub(super) async fn begin(
    ctx: &Context,
    caller: &Principal,
    visitor: &NewFile,
    now: Timestamp,
) -> Result<Option<Try>> {
    let file = visitor.clone().seal(&ctx.keys, &ctx.ids, ctx.ids.next()).map_err(Error::from)?;
    let mut tx = ctx.db.begin(caller).await?;
    if open::file_of(&mut tx, &file).await?.is_none() {
        return Ok(None);
    }
    let (subject, phones) = (caller.subject.name(), file.phone_hashes());
    // One caller's tries come one after the other.
    sqlx::query!("SELECT pg_advisory_xact_lock(hashtext('visitor tries'), hashtext($1))", subject)
        .execute(&mut *tx)
        .await?;
    let since = now - SignedDuration::try_from(WITHIN).map_err(Error::internal)?;
    let open = sqlx::query!(
        r#"SELECT (SELECT count(*) FROM customer.visitor_tries WHERE subject = $1 AND try_time > $3) AS "by_caller!",
                  (SELECT count(*) FROM customer.visitor_tries
                   WHERE phone_hash = ANY ($2) AND try_time > $3) AS "at_phone!""#,
        subject,
        &phones,
        sql::at(since) as _,
    )
    .fetch_one(&mut *tx)
    .await?;
    if open.by_caller >= MOST_BY_CALLER || open.at_phone >= MOST_AT_PHONE {
        return Err(ReceptionError::TooManyTries(WITHIN).into());
    }
    sqlx::query!("DELETE FROM customer.visitor_tries WHERE try_time < $1", sql::at(now - KEPT) as _)
        .execute(&mut *tx)
        .await?;
    let id = sqlx::query_scalar!(
        "INSERT INTO customer.visitor_tries (subject, phone_hash, try_time) VALUES ($1, $2, $3) RETURNING id",
        subject,
        phones.first(),
        sql::at(now) as _,
    )
    .fetch_one(&mut *tx)
    .await?;
    let action = audit::Action {
        method: "FindVisitor",
        resource: &visitor.store.name(),
        store: Some(visitor.store),
        detail: serde_json::json!({ "try": id }),
    };
    audit::record(&mut tx, caller, now, action).await?;
    tx.commit().await?;
    Ok(Some(Try(id)))
}

/// The visitor was who they said: the try counts no more.
pub(super) async fn proven(tx: &mut PgConnection, Try(id): Try) -> Result<()> {
    sqlx::query!("DELETE FROM customer.visitor_tries WHERE id = $1", id).execute(tx).await?;
    Ok(())
}
