//! What an odometer may show, and how a reading that was written down wrong is mended.

use foursight_proto::customer::{
    events::v1::OdometerCorrected,
    v1::{CorrectOdometerRequest, Delivery, OdometerCorrectionReason, Vehicle, Visit},
};
use foursight_testkit::{Caller, metadata, refusal, wrong_fields};
use jiff::SignedDuration;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::world::{World, delivery, visit};

fn correction(vehicle: &str, wrong_km: i32, odometer_km: i32) -> CorrectOdometerRequest {
    CorrectOdometerRequest {
        name: vehicle.to_owned(),
        wrong_km: Some(wrong_km),
        odometer_km: Some(odometer_km),
        reason: OdometerCorrectionReason::TypingError.into(),
        note: "多打了一个零，见工单照片".to_owned(),
        ..Default::default()
    }
}

impl World {
    async fn correct(&self, by: &Caller, request: CorrectOdometerRequest) -> Result<Vehicle, Status> {
        let request = CorrectOdometerRequest { store: self.hangzhou.name(), ..request };
        Ok(self.vehicles(by).correct_odometer(request).await?.into_inner())
    }

    /// A car that was delivered with 12 km a month ago.
    async fn month_old_car(&self) -> String {
        let owner = self.open(&self.here, self.hangzhou, "示例一", "13800001234").await.name;
        let car = delivery(&owner, self.hangzhou, "LDEMA00000X000001");
        let car = self.deliver(&self.here, car).await.unwrap().vehicle;
        self.days(30);
        car
    }

    fn days(&self, days: i64) {
        self.stack.clock.advance(SignedDuration::from_hours(24 * days));
    }

    /// Checks the car in and hands it back.
    async fn visit(&self, car: &str, odometer_km: i32, odometer_confirmed: bool) -> Result<(), Status> {
        let visit =
            Visit { vehicle: car.to_owned(), odometer_confirmed, ..visit(self.hangzhou, odometer_km) };
        let visit = self.try_check_in(&self.here, visit).await?;
        self.hand_back(&self.here, &visit.name).await;
        Ok(())
    }
}

#[tokio::test]
async fn a_reading_that_hardly_any_car_has_is_looked_at_again() {
    let world = World::start().await;
    let car = world.month_old_car().await;
    let status = world.visit(&car, 50_000, false).await.unwrap_err();
    let violation = status.get_error_details().bad_request().unwrap().field_violations[0].clone();
    assert!(violation.description.contains("odometer_confirmed"), "{}", violation.description);
    assert_eq!(wrong_fields::<()>(Err(status)), ["visit.odometer_km"]);
    // Beyond what any car has nobody can confirm it.
    assert_eq!(wrong_fields(world.visit(&car, 5_000_000, true).await), ["visit.odometer_km"]);
    assert_eq!(wrong_fields(world.visit(&car, 1_000_001, false).await), ["visit.odometer_km"]);
    world.visit(&car, 50_000, true).await.unwrap();
    assert_eq!(wrong_fields(world.visit(&car, 49_999, true).await), ["visit.odometer_km"]);

    let owner = world.vehicle(&world.here, &car).await.unwrap().owner;
    let used = |odometer_km, odometer_confirmed| Delivery {
        odometer_km,
        odometer_confirmed,
        ..delivery(&owner, world.hangzhou, "LDEMA00000X000002")
    };
    assert_eq!(
        wrong_fields(world.deliver(&world.here, used(1_000_001, false)).await),
        ["delivery.odometer_km"]
    );
    world.deliver(&world.here, used(1_000_001, true)).await.unwrap();
}

