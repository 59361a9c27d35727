//! Relations between two files: told once, seen from both sides, dated; they follow merges and go with who is erased.

use foursight_kernel::CustomerId;
use foursight_proto::{
    customer::{
        events::v1::{RelationAdded, RelationEnded},
        v1::{
            AddRelationRequest, Customer, CustomerKind, EndRelationRequest, ErasureGround,
            ListRelationsRequest, ListTimelineEntriesRequest, MergeCustomersRequest, PreviewErasureRequest,
            Relation, RelationKind, RequestErasureRequest, SourceChannel, TimelineEntry, UndoMergeRequest,
            privacy_service_client::PrivacyServiceClient, relation_service_client::RelationServiceClient,
        },
    },
    identity::v1::Role,
};
use foursight_testkit::{Caller, CallerChannel, refusal, wrong_fields};
use jiff::SignedDuration;
use proptest::{
    prelude::*,
    strategy::ValueTree,
    test_runner::{Config, TestRunner},
};
use tonic::{Code, Status};

use crate::world::{World, creation, person};

impl World {
    fn relations(&self, caller: &Caller) -> RelationServiceClient<CallerChannel> {
        RelationServiceClient::new(self.stack.channel("customer", caller))
    }

    async fn relate(
        &self,
        by: &Caller,
        customer: &str,
        kind: RelationKind,
        other: &str,
    ) -> Result<Relation, Status> {
        // What is told at one instant is in no order.
        self.stack.clock.advance(SignedDuration::from_secs(1));
        let store = if by.id == self.there.id { self.suzhou } else { self.hangzhou };
        let relation = Relation {
            other: other.to_owned(),
            kind: kind.into(),
            source: SourceChannel::WalkIn.into(),
            store: store.name(),
            ..Relation::default()
        };
        let request = AddRelationRequest {
            parent: customer.to_owned(),
            relation: Some(relation),
            ..AddRelationRequest::default()
        };
        Ok(self.relations(by).add_relation(request).await?.into_inner())
    }

    async fn end_relation(&self, by: &Caller, relation: &str) -> Result<Relation, Status> {
        let store = if by.id == self.there.id { self.suzhou } else { self.hangzhou };
        let request = EndRelationRequest {
            name: relation.split("/relations/").next().unwrap().to_owned(),
            relation: relation.to_owned(),
            store: store.name(),
            request_id: String::new(),
        };
        Ok(self.relations(by).end_relation(request).await?.into_inner())
    }

    async fn relations_of(&self, by: &Caller, customer: &str) -> Vec<Relation> {
        let request = ListRelationsRequest { parent: customer.to_owned(), ..Default::default() };
        self.relations(by).list_relations(request).await.unwrap().into_inner().relations
    }

    async fn told_of_relations(&self, by: &Caller, customer: &str) -> Vec<TimelineEntry> {
        self.stack.settled().await.unwrap();
        let kinds = ["RELATION_ADDED", "RELATION_ENDED"].map(str::to_owned).to_vec();
        let request = ListTimelineEntriesRequest { parent: customer.to_owned(), kinds, ..Default::default() };
        self.customers(by).list_timeline_entries(request).await.unwrap().into_inner().timeline_entries
    }

    async fn absorb(&self, survivor: &str, other: &str) -> String {
        let request = MergeCustomersRequest {
            name: survivor.to_owned(),
            other: other.to_owned(),
            store: self.hangzhou.name(),
            reason: "本人确认".to_owned(),
            ..MergeCustomersRequest::default()
        };
        self.merges(&self.headquarters).merge_customers(request).await.unwrap().into_inner().name
    }

    async fn part(&self, merge: &str) {
        let request = UndoMergeRequest {
            name: merge.to_owned(),
            store: self.hangzhou.name(),
            reason: "两个人".to_owned(),
        };
        self.merges(&self.headquarters).undo_merge(request).await.unwrap();
    }

    /// Every row of relations, whole.
    async fn rows_of_relations(&self) -> Vec<String> {
        let owner = self.stack.owner().await.unwrap();
        let rows = "SELECT to_jsonb(r)::text FROM customer.customer_relations r ORDER BY id";
        sqlx::query_scalar(rows).fetch_all(&owner).await.unwrap()
    }
}

/// Who is what to the customer, as the caller sees it.
fn seen(relations: &[Relation]) -> Vec<(&str, RelationKind)> {
    relations.iter().map(|relation| (relation.display_name.as_str(), relation.kind())).collect()
}

