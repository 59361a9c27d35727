//! How a lead ends: lost to somebody, or won by a delivery that names it or does not.

use foursight_kernel::{Clock, time};
use foursight_proto::customer::{
    events::v1::{LeadLost, VehicleDelivered},
    v1::{
        Delivery, GetLeadRequest, GradeLeadRequest, Lead, LeadGrade, LeadLossReason, LeadState,
        ListLeadsRequest, ListTimelineEntriesRequest, LoseLeadRequest,
    },
};
use foursight_testkit::{Caller, metadata, refusal, wrong_fields};
use futures::future::join_all;
use jiff::SignedDuration;
use tonic::{Code, Status};

use crate::world::{World, delivery};

fn to_another_brand(lead: &Lead) -> LoseLeadRequest {
    LoseLeadRequest {
        name: lead.name.clone(),
        reason: LeadLossReason::OtherBrand.into(),
        competitor: "示例汽车 E5".to_owned(),
        note: "优惠更多，交车更快".to_owned(),
        ..LoseLeadRequest::default()
    }
}

impl World {
    /// A graded lead of a new customer.
    async fn graded(&self, number: usize) -> Lead {
        let phone = format!("1380000000{number}");
        let customer = self.open(&self.here, self.hangzhou, &format!("示例{number}"), &phone).await.name;
        let name = self.lead(&self.here, self.hangzhou, &customer).await.name;
        let grade = GradeLeadRequest { name, grade: LeadGrade::H.into(), ..Default::default() };
        self.leads(&self.here).grade_lead(grade).await.unwrap().into_inner()
    }

    async fn lose(&self, by: &Caller, request: LoseLeadRequest) -> Result<Lead, Status> {
        Ok(self.leads(by).lose_lead(request).await?.into_inner())
    }

    async fn read_lead(&self, lead: &str) -> Lead {
        let request = GetLeadRequest { name: lead.to_owned() };
        self.leads(&self.here).get_lead(request).await.unwrap().into_inner()
    }
}

#[tokio::test]
async fn a_lead_is_lost_once_and_says_why_and_to_whom() {
    let world = World::start().await;
    let lead = world.graded(1).await;
    let request = LoseLeadRequest {
        etag: lead.etag.clone(),
        request_id: world.stack.ids.uuid().to_string(),
        ..to_another_brand(&lead)
    };
    let sent = join_all((0..4).map(|_| world.lose(&world.here, request.clone()))).await;
    let mut answers: Vec<Lead> = sent.into_iter().map(Result::unwrap).collect();
    answers.dedup();
    let [lost] = &answers[..] else { panic!("all are answered alike: {answers:?}") };
    assert_eq!((lost.state(), &lost.next_follow_up_time), (LeadState::Lost, &None));
    let why = lost.loss.as_ref().unwrap();
    assert_eq!(why.reason(), LeadLossReason::OtherBrand);
    assert_eq!((why.competitor.as_str(), why.note.as_str()), ("示例汽车 E5", "优惠更多，交车更快"));
    assert_eq!(why.staff, world.here.id.name());
    assert_eq!(why.lose_time, Some(time::to_proto(world.stack.clock.now())));
    assert_eq!(&world.read_lead(&lead.name).await, lost);
    let of_state = |state: LeadState| {
        let request = ListLeadsRequest { state: state.into(), ..ListLeadsRequest::default() };
        let mut leads = world.leads(&world.here);
        async move { leads.list_leads(request).await.unwrap().into_inner().leads }
    };
    assert_eq!(of_state(LeadState::Lost).await, std::slice::from_ref(lost));
    assert_eq!(of_state(LeadState::Open).await, []);

    let told = world.stack.told::<LeadLost>().await.unwrap();
    assert_eq!(told.len(), 1);
    assert_eq!((told[0].reason(), &told[0].owner), (LeadLossReason::OtherBrand, &lead.owner));
    world.stack.settled().await.unwrap();
    let timeline = ListTimelineEntriesRequest {
        parent: lead.customer.clone(),
        kinds: vec!["LEAD_LOST".to_owned()],
        ..Default::default()
    };
    let entries = world.customers(&world.here).list_timeline_entries(timeline).await.unwrap().into_inner();
    let entries = entries.timeline_entries;
    assert_eq!(entries.len(), 1);
    assert_eq!(entries[0].details["reason"], "OTHER_BRAND");
    assert!(!entries[0].details.values().any(|said| said.contains("优惠")), "the words stay in the lead");

    let again = world.lose(&world.here, to_another_brand(&lead)).await.unwrap_err();
    assert_eq!(metadata(&again, "state").as_deref(), Some("LEAD_STATE_LOST"));
    assert_eq!(refusal::<()>(Err(again)), (Code::FailedPrecondition, "LEAD_NOT_OPEN".to_owned()));
    // The customer comes back.
    let next = world.lead(&world.here, world.hangzhou, &lead.customer).await;
    assert_ne!(next.name, lead.name);
}

