//! `CorrectPlate`.

use std::mem;

use foursight_access::{Principal, audit};
use foursight_kernel::{
    CustomerId, Error, Ids, RequestKey, Result, StaffId, StoreId, VehicleId, Violations, sql,
    unique_violation,
};
use foursight_messaging::NewEvent;
use foursight_proto::customer::{
    events::v1::PlateCorrected,
    v1::{CorrectPlateRequest, PlateCorrectionReason, Vehicle},
};
use foursight_runtime::{record, step};
use jiff::Timestamp;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    context::Context,
    vehicles::{
        VehicleError, get,
        hand_over::{self, AtHand},
        plate, presented, row,
    },
};

const METHOD: &str = "CorrectPlate";

struct Correction {
    store: StoreId,
    /// The plate on file; none where there is none.
    wrong_plate: Option<String>,
    plate: String,
    reason: PlateCorrectionReason,
    note: String,
    confirmed: bool,
}

/// The car as it is on file.
struct OnFile {
    vin: String,
    version: i64,
    plate: Option<String>,
    start_time: Option<sql::Timestamp>,
}

/// Corrects the plate. The one before stays on record with who corrected it and why; the other one counts instead.
///
/// # Errors
/// `VEHICLE_NOT_FOUND`, `VEHICLE_ELSEWHERE`, `VEHICLE_CHANGED`, `PLATE_NOT_ON_FILE`, `STORE_OUT_OF_REACH`, `REQUEST_ID_REUSED`,
/// `STAFF_ONLY`, `CONFLICT`, and every wrong field at once.
pub(crate) async fn correct(
    ctx: &Context,
    caller: &Principal,
    mut request: CorrectPlateRequest,
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
        let on_file = on_file(&mut tx, id).await?;
        if !request.etag.is_empty() && request.etag != row::etag(on_file.version, on_file.plate.as_deref()) {
            return Err(VehicleError::Changed.into());
        }
        if on_file.plate != it.wrong_plate {
            return Err(VehicleError::OtherPlate.into());
        }
        let holder = hand_over::plate_holder(&mut tx, &it.plate, &on_file.vin).await?;
        if !it.confirmed && holder.is_some() && holder != known.owner {
            return Err(hand_over::taken("plate"));
        }
        replate(&mut tx, id, &on_file, &it, now).await?;
        let correction = insert(&mut tx, &ctx.ids, id, &on_file, &it, by, now).await?;
        tell(ctx, &mut tx, caller, (id, known), correction, &it, now).await?;
    }
    let vehicle = get::read(&mut tx, id).await?;
    tx.commit().await?;
    Ok(vehicle)
}

fn parse(v: &mut Violations, request: &CorrectPlateRequest) -> Option<Correction> {
    let store = v.name("store", &request.store);
    let reason = v.required_enum("reason", request.reason);
    let note = v.text("note", &request.note, 1..=500);
    let mut read = |field: &str, text: &str| {
        let read = plate::normalize(text).map_err(|error| error.to_string());
        let read = if text.trim().is_empty() { Err("is required".to_owned()) } else { read };
        read.map_err(|description| v.push(field, description)).ok()
    };
    let plate = read("plate", &request.plate);
    let wrong_plate = match request.wrong_plate.as_str() {
        "" => Some(None),
        wrong => read("wrong_plate", wrong).map(Some),
    };
    if reason == Some(PlateCorrectionReason::TypingError) && wrong_plate == Some(None) {
        v.push(
            "wrong_plate",
            "is required with the reason TYPING_ERROR: the plate that was written down wrong",
        );
    }
    if let (Some(Some(wrong)), Some(plate)) = (&wrong_plate, &plate)
        && wrong == plate
    {
        v.push("plate", "is what the file says already");
    }
    Some(Correction {
        store: store?,
        wrong_plate: wrong_plate?,
        plate: plate?,
        reason: reason?,
        note,
        confirmed: request.plate_confirmed,
    })
}

