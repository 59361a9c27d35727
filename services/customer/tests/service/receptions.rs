//! Somebody who stands at the counter: which file is theirs, and what becomes of what they tell.

use foursight_proto::customer::v1::{
    ContactKind, CreateCustomerRequest, CreateReceptionRequest, Customer, CustomerKind, Gender,
    ListReceptionsRequest, Reception, ReceptionKind, VisitorOutcome,
};
use foursight_testkit::refusal;
use jiff::SignedDuration;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::world::{World, contact, creation, person};

const NATIONAL_ID: &str = "11010519491231002X";
const OTHER_NATIONAL_ID: &str = "440524188001010014";

fn not_confirmed() -> (Code, String) {
    (Code::FailedPrecondition, "VISITOR_NOT_CONFIRMED".to_owned())
}

/// What the refusal says of the file.
fn named(answer: Result<Reception, Status>) -> Option<String> {
    answer.unwrap_err().get_error_details().error_info()?.metadata.get("customer").cloned()
}

async fn registered(world: &World) -> usize {
    let request = ListReceptionsRequest::default();
    let list = world.receptions(&world.headquarters).list_receptions(request).await.unwrap();
    list.into_inner().receptions.len()
}

fn points(customer: &Customer) -> Vec<&str> {
    customer.contact_points.iter().map(|point| point.value.as_str()).collect()
}

#[tokio::test]
async fn a_phone_of_somebody_elses_file_opens_nothing() {
    let world = World::start().await;
    let known = world.open(&world.here, world.hangzhou, "示例一", "13800001234").await;
    let told = Customer {
        contact_points: vec![
            contact(ContactKind::Phone, "13800001234"),
            contact(ContactKind::Email, "two@example.com"),
        ],
        ..person(world.suzhou, "示例二", "")
    };
    let refused = world.try_receive(&world.there, world.suzhou, told.clone()).await;
    assert_eq!(refusal(refused), not_confirmed());
    let refused = world.try_receive(&world.there, world.suzhou, told.clone()).await;
    assert_eq!(named(refused), None, "another store's file is not told of");
    assert!(world.file(&world.there, &known.name).await.is_err());
    assert_eq!(world.file(&world.here, &known.name).await.unwrap(), known);
    assert_eq!(registered(&world).await, 0);

    // In the file's own store nothing is taken for somebody else's either, but there it can be looked at.
    let refused =
        world.try_receive(&world.here, world.hangzhou, Customer { store: String::new(), ..told }).await;
    assert_eq!(named(refused), Some(known.name));
}

#[tokio::test]
async fn an_id_card_says_more_than_a_name() {
    let world = World::start().await;
    let with_card = |store, name, card: &str| Customer {
        national_id: card.to_owned(),
        ..person(store, name, "13800001234")
    };
    let known =
        world.receive(&world.here, world.hangzhou, with_card(world.hangzhou, "示例一", NATIONAL_ID)).await;

    let other = with_card(world.suzhou, "示例一", OTHER_NATIONAL_ID);
    assert_eq!(refusal(world.try_receive(&world.there, world.suzhou, other).await), not_confirmed());
    assert!(world.file(&world.there, &known.customer).await.is_err());

    let renamed = with_card(world.suzhou, "示例新名", NATIONAL_ID);
    let found = world.receive(&world.there, world.suzhou, renamed).await;
    assert_eq!(found.customer, known.customer);
    assert_eq!(world.file(&world.there, &known.customer).await.unwrap().display_name, "示例一");
}

