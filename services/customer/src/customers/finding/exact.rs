//! Files by what is theirs alone, or nearly: phone, the end of a phone, national id, plate, VIN, the end of a VIN.

use foursight_kernel::Result;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::customers::search::Search;

/// The newest of them after a file; with `among`, of those only.
pub(super) async fn files(
    tx: &mut PgConnection,
    search: &Search,
    stores: Option<&[Uuid]>,
    among: Option<&[Uuid]>,
    after: Option<Uuid>,
    most: i64,
) -> Result<Vec<Uuid>> {
    let ids = sqlx::query_scalar!(
        r#"WITH found AS (
               SELECT customer_id FROM customer.contact_points
               WHERE hash = $1 AND exclusive AND end_time IS NULL
               UNION
               SELECT customer_id FROM customer.contact_points
               WHERE hash = $1 AND NOT (exclusive AND end_time IS NULL)
               UNION
               SELECT customer_id FROM customer.contact_points WHERE tail_hash = $2
               UNION
               SELECT id FROM customer.customers WHERE national_id_hash = $3
               UNION
               SELECT o.customer_id
               FROM customer.vehicle_plates p JOIN customer.vehicle_ownerships o USING (vehicle_id)
               WHERE p.plate = $4 AND p.end_time IS NULL AND o.end_time IS NULL
               UNION
               SELECT o.customer_id
               FROM customer.vehicles v JOIN customer.vehicle_ownerships o ON o.vehicle_id = v.id
               WHERE (v.vin = $5 OR v.vin_tail = $6) AND o.end_time IS NULL
           )
           SELECT f.customer_id AS "id!" FROM found f
           WHERE ($7::uuid[] IS NULL OR (
                     SELECT true FROM customer.customer_stores s
                     WHERE s.customer_id = f.customer_id AND s.store_id = ANY ($7) LIMIT 1))
             AND ($8::uuid[] IS NULL OR f.customer_id = ANY ($8))
             AND ($9::uuid IS NULL OR f.customer_id < $9)
           ORDER BY f.customer_id DESC LIMIT $10"#,
        search.phone,
        search.phone_tail,
        search.national_id,
        search.plate,
        search.vin,
        search.vin_tail,
        stores,
        among,
        after,
        most,
    )
    .fetch_all(tx)
    .await?;
    Ok(ids)
}
