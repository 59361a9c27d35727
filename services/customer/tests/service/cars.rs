//! What a car's file says, and what stays on record of it; the VINs of markets without a check digit.

use foursight_customer::CustomerRole;
use foursight_proto::{
    customer::{
        events::v1::VehicleUpdated,
        v1::{
            CorrectOdometerRequest, Insurance, ListOdometerReadingsRequest, ListTimelineEntriesRequest,
            ListVehicleFactsRequest, OdometerCorrectionReason, SourceChannel, UpdateVehicleRequest, Vehicle,
            VehicleFact, Warranty,
        },
    },
    google::r#type::Date,
    identity::v1::Role,
};
use foursight_testkit::{Caller, Stack, refusal, wrong_fields};
use jiff::SignedDuration;
use prost_types::FieldMask;
use tonic::{Code, Status};

use crate::world::{World, delivery};

const VIN: &str = "LSVAA4182E2000001";

impl World {
    /// A car that was handed over in Hangzhou.
    async fn new_car(&self) -> (String, String) {
        let owner = self.open(&self.here, self.hangzhou, "示例一", "13800001234").await.name;
        let car = self.deliver(&self.here, delivery(&owner, self.hangzhou, VIN)).await.unwrap().vehicle;
        (owner, car)
    }

    fn learnt(&self, name: &str, vehicle: Vehicle, mask: &[&str]) -> UpdateVehicleRequest {
        let paths: Vec<String> = mask.iter().map(|path| (*path).to_owned()).collect();
        UpdateVehicleRequest {
            name: name.to_owned(),
            vehicle: Some(vehicle),
            update_mask: (!paths.is_empty()).then_some(FieldMask { paths }),
            store: self.hangzhou.name(),
            source: SourceChannel::Call.into(),
            ..UpdateVehicleRequest::default()
        }
    }

    async fn learn(&self, by: &Caller, request: UpdateVehicleRequest) -> Result<Vehicle, Status> {
        Ok(self.vehicles(by).update_vehicle(request).await?.into_inner())
    }

    async fn car_facts(&self, by: &Caller, name: &str, field: &str) -> Vec<VehicleFact> {
        let request = ListVehicleFactsRequest {
            parent: name.to_owned(),
            field: field.to_owned(),
            ..ListVehicleFactsRequest::default()
        };
        self.vehicles(by).list_vehicle_facts(request).await.unwrap().into_inner().facts
    }
}

fn day(year: i32, month: i32, day: i32) -> Date {
    Date { year, month, day }
}

fn told() -> Vehicle {
    Vehicle {
        colour: "墨绿".to_owned(),
        warranty: Some(Warranty { end_date: Some(day(2029, 3, 31)), end_km: 100_000 }),
        compulsory_insurance: Some(Insurance {
            insurer: "示例财险".to_owned(),
            end_date: Some(day(2027, 3, 1)),
        }),
        commercial_insurance: Some(Insurance { insurer: String::new(), end_date: Some(day(2027, 3, 1)) }),
        inspection_date: Some(day(2028, 3, 31)),
        registration_date: Some(day(2026, 3, 1)),
        ..Vehicle::default()
    }
}

