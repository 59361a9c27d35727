//! `CorrectOdometer`.

use std::mem;

use foursight_access::{Principal, audit};
use foursight_kernel::{
    CustomerId, Error, Ids, RequestKey, Result, StaffId, StoreId, VehicleId, Violations, sql,
};
use foursight_messaging::NewEvent;
use foursight_proto::customer::{
    events::v1::OdometerCorrected,
    v1::{CorrectOdometerRequest, OdometerCorrectionReason, Vehicle},
};
use foursight_runtime::{record, step};
use jiff::Timestamp;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    context::Context,
    vehicles::{
        VehicleError, get, presented,
        readings::{self, Reading},
    },
    visits::odometer,
};

const METHOD: &str = "CorrectOdometer";

struct Correction {
    store: StoreId,
    /// What the reading that is wrong, or the last one of the old cluster, says.
    wrong_km: i32,
    odometer_km: i32,
    reason: OdometerCorrectionReason,
    note: String,
}

/// Corrects a reading. It stays on record with who corrected it and why; what counts from now on is the new one.
///
/// # Errors
/// `VEHICLE_NOT_FOUND`, `VEHICLE_ELSEWHERE`, `ODOMETER_READING_NOT_FOUND`, `STORE_OUT_OF_REACH`, `REQUEST_ID_REUSED`,
/// `STAFF_ONLY`, and every wrong field at once.
pub(crate) async fn correct(
    ctx: &Context,
    caller: &Principal,
    mut request: CorrectOdometerRequest,
) -> Result<Vehicle> {
    let by = caller.require_staff()?;
    let mut v = Violations::default();
    let id: Option<VehicleId> = v.name("name", &request.name);
    let request_id = v.request_id(&mem::take(&mut request.request_id));
    let correction = parse(&mut v, &request);
    v.check()?;
    let (Some(id), Some(it)) = (id, correction) else {
        return Err(Error::invalid_field("name", "is required"));
    };
    ctx.staff.require_store(caller, "store", it.store).await?;

    let key = RequestKey::of_step(request_id, METHOD, &caller.subject.name(), &request);
    let now = ctx.now();
    let mut tx = ctx.db.begin(caller).await?;
    // Locks the car, as check-ins and hand-overs do.
    let known = presented::find_known(&mut tx, id).await?;
    if step::is_new(&mut tx, key.as_ref(), it.store, now).await? {
        let readings = readings::of(&mut tx, id).await?;
        let corrected = check(&readings, &it)?;
        let correction = insert(&mut tx, &ctx.ids, id, corrected, &it, by, now).await?;
        let event = OdometerCorrected {
            correction: correction.to_string(),
            vehicle: id.name(),
            customer: known.owner.map(CustomerId::name).unwrap_or_default(),
            store: it.store.name(),
            reason: it.reason.into(),
            wrong_km: it.wrong_km,
            odometer_km: it.odometer_km,
        };
        let action = audit::Action {
            method: METHOD,
            resource: &id.name(),
            store: Some(it.store),
            detail: serde_json::json!({
                "reason": it.reason.as_str_name(), "wrong_km": it.wrong_km, "odometer_km": it.odometer_km,
            }),
        };
        let event = NewEvent::new(&event, correction, 1, Some(it.store));
        record::change(&mut tx, &ctx.ids, caller, now, event, action).await?;
    }
    let vehicle = get::read(&mut tx, id).await?;
    tx.commit().await?;
    Ok(vehicle)
}

fn parse(v: &mut Violations, request: &CorrectOdometerRequest) -> Option<Correction> {
    let store = v.name("store", &request.store);
    let reason = v.required_enum("reason", request.reason);
    let note = v.text("note", &request.note, 1..=500);
    let mut kilometres = |field: &str, given: Option<i32>| {
        if given.is_none() {
            v.push(field, "is required");
        }
        given.map(|km| v.number(field, km, odometer::BOUNDS))
    };
    let wrong_km = kilometres("wrong_km", request.wrong_km);
    let odometer_km = kilometres("odometer_km", request.odometer_km);
    Some(Correction { store: store?, wrong_km: wrong_km?, odometer_km: odometer_km?, reason: reason?, note })
}