#[tokio::test]
async fn a_relation_is_told_once_and_seen_from_both_sides_until_it_ends() {
    let world = World::start().await;
    let mother = world.open(&world.here, world.hangzhou, "示例母", "13800001234").await.name;
    let son = world.open(&world.here, world.hangzhou, "示例子", "13800001235").await.name;
    let company = Customer {
        kind: CustomerKind::Organization.into(),
        ..person(world.hangzhou, "示例公司", "13800009999")
    };
    let company =
        world.customers(&world.here).create_customer(creation(company)).await.unwrap().into_inner().name;

    let request = AddRelationRequest {
        parent: mother.clone(),
        relation: Some(Relation {
            other: son.clone(),
            kind: RelationKind::Child.into(),
            source: SourceChannel::Call.into(),
            store: world.hangzhou.name(),
            ..Relation::default()
        }),
        request_id: world.stack.ids.uuid().to_string(),
    };
    let added = world.relations(&world.here).add_relation(request.clone()).await.unwrap().into_inner();
    assert_eq!(world.relations(&world.here).add_relation(request).await.unwrap().into_inner(), added);
    assert_eq!((added.other.as_str(), added.display_name.as_str()), (son.as_str(), "示例子"));
    assert_eq!((added.kind_zh.as_str(), added.kind_en.as_str()), ("子女", "Child"));
    assert_eq!((added.source(), added.staff.clone()), (SourceChannel::Call, world.here.id.name()));
    assert!(added.start_time.is_some() && added.end_time.is_none());
    assert_eq!(world.relations_of(&world.here, &mother).await, std::slice::from_ref(&added));
    let his = world.relations_of(&world.here, &son).await;
    assert_eq!(seen(&his), [("示例母", RelationKind::Parent)]);
    assert!(his[0].name.starts_with(&son), "{}", his[0].name);
    for (customer, kind, other) in [
        (&mother, RelationKind::Child, &son),
        (&son, RelationKind::Parent, &mother),
        (&son, RelationKind::Child, &mother),
    ] {
        let refused = refusal(world.relate(&world.here, customer, kind, other).await);
        assert_eq!(refused, (Code::AlreadyExists, "RELATION_EXISTS".to_owned()));
    }
    for (customer, kind, other, field) in [
        (&mother, RelationKind::Spouse, &company, "relation.kind"),
        (&mother, RelationKind::LegalRepresentative, &son, "relation.kind"),
        (&mother, RelationKind::Sibling, &mother, "relation.other"),
        (&mother, RelationKind::Unspecified, &son, "relation.kind"),
    ] {
        assert_eq!(wrong_fields(world.relate(&world.here, customer, kind, other).await), [field]);
    }
    world.relate(&world.here, &company, RelationKind::LegalRepresentative, &mother).await.unwrap();
    let hers = world.relations_of(&world.here, &mother).await;
    assert_eq!(
        seen(&hers),
        [("示例公司", RelationKind::LegalRepresentativeOf), ("示例子", RelationKind::Child)]
    );

    world.stack.clock.advance(SignedDuration::from_hours(24));
    let ended = world.end_relation(&world.here, &his[0].name).await.unwrap();
    assert_eq!((ended.kind(), ended.end_staff.clone()), (RelationKind::Parent, world.here.id.name()));
    let refused = refusal(world.end_relation(&world.here, &added.name).await);
    assert_eq!(refused, (Code::FailedPrecondition, "RELATION_ENDED".to_owned()));
    assert_eq!(world.relations_of(&world.here, &mother).await[1].end_time, ended.end_time);
    world.stack.clock.advance(SignedDuration::from_hours(1));
    world.relate(&world.here, &son, RelationKind::Parent, &mother).await.unwrap();

    let told: Vec<RelationAdded> = world.stack.told().await.unwrap();
    assert_eq!((told.len(), told[0].kind()), (3, RelationKind::Child));
    let told: Vec<RelationEnded> = world.stack.told().await.unwrap();
    assert_eq!(
        (told.len(), told[0].customer.as_str(), told[0].kind()),
        (1, son.as_str(), RelationKind::Parent)
    );
    for (customer, other, kind) in [(&son, &mother, "PARENT"), (&mother, &son, "CHILD")] {
        let entries = world.told_of_relations(&world.here, customer).await;
        let of_two: Vec<_> = entries.iter().filter(|entry| entry.details["customer"] == **other).collect();
        assert_eq!(
            of_two.iter().map(|entry| entry.kind.as_str()).collect::<Vec<_>>(),
            ["RELATION_ADDED", "RELATION_ENDED", "RELATION_ADDED"]
        );
        assert!(
            of_two.iter().all(|entry| entry.details["kind"] == kind && entry.resource.starts_with(customer))
        );
    }
}