async fn on_file(tx: &mut PgConnection, id: VehicleId) -> Result<OnFile> {
    let found = sqlx::query_as!(
        OnFile,
        r#"SELECT v.vin, v.version, p.plate AS "plate?", p.start_time AS "start_time?"
           FROM customer.vehicles v
           LEFT JOIN customer.vehicle_plates p ON p.vehicle_id = v.id AND p.end_time IS NULL
           WHERE v.id = $1"#,
        id.uuid(),
    )
    .fetch_optional(tx)
    .await?;
    Ok(found.ok_or(VehicleError::NotFound)?)
}

async fn replate(
    tx: &mut PgConnection,
    id: VehicleId,
    on_file: &OnFile,
    it: &Correction,
    now: Timestamp,
) -> Result<()> {
    // A slip of the pen is mended from when it was written; a new plate counts from now on.
    let since = match (it.reason, on_file.start_time) {
        (PlateCorrectionReason::TypingError, Some(start)) => start,
        _ => sql::at(now),
    };
    let version = sqlx::query_scalar!(
        "SELECT customer.replate_vehicle($1, $2, $3, $4)",
        id.uuid(),
        it.plate,
        since as _,
        sql::at(now) as _,
    )
    .fetch_one(tx)
    .await
    .map_err(|error| match unique_violation(&error) {
        Some("vehicle_plates_holder") => {
            Error::aborted("CONFLICT", "somebody hung the same plate on another car now; try again")
        }
        _ => Error::from(error),
    })?;
    version.map(drop).ok_or_else(|| VehicleError::Elsewhere.into())
}

/// Gives the correction's id.
async fn insert(
    tx: &mut PgConnection,
    ids: &Ids,
    vehicle: VehicleId,
    on_file: &OnFile,
    it: &Correction,
    by: StaffId,
    now: Timestamp,
) -> Result<Uuid> {
    let id = ids.uuid();
    sqlx::query!(
        "INSERT INTO customer.plate_corrections
             (id, vehicle_id, wrong_plate, wrong_start, plate, store_id, reason, note, staff_id, correct_time)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        id,
        vehicle.uuid(),
        on_file.plate,
        on_file.start_time as _,
        it.plate,
        it.store.uuid(),
        sql::number(it.reason),
        it.note,
        by.uuid(),
        sql::at(now) as _,
    )
    .execute(tx)
    .await?;
    Ok(id)
}

/// Tells that it was done. The plates stay here: neither the event nor the audit row has them.
async fn tell(
    ctx: &Context,
    tx: &mut PgConnection,
    caller: &Principal,
    (id, known): (VehicleId, AtHand),
    correction: Uuid,
    it: &Correction,
    now: Timestamp,
) -> Result<()> {
    let corrected = PlateCorrected {
        correction: correction.to_string(),
        vehicle: id.name(),
        customer: known.owner.map(CustomerId::name).unwrap_or_default(),
        store: it.store.name(),
        reason: it.reason.into(),
    };
    let action = audit::Action {
        method: METHOD,
        resource: &id.name(),
        store: Some(it.store),
        detail: serde_json::json!({ "reason": it.reason.as_str_name(), "correction": corrected.correction }),
    };
    let event = NewEvent::new(&corrected, correction, 1, Some(it.store));
    record::change(tx, &ctx.ids, caller, now, event, action).await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(wrong_plate: &str, plate: &str, reason: PlateCorrectionReason) -> Vec<String> {
        let request = CorrectPlateRequest {
            store: StoreId::from(Uuid::nil()).name(),
            wrong_plate: wrong_plate.to_owned(),
            plate: plate.to_owned(),
            reason: reason.into(),
            note: "行驶证".to_owned(),
            ..CorrectPlateRequest::default()
        };
        let mut v = Violations::default();
        parse(&mut v, &request);
        v.fields().into_iter().map(str::to_owned).collect()
    }

    #[test]
    fn a_slip_of_the_pen_has_been_written_down() {
        use PlateCorrectionReason::{NewPlate, TypingError};
        assert_eq!(wrong("浙A12345", "浙A12346", TypingError), [""; 0]);
        assert_eq!(wrong("", "浙A12346", NewPlate), [""; 0]);
        assert_eq!(wrong("", "浙A12346", TypingError), ["wrong_plate"]);
        assert_eq!(wrong("浙a·12346", "浙A12346", NewPlate), ["plate"]);
        assert_eq!(wrong("12345", "1", NewPlate), ["plate", "wrong_plate"]);
    }
}
