//! Tries at somebody else's file: a few wrong names are mistakes, many are a guess. Each stands in the audit log.

use std::time::Duration;

use foursight_access::{Principal, audit};
use foursight_kernel::{Error, Result, sql};
use jiff::{SignedDuration, Timestamp};
use sqlx::PgConnection;

use crate::{customers::SealedFile, receptions::ReceptionError};

/// How far back tries count.
const WITHIN: Duration = Duration::from_mins(15);
/// So many has a caller, at whatever phones,
const MOST_BY_CALLER: i64 = 10;
/// and so many has a phone, by whomever.
const MOST_AT_PHONE: i64 = 5;
/// After this they are forgotten.
const KEPT: SignedDuration = SignedDuration::from_hours(24);

/// Lets a caller look whether a visitor is who the file is of. From here on the caller's looks, and those at the same phone,
/// come one after the other until the transaction ends, so that many at once are counted, too.
///
/// # Errors
/// `TOO_MANY_TRIES` with the time after which to try again.
pub(super) async fn admit(
    tx: &mut PgConnection,
    caller: &Principal,
    visitor: &SealedFile,
    now: Timestamp,
) -> Result<()> {
    let (subject, mut phones) = (caller.subject.name(), visitor.phone_hashes());
    // Always in one order: the caller, then the phones by their hash.
    phones.sort_unstable();
    sqlx::query!("SELECT pg_advisory_xact_lock(hashtext('visitor tries'), hashtext($1))", subject)
        .execute(&mut *tx)
        .await?;
    for phone in &phones {
        sqlx::query!(
            "SELECT pg_advisory_xact_lock(hashtext('phone tries'), hashtext(encode($1::bytea, 'hex')))",
            phone,
        )
        .execute(&mut *tx)
        .await?;
    }
    let since = now - SignedDuration::try_from(WITHIN).map_err(Error::internal)?;
    let failed = sqlx::query!(
        r#"SELECT (SELECT count(*) FROM customer.visitor_tries WHERE subject = $1 AND try_time > $3) AS "by_caller!",
                  (SELECT count(*) FROM customer.visitor_tries
                   WHERE phone_hash = ANY ($2) AND try_time > $3) AS "at_phone!""#,
        subject,
        &phones,
        sql::at(since) as _,
    )
    .fetch_one(tx)
    .await?;
    if failed.by_caller >= MOST_BY_CALLER || failed.at_phone >= MOST_AT_PHONE {
        return Err(ReceptionError::TooManyTries(WITHIN).into());
    }
    Ok(())
}

/// Notes that the visitor was not who the file is of.
pub(super) async fn failed(
    tx: &mut PgConnection,
    caller: &Principal,
    visitor: &SealedFile,
    now: Timestamp,
) -> Result<()> {
    sqlx::query!("DELETE FROM customer.visitor_tries WHERE try_time < $1", sql::at(now - KEPT) as _)
        .execute(&mut *tx)
        .await?;
    let store = visitor.facts.store;
    let mut phones = visitor.phone_hashes();
    let id = sqlx::query_scalar!(
        "INSERT INTO customer.visitor_tries (subject, phone_hash, try_time) VALUES ($1, $2, $3) RETURNING id",
        caller.subject.name(),
        phones.pop(),
        sql::at(now) as _,
    )
    .fetch_one(&mut *tx)
    .await?;
    let action = audit::Action {
        method: "FindVisitor",
        resource: &store.name(),
        store: Some(store),
        detail: serde_json::json!({ "try": id, "reason": "VISITOR_NOT_CONFIRMED" }),
    };
    audit::record(tx, caller, now, action).await
}