#[tokio::test]
async fn what_is_learnt_of_a_car_stands_in_its_file_and_what_it_was_stays_on_record() {
    let world = World::start().await;
    let (owner, car) = world.new_car().await;
    let before = world.vehicle(&world.here, &car).await.unwrap();
    world.stack.clock.advance(SignedDuration::from_hours(24 * 365));
    let request = UpdateVehicleRequest {
        etag: before.etag.clone(),
        request_id: world.stack.ids.uuid().to_string(),
        ..world.learnt(
            &car,
            Vehicle { model: "not looked at".to_owned(), ..told() },
            &[
                "colour",
                "warranty",
                "compulsory_insurance",
                "commercial_insurance",
                "inspection_date",
                "registration_date",
            ],
        )
    };
    let updated = world.learn(&world.here, request.clone()).await.unwrap();
    let expected = Vehicle {
        colour: told().colour,
        warranty: told().warranty,
        compulsory_insurance: told().compulsory_insurance,
        commercial_insurance: told().commercial_insurance,
        inspection_date: told().inspection_date,
        registration_date: told().registration_date,
        etag: updated.etag.clone(),
        ..before.clone()
    };
    assert_eq!(updated, expected);
    assert_ne!(updated.etag, before.etag);
    assert_eq!(world.vehicle(&world.here, &car).await.unwrap(), updated);
    assert_eq!(world.learn(&world.here, request.clone()).await.unwrap(), updated, "once only");
    let again = world.learnt(&car, told(), &[]);
    assert_eq!(world.learn(&world.here, again).await.unwrap(), updated, "nothing changes, nothing is told");
    let late = UpdateVehicleRequest { request_id: String::new(), ..request };
    let refused = refusal(world.learn(&world.here, late).await);
    assert_eq!(refused, (Code::Aborted, "VEHICLE_CHANGED".to_owned()));

    world.stack.clock.advance(SignedDuration::from_hours(1));
    let renamed = Vehicle { model: "Demo Y".to_owned(), ..Vehicle::default() };
    let updated =
        world.learn(&world.here, world.learnt(&car, renamed, &["model", "warranty"])).await.unwrap();
    assert_eq!((updated.model.as_str(), updated.warranty), ("Demo Y", None));
    let facts = world.car_facts(&world.here, &car, "model").await;
    let models: Vec<_> = facts.iter().map(|fact| fact.value.as_ref().unwrap().model.as_str()).collect();
    assert_eq!(models, ["Demo Y", "Demo X"]);
    assert_eq!((facts[0].source(), facts[0].staff.clone()), (SourceChannel::Call, world.here.id.name()));
    assert_eq!((facts[1].source(), facts[1].store.as_str()), (SourceChannel::Unspecified, ""));
    let facts = world.car_facts(&world.here, &car, "warranty").await;
    let warranties: Vec<_> =
        facts.iter().map(|fact| fact.value.as_ref().and_then(|it| it.warranty)).collect();
    assert_eq!(warranties, [None, told().warranty]);

    let events: Vec<VehicleUpdated> = world.stack.told().await.unwrap();
    assert_eq!(events.len(), 2);
    assert_eq!((&events[0].customer, events[1].fields.join(",")), (&owner, "model,warranty".to_owned()));
    let kinds = vec!["VEHICLE_UPDATED".to_owned()];
    let timeline = ListTimelineEntriesRequest { parent: owner, kinds, ..Default::default() };
    let entries = world.customers(&world.here).list_timeline_entries(timeline).await.unwrap().into_inner();
    assert_eq!(entries.timeline_entries[0].details["fields"], "model,warranty");
}

