//! The people around a car: with a file or without, seen from both sides, until the car is another's.

use foursight_proto::customer::{
    events::v1::{VehiclePersonAdded, VehiclePersonEnded},
    v1::{
        AddVehiclePersonRequest, EndVehiclePersonRequest, ListTimelineEntriesRequest,
        ListVehiclePeopleRequest, ListVehicleRolesRequest, RevealVehiclePersonRequest, VehiclePerson,
        VehicleRole, vehicle_people_service_client::VehiclePeopleServiceClient,
    },
};
use foursight_testkit::{Caller, CallerChannel, refusal, wrong_fields};
use jiff::SignedDuration;
use tonic::{Code, Status};

use crate::world::{World, delivery, person};

const VIN: &str = "LSVAA4182E2000001";

impl World {
    fn people(&self, caller: &Caller) -> VehiclePeopleServiceClient<CallerChannel> {
        VehiclePeopleServiceClient::new(self.stack.channel("customer", caller))
    }

    async fn add_person(
        &self,
        by: &Caller,
        car: &str,
        person: VehiclePerson,
    ) -> Result<VehiclePerson, Status> {
        let request = AddVehiclePersonRequest {
            parent: car.to_owned(),
            person: Some(VehiclePerson { store: self.hangzhou.name(), ..person }),
            request_id: String::new(),
        };
        Ok(self.people(by).add_vehicle_person(request).await?.into_inner())
    }

    async fn people_of(&self, by: &Caller, car: &str) -> Vec<VehiclePerson> {
        let request = ListVehiclePeopleRequest { parent: car.to_owned(), ..Default::default() };
        self.people(by).list_vehicle_people(request).await.unwrap().into_inner().people
    }

    async fn roles_of(&self, by: &Caller, customer: &str) -> Vec<VehiclePerson> {
        let request = ListVehicleRolesRequest { parent: customer.to_owned(), ..Default::default() };
        self.people(by).list_vehicle_roles(request).await.unwrap().into_inner().vehicle_roles
    }

    async fn kinds_of(&self, by: &Caller, customer: &str) -> Vec<String> {
        self.stack.settled().await.unwrap();
        let kinds = ["VEHICLE_PERSON_ADDED", "VEHICLE_PERSON_ENDED"].map(str::to_owned).to_vec();
        let request = ListTimelineEntriesRequest { parent: customer.to_owned(), kinds, ..Default::default() };
        let found = self.customers(by).list_timeline_entries(request).await.unwrap().into_inner();
        found.timeline_entries.into_iter().map(|entry| entry.kind).collect()
    }
}

fn driver(customer: &str) -> VehiclePerson {
    VehiclePerson {
        role: VehicleRole::Driver.into(),
        customer: customer.to_owned(),
        ..VehiclePerson::default()
    }
}

fn contact() -> VehiclePerson {
    VehiclePerson {
        role: VehicleRole::Contact.into(),
        display_name: "示例司机".to_owned(),
        phone: "138 0000 9999".to_owned(),
        ..VehiclePerson::default()
    }
}

#[tokio::test]
async fn who_drives_a_car_is_seen_from_the_car_and_from_the_driver() {
    let world = World::start().await;
    let owner = world.open(&world.here, world.hangzhou, "示例一", "13800001234").await.name;
    let other = world.open(&world.here, world.hangzhou, "示例二", "13800001235").await.name;
    let car = world.deliver(&world.here, delivery(&owner, world.hangzhou, VIN)).await.unwrap().vehicle;
    let added = world.add_person(&world.here, &car, driver(&other)).await.unwrap();
    assert_eq!((added.customer.as_str(), added.staff.clone()), (other.as_str(), world.here.id.name()));
    assert_eq!(world.people_of(&world.here, &car).await, std::slice::from_ref(&added));
    assert_eq!(world.roles_of(&world.here, &other).await, std::slice::from_ref(&added));
    assert!(world.roles_of(&world.here, &owner).await.is_empty());
    let refused = refusal(world.add_person(&world.here, &car, driver(&other)).await);
    assert_eq!(refused, (Code::AlreadyExists, "VEHICLE_PERSON_EXISTS".to_owned()));
    let payer = VehiclePerson { role: VehicleRole::Payer.into(), ..driver(&other) };
    world.add_person(&world.here, &car, payer).await.unwrap();
    assert_eq!(wrong_fields(world.add_person(&world.here, &car, driver(&owner)).await), ["person.customer"]);

    world.stack.clock.advance(SignedDuration::from_hours(24));
    let end = EndVehiclePersonRequest {
        name: car.clone(),
        person: added.name.clone(),
        store: world.hangzhou.name(),
        request_id: world.stack.ids.uuid().to_string(),
    };
    let ended = world.people(&world.here).end_vehicle_person(end.clone()).await.unwrap().into_inner();
    assert!(ended.end_time.is_some());
    assert_eq!(ended.end_staff, world.here.id.name());
    assert_eq!(world.people(&world.here).end_vehicle_person(end.clone()).await.unwrap().into_inner(), ended);
    let again = EndVehiclePersonRequest { request_id: String::new(), ..end };
    let refused = refusal(world.people(&world.here).end_vehicle_person(again).await);
    assert_eq!(refused, (Code::FailedPrecondition, "VEHICLE_PERSON_ENDED".to_owned()));
    world.stack.clock.advance(SignedDuration::from_hours(1));
    world.add_person(&world.here, &car, driver(&other)).await.unwrap();

    let told: Vec<VehiclePersonAdded> = world.stack.told().await.unwrap();
    assert_eq!((told.len(), told[0].other.as_str()), (3, other.as_str()));
    let told: Vec<VehiclePersonEnded> = world.stack.told().await.unwrap();
    assert_eq!((told.len(), told[0].customer.as_str()), (1, owner.as_str()));
    let kinds =
        ["VEHICLE_PERSON_ADDED", "VEHICLE_PERSON_ENDED", "VEHICLE_PERSON_ADDED", "VEHICLE_PERSON_ADDED"];
    for customer in [&owner, &other] {
        assert_eq!(world.kinds_of(&world.here, customer).await, kinds);
    }
}

