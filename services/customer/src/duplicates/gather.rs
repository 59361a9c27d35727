//! The steps by which a look through all files gathers pairs: each by one thing that files have in common. What very many share is no
//! one's: a switchboard, a fleet.

use foursight_kernel::{Error, Result};
use sqlx::PgConnection;

/// Files that share a thing, at most.
const MOST: i64 = 20;

/// How many steps there are.
pub(super) const STEPS: i16 = 6;

/// Writes the pairs of a step down to be compared. A pair that is there already stays.
///
/// # Errors
/// When there is no such step; `UNAVAILABLE` while the database is away.
pub(super) async fn gather(tx: &mut PgConnection, step: i16) -> Result<()> {
    match step {
        // What is to be decided already is looked at again: it may have been corrected.
        0 => {
            sqlx::query!(
                "INSERT INTO customer.duplicate_work (low_id, high_id)
                 SELECT low_id, high_id FROM customer.duplicates WHERE state = 1 ON CONFLICT DO NOTHING"
            )
            .execute(tx)
            .await?
        }
        1 => {
            sqlx::query!(
                "INSERT INTO customer.duplicate_work (low_id, high_id)
                 SELECT DISTINCT p.low_id, p.high_id
                 FROM (SELECT array_agg(DISTINCT p.customer_id) AS ids FROM customer.contact_points p
                       WHERE p.hash IS NOT NULL GROUP BY p.hash HAVING count(*) BETWEEN 2 AND $1) same
                 CROSS JOIN LATERAL customer.pairs_of(same.ids) p ON CONFLICT DO NOTHING",
                MOST,
            )
            .execute(tx)
            .await?
        }
        2 => {
            sqlx::query!(
                "INSERT INTO customer.duplicate_work (low_id, high_id)
                 SELECT DISTINCT p.low_id, p.high_id
                 FROM (SELECT array_agg(c.id) AS ids FROM customer.customers c
                       WHERE c.merged_into IS NULL AND (c.birthday IS NOT NULL OR c.lunar_month IS NOT NULL)
                       GROUP BY c.search_name, c.birthday,
                                CASE WHEN c.birthday IS NULL THEN (c.lunar_year, c.lunar_month, c.lunar_leap, c.lunar_day) END
                       HAVING count(*) BETWEEN 2 AND $1) same
                 CROSS JOIN LATERAL customer.pairs_of(same.ids) p ON CONFLICT DO NOTHING",
                MOST,
            )
            .execute(tx)
            .await?
        }
        3 => {
            sqlx::query!(
                "INSERT INTO customer.duplicate_work (low_id, high_id)
                 SELECT DISTINCT p.low_id, p.high_id
                 FROM (SELECT array_agg(DISTINCT c.id) AS ids
                       FROM customer.named_files n
                       CROSS JOIN LATERAL unnest(n.keys) AS k (key)
                       JOIN customer.customers c ON c.id = n.customer_id
                       WHERE starts_with(k.key, 'p') AND c.birthday IS NOT NULL
                       GROUP BY k.key, c.birthday HAVING count(*) BETWEEN 2 AND $1) same
                 CROSS JOIN LATERAL customer.pairs_of(same.ids) p ON CONFLICT DO NOTHING",
                MOST,
            )
            .execute(tx)
            .await?
        }
        4 => {
            sqlx::query!(
                "INSERT INTO customer.duplicate_work (low_id, high_id)
                 SELECT DISTINCT p.low_id, p.high_id
                 FROM (SELECT array_agg(DISTINCT c.id) AS ids
                       FROM customer.contact_points p JOIN customer.customers c ON c.id = p.customer_id
                       WHERE p.tail_hash IS NOT NULL
                       GROUP BY p.tail_hash, c.search_name HAVING count(*) BETWEEN 2 AND $1) same
                 CROSS JOIN LATERAL customer.pairs_of(same.ids) p ON CONFLICT DO NOTHING",
                MOST,
            )
            .execute(tx)
            .await?
        }
        5 => {
            sqlx::query!(
                "INSERT INTO customer.duplicate_work (low_id, high_id)
                 SELECT DISTINCT a.customer_id, b.customer_id
                 FROM customer.vehicle_ownerships a
                 JOIN customer.vehicle_ownerships b ON b.vehicle_id = a.vehicle_id AND b.customer_id > a.customer_id
                 JOIN customer.customers c ON c.id = a.customer_id
                 JOIN customer.customers d ON d.id = b.customer_id
                 WHERE c.search_name = d.search_name
                    OR EXISTS (
                        SELECT FROM customer.named_files m, unnest(m.keys) AS k (key), customer.named_files n
                        WHERE m.customer_id = c.id AND n.customer_id = d.id AND starts_with(k.key, 'p') AND k.key = ANY (n.keys))
                 ON CONFLICT DO NOTHING"
            )
            .execute(tx)
            .await?
        }
        _ => return Err(Error::internal("there is no such step")),
    };
    Ok(())
}