#[tokio::test]
async fn a_lead_is_not_lost_by_strangers_nor_unseen_nor_without_a_reason() {
    let world = World::start().await;
    let lead = world.graded(1).await;
    let nothing = LoseLeadRequest { name: lead.name.clone(), ..LoseLeadRequest::default() };
    assert_eq!(wrong_fields(world.lose(&world.here, nothing).await), ["reason"]);
    let to_nobody = LoseLeadRequest { competitor: String::new(), ..to_another_brand(&lead) };
    assert_eq!(wrong_fields(world.lose(&world.here, to_nobody).await), ["competitor"]);
    let stranger = world.lose(&world.there, to_another_brand(&lead)).await;
    assert_eq!(refusal(stranger), (Code::NotFound, "LEAD_NOT_FOUND".to_owned()));
    let unseen = LoseLeadRequest { etag: "r1".to_owned(), ..to_another_brand(&lead) };
    assert_eq!(refusal(world.lose(&world.here, unseen).await), (Code::Aborted, "LEAD_CHANGED".to_owned()));
    assert_eq!(world.read_lead(&lead.name).await, lead);
}

#[tokio::test]
async fn a_delivery_wins_the_customers_one_open_lead_without_naming_it() {
    let world = World::start().await;
    let (lead, other) = (world.graded(1).await, world.graded(2).await);
    let sold = delivery(&lead.customer, world.hangzhou, "LDEMA00000X000001");
    let sold = world.deliver(&world.here, sold).await.unwrap();
    assert_eq!(sold.lead, lead.name);
    let won = world.read_lead(&lead.name).await;
    assert_eq!((won.state(), won.next_follow_up_time), (LeadState::Won, None));
    assert_eq!(world.read_lead(&other.name).await, other, "somebody else's stays");
    assert_eq!(world.stack.told::<VehicleDelivered>().await.unwrap()[0].lead, lead.name);

    // The next car, without a lead: nothing to win.
    let second = delivery(&lead.customer, world.hangzhou, "LDEMA00000X000002");
    assert_eq!(world.deliver(&world.here, second).await.unwrap().lead, "");
}

#[tokio::test]
async fn a_delivery_wins_nothing_that_it_cannot_be_meant_for() {
    let world = World::start().await;
    let lead = world.graded(1).await;
    // History that is told late: this lead came after it.
    let last_year = world.stack.clock.now() - SignedDuration::from_hours(24 * 365);
    let history = Delivery {
        deliver_time: Some(time::to_proto(last_year)),
        ..delivery(&lead.customer, world.hangzhou, "LDEMA00000X000001")
    };
    assert_eq!(world.deliver(&world.here, history).await.unwrap().lead, "");
    assert_eq!(world.read_lead(&lead.name).await, lead);

    // Two open ones, from before a customer could have only one: which one is meant is not to be guessed.
    let owner = world.stack.owner().await.unwrap();
    sqlx::query(
        "INSERT INTO customer.leads (id, customer_id, store_id, source, intended_model, grade, state, owner_id, version,
             create_time, update_time, beside)
         SELECT gen_random_uuid(), customer_id, store_id, source, intended_model, grade, state, owner_id, 1,
                create_time, update_time, true FROM customer.leads",
    )
    .execute(&owner)
    .await
    .unwrap();
    let sold = delivery(&lead.customer, world.hangzhou, "LDEMA00000X000002");
    assert_eq!(world.deliver(&world.here, sold).await.unwrap().lead, "");
    assert_eq!(world.read_lead(&lead.name).await, lead);
    let named = delivery(&lead.customer, world.hangzhou, "LDEMA00000X000003");
    world.deliver(&world.here, Delivery { lead: lead.name.clone(), ..named }).await.unwrap();
    assert_eq!(world.read_lead(&lead.name).await.state(), LeadState::Won);
}