#[tokio::test]
async fn who_has_no_file_is_sealed_masked_and_shown_whole_for_a_reason() {
    let world = World::start().await;
    let owner = world.open(&world.here, world.hangzhou, "示例一", "13800001234").await.name;
    let car = world.deliver(&world.here, delivery(&owner, world.hangzhou, VIN)).await.unwrap().vehicle;
    let request = AddVehiclePersonRequest {
        parent: car.clone(),
        person: Some(VehiclePerson { store: world.hangzhou.name(), ..contact() }),
        request_id: world.stack.ids.uuid().to_string(),
    };
    let added = world.people(&world.here).add_vehicle_person(request.clone()).await.unwrap().into_inner();
    assert_eq!((added.display_name.as_str(), added.phone.as_str()), ("示例司机", "138****9999"));
    assert_eq!(world.people(&world.here).add_vehicle_person(request).await.unwrap().into_inner(), added);
    assert_eq!(world.people_of(&world.here, &car).await, std::slice::from_ref(&added));
    let reveal = RevealVehiclePersonRequest {
        name: car.clone(),
        person: added.name.clone(),
        reason: "接车".to_owned(),
    };
    assert_eq!(
        wrong_fields(world.people(&world.here).reveal_vehicle_person(reveal.clone()).await),
        ["reason"]
    );
    let reveal = RevealVehiclePersonRequest { reason: "通知司机接车".to_owned(), ..reveal };
    let shown = world.people(&world.here).reveal_vehicle_person(reveal).await.unwrap().into_inner();
    assert_eq!(shown.phone, "+8613800009999");
    let owner = world.stack.owner().await.unwrap();
    let dump: String = sqlx::query_scalar(
        "SELECT concat((SELECT string_agg(t::text || encode(sealed, 'escape'), '') FROM customer.vehicle_people t),
                       (SELECT string_agg(t::text, '') FROM customer.audit t),
                       (SELECT string_agg(encode(payload, 'escape'), '') FROM customer.outbox t),
                       (SELECT string_agg(t::text, '') FROM customer.timeline_entries t))",
    )
    .fetch_one(&owner)
    .await
    .unwrap();
    for secret in ["示例司机", "13800009999"] {
        assert!(!dump.contains(secret), "{secret} stands there");
    }
    assert!(dump.contains("RevealVehiclePerson"), "who saw it is on record");

    let wrong =
        VehiclePerson { phone: "call me".to_owned(), display_name: String::new(), role: 0, ..contact() };
    let wrong = wrong_fields(world.add_person(&world.here, &car, wrong).await);
    assert_eq!(wrong, ["person.display_name", "person.phone", "person.role"]);
    let both = VehiclePerson { customer: owner_of(&world, &car).await, ..contact() };
    let wrong = wrong_fields(world.add_person(&world.here, &car, both).await);
    assert_eq!(wrong, ["person.customer"]);
}

async fn owner_of(world: &World, car: &str) -> String {
    world.vehicle(&world.here, car).await.unwrap().owner
}

#[tokio::test]
async fn with_the_car_s_owner_go_the_people_around_it() {
    let world = World::start().await;
    let owner = world.open(&world.here, world.hangzhou, "示例一", "13800001234").await.name;
    let other = world.open(&world.here, world.hangzhou, "示例二", "13800001235").await.name;
    let car = world.deliver(&world.here, delivery(&owner, world.hangzhou, VIN)).await.unwrap().vehicle;
    world.add_person(&world.here, &car, driver(&other)).await.unwrap();
    world.add_person(&world.here, &car, contact()).await.unwrap();
    let refused = refusal(world.add_person(&world.there, &car, contact()).await);
    assert_eq!(refused, (Code::PermissionDenied, "STORE_OUT_OF_REACH".to_owned()));
    let request = ListVehiclePeopleRequest { parent: car.clone(), ..Default::default() };
    let refused = refusal(world.people(&world.there).list_vehicle_people(request).await);
    assert_eq!(refused, (Code::NotFound, "VEHICLE_NOT_FOUND".to_owned()));
    // The driver's other store sees where the driver drives, and nothing more of the car.
    world.receive(&world.there, world.suzhou, person(world.suzhou, "示例二", "13800001235")).await;
    let roles = world.roles_of(&world.there, &other).await;
    assert_eq!((roles.len(), roles[0].store.as_str()), (1, ""));
    let hidden = refusal(world.vehicle(&world.there, &car).await);
    assert_eq!(hidden, (Code::NotFound, "VEHICLE_NOT_FOUND".to_owned()));

    let buyer = world.open(&world.here, world.hangzhou, "示例三", "13800001236").await.name;
    world.stack.clock.advance(SignedDuration::from_hours(48));
    let sold = world.deliver(&world.here, delivery(&buyer, world.hangzhou, VIN)).await.unwrap();
    let people = world.people_of(&world.here, &car).await;
    assert_eq!(people.len(), 2);
    assert!(people.iter().all(|person| person.end_time == sold.deliver_time && person.end_staff.is_empty()));
    // A delivery of another day knows them anew.
    world.add_person(&world.here, &car, driver(&other)).await.unwrap();
}
