//! What stands against an erasure, of what this service knows.

use foursight_kernel::{CustomerId, Result, sql};
use foursight_proto::customer::v1::{ImportState, VisitState};
use sqlx::PgConnection;

/// The customer's car is in a workshop, or one that the customer brought: somebody has to call when it is ready.
const VISIT_OPEN: &str = "VISIT_OPEN";
/// A table is being brought in, and the customer may stand in what was not read yet: what is erased now would be written again.
const IMPORT_UNDER_WAY: &str = "IMPORT_UNDER_WAY";

/// What has to be ended first.
///
/// # Errors
/// `UNAVAILABLE` while the database is away.
pub(super) async fn obstacles(tx: &mut PgConnection, customer: CustomerId) -> Result<Vec<&'static str>> {
    let working = [ImportState::Checking, ImportState::Applying, ImportState::Undoing].map(sql::number);
    let found = sqlx::query!(
        r#"SELECT EXISTS (SELECT FROM customer.visits v
                          WHERE v.state = $2
                            AND (v.customer_id = $1
                                 OR v.vehicle_id IN (SELECT o.vehicle_id FROM customer.vehicle_ownerships o
                                                     WHERE o.customer_id = $1 AND o.end_time IS NULL))) AS "visit!",
                  EXISTS (SELECT FROM customer.imports i WHERE i.state = ANY ($3)) AS "import!""#,
        customer.uuid(),
        sql::number(VisitState::InWorkshop),
        &working,
    )
    .fetch_one(tx)
    .await?;
    let all = [(found.visit, VISIT_OPEN), (found.import, IMPORT_UNDER_WAY)];
    Ok(all.into_iter().filter_map(|(stands, name)| stands.then_some(name)).collect())
}
