//! Complaint rate 投诉率: complaints for each piece of business.
//!
//! numerator = cases of the kind complaint taken in the month; denominator = deliveries + visits handed back in the month.

use foursight_proto::complaint::v1::CaseKind;
use sqlx::PgConnection;

use super::{Counted, period::Period};

pub(super) async fn count(tx: &mut PgConnection, period: &Period) -> Result<Vec<Counted>, sqlx::Error> {
    sqlx::query_as!(
        Counted,
        r#"WITH counted AS (
               SELECT store_id, month, occur_time, true AS complaint FROM analytics.opened_cases WHERE kind = $4
               UNION ALL
               SELECT store_id, month, occur_time, false FROM analytics.delivered
               UNION ALL
               SELECT store_id, month, occur_time, false FROM analytics.handed_over
           )
           SELECT store_id AS "store!", to_char(month, 'YYYY-MM') AS "month!",
                  (count(*) FILTER (WHERE complaint))::float8 AS "numerator!",
                  (count(*) FILTER (WHERE NOT complaint))::float8 AS "denominator!"
           FROM counted
           WHERE ($1::uuid[] IS NULL OR store_id = ANY ($1))
             -- Two days' margin hold every time zone; the index narrows, the month decides.
             AND occur_time >= $2::date - interval '2 days' AND occur_time < $3::date + interval '1 month 2 days'
             AND month BETWEEN $2 AND $3
           GROUP BY store_id, month
           ORDER BY store_id, month"#,
        period.stores.as_deref(),
        period.first() as _,
        period.last() as _,
        CaseKind::Complaint as i32,
    )
    .fetch_all(tx)
    .await
}
