//! Data are kept as long as the rules say, and no longer; without a rule, for good.

use foursight_kernel::{CustomerId, time};
use foursight_proto::{
    customer::v1::{
        ErasureGround, LeadLossReason, ListErasuresRequest, ListRetentionRulesRequest, LoseLeadRequest,
        PreviewRetentionRequest, PreviewRetentionResponse, RetentionKind, RetentionRule,
        UpdateRetentionRuleRequest, privacy_service_client::PrivacyServiceClient,
        retention_service_client::RetentionServiceClient,
    },
    identity::v1::Role,
};
use foursight_testkit::{Caller, CallerChannel, refusal, wrong_fields};
use jiff::Timestamp;

use crate::world::{World, delivery};

impl World {
    fn retention(&self, caller: &Caller) -> RetentionServiceClient<CallerChannel> {
        RetentionServiceClient::new(self.stack.channel("customer", caller))
    }

    async fn would_go(&self, by: &Caller, kind: RetentionKind, keep_months: i32) -> PreviewRetentionResponse {
        let request = PreviewRetentionRequest { kind: kind.into(), keep_months };
        self.retention(by).preview_retention(request).await.unwrap().into_inner()
    }

    async fn keep(&self, by: &Caller, kind: RetentionKind, keep_months: i32) -> RetentionRule {
        let request = UpdateRetentionRuleRequest { kind: kind.into(), keep_months };
        self.retention(by).update_retention_rule(request).await.unwrap().into_inner()
    }

    async fn night(&self, at: &str) {
        self.stack.clock.set(at.parse().unwrap());
        while !self.stack.running.round("customer", "retention").await.unwrap() {}
        self.stack.settled().await.unwrap();
    }
}

