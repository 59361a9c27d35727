//! The same request again, and at the same moment: one thing is made, and everybody learns which.

use std::collections::BTreeSet;

use foursight_proto::customer::v1::{CreateDeliveryRequest, CreateLeadRequest, Lead, SourceChannel};
use foursight_testkit::refusal;
use tonic::{Code, Status};

use crate::world::{World, delivery};

const AT_ONCE: usize = 10;

/// Sends a request many times at once; the names of what was made.
async fn at_once<F>(send: impl Fn() -> F) -> BTreeSet<String>
where
    F: Future<Output = Result<String, Status>> + Send + 'static,
{
    let senders: Vec<_> = (0..AT_ONCE).map(|_| tokio::spawn(send())).collect();
    let mut names = BTreeSet::new();
    for sender in senders {
        names.insert(sender.await.unwrap().unwrap());
    }
    names
}

/// The second one would be refused, because the customer has an open lead already.
#[tokio::test]
async fn a_lead_that_is_sent_many_times_is_one() {
    let world = World::start().await;
    let customer = world.open(&world.here, world.hangzhou, "示例一", "13800001234").await.name;
    let lead = Lead {
        customer,
        store: world.hangzhou.name(),
        source: SourceChannel::WalkIn.into(),
        ..Lead::default()
    };
    let request =
        CreateLeadRequest { lead: Some(lead.clone()), request_id: world.stack.ids.uuid().to_string() };
    let made = at_once(|| {
        let (mut leads, request) = (world.leads(&world.here), request.clone());
        async move { Ok(leads.create_lead(request).await?.into_inner().name) }
    })
    .await;
    assert_eq!(made.len(), 1);

    let other = Lead { intended_model: "Demo X".to_owned(), ..lead };
    let other = CreateLeadRequest { lead: Some(other), ..request };
    let answer = world.leads(&world.here).create_lead(other).await;
    assert_eq!(refusal(answer), (Code::AlreadyExists, "REQUEST_ID_REUSED".to_owned()));
}

/// The second one would be refused, because the car is sold to this very customer already.
#[tokio::test]
async fn a_delivery_that_is_sent_many_times_is_one() {
    let world = World::start().await;
    let customer = world.open(&world.here, world.hangzhou, "示例一", "13800001234").await.name;
    let request = CreateDeliveryRequest {
        delivery: Some(delivery(&customer, world.hangzhou, "LDEMA00000X000001")),
        request_id: world.stack.ids.uuid().to_string(),
    };
    let made = at_once(|| {
        let (mut deliveries, request) = (world.deliveries(&world.here), request.clone());
        async move { Ok(deliveries.create_delivery(request).await?.into_inner().name) }
    })
    .await;
    assert_eq!(made.len(), 1);

    let elsewhere = world.open(&world.there, world.suzhou, "示例二", "13900005678").await.name;
    let elsewhere = delivery(&elsewhere, world.suzhou, "LDEMA00000X000002");
    let elsewhere = CreateDeliveryRequest { delivery: Some(elsewhere), ..request };
    let answer = world.deliveries(&world.there).create_delivery(elsewhere).await;
    assert_eq!(refusal(answer), (Code::AlreadyExists, "REQUEST_ID_REUSED".to_owned()));
}
