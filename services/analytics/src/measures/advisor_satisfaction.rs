//! Advisor satisfaction 顾问满意度: how customers rate the advisor, on a scale of 100.
//!
//! numerator = sum of the scores (1 to 10) × 10 over the call tasks that ended DONE in the month;
//! denominator = number of those tasks. A task without a score (0) asks nobody and counts for nothing.

use foursight_proto::notification::v1::CallTaskState;
use sqlx::PgConnection;

use super::{Counted, period::Period};

pub(super) async fn count(tx: &mut PgConnection, period: &Period) -> Result<Vec<Counted>, sqlx::Error> {
    sqlx::query_as!(
        Counted,
        r#"SELECT store_id AS "store!", to_char(month, 'YYYY-MM') AS "month!",
                  (sum(advisor_score) * 10)::float8 AS "numerator!", count(*)::float8 AS "denominator!"
           FROM analytics.completed_calls
           WHERE ($1::uuid[] IS NULL OR store_id = ANY ($1))
             AND state = $4 AND advisor_score > 0
             -- Two days' margin hold every time zone; the index narrows, the month decides.
             AND occur_time >= $2::date - interval '2 days' AND occur_time < $3::date + interval '1 month 2 days'
             AND month BETWEEN $2 AND $3
           GROUP BY store_id, month
           ORDER BY store_id, month"#,
        period.stores.as_deref(),
        period.first() as _,
        period.last() as _,
        CallTaskState::Done as i32,
    )
    .fetch_all(tx)
    .await
}
