//! Whose phones and id cards are on file elsewhere is told a few times only, however they are told.

use foursight_proto::customer::v1::{
    ContactKind, Customer, FindDuplicatesRequest, ListCustomersRequest, ListReceptionsRequest, PresentedCar,
    Visit, duplicate_service_client::DuplicateServiceClient,
};
use foursight_proto::identity::v1::Role;
use foursight_testkit::{Caller, refusal};
use jiff::SignedDuration;
use serde_json::{Value, json};
use tonic::{Code, Status};

use crate::world::{World, contact, creation, delivery, person, visit};

const NATIONAL_ID: &str = "11010519491231002X";
const OWN_PHONE: &str = "13900005678";

fn too_many() -> (Code, String) {
    (Code::ResourceExhausted, "TOO_MANY_TRIES".to_owned())
}

fn not_confirmed() -> (Code, String) {
    (Code::FailedPrecondition, "VISITOR_NOT_CONFIRMED".to_owned())
}

/// People in Hangzhou with these phones.
async fn strangers(world: &World) -> Vec<String> {
    let mut phones = Vec::new();
    for number in 10..30 {
        let phone = format!("138000000{number}");
        world.open(&world.here, world.hangzhou, &format!("示例{number}"), &phone).await;
        phones.push(phone);
    }
    phones
}

/// The guesser's own person in Suzhou, who tells these phones as well.
fn own_with(world: &World, phones: &[String]) -> Customer {
    let mut visitor = person(world.suzhou, "甲", OWN_PHONE);
    visitor.contact_points.extend(phones.iter().map(|phone| contact(ContactKind::Phone, phone)));
    visitor
}

/// What the audit log has of somebody's calls of a method.
async fn audited(world: &World, by: &str, method: &str) -> Vec<Value> {
    let owner = world.stack.owner().await.unwrap();
    sqlx::query_scalar("SELECT detail FROM customer.audit WHERE subject = $1 AND method = $2 ORDER BY seq")
        .bind(by)
        .bind(method)
        .fetch_all(&owner)
        .await
        .unwrap()
}

#[tokio::test]
async fn twenty_phones_in_one_reception_tell_nothing() {
    let world = World::start().await;
    let phones = strangers(&world).await;
    let own = world.open(&world.there, world.suzhou, "甲", OWN_PHONE).await;
    let receive = |visitor| world.try_receive(&world.there, world.suzhou, visitor);
    assert_eq!(refusal(receive(own_with(&world, &phones[..19])).await), too_many());
    assert_eq!(world.file(&world.there, &own.name).await.unwrap(), own, "nothing was written");
    let register = world.receptions(&world.there).list_receptions(ListReceptionsRequest::default()).await;
    assert_eq!(register.unwrap().into_inner().receptions, []);
    let on_record = audited(&world, &world.there.id.name(), "FindVisitor").await;
    assert_eq!(on_record.len(), 1);
    assert_eq!(on_record[0]["tries"].as_array().map(Vec::len), Some(19));
    // One more or one less would tell of one phone: that one was refused counts, too.
    assert_eq!(refusal(receive(own_with(&world, &phones[..9])).await), too_many());
    assert_eq!(refusal(receive(own_with(&world, &[])).await), too_many());

    // As many as a caller has are told, and no more.
    let other = world.stack.staff(&[Role::ServiceAdvisor], &[world.suzhou]).unwrap();
    let outcome = world.receive(&other, world.suzhou, own_with(&world, &phones[..10])).await.visitor_outcome;
    assert_eq!(outcome.unwrap().not_taken.len(), 10);
    let one_more = world.try_receive(&other, world.suzhou, own_with(&world, &phones[10..11])).await;
    assert_eq!(refusal(one_more), too_many());

    world.stack.clock.advance(SignedDuration::from_mins(16));
    receive(own_with(&world, &phones[..1])).await.unwrap();
}

#[tokio::test]
async fn nor_does_one_phone_in_each_of_twenty_receptions() {
    let world = World::start().await;
    let phones = strangers(&world).await;
    world.open(&world.there, world.suzhou, "甲", OWN_PHONE).await;
    let (mut told, mut refused) = (0, 0);
    for phone in &phones {
        let visitor = own_with(&world, std::slice::from_ref(phone));
        match world.try_receive(&world.there, world.suzhou, visitor).await {
            Ok(reception) => {
                assert_eq!(reception.visitor_outcome.unwrap().not_taken, ["contact_points[1]"]);
                told += 1;
            }
            answer => {
                assert_eq!(refusal(answer), too_many());
                refused += 1;
            }
        }
    }
    assert_eq!((told, refused), (10, 10));
    // It is one count with that of new files.
    let new = creation(person(world.suzhou, "乙", "13900005679"));
    assert_eq!(refusal(world.customers(&world.there).create_customer(new).await), too_many());
    // A family that one's own store knows is no guess.
    for phone in &phones[..12] {
        let family = person(world.hangzhou, "示例29", "13800000029");
        let family = Customer {
            contact_points: [family.contact_points, vec![contact(ContactKind::Phone, phone)]].concat(),
            ..family
        };
        world.receive(&world.here, world.hangzhou, family).await;
    }
}

