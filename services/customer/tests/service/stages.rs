//! Time makes customers dormant and lost, each night; the next dealing brings them back at once.

use std::collections::BTreeMap;

use foursight_customer::CustomerRole;
use foursight_proto::{
    customer::{
        events::v1::StageMoved,
        v1::{
            CorrectStageRequest, LifeCycleStage, ListCustomersRequest, ListStageChangesRequest,
            ListTimelineEntriesRequest, PreviewRetentionRequest, RetentionKind, StageChange,
            StageChangeCause, retention_service_client::RetentionServiceClient,
            value_service_client::ValueServiceClient,
        },
    },
    identity::v1::Role,
};
use foursight_testkit::{Caller, CallerChannel, Stack};
use jiff::SignedDuration;

use crate::world::{World, delivery, person};

use LifeCycleStage::{Dormant, Intention, Lost, Prospect, Service};

impl World {
    fn standing(&self, caller: &Caller) -> ValueServiceClient<CallerChannel> {
        ValueServiceClient::new(self.stack.channel("customer", caller))
    }

    /// A night's look.
    async fn look(&self, at: &str) {
        self.stack.clock.set(at.parse().unwrap());
        while !self.stack.running.round("customer", "stages").await.unwrap() {}
        self.stack.settled().await.unwrap();
    }

    async fn stage_of(&self, customer: &str) -> LifeCycleStage {
        self.file(&self.here, customer).await.unwrap().stage()
    }

    async fn stages_of(&self, customers: &[&String]) -> Vec<LifeCycleStage> {
        let mut stages = Vec::new();
        for customer in customers {
            stages.push(self.stage_of(customer).await);
        }
        stages
    }

    async fn changes_of(&self, by: &Caller, customer: &str) -> Vec<StageChange> {
        let request = ListStageChangesRequest { parent: customer.to_owned(), ..Default::default() };
        self.standing(by).list_stage_changes(request).await.unwrap().into_inner().stage_changes
    }

    async fn set_stage(&self, customer: &str, stage: LifeCycleStage) {
        self.stack.clock.advance(SignedDuration::from_secs(1));
        let request = CorrectStageRequest {
            name: customer.to_owned(),
            store: self.hangzhou.name(),
            stage: stage.into(),
            reason: "本人来电".to_owned(),
            ..CorrectStageRequest::default()
        };
        self.standing(&self.here).correct_stage(request).await.unwrap();
    }
}

#[tokio::test]
async fn with_whom_nothing_happens_for_long_is_dormant_then_lost_and_back_at_once() {
    let world = World::start().await;
    let set = |at: &str| world.stack.clock.set(at.parse().unwrap());
    set("2026-01-10T02:00:00Z");
    let open =
        async |name: &str, phone: &str| world.open(&world.here, world.hangzhou, name, phone).await.name;
    let prospect = open("潜示例", "13800000001").await;
    let asked = open("问示例", "13800000002").await;
    let worked = open("跟示例", "13800000003").await;
    let owner = open("车示例", "13800000004").await;
    let corrected = open("改示例", "13800000005").await;
    world.lead(&world.here, world.hangzhou, &asked).await;
    let car =
        world.deliver(&world.here, delivery(&owner, world.hangzhou, "LSVAA4182E2000001")).await.unwrap();
    let visit = world.check_in(&world.here, world.hangzhou, &car.vehicle, 900).await.unwrap();
    world.hand_back(&world.here, &visit.name).await;
    set("2026-03-01T02:00:00Z");
    world.lead(&world.here, world.hangzhou, &worked).await;
    set("2026-06-01T02:00:00Z");
    world.set_stage(&corrected, Intention).await;
    let all = [&prospect, &asked, &worked, &owner, &corrected];

    // Not by day, and not before the time.
    world.look("2026-07-10T04:00:00Z").await;
    assert_eq!(world.stages_of(&all).await, [Prospect, Intention, Intention, Service, Intention]);
    world.look("2026-07-09T18:00:00Z").await;
    assert_eq!(world.stages_of(&all).await, [Prospect, Intention, Intention, Service, Intention]);
    world.look("2026-07-10T18:00:00Z").await;
    assert_eq!(world.stages_of(&all).await, [Dormant, Dormant, Intention, Service, Intention]);
    let changes = world.changes_of(&world.here, &asked).await;
    assert_eq!(changes.len(), 1);
    assert_eq!(
        (changes[0].previous_stage(), changes[0].stage(), changes[0].cause()),
        (Intention, Dormant, StageChangeCause::TimeRule)
    );
    assert!(changes[0].staff.is_empty() && changes[0].store.is_empty() && changes[0].reason.is_empty());
    let by_hand = world.changes_of(&world.here, &corrected).await;
    assert_eq!((by_hand[0].cause(), by_hand[0].reason.as_str()), (StageChangeCause::Correction, "本人来电"));
    let told: Vec<StageMoved> = world.stack.told().await.unwrap();
    let told: BTreeMap<_, _> =
        told.iter().map(|it| (&it.customer, (it.previous_stage(), it.stage()))).collect();
    let moved = [(&prospect, (Prospect, Dormant)), (&asked, (Intention, Dormant))];
    assert_eq!(told, BTreeMap::from(moved));
    let narrowed = ListCustomersRequest { stage: Dormant.into(), ..ListCustomersRequest::default() };
    let listed = world.customers(&world.here).list_customers(narrowed).await.unwrap().into_inner().customers;
    assert_eq!(listed.len(), 2);
    let entries = ListTimelineEntriesRequest {
        parent: asked.clone(),
        kinds: vec!["STAGE_MOVED".to_owned()],
        ..ListTimelineEntriesRequest::default()
    };
    let entries = world.customers(&world.here).list_timeline_entries(entries).await.unwrap().into_inner();
    assert_eq!(entries.timeline_entries[0].details["stage"], "DORMANT");

    // That time passed is no sign of life: who is too old to be kept is so still.
    let director = world.stack.headquarters(&[Role::GroupDirector]).unwrap();
    let mut retention = RetentionServiceClient::new(world.stack.channel("customer", &director));
    let preview = PreviewRetentionRequest { kind: RetentionKind::Prospects.into(), keep_months: 5 };
    let preview = retention.preview_retention(preview).await.unwrap().into_inner();
    assert_eq!(preview.count, 1, "the prospect, who never had a lead");

    // A second look finds nothing; half a year later the others follow.
    world.look("2026-07-11T18:00:00Z").await;
    assert_eq!(world.changes_of(&world.here, &asked).await.len(), 1);
    world.look("2027-01-11T18:00:00Z").await;
    assert_eq!(world.stages_of(&all).await, [Lost, Lost, Dormant, Dormant, Dormant]);

    // A dealing brings back at once: an owner to what an owner was.
    world.receive(&world.here, world.hangzhou, person(world.hangzhou, "车示例", "13800000004")).await;
    world.receive(&world.here, world.hangzhou, person(world.hangzhou, "潜示例", "13800000001")).await;
    world.lead(&world.here, world.hangzhou, &corrected).await;
    assert_eq!(world.stages_of(&all).await, [Prospect, Lost, Dormant, Service, Intention]);
    world.look("2027-01-12T18:00:00Z").await;
    assert_eq!(world.stages_of(&all).await, [Prospect, Lost, Dormant, Service, Intention]);
    world.look("2029-01-13T18:00:00Z").await;
    assert_eq!(world.stages_of(&all).await, [Lost, Lost, Lost, Lost, Lost]);
    let visit = world.check_in(&world.here, world.hangzhou, &car.vehicle, 9_000).await.unwrap();
    assert_eq!(world.stage_of(&owner).await, Service);
    world.hand_back(&world.here, &visit.name).await;
}

