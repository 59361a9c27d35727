//! How a plate on file is mended, and what stays on record.

use foursight_kernel::{Clock, time};
use foursight_proto::{
    customer::{
        events::v1::PlateCorrected,
        v1::{
            CorrectPlateRequest, Delivery, ListTimelineEntriesRequest, ListVehiclesRequest,
            PlateCorrectionReason, Vehicle,
        },
    },
    identity::v1::Role,
};
use foursight_testkit::{Caller, refusal, wrong_fields};
use futures::future::join_all;
use jiff::SignedDuration;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::world::{World, delivery};

fn correction(vehicle: &Vehicle, plate: &str, reason: PlateCorrectionReason) -> CorrectPlateRequest {
    CorrectPlateRequest {
        name: vehicle.name.clone(),
        wrong_plate: vehicle.plate.clone(),
        plate: plate.to_owned(),
        reason: reason.into(),
        note: "见行驶证照片".to_owned(),
        ..CorrectPlateRequest::default()
    }
}

fn typed(vehicle: &Vehicle, plate: &str) -> CorrectPlateRequest {
    correction(vehicle, plate, PlateCorrectionReason::TypingError)
}

impl World {
    async fn replate(&self, by: &Caller, request: CorrectPlateRequest) -> Result<Vehicle, Status> {
        let request = CorrectPlateRequest { store: self.hangzhou.name(), ..request };
        Ok(self.vehicles(by).correct_plate(request).await?.into_inner())
    }

    /// The car of a new customer.
    async fn car(&self, number: usize, plate: &str) -> Vehicle {
        let phone = format!("1380000000{number}");
        let owner = self.open(&self.here, self.hangzhou, &format!("示例{number}"), &phone).await.name;
        let car = delivery(&owner, self.hangzhou, &format!("LDEMA00000X00000{number}"));
        let car = Delivery { plate: plate.to_owned(), ..car };
        let car = self.deliver(&self.here, car).await.unwrap().vehicle;
        self.vehicle(&self.here, &car).await.unwrap()
    }

    async fn with_plate(&self, plate: &str) -> Vec<String> {
        let request = ListVehiclesRequest { plate: plate.to_owned(), ..ListVehiclesRequest::default() };
        let found = self.vehicles(&self.here).list_vehicles(request).await.unwrap().into_inner().vehicles;
        found.into_iter().map(|vehicle| vehicle.name).collect()
    }
}

#[tokio::test]
async fn a_plate_that_was_written_down_wrong_is_mended_once_and_stays_on_record() {
    let world = World::start().await;
    let car = world.car(1, "浙A12345").await;
    let delivered = car.deliver_time;
    world.stack.clock.advance(SignedDuration::from_hours(24));
    let advisor = world.stack.staff(&[Role::SalesAdvisor], &[world.hangzhou]).unwrap();
    let refused = refusal(world.replate(&advisor, typed(&car, "浙A12346")).await);
    assert_eq!(refused, (Code::PermissionDenied, "RIGHT_MISSING".to_owned()));

    let request = CorrectPlateRequest {
        etag: car.etag.clone(),
        request_id: world.stack.ids.uuid().to_string(),
        ..typed(&car, "浙a·12346")
    };
    let mended = world.replate(&world.supervisor, request.clone()).await.unwrap();
    assert_eq!(mended.plate, "浙A12346");
    assert_ne!(mended.etag, car.etag);
    assert_eq!(world.replate(&world.supervisor, request).await.unwrap(), mended, "and once only");
    assert_eq!(world.vehicle(&world.here, &car.name).await.unwrap(), mended);
    assert_eq!(world.with_plate("浙A12346").await, std::slice::from_ref(&car.name));
    assert_eq!(world.with_plate("浙A12345").await, [""; 0], "it never hung there");

    let [right, wrong] = &mended.plates[..] else { panic!("{:?}", mended.plates) };
    assert_eq!((right.plate.as_str(), right.start_time, right.end_time), ("浙A12346", delivered, None));
    assert_eq!((wrong.plate.as_str(), wrong.start_time, wrong.end_time), ("浙A12345", delivered, delivered));
    let why = wrong.correction.as_ref().unwrap();
    assert_eq!((why.reason(), why.plate.as_str()), (PlateCorrectionReason::TypingError, "浙A12346"));
    assert_eq!((why.staff.clone(), why.note.as_str()), (world.supervisor.id.name(), "见行驶证照片"));
    assert_eq!(why.correct_time, Some(time::to_proto(world.stack.clock.now())));

    assert_eq!(world.stack.told::<PlateCorrected>().await.unwrap().len(), 1);
    world.stack.settled().await.unwrap();
    let kinds = vec!["PLATE_CORRECTED".to_owned()];
    let timeline = ListTimelineEntriesRequest { parent: car.owner.clone(), kinds, ..Default::default() };
    let entries = world.customers(&world.here).list_timeline_entries(timeline).await.unwrap().into_inner();
    assert_eq!(entries.timeline_entries.len(), 1);
    let owner = world.stack.owner().await.unwrap();
    let audited: Vec<String> =
        sqlx::query_scalar("SELECT detail::text FROM customer.audit WHERE method = 'CorrectPlate'")
            .fetch_all(&owner)
            .await
            .unwrap();
    assert_eq!(audited.len(), 1);
    assert!(!audited[0].contains("1234"), "no plate in the audit log: {}", audited[0]);

    // The first one was right after all.
    let back = world.replate(&world.supervisor, typed(&mended, "浙A12345")).await.unwrap();
    assert_eq!((back.plate.as_str(), back.plates.len()), ("浙A12345", 2));
}