#[tokio::test]
async fn a_car_s_facts_need_the_right_the_car_and_sound_fields() {
    let world = World::start().await;
    let (_, car) = world.new_car().await;
    let theirs = UpdateVehicleRequest { store: world.suzhou.name(), ..world.learnt(&car, told(), &[]) };
    let refused = refusal(world.learn(&world.there, theirs).await);
    assert_eq!(refused, (Code::NotFound, "VEHICLE_NOT_FOUND".to_owned()));
    let reader = world.stack.staff(&[Role::MarketingSpecialist], &[world.hangzhou]).unwrap();
    let refused = refusal(world.learn(&reader, world.learnt(&car, told(), &[])).await);
    assert_eq!(refused, (Code::PermissionDenied, "RIGHT_MISSING".to_owned()));
    let list = ListVehicleFactsRequest { parent: car.clone(), ..Default::default() };
    let refused = refusal(world.vehicles(&world.there).list_vehicle_facts(list).await);
    assert_eq!(refused, (Code::NotFound, "VEHICLE_NOT_FOUND".to_owned()));
    for path in ["plate", "vin", "owner", "odometer_km", ""] {
        let refused = world.learn(&world.here, world.learnt(&car, told(), &[path])).await;
        assert_eq!(wrong_fields(refused), ["update_mask"]);
    }
    let wrong =
        Vehicle { registration_date: Some(day(2099, 1, 1)), warranty: Some(Warranty::default()), ..told() };
    let refused = world.learn(&world.here, world.learnt(&car, wrong, &["*"])).await;
    assert_eq!(wrong_fields(refused), ["vehicle.model", "vehicle.registration_date", "vehicle.warranty"]);
    // The buyer's store sees and changes what the seller's wrote; the seller's changes nothing any more.
    let buyer = world.open(&world.there, world.suzhou, "示例二", "13800001235").await.name;
    let both = world.stack.staff(&[Role::SalesAdvisor], &[world.hangzhou, world.suzhou]).unwrap();
    world.stack.clock.advance(SignedDuration::from_hours(48));
    world.deliver(&both, delivery(&buyer, world.suzhou, VIN)).await.unwrap();
    let refused = refusal(world.learn(&world.here, world.learnt(&car, told(), &[])).await);
    assert_eq!(refused, (Code::FailedPrecondition, "VEHICLE_ELSEWHERE".to_owned()));
    let request = UpdateVehicleRequest { store: world.suzhou.name(), ..world.learnt(&car, told(), &[]) };
    assert_eq!(world.learn(&world.there, request).await.unwrap().colour, "墨绿");
}

#[tokio::test]
async fn readings_are_listed_page_by_page_with_what_was_corrected() {
    let world = World::start().await;
    let (_, car) = world.new_car().await;
    for km in [500, 1_000, 15_000] {
        world.stack.clock.advance(SignedDuration::from_hours(24 * 30));
        let visit = world.check_in(&world.here, world.hangzhou, &car, km).await.unwrap();
        world.hand_back(&world.here, &visit.name).await;
    }
    let correct = CorrectOdometerRequest {
        name: car.clone(),
        store: world.hangzhou.name(),
        wrong_km: Some(15_000),
        odometer_km: Some(1_500),
        reason: OdometerCorrectionReason::TypingError.into(),
        note: "多打了一个零".to_owned(),
        request_id: String::new(),
    };
    world.vehicles(&world.supervisor).correct_odometer(correct).await.unwrap();
    let (mut seen, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = ListOdometerReadingsRequest { parent: car.clone(), page_size: 2, page_token };
        let page = world.vehicles(&world.here).list_odometer_readings(request).await.unwrap().into_inner();
        seen.extend(page.odometer_readings);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    assert_eq!(
        seen.iter().map(|reading| reading.odometer_km).collect::<Vec<_>>(),
        [15_000, 1_500, 1_000, 500, 12]
    );
    assert_eq!(seen[0].correction.as_ref().unwrap().odometer_km, 1_500);
    assert_eq!(seen, world.vehicle(&world.here, &car).await.unwrap().odometer_readings);
    let request = ListOdometerReadingsRequest { parent: car, ..Default::default() };
    let refused = refusal(world.vehicles(&world.there).list_odometer_readings(request).await);
    assert_eq!(refused, (Code::NotFound, "VEHICLE_NOT_FOUND".to_owned()));
}

#[tokio::test]
async fn where_the_market_has_no_check_digit_the_configuration_says_so() {
    let stack = Stack::builder().role(CustomerRole).settings("[customer]\nvin_check_digit = false");
    let world = World::on(stack).await;
    let owner = world.open(&world.here, world.hangzhou, "示例一", "13800001234").await.name;
    let vin = "1M8GDM9A1KP042788";
    let told = foursight_proto::customer::v1::Delivery {
        vin: vin.to_owned(),
        ..delivery(&owner, world.hangzhou, VIN)
    };
    let car = world.deliver(&world.here, told).await.unwrap().vehicle;
    assert_eq!(world.vehicle(&world.here, &car).await.unwrap().vin, vin);
}
