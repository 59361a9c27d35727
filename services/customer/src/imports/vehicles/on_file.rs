//! The cars of a batch as they are on file.

use std::collections::HashMap;

use foursight_kernel::{VehicleId, sql};
use foursight_proto::customer::v1::Vehicle;
use jiff::Timestamp;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    imports::{run::Run, worker::Stop},
    vehicles::row,
    visits::odometer::Shown,
};

/// A car as it is on file.
#[derive(Debug, Clone)]
pub(in crate::imports) struct OnFile {
    pub(in crate::imports) id: VehicleId,
    pub(in crate::imports) version: i64,
    /// Its facts and its plate.
    pub(in crate::imports) car: Vehicle,
    pub(in crate::imports) owner: Option<Uuid>,
    /// When the last owner's ownership ended.
    pub(in crate::imports) owned_until: Option<Timestamp>,
    /// Whether who imports sees its owner's file, or there is none.
    pub(in crate::imports) seen: bool,
    /// The readings that count.
    pub(in crate::imports) readings: Vec<Shown>,
}

/// Cars by VIN, and which cars plates hang on.
#[derive(Debug, Default)]
pub(in crate::imports) struct Cars {
    pub(in crate::imports) by_vin: HashMap<String, OnFile>,
    pub(in crate::imports) holders: HashMap<String, Uuid>,
}

/// The cars that have these VINs, and the plates. Unless nothing is to be written, the cars are locked, always in one order.
pub(in crate::imports) async fn read(
    tx: &mut PgConnection,
    run: &Run,
    vins: &[String],
    plates: &[String],
) -> Result<Cars, Stop> {
    if !run.dry_run {
        sqlx::query!(
            "SELECT FROM customer.vehicles WHERE vin = ANY ($1) ORDER BY id FOR NO KEY UPDATE",
            vins
        )
        .execute(&mut *tx)
        .await?;
    }
    let known = sqlx::query!(
        r#"SELECT v.id, v.vin, v.version, o.customer_id AS "owner?",
                  (SELECT max(e.end_time) FROM customer.vehicle_ownerships e WHERE e.vehicle_id = v.id)
                      AS "owned_until: sql::Timestamp",
                  (o.customer_id IS NULL OR $2 OR EXISTS (
                      SELECT FROM customer.customer_stores s WHERE s.customer_id = o.customer_id AND s.store_id = $3)) AS "seen!"
           FROM customer.vehicles v
           LEFT JOIN customer.vehicle_ownerships o ON o.vehicle_id = v.id AND o.end_time IS NULL
           WHERE v.vin = ANY ($1)"#,
        vins,
        run.creator_group,
        run.store_id,
    )
    .fetch_all(&mut *tx)
    .await?;
    let ids: Vec<Uuid> = known.iter().map(|car| car.id).collect();
    let mut facts: HashMap<String, Vehicle> =
        row::read(&mut *tx, &ids).await?.into_iter().map(|car| (car.vin.clone(), car)).collect();
    let mut readings: HashMap<Uuid, Vec<Shown>> = HashMap::new();
    let counting = sqlx::query!(
        r#"SELECT x.vehicle_id, x.odometer_km, x.read_time AS "read_time: sql::Timestamp"
           FROM customer.odometer_readings x
           WHERE x.vehicle_id = ANY ($1)
             AND NOT EXISTS (SELECT FROM customer.odometer_corrections c
                             WHERE c.vehicle_id = x.vehicle_id AND c.corrected_id = x.subject_id)"#,
        &ids,
    )
    .fetch_all(&mut *tx)
    .await?;
    for one in counting {
        let shown = Shown { km: one.odometer_km, at: one.read_time.to_jiff() };
        readings.entry(one.vehicle_id).or_default().push(shown);
    }
    let by_vin = known.into_iter().map(|car| {
        let on_file = OnFile {
            id: car.id.into(),
            version: car.version,
            car: facts.remove(&car.vin).unwrap_or_default(),
            owner: car.owner,
            owned_until: car.owned_until.map(sql::Timestamp::to_jiff),
            seen: car.seen,
            readings: readings.remove(&car.id).unwrap_or_default(),
        };
        (car.vin, on_file)
    });
    let by_vin = by_vin.collect();
    let holders = sqlx::query!(
        "SELECT plate, vehicle_id FROM customer.vehicle_plates WHERE plate = ANY ($1) AND end_time IS NULL",
        plates,
    )
    .fetch_all(tx)
    .await?;
    let holders = holders.into_iter().map(|one| (one.plate, one.vehicle_id)).collect();
    Ok(Cars { by_vin, holders })
}
