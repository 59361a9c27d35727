//! Tries at somebody else's file, at the counter, by opening one or by bringing a car: a few are mistakes, many are a guess at whose
//! phone is on file. Each phone, id number or car that was not who told it stands in the audit log, and counts wherever it was told.

use std::time::Duration;

use foursight_access::{Principal, audit};
use foursight_kernel::{Error, Result, StoreId, sql};
use jiff::{SignedDuration, Timestamp};
use sqlx::PgConnection;

/// How far back tries count.
const WITHIN: Duration = Duration::from_mins(15);
/// So many has a caller, at whatever phones,
const MOST_BY_CALLER: i64 = 10;
/// and so many has a phone or id number, by whomever.
const MOST_AT_PHONE: i64 = 5;
/// After this they are forgotten.
const KEPT: SignedDuration = SignedDuration::from_hours(24);

/// Too many of the caller's, or too many at this phone or id number, were refused.
#[derive(Debug, thiserror::Error)]
#[error(
    "too many phones, id numbers or cars that were told did not fit, or are somebody else's; wait, then look at them again, and \
     leave out what is not the customer's own"
)]
pub(crate) struct TooManyTries;

impl From<TooManyTries> for Error {
    fn from(error: TooManyTries) -> Self {
        Self::exhausted("TOO_MANY_TRIES", error.to_string(), WITHIN)
    }
}

/// What was tried, as the audit log has it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Try {
    pub(crate) method: &'static str,
    pub(crate) reason: &'static str,
}

/// Who may open no file for a while: the subject, from when tries count, and how many are too many. For the statement that opens
/// one, which asks by `customer.admit_opening`, so that it takes no round trip of its own.
pub(crate) struct Opening {
    pub(crate) subject: String,
    pub(crate) since: sql::Timestamp,
    pub(crate) most: i64,
}

impl Opening {
    pub(crate) fn of(caller: &Principal, now: Timestamp) -> Result<Self> {
        Ok(Self { subject: caller.subject.name(), since: sql::at(since(now)?), most: MOST_BY_CALLER })
    }
}

fn since(now: Timestamp) -> Result<Timestamp> {
    Ok(now - SignedDuration::try_from(WITHIN).map_err(Error::internal)?)
}

/// How many tries a caller has left.
pub(crate) async fn left(tx: &mut PgConnection, caller: &Principal, now: Timestamp) -> Result<i64> {
    let failed = sqlx::query_scalar!(
        r#"SELECT count(*) AS "failed!" FROM customer.visitor_tries WHERE subject = $1 AND try_time > $2"#,
        caller.subject.name(),
        sql::at(since(now)?) as _,
    )
    .fetch_one(tx)
    .await?;
    Ok((MOST_BY_CALLER - failed).max(0))
}

/// Refuses a caller who was refused too often, whatever phone is told. Asked before anything is looked for: else what is refused
/// and what is not would go on telling.
///
/// # Errors
/// `TOO_MANY_TRIES` with the time after which to try again.
pub(crate) async fn admit_caller(tx: &mut PgConnection, caller: &Principal, now: Timestamp) -> Result<()> {
    if left(tx, caller, now).await? == 0 { Err(TooManyTries.into()) } else { Ok(()) }
}

/// How many more tries a caller has.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Left(i64);

impl Left {
    /// Whether so many may be refused now. One always may: else the caller would not have been admitted.
    ///
    /// # Errors
    /// `TOO_MANY_TRIES` when not.
    pub(crate) fn require(self, tries: usize) -> Result<(), TooManyTries> {
        if i64::try_from(tries).is_ok_and(|tries| tries <= self.0) { Ok(()) } else { Err(TooManyTries) }
    }
}

/// Lets a caller look whose the phones and id numbers are that were told, by their hashes. From here on the caller's looks, and
/// those at the same of them, come one after the other until the transaction ends, so that many at once are counted, too.
///
/// # Errors
/// `TOO_MANY_TRIES` with the time after which to try again.
pub(crate) async fn admit(
    tx: &mut PgConnection,
    caller: &Principal,
    mut told: Vec<Vec<u8>>,
    now: Timestamp,
) -> Result<Left> {
    let subject = caller.subject.name();
    // Always in one order: the caller, then what was told by its hash.
    told.sort_unstable();
    sqlx::query!("SELECT pg_advisory_xact_lock(hashtext('visitor tries'), hashtext($1))", subject)
        .execute(&mut *tx)
        .await?;
    for hash in &told {
        sqlx::query!(
            "SELECT pg_advisory_xact_lock(hashtext('phone tries'), hashtext(encode($1::bytea, 'hex')))",
            hash,
        )
        .execute(&mut *tx)
        .await?;
    }
    let failed = sqlx::query!(
        r#"SELECT (SELECT count(*) FROM customer.visitor_tries WHERE subject = $1 AND try_time > $3) AS "by_caller!",
                  (SELECT coalesce(max(at_one.tries), 0) FROM (
                       SELECT count(*) AS tries FROM customer.visitor_tries
                       WHERE phone_hash = ANY ($2) AND try_time > $3 GROUP BY phone_hash) at_one) AS "at_phone!""#,
        subject,
        &told,
        sql::at(since(now)?) as _,
    )
    .fetch_one(tx)
    .await?;
    if failed.by_caller >= MOST_BY_CALLER || failed.at_phone >= MOST_AT_PHONE {
        return Err(TooManyTries.into());
    }
    Ok(Left(MOST_BY_CALLER - failed.by_caller))
}

/// Notes a try at each of these phones and id numbers, which are not who told them; one try when there are none.
pub(crate) async fn failed(
    tx: &mut PgConnection,
    caller: &Principal,
    tried: Try,
    store: StoreId,
    at: &[Vec<u8>],
    now: Timestamp,
) -> Result<()> {
    sqlx::query!("DELETE FROM customer.visitor_tries WHERE try_time < $1", sql::at(now - KEPT) as _)
        .execute(&mut *tx)
        .await?;
    let nothing = [None];
    let at: Vec<Option<&[u8]>> = at.iter().map(|hash| Some(hash.as_slice())).collect();
    let at = if at.is_empty() { nothing.as_slice() } else { at.as_slice() };
    let ids = sqlx::query_scalar!(
        "INSERT INTO customer.visitor_tries (subject, phone_hash, try_time)
         SELECT $1, t.hash, $3 FROM unnest($2::bytea[]) AS t (hash) RETURNING id",
        caller.subject.name(),
        at as _,
        sql::at(now) as _,
    )
    .fetch_all(&mut *tx)
    .await?;
    let action = audit::Action {
        method: tried.method,
        resource: &store.name(),
        store: Some(store),
        detail: serde_json::json!({ "tries": ids, "reason": tried.reason }),
    };
    audit::record(tx, caller, now, action).await
}
