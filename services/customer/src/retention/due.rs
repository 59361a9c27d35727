//! What is too old. What a dry run counts and what goes are found by the same conditions.

use foursight_kernel::{CustomerId, Error, Result, sql};
use foursight_proto::customer::v1::RetentionKind;
use jiff::{Timestamp, ToSpan, tz::TimeZone};
use sqlx::{AssertSqlSafe, PgConnection};
use uuid::Uuid;

/// What a dry run finds.
pub(super) struct Found {
    pub(super) count: i64,
    pub(super) oldest: Option<Timestamp>,
}

/// Before when something has to have happened last, to be too old now. Months are the calendar's, in UTC.
pub(super) fn before(now: Timestamp, keep_months: i32) -> Timestamp {
    let then = now.to_zoned(TimeZone::UTC).checked_sub(keep_months.months());
    then.map_or(Timestamp::MIN, |then| then.timestamp())
}

/// Which rows of which table, `$1` being the time; and since when each is kept.
fn rows_of(kind: RetentionKind) -> Option<(&'static str, &'static str, &'static str)> {
    Some(match kind {
        RetentionKind::Unspecified => return None,
        RetentionKind::Prospects => (
            "customer.customers t",
            "t.update_time",
            "t.update_time < $1 AND t.merged_into IS NULL
             AND NOT EXISTS (SELECT FROM customer.deliveries d WHERE d.customer_id = t.id)
             AND NOT EXISTS (SELECT FROM customer.visits d WHERE d.customer_id = t.id)
             AND NOT EXISTS (SELECT FROM customer.vehicle_ownerships d WHERE d.customer_id = t.id)
             AND NOT EXISTS (SELECT FROM customer.leads d WHERE d.customer_id = t.id AND (d.state = 1 OR d.update_time >= $1))
             AND NOT EXISTS (SELECT FROM customer.receptions d WHERE d.customer_id = t.id AND d.create_time >= $1)
             AND NOT EXISTS (SELECT FROM customer.timeline_entries d
                             WHERE d.customer_id = t.id AND d.occur_time >= $1 AND d.kind <> 'STAGE_MOVED')",
        ),
        RetentionKind::LostLeads => (
            "customer.leads t",
            "coalesce(t.lose_time, t.update_time)",
            "t.state = 3 AND coalesce(t.lose_time, t.update_time) < $1
             AND (t.intended_model <> '' OR t.loss_note <> '' OR t.competitor <> '')",
        ),
        RetentionKind::ImportSnapshots => (
            "customer.import_rows t JOIN customer.imports i ON i.id = t.import_id",
            "i.finish_time",
            "t.before IS NOT NULL AND i.finish_time < $1",
        ),
    })
}

/// How many rows of a kind are too old, and since when the oldest is kept.
pub(super) async fn count(tx: &mut PgConnection, kind: RetentionKind, before: Timestamp) -> Result<Found> {
    let (table, since, which) = rows_of(kind).ok_or_else(|| Error::internal("a rule of no kind"))?;
    let (count, oldest): (i64, Option<sql::Timestamp>) =
        sqlx::query_as(AssertSqlSafe(format!("SELECT count(*), min({since}) FROM {table} WHERE {which}")))
            .bind(sql::at(before))
            .fetch_one(tx)
            .await?;
    Ok(Found { count, oldest: oldest.map(sql::Timestamp::to_jiff) })
}

/// The oldest customers of those who are too old.
pub(super) async fn customers(
    tx: &mut PgConnection,
    before: Timestamp,
    most: i64,
) -> Result<Vec<CustomerId>> {
    let (table, since, which) =
        rows_of(RetentionKind::Prospects).ok_or_else(|| Error::internal("a rule of no kind"))?;
    let ids: Vec<Uuid> = sqlx::query_scalar(AssertSqlSafe(format!(
        "SELECT t.id FROM {table} WHERE {which} ORDER BY {since}, t.id LIMIT $2"
    )))
    .bind(sql::at(before))
    .bind(most)
    .fetch_all(tx)
    .await?;
    Ok(ids.into_iter().map(CustomerId::from).collect())
}

/// Whether a customer is too old still: what was found before may have come back since.
pub(crate) async fn is_due(tx: &mut PgConnection, customer: CustomerId, before: Timestamp) -> Result<bool> {
    let (table, _, which) =
        rows_of(RetentionKind::Prospects).ok_or_else(|| Error::internal("a rule of no kind"))?;
    let due = sqlx::query_scalar(AssertSqlSafe(format!(
        "SELECT EXISTS (SELECT FROM {table} WHERE t.id = $2 AND {which})"
    )));
    Ok(due.bind(sql::at(before)).bind(customer.uuid()).fetch_one(tx).await?)
}

/// Blanks what is too old of the kinds that are not whole customers; answers how many rows.
pub(super) async fn blank(tx: &mut PgConnection, kind: RetentionKind, before: Timestamp) -> Result<u64> {
    let (_, _, which) = rows_of(kind).ok_or_else(|| Error::internal("a rule of no kind"))?;
    let statement = match kind {
        RetentionKind::LostLeads => format!(
            "UPDATE customer.leads t SET intended_model = '', loss_note = left(t.loss_note, 0),
                 competitor = left(t.competitor, 0), version = t.version + 1 WHERE {which}"
        ),
        RetentionKind::ImportSnapshots => format!(
            "UPDATE customer.import_rows t SET before = NULL FROM customer.imports i WHERE i.id = t.import_id AND {which}"
        ),
        RetentionKind::Unspecified | RetentionKind::Prospects => return Ok(0),
    };
    let done = sqlx::query(AssertSqlSafe(statement)).bind(sql::at(before)).execute(tx).await?;
    Ok(done.rows_affected())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_month_is_the_calendar_s() {
        let now: Timestamp = "2026-03-31T12:00:00Z".parse().unwrap();
        assert_eq!(before(now, 1).to_string(), "2026-02-28T12:00:00Z");
        assert_eq!(before(now, 12).to_string(), "2025-03-31T12:00:00Z");
    }

    proptest! {
        #[test]
        fn who_keeps_longer_takes_no_more(seconds in 0_i64..4_000_000_000, months in 1_i32..=239) {
            let now = Timestamp::from_second(seconds).unwrap();
            prop_assert!(before(now, months + 1) < before(now, months));
            prop_assert!(before(now, months) < now);
        }
    }
}