#[tokio::test]
async fn a_rule_takes_what_its_dry_run_has_counted_and_nobody_else() {
    let world = World::start().await;
    let director = world.stack.headquarters(&[Role::GroupDirector]).unwrap();
    let start: Timestamp = "2026-03-01T02:00:00Z".parse().unwrap();
    world.stack.clock.set(start);
    let old = world.open(&world.here, world.hangzhou, "旧示例", "13800000001").await;
    let lost = world.open(&world.here, world.hangzhou, "失示例", "13800000002").await;
    let lead = world.lead(&world.here, world.hangzhou, &lost.name).await;
    let given_up = LoseLeadRequest {
        name: lead.name.clone(),
        reason: LeadLossReason::OtherBrand.into(),
        competitor: "示例汽车".to_owned(),
        note: "说了很多话".to_owned(),
        ..LoseLeadRequest::default()
    };
    world.leads(&world.here).lose_lead(given_up).await.unwrap();
    let interested = world.open(&world.here, world.hangzhou, "问示例", "13800000003").await;
    world.lead(&world.here, world.hangzhou, &interested.name).await;
    let buyer = world.open(&world.here, world.hangzhou, "买示例", "13800000004").await;
    let sold = foursight_proto::customer::v1::Delivery {
        advisor: world.here.id.name(),
        deliver_time: Some(time::to_proto(start)),
        ..delivery(&buyer.name, world.hangzhou, "LSVAA4182E2000001")
    };
    world.deliver(&world.here, sold).await.unwrap();
    world.stack.settled().await.unwrap();

    // Two years later somebody is new, and nobody has set a rule.
    world.stack.clock.set("2028-03-01T02:00:00Z".parse().unwrap());
    let fresh = world.open(&world.here, world.hangzhou, "新示例", "13800000005").await;
    world.night("2028-03-01T18:00:00Z").await;
    for customer in [&old, &lost, &interested, &buyer, &fresh] {
        assert!(world.file(&world.here, &customer.name).await.is_ok(), "without a rule nobody goes");
    }
    let rules = world.retention(&director).list_retention_rules(ListRetentionRulesRequest {}).await.unwrap();
    assert_eq!(rules.into_inner().rules.iter().map(|rule| rule.keep_months).collect::<Vec<_>>(), [0, 0, 0]);

    assert_eq!(world.would_go(&director, RetentionKind::Prospects, 25).await.count, 0);
    let prospects = world.would_go(&director, RetentionKind::Prospects, 12).await;
    assert_eq!((prospects.count, prospects.oldest_time), (2, Some(time::to_proto(start))));
    let leads = world.would_go(&director, RetentionKind::LostLeads, 12).await;
    assert_eq!((leads.count, leads.oldest_time), (1, Some(time::to_proto(start))));
    let words = "SELECT count(*) FROM customer.leads WHERE loss_note <> '' OR competitor <> ''";
    let owner = world.stack.owner().await.unwrap();
    let left: i64 = sqlx::query_scalar(words).fetch_one(&owner).await.unwrap();
    assert_eq!(left, 1, "a dry run takes nothing");

    world.keep(&director, RetentionKind::LostLeads, 12).await;
    let rule = world.keep(&director, RetentionKind::Prospects, 12).await;
    assert_eq!((rule.keep_months, rule.staff, rule.apply_time), (12, director.id.name(), None));
    // Not by day.
    world.night("2028-03-02T04:00:00Z").await;
    assert!(world.file(&world.here, &old.name).await.is_ok());
    world.night("2028-03-02T18:00:00Z").await;
    for customer in [&old, &lost] {
        assert_eq!(refusal(world.file(&director, &customer.name).await).1, "CUSTOMER_ERASED");
    }
    for customer in [&interested, &buyer, &fresh] {
        assert!(world.file(&world.here, &customer.name).await.is_ok());
    }
    let left: i64 = sqlx::query_scalar(words).fetch_one(&owner).await.unwrap();
    assert_eq!(left, 0);
    let request = ListErasuresRequest::default();
    let mut privacy = PrivacyServiceClient::new(world.stack.channel("customer", &director));
    let erasures = privacy.list_erasures(request).await.unwrap().into_inner().erasures;
    assert_eq!(erasures.len(), 2);
    for erasure in &erasures {
        assert_eq!(
            (erasure.ground(), erasure.requester.as_str()),
            (ErasureGround::PurposeFulfilled, "service/customer")
        );
        assert!(CustomerId::parse_name(&erasure.customer).is_ok());
    }
    let applied: Vec<(String, i64)> = sqlx::query_as(
        "SELECT detail ->> 'kind', (detail ->> 'rows')::bigint FROM customer.audit WHERE method = 'ApplyRetentionRule' ORDER BY 1",
    )
    .fetch_all(&owner)
    .await
    .unwrap();
    // The lost lead's words went with its customer.
    let wanted = [("RETENTION_KIND_LOST_LEADS".to_owned(), 0), ("RETENTION_KIND_PROSPECTS".to_owned(), 2)];
    assert_eq!(applied, wanted);
    assert_eq!(world.would_go(&director, RetentionKind::Prospects, 12).await.count, 0);
}

#[tokio::test]
async fn rules_are_for_who_owns_privacy_and_within_bounds() {
    let world = World::start().await;
    let director = world.stack.headquarters(&[Role::GroupDirector]).unwrap();
    let request = UpdateRetentionRuleRequest { kind: RetentionKind::LostLeads.into(), keep_months: 6 };
    for caller in [&world.here, &world.there, &world.headquarters] {
        assert_eq!(refusal(world.retention(caller).update_retention_rule(request).await).1, "RIGHT_MISSING");
    }
    let wrong = UpdateRetentionRuleRequest { kind: 99, keep_months: 241 };
    assert_eq!(
        wrong_fields(world.retention(&director).update_retention_rule(wrong).await),
        ["keep_months", "kind"]
    );
    let wrong = PreviewRetentionRequest { kind: 0, keep_months: 0 };
    assert_eq!(
        wrong_fields(world.retention(&director).preview_retention(wrong).await),
        ["keep_months", "kind"]
    );
}