#[tokio::test]
async fn what_somebody_has_corrected_holds_until_time_has_passed_since() {
    let world = World::start().await;
    let set = |at: &str| world.stack.clock.set(at.parse().unwrap());
    set("2026-01-10T02:00:00Z");
    let lost = world.open(&world.here, world.hangzhou, "示例一", "13800000001").await.name;
    let owner = world.open(&world.here, world.hangzhou, "示例二", "13800000002").await.name;
    world.set_stage(&lost, Lost).await;
    world.deliver(&world.here, delivery(&owner, world.hangzhou, "LSVAA4182E2000001")).await.unwrap();
    world.look("2027-01-15T18:00:00Z").await;
    assert_eq!(world.stages_of(&[&lost, &owner]).await, [Lost, Dormant]);
    // Somebody knows better.
    world.set_stage(&owner, Service).await;
    world.look("2027-06-15T18:00:00Z").await;
    assert_eq!(world.stage_of(&owner).await, Service);
    world.look("2028-01-16T18:00:00Z").await;
    assert_eq!(world.stage_of(&owner).await, Dormant);
    let causes: Vec<StageChangeCause> =
        world.changes_of(&world.here, &owner).await.iter().map(StageChange::cause).collect();
    assert_eq!(
        causes,
        [StageChangeCause::TimeRule, StageChangeCause::Correction, StageChangeCause::TimeRule]
    );
}

#[tokio::test]
async fn a_look_that_was_stopped_goes_on_where_it_was_and_the_group_sets_the_months() {
    let stack = Stack::builder()
        .role(CustomerRole)
        .settings("[customer.stages]\nprospect_dormant_months = 2\nprospect_lost_months = 0");
    let world = World::on(stack).await;
    world.stack.clock.set("2026-01-10T02:00:00Z".parse().unwrap());
    let owner = world.stack.owner().await.unwrap();
    // More than a batch, and then as if the look had been stopped after the first 700.
    sqlx::query(
        "INSERT INTO customer.customers (id, kind, display_name, search_name, gender, store_id, source, stage, version, create_time,
             update_time)
         SELECT ('00000000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid, 1, '示例', '示例', 0, $1, 1, 1, 1, $2::timestamptz,
                $2::timestamptz
         FROM generate_series(1, 2500) AS n",
    )
    .bind(world.hangzhou.uuid())
    .bind("2026-01-10T02:00:00Z")
    .execute(&owner)
    .await
    .unwrap();
    sqlx::query(
        "UPDATE customer.stage_pass SET start_time = '2026-03-11T18:00:00Z', finish_time = NULL,
             last_id = '00000000-0000-7000-8000-000000000700'",
    )
    .execute(&owner)
    .await
    .unwrap();
    let count = async || -> (i64, i64, i64) {
        sqlx::query_as(
            "SELECT count(*) FILTER (WHERE stage = 5), (SELECT looked FROM customer.stage_pass),
                    (SELECT count(*) FROM customer.stage_corrections) FROM customer.customers",
        )
        .fetch_one(&owner)
        .await
        .unwrap()
    };
    world.look("2026-03-12T04:00:00Z").await;
    assert_eq!(count().await, (1_800, 1_800, 1_800));
    world.look("2026-03-12T18:00:00Z").await;
    assert_eq!(count().await, (2_500, 2_500, 2_500));
    world.look("2036-03-12T18:00:00Z").await;
    assert_eq!(count().await, (2_500, 2_500, 2_500), "nobody is lost where the group does not want it");
}