#[tokio::test]
async fn who_sees_one_of_two_files_sees_that_there_is_somebody_and_not_who() {
    let world = World::start().await;
    let here = world.open(&world.here, world.hangzhou, "示例一", "13800001234").await.name;
    let there = world.open(&world.there, world.suzhou, "示例二", "13800001235").await.name;
    for (by, customer, other) in [(&world.here, &here, &there), (&world.there, &here, &there)] {
        let refused = refusal(world.relate(by, customer, RelationKind::Spouse, other).await);
        assert_eq!(refused, (Code::NotFound, "CUSTOMER_NOT_FOUND".to_owned()));
    }
    world.relate(&world.headquarters, &here, RelationKind::Spouse, &there).await.unwrap();
    let all = world.relations_of(&world.headquarters, &here).await;
    assert_eq!(seen(&all), [("示例二", RelationKind::Spouse)]);
    let mine = world.relations_of(&world.here, &here).await;
    assert_eq!((seen(&mine), mine[0].other.as_str()), (vec![("", RelationKind::Spouse)], ""));
    let theirs = world.relations_of(&world.there, &there).await;
    assert_eq!((seen(&theirs), theirs[0].store.as_str()), (vec![("", RelationKind::Spouse)], ""));
    let request = ListRelationsRequest { parent: here.clone(), ..Default::default() };
    let refused = refusal(world.relations(&world.there).list_relations(request).await);
    assert_eq!(refused, (Code::NotFound, "CUSTOMER_NOT_FOUND".to_owned()));
    let refused = refusal(world.end_relation(&world.there, &mine[0].name).await);
    assert_eq!(refused, (Code::NotFound, "CUSTOMER_NOT_FOUND".to_owned()));
    assert!(world.end_relation(&world.there, &theirs[0].name).await.unwrap().end_time.is_some());
    assert!(world.relations_of(&world.here, &here).await[0].end_time.is_some());
}

