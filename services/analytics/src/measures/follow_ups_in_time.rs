//! Follow-ups done in time 回访及时率: calls that reached the customer by their due time.
//!
//! denominator = call tasks that fall due in the month; numerator = those of them that ended DONE at or before the due time.

use foursight_proto::notification::v1::CallTaskState;
use sqlx::PgConnection;

use super::{Counted, period::Period};

pub(super) async fn count(tx: &mut PgConnection, period: &Period) -> Result<Vec<Counted>, sqlx::Error> {
    sqlx::query_as!(
        Counted,
        r#"SELECT store_id AS "store!", to_char(month, 'YYYY-MM') AS "month!",
                  (count(*) FILTER (WHERE state = $4 AND complete_time <= occur_time))::float8 AS "numerator!",
                  count(*)::float8 AS "denominator!"
           FROM analytics.due_calls
           WHERE ($1::uuid[] IS NULL OR store_id = ANY ($1))
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
