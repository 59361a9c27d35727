//! Deliveries 交车数: cars handed over in the month.
//!
//! numerator = number of deliveries whose hand-over lies in the month; denominator = 1.

use sqlx::PgConnection;

use super::{Counted, period::Period};

pub(super) async fn count(tx: &mut PgConnection, period: &Period) -> Result<Vec<Counted>, sqlx::Error> {
    sqlx::query_as!(
        Counted,
        r#"SELECT store_id AS "store!", to_char(month, 'YYYY-MM') AS "month!",
                  count(*)::float8 AS "numerator!", 1::float8 AS "denominator!"
           FROM analytics.delivered
           WHERE ($1::uuid[] IS NULL OR store_id = ANY ($1))
             -- Two days' margin hold every time zone; the index narrows, the month decides.
             AND occur_time >= $2::date - interval '2 days' AND occur_time < $3::date + interval '1 month 2 days'
             AND month BETWEEN $2 AND $3
           GROUP BY store_id, month
           ORDER BY store_id, month"#,
        period.stores.as_deref(),
        period.first() as _,
        period.last() as _,
    )
    .fetch_all(tx)
    .await
}
