//! `CreateDelivery`: the request and its rules. What it writes stands in `write.rs`.

use foursight_access::Principal;
use foursight_kernel::{CustomerId, Error, LeadId, Result, StaffId, StoreId, Violations, replay};
use foursight_proto::customer::v1::{CreateDeliveryRequest, Delivery};
use jiff::{SignedDuration, Timestamp};

use crate::{
    context::Context,
    deliveries::write,
    names,
    staff::Part,
    times,
    vehicles::{
        VehicleError,
        hand_over::{self, AtHand},
        plate,
        vin::VinRule,
    },
    visits::odometer::{self, Shown},
};

/// For how long a delivery counts as of today: who hands it over works there. What is told later is history.
const FRESH: SignedDuration = SignedDuration::from_hours(24);

/// What lies at least between two hand-overs of one car, as the function `hand_over_vehicle` of the database has it: whoever
/// tells of two that are closer tells of one twice, or of two of which one is wrong.
const APART: SignedDuration = SignedDuration::from_hours(1);

/// A car that is to be handed over.
#[derive(Debug)]
pub(super) struct NewDelivery {
    pub(super) customer: CustomerId,
    pub(super) store: StoreId,
    pub(super) lead: Option<LeadId>,
    pub(super) vin: String,
    pub(super) plate: Option<String>,
    pub(super) plate_confirmed: bool,
    pub(super) model: String,
    pub(super) trim: String,
    pub(super) colour: String,
    pub(super) odometer_km: i32,
    pub(super) odometer_confirmed: bool,
    pub(super) advisor: StaffId,
    pub(super) deliver_time: Timestamp,
}

/// Hands a car over: opens the vehicle's file or goes on with the one of its VIN, makes the customer its owner, wins the
/// lead; the store serves the customer from now on.
///
/// # Errors
/// `CUSTOMER_NOT_FOUND`, `LEAD_NOT_FOUND`, `LEAD_NOT_OPEN`, `LEAD_OF_OTHER_DEAL`, `VEHICLE_ALREADY_OWNED`,
/// `VEHICLE_OWNED_LATER`, `VEHICLE_JUST_DELIVERED`, `STORE_OUT_OF_REACH`, `REQUEST_ID_REUSED`, `IDENTITY_AWAY`, and every wrong field at once.
pub(crate) async fn create(
    ctx: &Context,
    caller: &Principal,
    request: CreateDeliveryRequest,
) -> Result<Delivery> {
    let mut v = Violations::default();
    let request_id = v.request_id(&request.request_id);
    let delivery = request.delivery.unwrap_or_default();
    let new = parse(&mut v, caller, &delivery, ctx.vins, ctx.now());
    v.check()?;
    let Some(new) = new else { return Err(Error::invalid_field("delivery", "is required")) };
    ctx.staff.require_store(caller, "delivery.store", new.store).await?;
    let key = ctx.keys.request_key(request_id, &delivery);
    let key = key.as_ref();
    replay::once(key, |key| write::made_before(ctx, caller, key), write::write(ctx, caller, &new, key)).await
}

fn parse(
    v: &mut Violations,
    caller: &Principal,
    delivery: &Delivery,
    vins: VinRule,
    now: Timestamp,
) -> Option<NewDelivery> {
    let customer = v.name("delivery.customer", &delivery.customer);
    let store = v.name("delivery.store", &delivery.store);
    let lead = v.optional_name("delivery.lead", &delivery.lead);
    let vin = vins.read(&delivery.vin).map_err(|error| v.push("delivery.vin", error.to_string())).ok();
    let plate = (!delivery.plate.is_empty()).then(|| plate::normalize(&delivery.plate));
    let plate = plate.transpose().unwrap_or_else(|error| {
        v.push("delivery.plate", error.to_string());
        None
    });
    let model = v.line("delivery.model", &delivery.model, 1..=100);
    let trim = v.line("delivery.trim", &delivery.trim, 0..=100);
    let colour = v.line("delivery.colour", &delivery.colour, 0..=100);
    let odometer_confirmed = delivery.odometer_confirmed;
    let odometer_km = odometer::read(v, "delivery", delivery.odometer_km, odometer_confirmed);
    let advisor = names::staff_or_caller(v, "delivery.advisor", &delivery.advisor, caller);
    let deliver_time = v.timestamp("delivery.deliver_time", delivery.deliver_time.as_ref());
    let deliver_time = times::past(v, "delivery.deliver_time", deliver_time, now);
    Some(NewDelivery {
        customer: customer?,
        store: store?,
        lead,
        vin: vin?,
        plate,
        plate_confirmed: delivery.plate_confirmed,
        model,
        trim,
        colour,
        odometer_km,
        odometer_confirmed,
        advisor: advisor?,
        deliver_time,
    })
}

/// Whether it is told so late that it is history.
fn is_history(new: &NewDelivery, now: Timestamp) -> bool {
    now.duration_since(new.deliver_time) > FRESH
}

/// What who handed the car over must be.
pub(super) fn part_of_advisor(new: &NewDelivery, now: Timestamp) -> Part {
    if is_history(new, now) { Part::Past } else { Part::Active }
}

/// From when a lead has to be that a delivery wins without naming it: what is history ends nothing that began after it. What is
/// of today is often told before its lead is.
pub(super) fn leads_until(new: &NewDelivery, now: Timestamp) -> Option<Timestamp> {
    is_history(new, now).then_some(new.deliver_time)
}

