//! The number that a customer is told: `SH01-202611-0042`, the store's code, the month on the store's wall and a counter.

use foursight_kernel::{Result, StoreId, sql};
use jiff::civil::Date;
use sqlx::PgConnection;

/// Takes so many numbers of a store's month, and gives the first of them.
///
/// The counter's row is locked until the transaction ends: numbers rise in order of commit, and one that is rolled back
/// is given again.
pub(crate) async fn take(tx: &mut PgConnection, store: StoreId, month: Date, count: i32) -> Result<i32> {
    let last = sqlx::query_scalar!(
        "INSERT INTO complaint.case_counters AS c (store_id, month, last) VALUES ($1, $2, $3)
         ON CONFLICT (store_id, month) DO UPDATE SET last = c.last + excluded.last
         RETURNING last",
        store.uuid(),
        sql::on(month) as _,
        count,
    )
    .fetch_one(tx)
    .await?;
    Ok(last - count + 1)
}

/// The number in words that can be read over the phone.
pub(crate) fn format(store_code: &str, month: Date, counter: i32) -> String {
    format!("{store_code}-{:04}{:02}-{counter:04}", month.year(), month.month())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_has_at_least_four_digits() {
        let month = jiff::civil::date(2026, 11, 1);
        assert_eq!(format("SH01", month, 42), "SH01-202611-0042");
        assert_eq!(format("SH01", month, 12345), "SH01-202611-12345");
    }
}
