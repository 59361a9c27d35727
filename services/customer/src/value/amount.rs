//! What a customer brought: counted from the visits and deliveries themselves, so that it may be counted at any time and again.

use foursight_kernel::{Result, sql};
use jiff::{SignedDuration, Timestamp};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::value::ValueRule;

const DAY_H: i64 = 24;

/// Counts what these customers brought within the days that count. Who has no file any more is left out.
///
/// # Errors
/// `UNAVAILABLE` while the database is away.
pub(super) async fn count(
    tx: &mut PgConnection,
    rule: ValueRule,
    customers: &[Uuid],
    now: Timestamp,
) -> Result<()> {
    let days = SignedDuration::from_hours(DAY_H * i64::from(rule.days));
    let since = now.checked_sub(days).unwrap_or(Timestamp::MIN);
    sqlx::query!(
        "INSERT INTO customer.customer_values AS v (customer_id, value_fen, counted_until)
         SELECT c.id, coalesce(sum(it.fen), 0)::bigint, min(it.at) + make_interval(hours => $4)
         FROM customer.customers c
         LEFT JOIN LATERAL (
             SELECT d.amount_fen AS fen, d.hand_over_time AS at FROM customer.visits d
             WHERE d.customer_id = c.id AND d.state = 2 AND d.amount_fen > 0 AND d.hand_over_time > $2
             UNION ALL
             SELECT $3::bigint, d.deliver_time FROM customer.deliveries d
             WHERE d.customer_id = c.id AND d.deliver_time > $2
         ) it ON true
         WHERE c.id = ANY ($1) AND c.merged_into IS NULL
         GROUP BY c.id
         ORDER BY c.id
         ON CONFLICT (customer_id) DO UPDATE
         SET value_fen = excluded.value_fen, counted_until = excluded.counted_until
         WHERE (v.value_fen, v.counted_until) IS DISTINCT FROM (excluded.value_fen, excluded.counted_until)",
        customers,
        sql::at(since) as _,
        i64::from(rule.delivery_fen),
        24 * i32::from(rule.days),
    )
    .execute(tx)
    .await?;
    Ok(())
}
