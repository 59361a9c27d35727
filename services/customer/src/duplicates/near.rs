//! The files that are worth comparing with one: that have a phone, an account, a car, or a name together with something else in common.

use foursight_kernel::{Result, sql};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{customers::LunarBirthday, duplicates::traits::Traits};

/// More than so many that share a thing are no one's: a switchboard, a fleet.
const MOST: i64 = 200;

/// As far as the transaction's caller sees them.
pub(crate) async fn near(tx: &mut PgConnection, to: &Traits) -> Result<Vec<Uuid>> {
    let hashes: Vec<&[u8]> = to.phones.iter().chain(&to.accounts).map(Vec::as_slice).collect();
    let ends: Vec<&[u8]> = to.phone_ends.iter().map(Vec::as_slice).collect();
    let pinyin: Vec<&str> = to.pinyin.iter().map(String::as_str).collect();
    let vehicles: Vec<Uuid> = to.vehicles.iter().copied().collect();
    let (lunar_year, lunar_month, lunar_leap, lunar_day) = LunarBirthday::columns(to.lunar_birthday);
    let ids = sqlx::query_scalar!(
        r#"SELECT DISTINCT n.id AS "id!" FROM (
               (SELECT p.customer_id AS id FROM customer.contact_points p
                WHERE p.hash = ANY ($1) AND p.exclusive AND p.end_time IS NULL LIMIT $11)
               UNION ALL
               (SELECT p.customer_id FROM customer.contact_points p
                WHERE p.hash = ANY ($1) AND p.hash IS NOT NULL AND NOT (p.exclusive AND p.end_time IS NULL) LIMIT $11)
               UNION ALL
               (SELECT p.customer_id FROM customer.contact_points p JOIN customer.customers c ON c.id = p.customer_id
                WHERE p.tail_hash = ANY ($2) AND c.search_name = $3 LIMIT $11)
               UNION ALL
               (SELECT c.id FROM customer.customers c
                WHERE c.search_name = $3
                  AND (c.birthday = $5 OR (c.lunar_month, c.lunar_day, c.lunar_leap) = ($7, $8, $9)
                       AND c.lunar_year IS NOT DISTINCT FROM $6) LIMIT $11)
               UNION ALL
               (SELECT c.id FROM customer.name_keys k JOIN customer.customers c ON c.id = k.customer_id
                WHERE k.key = ANY ($4) AND c.birthday = $5 LIMIT $11)
               UNION ALL
               (SELECT o.customer_id FROM customer.vehicle_ownerships o WHERE o.vehicle_id = ANY ($10) LIMIT $11)
               UNION ALL
               (SELECT c.id FROM customer.customers c WHERE c.national_id_hash = $12 AND c.national_id_hash IS NOT NULL)
           ) n"#,
        &hashes as _,
        &ends as _,
        to.search_name,
        &pinyin as _,
        to.birthday.map(sql::on) as _,
        lunar_year,
        lunar_month,
        lunar_day,
        lunar_leap,
        &vehicles,
        MOST,
        to.national_id,
    )
    .fetch_all(tx)
    .await?;
    Ok(ids)
}