#[tokio::test]
async fn a_reading_that_was_written_down_wrong_locks_no_car_out() {
    let world = World::start().await;
    let car = world.month_old_car().await;
    world.visit(&car, 43_000, true).await.unwrap();
    world.days(90);
    assert_eq!(wrong_fields(world.visit(&car, 9_000, false).await), ["visit.odometer_km"]);

    let request = correction(&car, 43_000, 4_300);
    let own = world
        .correct(
            &world
                .stack
                .staff(&[foursight_proto::identity::v1::Role::ServiceAdvisor], &[world.hangzhou])
                .unwrap(),
            request.clone(),
        )
        .await;
    assert_eq!(refusal(own), (Code::PermissionDenied, "RIGHT_MISSING".to_owned()));
    let request_id = world.stack.ids.uuid().to_string();
    let request = CorrectOdometerRequest { request_id, ..request };
    let corrected = world.correct(&world.supervisor, request.clone()).await.unwrap();
    assert_eq!(corrected.odometer_km, 4_300);
    assert_eq!(world.correct(&world.supervisor, request).await.unwrap(), corrected, "and once only");

    let history: Vec<_> = corrected
        .odometer_readings
        .iter()
        .map(|reading| (reading.odometer_km, reading.correction.as_ref().map(|it| it.odometer_km)))
        .collect();
    assert_eq!(history, [(43_000, Some(4_300)), (4_300, None), (12, None)]);
    let why = corrected.odometer_readings[0].correction.as_ref().unwrap();
    assert_eq!(why.staff, world.supervisor.id.name());
    assert_eq!(why.reason(), OdometerCorrectionReason::TypingError);
    assert!(why.note.contains("工单照片"));
    assert_eq!(corrected, world.vehicle(&world.here, &car).await.unwrap());

    world.visit(&car, 9_000, false).await.unwrap();
    assert_eq!(world.vehicle(&world.here, &car).await.unwrap().odometer_km, 9_000);
    let told = world.stack.told::<OdometerCorrected>().await.unwrap();
    assert_eq!(told.len(), 1);
    assert_eq!((told[0].wrong_km, told[0].odometer_km), (43_000, 4_300));
}

#[tokio::test]
async fn a_new_instrument_cluster_counts_from_its_own_beginning() {
    let world = World::start().await;
    let car = world.month_old_car().await;
    world.visit(&car, 20_000, false).await.unwrap();
    world.days(1);
    let replaced = CorrectOdometerRequest {
        reason: OdometerCorrectionReason::ClusterReplaced.into(),
        ..correction(&car, 20_000, 0)
    };
    let now = world.correct(&world.supervisor, replaced).await.unwrap();
    assert_eq!((now.odometer_km, now.odometer_readings.len()), (0, 3));
    world.days(1);
    world.visit(&car, 90, false).await.unwrap();
    assert_eq!(world.vehicle(&world.here, &car).await.unwrap().odometer_km, 90);
}

#[tokio::test]
async fn of_two_corrections_of_a_reading_at_once_one_is_made() {
    let world = World::start().await;
    let car = world.month_old_car().await;
    world.visit(&car, 43_000, true).await.unwrap();
    let both = [4_300, 4_301].map(|km| world.correct(&world.supervisor, correction(&car, 43_000, km)));
    let (mut made, mut refused) = (Vec::new(), Vec::new());
    for answer in futures::future::join_all(both).await {
        match answer {
            Ok(vehicle) => made.push(vehicle.odometer_km),
            Err(status) => refused.push(status),
        }
    }
    assert_eq!((made.len(), refused.len()), (1, 1), "{refused:?}");
    assert_eq!(metadata(&refused[0], "odometer_km"), Some(made[0].to_string()));
    assert_eq!(
        refusal::<()>(Err(refused.remove(0))),
        (Code::FailedPrecondition, "ODOMETER_READING_NOT_FOUND".to_owned())
    );
}

#[tokio::test]
async fn another_stores_staff_correct_nothing_and_every_wrong_field_is_named() {
    let world = World::start().await;
    let car = world.month_old_car().await;
    let request = CorrectOdometerRequest { store: world.suzhou.name(), ..correction(&car, 12, 10) };
    let there = world.vehicles(&world.there).correct_odometer(request).await;
    assert_eq!(refusal(there), (Code::NotFound, "VEHICLE_NOT_FOUND".to_owned()));
    let nothing = CorrectOdometerRequest { name: car, request_id: "7".to_owned(), ..Default::default() };
    let wrong = wrong_fields(world.vehicles(&world.supervisor).correct_odometer(nothing).await);
    assert_eq!(wrong, ["note", "odometer_km", "reason", "request_id", "store", "wrong_km"]);
}