#[tokio::test]
async fn an_id_card_opens_a_file_together_with_the_name_on_it() {
    let world = World::start().await;
    let known = Customer {
        national_id: NATIONAL_ID.to_owned(),
        ..person(world.hangzhou, "示例一", "13800001234")
    };
    let known = world.customers(&world.here).create_customer(creation(known)).await.unwrap().into_inner();
    let own = world.open(&world.there, world.suzhou, "甲", OWN_PHONE).await;
    let alone = |name: &str| Customer {
        national_id: NATIONAL_ID.to_owned(),
        contact_points: Vec::new(),
        ..person(world.suzhou, name, "")
    };
    let receive = |visitor| world.try_receive(&world.there, world.suzhou, visitor);
    assert_eq!(refusal(receive(alone("乙")).await), not_confirmed());
    let with_own_phone = Customer { national_id: NATIONAL_ID.to_owned(), ..own_with(&world, &[]) };
    assert_eq!(refusal(receive(with_own_phone).await), not_confirmed());
    assert!(world.file(&world.there, &known.name).await.is_err());
    assert_eq!(world.file(&world.there, &own.name).await.unwrap(), own, "nor was the number taken");
    assert_eq!(audited(&world, &world.there.id.name(), "FindVisitor").await.len(), 2);

    let found = receive(alone(" 示例　一")).await.unwrap();
    assert_eq!((found.customer.as_str(), found.contact_left), (known.name.as_str(), true));
    assert!(world.file(&world.there, &known.name).await.is_ok());
    let opened = audited(&world, &world.there.id.name(), "CreateReception").await;
    assert_eq!(opened[0]["confirmed_by"], json!(["NAME", "NATIONAL_ID"]));

    // Many names for one number come to an end, whoever guesses.
    let other = world.stack.staff(&[Role::ServiceAdvisor], &[world.suzhou]).unwrap();
    for name in ["丙", "丁", "戊"] {
        assert_eq!(
            refusal(world.try_receive(&other, world.suzhou, alone(name)).await),
            not_confirmed(),
            "{name}"
        );
    }
    assert_eq!(refusal(world.try_receive(&other, world.suzhou, alone("示例一")).await), too_many());
}

#[tokio::test]
async fn guessing_whose_car_it_is_comes_to_an_end() {
    let world = World::start().await;
    let owner = world.open(&world.here, world.hangzhou, "示例一", "13800001234").await.name;
    let car =
        world.deliver(&world.here, delivery(&owner, world.hangzhou, "LDEMA00000X000001")).await.unwrap();
    let bring = |phone: String| {
        let car = PresentedCar { vin: car.vin.clone(), phone, ..PresentedCar::default() };
        world.try_check_in(&world.there, Visit { presented_car: Some(car), ..visit(world.suzhou, 800) })
    };
    let not_found = (Code::NotFound, "VEHICLE_NOT_FOUND".to_owned());
    let mut told = Vec::new();
    for number in 10..22 {
        told.push(refusal(bring(format!("138000000{number}")).await));
    }
    assert_eq!(told, [vec![not_found; 10], vec![too_many(); 2]].concat());
    assert_eq!(refusal(bring("13800001234".to_owned()).await), too_many(), "the right one is answered alike");
    assert!(world.file(&world.there, &owner).await.is_err());
    let on_record = audited(&world, &world.there.id.name(), "FindVehicle").await;
    assert_eq!(on_record.len(), 10);
    assert!(!on_record[0].to_string().contains("138"), "{on_record:?}");
    // It is one count with that of the counter.
    let visitor = person(world.suzhou, "乙", "13900005679");
    assert_eq!(refusal(world.try_receive(&world.there, world.suzhou, visitor).await), too_many());

    world.stack.clock.advance(SignedDuration::from_mins(16));
    assert_eq!(bring("13800001234".to_owned()).await.unwrap().customer, owner);
    let opened = audited(&world, &world.there.id.name(), "CreateVisit").await;
    assert_eq!(opened[0]["confirmed_by"], json!(["VIN", "PHONE"]));
}

#[tokio::test]
async fn the_digits_that_a_mask_hides_are_not_found_by_trying_them() {
    let world = World::start().await;
    world.open(&world.here, world.hangzhou, "王小明", "13800001234").await;
    let guess = async |from: u32| {
        let guesses =
            (from..from + 20).map(|middle| contact(ContactKind::Phone, &format!("138{middle:04}1234")));
        let request = FindDuplicatesRequest {
            display_name: "王小明".to_owned(),
            contact_points: guesses.collect(),
            ..FindDuplicatesRequest::default()
        };
        DuplicateServiceClient::new(world.stack.channel("customer", &world.here))
            .find_duplicates(request)
            .await
    };
    let search = async |by: &Caller, phone: &str| {
        let request = ListCustomersRequest { q: phone.to_owned(), ..ListCustomersRequest::default() };
        Ok::<_, Status>(world.customers(by).list_customers(request).await?.into_inner().customers.len())
    };
    for from in 0..14 {
        guess(1000 + from * 20).await.unwrap();
    }
    for last in 0..20 {
        assert_eq!(search(&world.here, &format!("1390000{last:04}")).await.unwrap(), 0);
    }
    assert_eq!(search(&world.here, "13800001234").await.unwrap_err().code(), Code::ResourceExhausted);
    assert_eq!(refusal(guess(0).await), too_many());
    assert_eq!(search(&world.here, "1234").await.unwrap(), 1, "what is no guess goes on");
    assert_eq!(search(&world.headquarters, "13800001234").await.unwrap(), 1, "so does who has not guessed");
    let noted = audited(&world, &world.here.id.name(), "ListCustomers").await;
    assert_eq!(noted, [json!({ "reason": "TOO_MANY_TRIES", "lookups": 300 })]);
}
