//! Consents of two files that become one: what one of them has withdrawn is withdrawn.

use foursight_kernel::{ConsentId, CustomerId, Result, StaffId, sql};
use foursight_proto::customer::v1::ConsentState;
use jiff::Timestamp;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::context::Context;

/// A purpose, a kind of contact, and the wording.
pub(super) type Withdrawn = (i16, i16, String);

/// Who makes the files one, and when.
pub(super) struct Withdrawer {
    pub(super) staff: StaffId,
    pub(super) time: Timestamp,
}

/// What the absorbed file has withdrawn and the survivor has given, by purpose and kind of contact, with the wording that was withdrawn.
pub(super) async fn withdrawn(
    tx: &mut PgConnection,
    survivor: CustomerId,
    absorbed: CustomerId,
) -> Result<Vec<Withdrawn>> {
    let rows = sqlx::query!(
        "SELECT o.purpose, o.contact_kind, o.wording_version
         FROM (SELECT DISTINCT ON (purpose, contact_kind) purpose, contact_kind, state, wording_version
               FROM customer.consents WHERE customer_id = $2 ORDER BY purpose, contact_kind, version DESC) o
         JOIN (SELECT DISTINCT ON (purpose, contact_kind) purpose, contact_kind, state
               FROM customer.consents WHERE customer_id = $1 ORDER BY purpose, contact_kind, version DESC) s
              USING (purpose, contact_kind)
         WHERE o.state = $3 AND s.state = $4",
        survivor.uuid(),
        absorbed.uuid(),
        sql::number(ConsentState::Withdrawn),
        sql::number(ConsentState::Given),
    )
    .fetch_all(tx)
    .await?;
    Ok(rows.into_iter().map(|row| (row.purpose, row.contact_kind, row.wording_version)).collect())
}

/// What one file has withdrawn is withdrawn.
pub(super) async fn withdraw(
    tx: &mut PgConnection,
    ctx: &Context,
    survivor: CustomerId,
    by: Withdrawer,
    version: i64,
    withdrawn: &[Withdrawn],
) -> Result<()> {
    let mut ids: Vec<Uuid> = withdrawn.iter().map(|_| ctx.ids.next::<ConsentId>().uuid()).collect();
    ids.sort_unstable();
    for (place, (id, (purpose, contact_kind, wording))) in ids.into_iter().zip(withdrawn).enumerate() {
        // Each has a version of its own; the file's comes to the last one.
        let version = version + i64::try_from(place).unwrap_or_default();
        sqlx::query!(
            "WITH raised AS (UPDATE customer.customers SET version = greatest(version, $9) WHERE id = $2)
             INSERT INTO customer.consents
                 (id, customer_id, purpose, contact_kind, state, method, wording_version, recorder, version, create_time)
             VALUES ($1, $2, $3, $4, $5, 'merge', $6, $7, $9, $8)",
            id,
            survivor.uuid(),
            purpose,
            contact_kind,
            sql::number(ConsentState::Withdrawn),
            wording,
            by.staff.uuid(),
            sql::at(by.time) as _,
            version,
        )
        .execute(&mut *tx)
        .await?;
    }
    Ok(())
}