/// Whether a car of which this is known may be handed over like that.
pub(super) fn check(new: &NewDelivery, known: &AtHand) -> Result<()> {
    if known.owner == Some(new.customer) {
        return Err(VehicleError::AlreadyOwned.into());
    }
    match known.owned_since {
        Some(since) if since > new.deliver_time => return Err(VehicleError::OwnedLater.into()),
        Some(since) if new.deliver_time.duration_since(since) < APART => {
            return Err(VehicleError::JustDelivered.into());
        }
        Some(_) | None => {}
    }
    let shown = Shown { km: new.odometer_km, at: new.deliver_time };
    odometer::check("delivery", shown, new.odometer_confirmed, known.odometer)
}

/// Whether the new car may have its plate, which hangs on another car of `holder`'s now. A customer takes the plate along to a new
/// car; from somebody else's car it is taken only when somebody has looked again, because there a slip would cost a stranger theirs.
pub(super) fn check_plate(new: &NewDelivery, holder: Option<CustomerId>) -> Result<()> {
    if new.plate_confirmed || holder.is_none_or(|holder| holder == new.customer) {
        return Ok(());
    }
    Err(hand_over::taken("delivery.plate"))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use foursight_access::{Reach, Subject};
    use foursight_kernel::time;
    use uuid::Uuid;

    use super::*;

    const VINS: VinRule = VinRule { check_digit: true };

    fn now() -> Timestamp {
        "2026-11-22T09:30:00Z".parse().unwrap()
    }

    fn advisor() -> Principal {
        Principal::new(Subject::Staff(StaffId::from(Uuid::from_u128(1))), Reach::Group, Vec::new())
    }

    fn delivery() -> Delivery {
        Delivery {
            customer: CustomerId::from(Uuid::from_u128(2)).name(),
            store: StoreId::from(Uuid::from_u128(3)).name(),
            vin: "1M8GDM9AXKP042788".to_owned(),
            plate: "浙A·12345".to_owned(),
            model: "Demo X".to_owned(),
            odometer_km: 12,
            ..Delivery::default()
        }
    }

    fn parsed(delivery: &Delivery) -> NewDelivery {
        let mut v = Violations::default();
        let new = parse(&mut v, &advisor(), delivery, VINS, now());
        assert!(v.is_empty(), "{v:?}");
        new.unwrap()
    }

    #[test]
    fn what_is_left_out_is_now_and_the_caller() {
        let new = parsed(&delivery());
        assert_eq!(new.deliver_time, now());
        assert_eq!(Some(new.advisor), advisor().staff());
        assert_eq!(new.plate.as_deref(), Some("浙A12345"));
    }

    #[test]
    fn a_plate_leaves_a_strangers_car_only_when_it_was_looked_at_again() {
        let mut new = parsed(&delivery());
        let stranger = Some(CustomerId::from(Uuid::from_u128(9)));
        assert!(check_plate(&new, None).is_ok());
        assert!(check_plate(&new, Some(new.customer)).is_ok());
        assert!(check_plate(&new, stranger).is_err());
        new.plate_confirmed = true;
        assert!(check_plate(&new, stranger).is_ok());
    }

    #[test]
    fn who_delivered_long_ago_may_have_left() {
        let mut new = parsed(&delivery());
        assert_eq!((part_of_advisor(&new, now()), leads_until(&new, now())), (Part::Active, None));
        new.deliver_time = now() - SignedDuration::from_hours(25);
        assert_eq!(part_of_advisor(&new, now()), Part::Past);
        assert_eq!(leads_until(&new, now()), Some(new.deliver_time));
    }

    #[test]
    fn every_violation_is_told_at_once() {
        let wrong = Delivery {
            vin: "1M8GDM9A1KP042788".to_owned(),
            plate: "A1".to_owned(),
            odometer_km: -1,
            deliver_time: Some(time::to_proto(now() + SignedDuration::from_mins(6))),
            ..Delivery::default()
        };
        let mut v = Violations::default();
        parse(&mut v, &advisor(), &wrong, VINS, now());
        assert_eq!(
            v.fields().into_iter().collect::<Vec<_>>(),
            [
                "delivery.customer",
                "delivery.deliver_time",
                "delivery.model",
                "delivery.odometer_km",
                "delivery.plate",
                "delivery.store",
                "delivery.vin"
            ]
        );
    }

    #[test]
    fn a_car_goes_to_somebody_else_later_and_with_more_kilometres() {
        let new = parsed(&delivery());
        let known = AtHand {
            owner: Some(CustomerId::from(Uuid::from_u128(9))),
            owned_since: Some(now() - SignedDuration::from_hours(1)),
            odometer: Some(Shown { km: 12, at: now() }),
        };
        assert!(check(&new, &known).is_ok());
        let reason = |known: AtHand| check(&new, &known).unwrap_err().reason();
        assert_eq!(reason(AtHand { owner: Some(new.customer), ..known }), "VEHICLE_ALREADY_OWNED");
        let later = Some(now() + SignedDuration::from_hours(1));
        assert_eq!(reason(AtHand { owned_since: later, ..known }), "VEHICLE_OWNED_LATER");
        for minutes in [0, 59] {
            let before = Some(now() - SignedDuration::from_mins(minutes));
            assert_eq!(reason(AtHand { owned_since: before, ..known }), "VEHICLE_JUST_DELIVERED");
        }
        let more = Some(Shown { km: 13, at: now() });
        assert_eq!(reason(AtHand { odometer: more, ..known }), "INVALID_FIELDS");
    }
}