#[tokio::test]
async fn a_new_plate_counts_from_now_on() {
    let world = World::start().await;
    let car = world.car(1, "").await;
    let first = correction(&car, "浙A12345", PlateCorrectionReason::NewPlate);
    world.stack.clock.advance(SignedDuration::from_hours(24 * 7));
    let plated = world.replate(&world.supervisor, first).await.unwrap();
    let (since, all) = (time::to_proto(world.stack.clock.now()), &plated.plates);
    assert_eq!((plated.plate.as_str(), all.len(), all[0].start_time), ("浙A12345", 1, Some(since)));
    world.stack.clock.advance(SignedDuration::from_hours(24 * 7));
    let second = correction(&plated, "浙AD12345", PlateCorrectionReason::NewPlate);
    let plated = world.replate(&world.supervisor, second).await.unwrap();
    let held: Vec<_> = plated.plates.iter().map(|it| (it.plate.as_str(), it.end_time)).collect();
    let now = time::to_proto(world.stack.clock.now());
    assert_eq!(held, [("浙AD12345", None), ("浙A12345", Some(now))]);
}

#[tokio::test]
async fn a_plate_leaves_a_strangers_car_only_when_it_was_looked_at_again() {
    let world = World::start().await;
    let (car, strangers) = (world.car(1, "浙A12345").await, world.car(2, "浙A12346").await);
    let request = typed(&car, "浙A12346");
    assert_eq!(wrong_fields(world.replate(&world.supervisor, request.clone()).await), ["plate"]);
    let confirmed = CorrectPlateRequest { plate_confirmed: true, ..request };
    world.replate(&world.supervisor, confirmed).await.unwrap();
    assert_eq!(world.with_plate("浙A12346").await, [car.name]);
    let left = world.vehicle(&world.here, &strangers.name).await.unwrap();
    assert_eq!(left.plate, "");
    assert_ne!(left.etag, strangers.etag, "who read it before is told");
}

#[tokio::test]
async fn of_two_corrections_of_a_plate_at_once_one_is_made() {
    let world = World::start().await;
    let car = world.car(1, "浙A12345").await;
    let both = ["浙A12346", "浙A12347"].map(|plate| world.replate(&world.supervisor, typed(&car, plate)));
    let (made, refused): (Vec<_>, Vec<_>) = join_all(both).await.into_iter().partition(Result::is_ok);
    assert_eq!((made.len(), refused.len()), (1, 1));
    let refused = refused.into_iter().map(refusal).next().unwrap();
    assert_eq!(refused, (Code::FailedPrecondition, "PLATE_NOT_ON_FILE".to_owned()));
    let late = CorrectPlateRequest { etag: car.etag.clone(), ..typed(&car, "浙A12348") };
    let late = refusal(world.replate(&world.supervisor, late).await);
    assert_eq!(late, (Code::Aborted, "VEHICLE_CHANGED".to_owned()));
}

#[tokio::test]
async fn another_stores_staff_correct_no_plate_and_every_wrong_field_is_named() {
    let world = World::start().await;
    let car = world.car(1, "浙A12345").await;
    let request = CorrectPlateRequest { store: world.suzhou.name(), ..typed(&car, "浙A12346") };
    let there = world.vehicles(&world.there).correct_plate(request).await;
    assert_eq!(refusal(there), (Code::NotFound, "VEHICLE_NOT_FOUND".to_owned()));
    let nothing = CorrectPlateRequest { name: car.name, request_id: "7".to_owned(), ..Default::default() };
    let refused = world.vehicles(&world.supervisor).correct_plate(nothing).await.unwrap_err();
    let violations = refused.get_details_bad_request().unwrap().field_violations;
    let plate: Vec<_> =
        violations.iter().filter(|it| it.field == "plate").map(|it| &it.description).collect();
    assert_eq!(plate, ["is required"]);
    assert_eq!(wrong_fields::<()>(Err(refused)), ["note", "plate", "reason", "request_id", "store"]);
}