#[tokio::test]
async fn a_file_learns_what_it_lacked_and_the_answer_says_so() {
    let world = World::start().await;
    world.open(&world.here, world.hangzhou, "示例三", "13900005678").await;
    let known = world.open(&world.here, world.hangzhou, "示例一", "13800001234").await;
    world.stack.clock.advance(SignedDuration::from_hours(1));
    let visitor = Customer {
        gender: Gender::Female.into(),
        national_id: NATIONAL_ID.to_owned(),
        contact_points: vec![
            contact(ContactKind::Phone, "13800001234"),
            contact(ContactKind::Phone, "13800004321"),
            // Of somebody else.
            contact(ContactKind::Phone, "13900005678"),
            contact(ContactKind::Email, "One@example.com"),
            contact(ContactKind::Address, "浙江省杭州市示例路一百二十三号"),
        ],
        ..person(world.suzhou, "示例一", "")
    };
    let reception = Reception {
        store: world.suzhou.name(),
        kind: ReceptionKind::WalkIn.into(),
        visitor: Some(visitor.clone()),
        ..Reception::default()
    };
    let request =
        CreateReceptionRequest { reception: Some(reception), request_id: world.stack.ids.uuid().to_string() };
    let made = world.receptions(&world.there).create_reception(request.clone()).await.unwrap().into_inner();
    let paths = |paths: &[&str]| paths.iter().map(|path| (*path).to_owned()).collect::<Vec<_>>();
    let outcome = VisitorOutcome {
        file_opened: false,
        added: paths(&[
            "contact_points[1]",
            "contact_points[3]",
            "contact_points[4]",
            "gender",
            "national_id",
        ]),
        not_taken: paths(&["contact_points[2]"]),
    };
    assert_eq!(
        (made.customer.as_str(), made.visitor_outcome.as_ref()),
        (known.name.as_str(), Some(&outcome))
    );
    let again = world.receptions(&world.there).create_reception(request).await.unwrap().into_inner();
    assert_eq!(again, made, "the same request has the same answer");

    let file = world.file(&world.there, &known.name).await.unwrap();
    assert_eq!(points(&file), ["138****1234", "138****4321", "O***@example.com", "浙江省杭州***"]);
    assert_eq!((file.gender(), file.national_id.as_str()), (Gender::Female, "1****************X"));
    assert_ne!(file.etag, known.etag);

    // The next time there is nothing new, and what is said otherwise is not taken.
    let visitor = Customer { gender: Gender::Male.into(), ..visitor };
    let next = world.receive(&world.there, world.suzhou, visitor).await.visitor_outcome.unwrap();
    assert_eq!((next.added, next.not_taken), (Vec::new(), paths(&["contact_points[2]", "gender"])));
    assert_eq!(points(&world.file(&world.there, &known.name).await.unwrap()).len(), 4);
    // What was learnt is found by.
    let by_second_phone = person(world.hangzhou, "示例一", "13800004321");
    let found = world.receive(&world.here, world.hangzhou, by_second_phone).await;
    assert_eq!(found.customer, known.name);
}

#[tokio::test]
async fn a_full_file_says_what_it_did_not_take() {
    let world = World::start().await;
    let email = |number: u32| contact(ContactKind::Email, &format!("one{number}@example.com"));
    let mut visitor = person(world.hangzhou, "示例一", "13800001234");
    visitor.contact_points.extend((1..20).map(email));
    let opened = world.receive(&world.here, world.hangzhou, visitor).await;
    let outcome = VisitorOutcome { file_opened: true, ..VisitorOutcome::default() };
    assert_eq!(opened.visitor_outcome, Some(outcome));
    let mut visitor = person(world.hangzhou, "示例一", "13800001234");
    visitor.contact_points.push(email(20));
    let outcome = world.receive(&world.here, world.hangzhou, visitor).await.visitor_outcome.unwrap();
    assert_eq!((outcome.added.len(), outcome.not_taken), (0, vec!["contact_points[1]".to_owned()]));
}

#[tokio::test]
async fn organizations_share_a_switchboard_and_keep_their_own_files() {
    let world = World::start().await;
    let company = |store, name| Customer {
        kind: CustomerKind::Organization.into(),
        ..person(store, name, "057187651234")
    };
    let first = world.receive(&world.here, world.hangzhou, company(world.hangzhou, "示例甲公司")).await;
    let second = world.receive(&world.here, world.hangzhou, company(world.hangzhou, "示例乙公司")).await;
    assert_ne!(first.customer, second.customer);
    for (name, file) in [("示例甲公司", &first), ("示例乙公司", &second)] {
        let found = world.receive(&world.there, world.suzhou, company(world.suzhou, name)).await;
        assert_eq!(found.customer, file.customer);
    }
}