#[tokio::test]
async fn the_survivor_has_the_relations_of_both_and_what_is_between_them_rests() {
    let world = World::start().await;
    let open =
        async |name: &str, phone: &str| world.open(&world.here, world.hangzhou, name, phone).await.name;
    let one = open("示例一", "13800000001").await;
    let two = open("示例一", "13800000002").await;
    let wife = open("示例妻", "13800000003").await;
    let father = open("示例父", "13800000004").await;
    let by = &world.here;
    world.relate(by, &one, RelationKind::Spouse, &wife).await.unwrap();
    world.relate(by, &wife, RelationKind::Spouse, &two).await.unwrap();
    world.relate(by, &two, RelationKind::Sibling, &one).await.unwrap();
    world.relate(by, &two, RelationKind::Parent, &father).await.unwrap();
    let before = world.rows_of_relations().await;
    let merge = world.absorb(&one, &two).await;
    let now = world.relations_of(by, &one).await;
    assert_eq!(seen(&now), [("示例父", RelationKind::Parent), ("示例妻", RelationKind::Spouse)]);
    assert_eq!(seen(&world.relations_of(by, &wife).await), [("示例一", RelationKind::Spouse)]);
    let refused = refusal(world.relate(by, &one, RelationKind::Spouse, &wife).await);
    assert_eq!(refused, (Code::AlreadyExists, "RELATION_EXISTS".to_owned()));
    world.part(&merge).await;
    assert_eq!(world.rows_of_relations().await, before);
    let his = world.relations_of(by, &two).await;
    let kinds = [RelationKind::Parent, RelationKind::Sibling, RelationKind::Spouse];
    assert_eq!(his.iter().map(Relation::kind).collect::<Vec<_>>(), kinds);

    // What ends while they are one has ended for both.
    let merge = world.absorb(&one, &two).await;
    let spouse = world.relations_of(by, &one).await.pop().unwrap();
    world.end_relation(by, &spouse.name).await.unwrap();
    world.part(&merge).await;
    for customer in [&one, &two] {
        let relations = world.relations_of(by, customer).await;
        let spouse = relations.iter().find(|relation| relation.kind() == RelationKind::Spouse).unwrap();
        assert!(spouse.end_time.is_some());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn merges_that_are_undone_leave_every_relation_as_it_was() {
    let world = World::start().await;
    let mut runner = TestRunner::new(Config::default());
    let relations = prop::collection::vec((0_usize..6, 0_usize..6, 1_i32..=12, any::<bool>()), 3..15);
    for case in 0..10 {
        let mut files = Vec::new();
        for number in 0..6 {
            let phone = format!("139{case:04}{number:04}");
            files.push(world.open(&world.here, world.hangzhou, "示例", &phone).await.name);
        }
        let related = relations.new_tree(&mut runner).unwrap().current();
        for (one, other, kind, ends) in &related {
            let kind = RelationKind::try_from(*kind).unwrap();
            let told = world.relate(&world.here, &files[*one], kind, &files[*other]).await;
            if let (Ok(told), true) = (told, *ends) {
                world.end_relation(&world.here, &told.name).await.unwrap();
            }
        }
        let before = world.rows_of_relations().await;
        // Two pairs, then the survivors; the second pair is parted before the first, or after it.
        let first = world.absorb(&files[0], &files[1]).await;
        let second = world.absorb(&files[2], &files[3]).await;
        let both = world.absorb(&files[0], &files[2]).await;
        let one: Vec<Relation> = world.relations_of(&world.here, &files[0]).await;
        let mut open: Vec<(&str, i32)> = one
            .iter()
            .filter(|relation| relation.end_time.is_none())
            .map(|relation| (relation.other.as_str(), relation.kind))
            .collect();
        let all = open.len();
        open.sort_unstable();
        open.dedup();
        assert_eq!(open.len(), all, "the same stands there twice, after {related:?}");
        assert!(one.iter().all(|relation| !files[..4].contains(&relation.other)), "after {related:?}");
        world.part(&both).await;
        for merge in if case % 2 == 0 { [&second, &first] } else { [&first, &second] } {
            world.part(merge).await;
        }
        assert_eq!(world.rows_of_relations().await, before, "after {related:?}");
    }
}

#[tokio::test]
async fn with_who_is_erased_go_the_relations_of_both_and_what_the_other_s_timeline_says() {
    let world = World::start().await;
    let gone = world.open(&world.here, world.hangzhou, "忘川示例", "13800000001").await.name;
    let part = world.open(&world.here, world.hangzhou, "忘川示例", "13800000002").await.name;
    let stays = world.open(&world.here, world.hangzhou, "示例妻", "13800000003").await.name;
    let other = world.open(&world.here, world.hangzhou, "示例子", "13800000004").await.name;
    world.relate(&world.here, &gone, RelationKind::Spouse, &stays).await.unwrap();
    world.relate(&world.here, &stays, RelationKind::Relative, &part).await.unwrap();
    world.relate(&world.here, &stays, RelationKind::Child, &other).await.unwrap();
    assert_eq!(world.told_of_relations(&world.here, &stays).await.len(), 3);
    world.absorb(&gone, &part).await;
    world.stack.settled().await.unwrap();

    let director = world.stack.headquarters(&[Role::GroupDirector]).unwrap();
    let mut privacy = PrivacyServiceClient::new(world.stack.channel("customer", &director));
    let preview = privacy.preview_erasure(PreviewErasureRequest { name: gone.clone() }).await.unwrap();
    let request = RequestErasureRequest {
        name: gone.clone(),
        ground: ErasureGround::CustomerRequest.into(),
        reference: "2026/0001".to_owned(),
        etag: preview.into_inner().etag,
        request_id: String::new(),
    };
    privacy.request_erasure(request).await.unwrap();
    assert_eq!(seen(&world.relations_of(&world.here, &stays).await), [("示例子", RelationKind::Child)]);
    let told = world.told_of_relations(&world.here, &stays).await;
    assert_eq!(
        told.iter().map(|entry| entry.details["customer"].as_str()).collect::<Vec<_>>(),
        [other.as_str()]
    );
    let owner = world.stack.owner().await.unwrap();
    for name in [&gone, &part] {
        let id = CustomerId::parse_name(name).unwrap().uuid();
        let left: i64 = sqlx::query_scalar(
            "SELECT (SELECT count(*) FROM customer.customer_relations r WHERE position($1 IN r::text) > 0)
                  + (SELECT count(*) FROM customer.timeline_entries t WHERE position($1 IN t::text) > 0)",
        )
        .bind(id.to_string())
        .fetch_one(&owner)
        .await
        .unwrap();
        assert_eq!(left, 0);
    }
}