/// The reading that is corrected. `readings` are the car's, newest first.
fn check<'r>(readings: &'r [Reading], it: &Correction) -> Result<&'r Reading> {
    let counting: Vec<&Reading> = readings.iter().filter(|reading| reading.counts()).collect();
    let place = counting.iter().position(|reading| reading.odometer_km == it.wrong_km);
    let (Some(place), Some(newest)) = (place, counting.first()) else {
        return Err(VehicleError::NoSuchReading(counting.first().map(|newest| newest.odometer_km)).into());
    };
    let corrected = counting[place];
    if it.reason == OdometerCorrectionReason::ClusterReplaced {
        return if place == 0 {
            Ok(corrected)
        } else {
            let last = newest.odometer_km;
            Err(Error::invalid_field(
                "wrong_km",
                format!("must be the last reading of the old cluster, {last} km"),
            ))
        };
    }
    if it.odometer_km == it.wrong_km {
        return Err(Error::invalid_field("odometer_km", "is what the reading says already"));
    }
    let before = counting.get(place + 1).filter(|_| !corrected.begins_anew());
    if let Some(before) = before.filter(|before| it.odometer_km < before.odometer_km) {
        let least = before.odometer_km;
        return Err(Error::invalid_field(
            "odometer_km",
            format!(
                "must not be below the reading before it, {least} km; correct that one first if it is wrong"
            ),
        ));
    }
    let after = place.checked_sub(1).map(|after| counting[after]).filter(|after| !after.begins_anew());
    if let Some(after) = after.filter(|after| it.odometer_km > after.odometer_km) {
        let most = after.odometer_km;
        return Err(Error::invalid_field(
            "odometer_km",
            format!(
                "must not be above the reading after it, {most} km; correct that one first if it is wrong"
            ),
        ));
    }
    Ok(corrected)
}

/// Writes the reading that counts instead, and what it corrects. Gives the correction's id.
async fn insert(
    tx: &mut PgConnection,
    ids: &Ids,
    vehicle: VehicleId,
    corrected: &Reading,
    it: &Correction,
    by: StaffId,
    now: Timestamp,
) -> Result<Uuid> {
    let id = ids.uuid();
    // A slip of the pen is mended at the time of the reading; a new cluster counts from now on.
    let read_time = match it.reason {
        OdometerCorrectionReason::ClusterReplaced => sql::at(now),
        _ => corrected.read_time,
    };
    sqlx::query!(
        "WITH reading AS (
             INSERT INTO customer.odometer_readings (vehicle_id, subject_id, odometer_km, store_id, read_time)
             VALUES ($2, $1, $3, $4, $5)
         )
         INSERT INTO customer.odometer_corrections (id, vehicle_id, corrected_id, store_id, reason, note, staff_id, correct_time)
         VALUES ($1, $2, $6, $4, $7, $8, $9, $10)",
        id,
        vehicle.uuid(),
        it.odometer_km,
        it.store.uuid(),
        read_time as _,
        corrected.subject_id,
        sql::number(it.reason),
        it.note,
        by.uuid(),
        sql::at(now) as _,
    )
    .execute(tx)
    .await?;
    Ok(id)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    fn correction(wrong_km: i32, odometer_km: i32, reason: OdometerCorrectionReason) -> Correction {
        let store = StoreId::from(Uuid::nil());
        Correction { store, wrong_km, odometer_km, reason, note: "抄错".to_owned() }
    }

    fn outcome(readings: &[Reading], it: &Correction) -> Result<i32, String> {
        check(readings, it)
            .map(|reading| reading.odometer_km)
            .map_err(|error| error.violations().fields().into_iter().collect::<Vec<_>>().join(","))
    }

    #[test]
    fn a_corrected_reading_still_fits_between_its_neighbours() {
        use OdometerCorrectionReason::{ClusterReplaced, TypingError};
        let readings = [(9_000, 3), (50_000, 2), (12, 1)].map(|(km, day)| Reading::sample(km, day, false));
        for (wrong, right, reason, expected) in [
            (9_000, 60_000, TypingError, Ok(9_000)),
            (9_000, 49_999, TypingError, Err("odometer_km")),
            (50_000, 5_000, TypingError, Ok(50_000)),
            (50_000, 9_001, TypingError, Err("odometer_km")),
            (50_000, 11, TypingError, Err("odometer_km")),
            (12, 0, TypingError, Ok(12)),
            (9_000, 9_000, TypingError, Err("odometer_km")),
            (9_000, 0, ClusterReplaced, Ok(9_000)),
            (50_000, 0, ClusterReplaced, Err("wrong_km")),
        ] {
            let found = outcome(&readings, &correction(wrong, right, reason));
            assert_eq!(found, expected.map_err(str::to_owned), "{wrong} to {right}: {reason:?}");
        }
        let unknown = check(&readings, &correction(7, 8, TypingError)).unwrap_err();
        assert_eq!(unknown.reason(), "ODOMETER_READING_NOT_FOUND");
    }

    #[test]
    fn a_new_cluster_counts_from_its_own_beginning() {
        use OdometerCorrectionReason::TypingError;
        let readings = [Reading::sample(30, 3, true), Reading::sample(90_000, 2, false)];
        assert_eq!(outcome(&readings, &correction(30, 0, TypingError)), Ok(30));
        assert_eq!(outcome(&readings, &correction(90_000, 95_000, TypingError)), Ok(90_000));
    }
}
