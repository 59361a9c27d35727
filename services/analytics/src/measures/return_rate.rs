//! Return-to-workshop rate 回厂率: how many of the cars that the store keeps came in.
//!
//! numerator = distinct cars that came in at the store in the month;
//! denominator = retained cars 保有 = distinct cars that the store delivered, or that came in there, in the 12 months that
//! end with the month. A car that came in is itself retained, so the rate never exceeds 1.
//!
//! A car seen in month m is retained in m to m + 11. The SQL cuts that span at the next month in which the car was seen, so
//! that spans of one car never overlap and plain counting counts each car once.

use sqlx::PgConnection;

use super::{Counted, period::Period};

pub(super) async fn count(tx: &mut PgConnection, period: &Period) -> Result<Vec<Counted>, sqlx::Error> {
    sqlx::query_as!(
        Counted,
        r#"WITH touched AS (
               SELECT store_id, vehicle_id, month, occur_time, false AS came_in FROM analytics.delivered
               UNION ALL
               SELECT store_id, vehicle_id, month, occur_time, true FROM analytics.checked_in
           ), seen AS (
               SELECT store_id, vehicle_id, month, bool_or(came_in) AS came_in
               FROM touched
               WHERE ($1::uuid[] IS NULL OR store_id = ANY ($1))
                 -- 11 months back, and two days' margin for every time zone.
                 AND occur_time >= $2::date - interval '11 months 2 days' AND occur_time < $3::date + interval '1 month 2 days'
                 AND month BETWEEN $2::date - interval '11 months' AND $3
               GROUP BY store_id, vehicle_id, month
           ), spans AS (
               SELECT store_id, month, came_in,
                      least(
                          month + interval '11 months',
                          lead(month) OVER (PARTITION BY store_id, vehicle_id ORDER BY month) - interval '1 month',
                          $3::date
                      ) AS until
               FROM seen
           ), counted AS (
               SELECT spans.store_id, retained.month::date AS month, spans.came_in AND retained.month = spans.month AS returned
               FROM spans
               CROSS JOIN LATERAL generate_series(greatest(spans.month, $2::date), spans.until, interval '1 month') AS retained (month)
           )
           SELECT store_id AS "store!", to_char(month, 'YYYY-MM') AS "month!",
                  (count(*) FILTER (WHERE returned))::float8 AS "numerator!", count(*)::float8 AS "denominator!"
           FROM counted
           GROUP BY store_id, month
           ORDER BY store_id, month"#,
        period.stores.as_deref(),
        period.first() as _,
        period.last() as _,
    )
    .fetch_all(tx)
    .await
}
