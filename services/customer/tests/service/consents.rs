//! What the customer allows, and who learns an address by it.

use foursight_proto::customer::v1::{
    Consent, ConsentState, ContactKind, Customer, ListConsentsRequest, Purpose, RecordConsentRequest,
    Resolution, ResolveContactsRequest, ResolvedContact,
};
use foursight_testkit::{Caller, refusal};
use tonic::Code;

use crate::world::{World, contact, creation, person};

async fn record(
    world: &World,
    caller: &Caller,
    customer: &str,
    purpose: Purpose,
    state: ConsentState,
) -> Consent {
    let consent = Consent {
        purpose: purpose.into(),
        contact_kind: ContactKind::Email.into(),
        state: state.into(),
        method: "counter".to_owned(),
        wording_version: "2026-01".to_owned(),
        ..Consent::default()
    };
    let request = RecordConsentRequest {
        parent: customer.to_owned(),
        consent: Some(consent),
        request_id: String::new(),
    };
    world.consents(caller).record_consent(request).await.unwrap().into_inner()
}

async fn resolve(world: &World, customers: &[&str], purpose: Purpose) -> Vec<ResolvedContact> {
    let service = world.stack.service("notification").unwrap();
    let request = ResolveContactsRequest {
        customers: customers.iter().map(|name| (*name).to_owned()).collect(),
        purpose: purpose.into(),
        contact_kind: ContactKind::Email.into(),
    };
    world.contacts(&service).resolve_contacts(request).await.unwrap().into_inner().contacts
}

#[tokio::test]
async fn an_address_is_told_by_consent_and_no_longer() {
    let world = World::start().await;
    let customer = Customer {
        contact_points: vec![contact(ContactKind::Email, "Demo.One@example.com")],
        ..person(world.hangzhou, "示例一", "")
    };
    let with_address =
        world.customers(&world.here).create_customer(creation(customer)).await.unwrap().into_inner().name;
    let without_address = world.open(&world.here, world.hangzhou, "示例二", "13800001234").await.name;
    let unknown = foursight_kernel::CustomerId::from(world.stack.ids.uuid()).name();
    let all = [unknown.as_str(), with_address.as_str(), without_address.as_str(), with_address.as_str()];

    let answers = resolve(&world, &all, Purpose::Service).await;
    let resolutions: Vec<Resolution> = answers.iter().map(ResolvedContact::resolution).collect();
    assert_eq!(
        resolutions,
        [Resolution::Unknown, Resolution::NoConsent, Resolution::NoConsent, Resolution::NoConsent]
    );

    for name in [&with_address, &without_address] {
        record(&world, &world.here, name, Purpose::Service, ConsentState::Given).await;
    }
    let answers = resolve(&world, &all, Purpose::Service).await;
    let resolutions: Vec<Resolution> = answers.iter().map(ResolvedContact::resolution).collect();
    assert_eq!(
        resolutions,
        [Resolution::Unknown, Resolution::Reachable, Resolution::NoContact, Resolution::Reachable]
    );
    assert_eq!(
        (answers[1].address.as_str(), answers[1].display_name.as_str()),
        ("Demo.One@example.com", "示例一")
    );
    assert_eq!(answers[2].address, "");
    // Consent to one thing is no consent to another.
    assert_eq!(
        resolve(&world, &[&with_address], Purpose::Marketing).await[0].resolution(),
        Resolution::NoConsent
    );

    record(&world, &world.here, &with_address, Purpose::Service, ConsentState::Withdrawn).await;
    let answer = &resolve(&world, &[&with_address], Purpose::Service).await[0];
    assert_eq!((answer.resolution(), answer.address.as_str()), (Resolution::NoConsent, ""));
}

#[tokio::test]
async fn records_are_listed_newest_first_and_only_ever_added() {
    let world = World::start().await;
    let customer = world.open(&world.here, world.hangzhou, "示例一", "13800001234").await;
    for state in [ConsentState::Given, ConsentState::Withdrawn, ConsentState::Given] {
        record(&world, &world.here, &customer.name, Purpose::Survey, state).await;
    }
    let request =
        ListConsentsRequest { parent: customer.name.clone(), page_size: 2, page_token: String::new() };
    let list = world.consents(&world.here).list_consents(request.clone()).await.unwrap().into_inner();
    let states: Vec<ConsentState> = list.consents.iter().map(Consent::state).collect();
    assert_eq!(states, [ConsentState::Given, ConsentState::Withdrawn]);
    assert_eq!(list.consents[0].recorder, world.here.id.name());
    let request = ListConsentsRequest { page_token: list.next_page_token, ..request };
    let list = world.consents(&world.here).list_consents(request).await.unwrap().into_inner();
    assert_eq!((list.consents.len(), list.next_page_token.as_str()), (1, ""));
    assert_ne!(world.file(&world.here, &customer.name).await.unwrap().etag, customer.etag);
}

#[tokio::test]
async fn another_store_neither_records_nor_reads_nor_resolves() {
    let world = World::start().await;
    let customer = world.open(&world.here, world.hangzhou, "示例一", "13800001234").await.name;
    let request = ListConsentsRequest { parent: customer.clone(), ..ListConsentsRequest::default() };
    let answer = world.consents(&world.there).list_consents(request).await;
    assert_eq!(refusal(answer), (Code::NotFound, "CUSTOMER_NOT_FOUND".to_owned()));
    let consent = Consent {
        purpose: Purpose::Survey.into(),
        contact_kind: ContactKind::Phone.into(),
        state: ConsentState::Given.into(),
        method: "counter".to_owned(),
        wording_version: "1".to_owned(),
        ..Consent::default()
    };
    let request =
        RecordConsentRequest { parent: customer.clone(), consent: Some(consent), request_id: String::new() };
    let answer = world.consents(&world.there).record_consent(request).await;
    assert_eq!(refusal(answer), (Code::NotFound, "CUSTOMER_NOT_FOUND".to_owned()));
    let request = ResolveContactsRequest {
        customers: vec![customer],
        purpose: Purpose::Service.into(),
        contact_kind: ContactKind::Phone.into(),
    };
    let answer = world.contacts(&world.headquarters).resolve_contacts(request).await;
    assert_eq!(refusal(answer).0, Code::PermissionDenied);
}