#[tokio::test]
async fn guessing_whose_phone_it_is_comes_to_an_end_and_stands_on_record() {
    let world = World::start().await;
    let known = world.open(&world.here, world.hangzhou, "示例一", "13800001234").await;
    let guess = |name: &str| {
        let visitor = person(world.suzhou, name, "13800001234");
        world.try_receive(&world.there, world.suzhou, visitor)
    };
    // At once, as a program would.
    let guesses = ["甲", "乙", "丙", "丁", "戊", "己", "庚", "辛"].map(guess);
    let answers = futures::future::join_all(guesses).await;
    let refused: Vec<String> = answers.into_iter().map(|answer| refusal(answer).1).collect();
    assert_eq!(refused.iter().filter(|reason| *reason == "VISITOR_NOT_CONFIRMED").count(), 5, "{refused:?}");
    assert_eq!(refused.iter().filter(|reason| *reason == "TOO_MANY_TRIES").count(), 3, "{refused:?}");
    assert_eq!(refusal(guess("示例一").await), (Code::ResourceExhausted, "TOO_MANY_TRIES".to_owned()));
    assert!(world.file(&world.there, &known.name).await.is_err());

    let mut tx = world.stack.db("customer").begin_as_service().await.unwrap();
    let tries: i64 =
        sqlx::query_scalar("SELECT count(*) FROM audit WHERE method = 'FindVisitor' AND subject = $1")
            .bind(world.there.id.name())
            .fetch_one(&mut *tx)
            .await
            .unwrap();
    assert_eq!(tries, 5);
    drop(tx);

    world.stack.clock.advance(SignedDuration::from_mins(16));
    let served = guess("示例一").await.unwrap();
    assert_eq!(served.customer, known.name);
    // Who was who they said does not count.
    for _ in 0..7 {
        guess("示例一").await.unwrap();
    }
}

/// Opening files tells of phones as receptions do: by the refusal, and by what is not refused.
#[tokio::test]
async fn guessing_which_phones_are_on_file_elsewhere_comes_to_an_end_too() {
    let world = World::start().await;
    for number in 10..50 {
        world
            .open(&world.here, world.hangzhou, &format!("示例{number}"), &format!("138000000{number}"))
            .await;
    }
    let guess = async |phone: String| {
        let request = creation(person(world.suzhou, "甲", &phone));
        world.customers(&world.there).create_customer(request).await
    };
    let mut told = Vec::new();
    for number in 10..50 {
        told.push(refusal(guess(format!("138000000{number}")).await).1);
    }
    let known = told.iter().filter(|reason| *reason == "CUSTOMER_EXISTS").count();
    assert_eq!(known, 10, "{told:?}");
    assert!(told[10..].iter().all(|reason| reason == "TOO_MANY_TRIES"), "{told:?}");

    // What is on file nowhere is answered alike, and at the counter, too.
    let too_many = (Code::ResourceExhausted, "TOO_MANY_TRIES".to_owned());
    let refused = guess("13900005678".to_owned()).await.unwrap_err();
    let wait = refused.get_error_details().retry_info().and_then(|retry| retry.retry_delay).unwrap();
    assert!(wait.as_secs() > 60, "{wait:?}");
    assert_eq!(refusal::<()>(Err(refused)), too_many);
    let visitor = person(world.suzhou, "乙", "13900005679");
    assert_eq!(refusal(world.try_receive(&world.there, world.suzhou, visitor).await), too_many);
    // Who tells no phone guesses none, and others go on.
    let nameless = Customer { contact_points: Vec::new(), ..person(world.suzhou, "丙", "") };
    world.customers(&world.there).create_customer(creation(nameless)).await.unwrap();
    world.open(&world.here, world.hangzhou, "丁", "13900005670").await;

    let owner = world.stack.owner().await.unwrap();
    let audited: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM customer.audit WHERE subject = $1 AND detail->>'reason' = 'CUSTOMER_EXISTS'",
    )
    .bind(world.there.id.name())
    .fetch_one(&owner)
    .await
    .unwrap();
    assert_eq!(audited, 10);
    world.stack.clock.advance(SignedDuration::from_mins(16));
    guess("13900005678".to_owned()).await.unwrap();
}

#[tokio::test]
async fn guesses_at_once_are_counted_too_and_what_was_made_is_still_answered() {
    let world = World::start().await;
    for number in 10..40 {
        world
            .open(&world.here, world.hangzhou, &format!("示例{number}"), &format!("138000000{number}"))
            .await;
    }
    let mine = CreateCustomerRequest {
        customer: Some(person(world.suzhou, "甲", "13900005678")),
        request_id: world.stack.ids.uuid().to_string(),
    };
    let made = world.customers(&world.there).create_customer(mine.clone()).await.unwrap().into_inner();
    let guesses = (10..40).map(|number| {
        let request = creation(person(world.suzhou, "甲", &format!("138000000{number}")));
        let mut customers = world.customers(&world.there);
        async move { refusal(customers.create_customer(request).await).1 }
    });
    let told = futures::future::join_all(guesses).await;
    assert_eq!(told.iter().filter(|reason| *reason == "CUSTOMER_EXISTS").count(), 10, "{told:?}");
    let again = world.customers(&world.there).create_customer(mine).await.unwrap().into_inner();
    assert_eq!(again.name, made.name);
}
