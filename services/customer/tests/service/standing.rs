//! Where customers stand: tags, groups, value and stage, each with who says so, and found by them.

use foursight_proto::{
    customer::{
        events::v1::{CustomerTagged, GroupChanged, StageCorrected, ValueTierChanged},
        v1::{
            AddToGroupRequest, ArchiveTagRequest, CompleteVisitRequest, CorrectStageRequest,
            CreateTagRequest, Customer, CustomerGroup, CustomerValue, GetCustomerValueRequest,
            LifeCycleStage, ListCustomersRequest, ListGroupMembershipsRequest, ListTagAssignmentsRequest,
            ListTagsRequest, ListTimelineEntriesRequest, RemoveFromGroupRequest, SetValueTierRequest, Tag,
            TagCustomerRequest, UntagCustomerRequest, ValueTier, group_service_client::GroupServiceClient,
            tag_service_client::TagServiceClient, value_service_client::ValueServiceClient,
        },
    },
    google::r#type::Money,
    identity::v1::Role,
};
use foursight_testkit::{Caller, CallerChannel, refusal, wrong_fields};
use jiff::SignedDuration;
use tonic::{Code, Status};

use crate::world::{World, delivery, person};

impl World {
    fn tags(&self, caller: &Caller) -> TagServiceClient<CallerChannel> {
        TagServiceClient::new(self.stack.channel("customer", caller))
    }

    fn groups(&self, caller: &Caller) -> GroupServiceClient<CallerChannel> {
        GroupServiceClient::new(self.stack.channel("customer", caller))
    }

    fn values(&self, caller: &Caller) -> ValueServiceClient<CallerChannel> {
        ValueServiceClient::new(self.stack.channel("customer", caller))
    }

    async fn new_tag(&self, zh: &str, en: &str) -> Result<Tag, Status> {
        let tag = Tag { display_name_zh: zh.to_owned(), display_name_en: en.to_owned(), ..Tag::default() };
        let request = CreateTagRequest { tag: Some(tag), request_id: String::new() };
        Ok(self.tags(&self.headquarters).create_tag(request).await?.into_inner())
    }

    async fn tag(&self, by: &Caller, name: &str, tags: &[&str]) -> Result<Customer, Status> {
        let request = TagCustomerRequest {
            name: name.to_owned(),
            store: self.hangzhou.name(),
            tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
            ..TagCustomerRequest::default()
        };
        Ok(self.tags(by).tag_customer(request).await?.into_inner())
    }

    async fn found(&self, by: &Caller, request: ListCustomersRequest) -> Vec<String> {
        let found = self.customers(by).list_customers(request).await.unwrap().into_inner();
        found.customers.into_iter().map(|customer| customer.name).collect()
    }

    async fn timeline(&self, by: &Caller, name: &str, kind: &str) -> Vec<Vec<(String, String)>> {
        self.stack.settled().await.unwrap();
        let request = ListTimelineEntriesRequest {
            parent: name.to_owned(),
            kinds: vec![kind.to_owned()],
            ..ListTimelineEntriesRequest::default()
        };
        let found = self.customers(by).list_timeline_entries(request).await.unwrap().into_inner();
        found.timeline_entries.into_iter().map(|entry| entry.details.into_iter().collect()).collect()
    }

    async fn rank(&self) {
        self.stack.settled().await.unwrap();
        while !self.stack.running.round("customer", "value-tiers").await.unwrap() {}
    }

    async fn value(&self, name: &str) -> CustomerValue {
        let request = GetCustomerValueRequest { name: name.to_owned() };
        self.values(&self.here).get_customer_value(request).await.unwrap().into_inner()
    }

    /// A visit of the customer's car, for so many yuan.
    async fn pay(&self, vehicle: &str, odometer_km: i32, yuan: i64) {
        let visit = self.check_in(&self.here, self.hangzhou, vehicle, odometer_km).await.unwrap();
        let amount = Some(Money { currency_code: "CNY".to_owned(), units: yuan, nanos: 0 });
        let request = CompleteVisitRequest { name: visit.name, amount, ..Default::default() };
        self.visits(&self.here).complete_visit(request).await.unwrap();
    }
}

fn by_tag(tag: &Tag) -> ListCustomersRequest {
    ListCustomersRequest { tag: tag.name.clone(), ..ListCustomersRequest::default() }
}

fn by_group(group: CustomerGroup) -> ListCustomersRequest {
    ListCustomersRequest { group: group.into(), ..ListCustomersRequest::default() }
}

fn by_tier(tier: ValueTier) -> ListCustomersRequest {
    ListCustomersRequest { value_tier: tier.into(), ..ListCustomersRequest::default() }
}

#[tokio::test]
async fn a_customer_is_tagged_once_is_found_by_it_and_who_did_it_stays_on_record() {
    let world = World::start().await;
    let (golf, early) =
        (world.new_tag("高尔夫", "Golf").await.unwrap(), world.new_tag("早到", "Comes early").await.unwrap());
    let file = world.open(&world.here, world.hangzhou, "示例一", "13800001234").await;
    world.stack.clock.advance(SignedDuration::from_hours(1));
    let other = world.open(&world.here, world.hangzhou, "示例二", "13800001235").await;
    let tagged = world.tag(&world.here, &file.name, &[&golf.name, &early.name]).await.unwrap();
    assert_eq!(tagged.tags, [golf.name.clone(), early.name.clone()]);
    assert_ne!(tagged.etag, file.etag);
    assert_eq!(world.tag(&world.here, &file.name, &[&golf.name]).await.unwrap(), tagged, "no trace");
    world.tag(&world.here, &other.name, &[&early.name]).await.unwrap();
    assert_eq!(world.file(&world.here, &file.name).await.unwrap(), tagged);

    assert_eq!(world.found(&world.here, by_tag(&golf)).await, std::slice::from_ref(&file.name));
    assert_eq!(
        world.found(&world.headquarters, by_tag(&early)).await,
        [other.name.clone(), file.name.clone()]
    );
    assert!(world.found(&world.there, by_tag(&golf)).await.is_empty());
    // The other store finds who comes there, and who was there before being tagged.
    world.receive(&world.there, world.suzhou, person(world.suzhou, "示例一", "13800001234")).await;
    assert_eq!(world.found(&world.there, by_tag(&golf)).await, std::slice::from_ref(&file.name));
    let narrowed = ListCustomersRequest { stage: LifeCycleStage::Lost.into(), ..by_tag(&golf) };
    assert!(world.found(&world.there, narrowed).await.is_empty());

    world.stack.clock.advance(SignedDuration::from_hours(24));
    let request = UntagCustomerRequest {
        name: file.name.clone(),
        store: world.suzhou.name(),
        tags: vec![golf.name.clone()],
        ..UntagCustomerRequest::default()
    };
    let untagged = world.tags(&world.there).untag_customer(request.clone()).await.unwrap().into_inner();
    assert_eq!(untagged.tags, std::slice::from_ref(&early.name));
    world.tags(&world.there).untag_customer(request).await.unwrap();
    assert!(world.found(&world.here, by_tag(&golf)).await.is_empty());
    assert!(world.found(&world.headquarters, by_tag(&golf)).await.is_empty());

    let list = ListTagAssignmentsRequest { parent: file.name.clone(), ..Default::default() };
    let kept = world.tags(&world.here).list_tag_assignments(list).await.unwrap().into_inner().tag_assignments;
    let of = |tag: &Tag| kept.iter().find(|kept| kept.tag == tag.name).unwrap();
    assert_eq!(kept.len(), 2);
    assert_eq!((of(&early).end_time, of(&early).staff.as_str()), (None, world.here.id.name().as_str()));
    let ended = of(&golf);
    assert_eq!((ended.store.as_str(), ended.end_store.as_str()), (world.hangzhou.name().as_str(), ""));
    assert_eq!((ended.end_staff.clone(), ended.end_time), (world.there.id.name(), untagged.update_time));

    let told: Vec<CustomerTagged> = world.stack.told().await.unwrap();
    let told: Vec<_> = told.iter().filter(|told| told.customer == file.name).collect();
    assert_eq!(told.len(), 2, "{told:?}");
    assert_eq!((&told[0].added, &told[1].removed), (&tagged.tags, &vec![golf.name.clone()]));
    let entries = world.timeline(&world.there, &file.name, "CUSTOMER_TAGGED").await;
    assert_eq!(entries, [[("removed".to_owned(), golf.name)]]);
}

#[tokio::test]
async fn the_catalogue_is_the_group_s_and_what_is_archived_is_given_to_nobody() {
    let world = World::start().await;
    let golf = world.new_tag("高尔夫", "Golf").await.unwrap();
    let refused = refusal(world.new_tag("球友", "GOLF").await);
    assert_eq!(refused, (Code::AlreadyExists, "TAG_EXISTS".to_owned()));
    let wrong = wrong_fields(world.new_tag("", &"x".repeat(41)).await);
    assert_eq!(wrong, ["tag.display_name_en", "tag.display_name_zh"]);
    let advisor = world.stack.staff(&[Role::SalesAdvisor], &[world.hangzhou]).unwrap();
    let create = CreateTagRequest { tag: Some(golf.clone()), request_id: String::new() };
    let refused = refusal(world.tags(&advisor).create_tag(create).await);
    assert_eq!(refused, (Code::PermissionDenied, "RIGHT_MISSING".to_owned()));

    let file = world.open(&world.here, world.hangzhou, "示例一", "13800001234").await;
    let other = world.open(&world.here, world.hangzhou, "示例二", "13800001235").await;
    world.tag(&advisor, &file.name, &[&golf.name]).await.unwrap();
    let archive = ArchiveTagRequest { name: golf.name.clone() };
    let archived = world.tags(&world.here).archive_tag(archive.clone()).await.unwrap().into_inner();
    assert!(archived.archive_time.is_some());
    world.stack.clock.advance(SignedDuration::from_hours(1));
    assert_eq!(world.tags(&world.here).archive_tag(archive).await.unwrap().into_inner(), archived);
    assert_eq!(wrong_fields(world.tag(&advisor, &other.name, &[&golf.name]).await), ["tags[0]"]);
    world.tag(&advisor, &file.name, &[&golf.name]).await.unwrap();
    assert_eq!(
        world.found(&world.here, by_tag(&golf)).await,
        std::slice::from_ref(&file.name),
        "who has it keeps it"
    );
    let again = world.new_tag("高尔夫", "Golf").await.unwrap();
    let list = |with_archived| ListTagsRequest { with_archived, ..ListTagsRequest::default() };
    let names = async |request| {
        let found = world.tags(&advisor).list_tags(request).await.unwrap().into_inner();
        found.tags.into_iter().map(|tag| tag.name).collect::<Vec<_>>()
    };
    assert_eq!(names(list(false)).await, std::slice::from_ref(&again.name));
    assert_eq!(names(list(true)).await, [again.name, golf.name]);

    let nobody = world.stack.ids.next::<foursight_kernel::TagId>().name();
    assert_eq!(wrong_fields(world.tag(&advisor, &file.name, &[&nobody]).await), ["tags[0]"]);
    assert_eq!(wrong_fields(world.tag(&advisor, &file.name, &[]).await), ["tags"]);
    let stale = TagCustomerRequest {
        name: other.name.clone(),
        store: world.hangzhou.name(),
        tags: vec![archived.name],
        etag: "0".to_owned(),
        ..TagCustomerRequest::default()
    };
    let refused = refusal(world.tags(&advisor).tag_customer(stale).await);
    assert_eq!(refused, (Code::Aborted, "CUSTOMER_CHANGED".to_owned()));
    let refused = refusal(world.tag(&world.there, &file.name, &[&nobody]).await);
    assert_eq!(refused, (Code::PermissionDenied, "STORE_OUT_OF_REACH".to_owned()));
}

#[tokio::test]
async fn a_membership_is_dated_with_why_and_by_whom() {
    let world = World::start().await;
    let file = world.open(&world.here, world.hangzhou, "示例一", "13800001234").await;
    let add = |group: CustomerGroup| AddToGroupRequest {
        name: file.name.clone(),
        store: world.hangzhou.name(),
        group: group.into(),
        reason: "入会申请".to_owned(),
        ..AddToGroupRequest::default()
    };
    let joined =
        world.groups(&world.here).add_to_group(add(CustomerGroup::CarClub)).await.unwrap().into_inner();
    assert_eq!(joined.groups, [CustomerGroup::CarClub as i32]);
    let refused = refusal(world.groups(&world.here).add_to_group(add(CustomerGroup::CarClub)).await);
    assert_eq!(refused, (Code::AlreadyExists, "ALREADY_IN_GROUP".to_owned()));
    let wrong = AddToGroupRequest { reason: String::new(), ..add(CustomerGroup::Uio) };
    assert_eq!(wrong_fields(world.groups(&world.here).add_to_group(wrong).await), ["group", "reason"]);
    assert_eq!(
        world.found(&world.here, by_group(CustomerGroup::CarClub)).await,
        std::slice::from_ref(&file.name)
    );
    assert!(world.found(&world.here, by_group(CustomerGroup::Compensated)).await.is_empty());

    world.stack.clock.advance(SignedDuration::from_hours(24));
    let remove = RemoveFromGroupRequest {
        name: file.name.clone(),
        store: world.hangzhou.name(),
        group: CustomerGroup::CarClub.into(),
        reason: "搬家".to_owned(),
        ..RemoveFromGroupRequest::default()
    };
    let left = world.groups(&world.here).remove_from_group(remove.clone()).await.unwrap().into_inner();
    assert!(left.groups.is_empty());
    let refused = refusal(world.groups(&world.here).remove_from_group(remove).await);
    assert_eq!(refused, (Code::FailedPrecondition, "NOT_IN_GROUP".to_owned()));
    assert!(world.found(&world.here, by_group(CustomerGroup::CarClub)).await.is_empty());
    let early = AddToGroupRequest { start_time: joined.update_time, ..add(CustomerGroup::CarClub) };
    assert_eq!(wrong_fields(world.groups(&world.here).add_to_group(early).await), ["start_time"]);

    let list = ListGroupMembershipsRequest { parent: file.name.clone(), ..Default::default() };
    let kept = world.groups(&world.here).list_group_memberships(list).await.unwrap().into_inner();
    let [kept] = &kept.group_memberships[..] else { panic!("{kept:?}") };
    assert_eq!((kept.reason.as_str(), kept.end_reason.as_str()), ("入会申请", "搬家"));
    assert_eq!((kept.start_time, kept.end_time), (joined.update_time, left.update_time));
    assert_eq!((&kept.staff, &kept.end_staff), (&world.here.id.name(), &world.here.id.name()));
    let told: Vec<GroupChanged> = world.stack.told().await.unwrap();
    assert_eq!(told.iter().map(|told| told.member).collect::<Vec<_>>(), [true, false]);
    assert_eq!(world.timeline(&world.here, &file.name, "GROUP_LEFT").await.len(), 1);
}

#[tokio::test]
async fn who_owns_a_car_is_in_uio_until_it_is_another_s() {
    let world = World::start().await;
    let one = world.open(&world.here, world.hangzhou, "示例一", "13800001234").await.name;
    let two = world.open(&world.here, world.hangzhou, "示例二", "13800001235").await.name;
    let uio = async || {
        world.stack.settled().await.unwrap();
        world.found(&world.here, by_group(CustomerGroup::Uio)).await
    };
    world.deliver(&world.here, delivery(&one, world.hangzhou, "LSVAA4182E2000001")).await.unwrap();
    assert_eq!(uio().await, std::slice::from_ref(&one));
    world.stack.clock.advance(SignedDuration::from_hours(48));
    world.deliver(&world.here, delivery(&two, world.hangzhou, "LSVAA4182E2000001")).await.unwrap();
    assert_eq!(uio().await, std::slice::from_ref(&two));
    let list = ListGroupMembershipsRequest { parent: one, ..Default::default() };
    let kept = world.groups(&world.here).list_group_memberships(list).await.unwrap().into_inner();
    let [kept] = &kept.group_memberships[..] else { panic!("{kept:?}") };
    assert_eq!((kept.group(), kept.staff.as_str()), (CustomerGroup::Uio, ""));
    assert!(kept.end_time.is_some());
}

#[tokio::test]
async fn the_tier_follows_what_was_paid_unless_somebody_decides_it() {
    let world = World::start().await;
    let mut files = Vec::new();
    for number in 0..4 {
        let name = format!("示例{number}");
        let file = world.open(&world.here, world.hangzhou, &name, &format!("1380000123{number}")).await.name;
        let vin = format!("LSVAA4182E200000{number}");
        let car = world.deliver(&world.here, delivery(&file, world.hangzhou, &vin)).await.unwrap().vehicle;
        files.push((file, car));
    }
    world.rank().await;
    let tiers = async || {
        let mut tiers = Vec::new();
        for (file, _) in &files {
            tiers.push(world.file(&world.here, file).await.unwrap().value_tier());
        }
        tiers
    };
    assert_eq!(tiers().await, [ValueTier::C; 4], "nobody is before the others");
    world.stack.clock.advance(SignedDuration::from_hours(24 * 30));
    for (place, (_, car)) in files.iter().enumerate() {
        let yuan = [300, 5_000, 200, 100][place];
        world.pay(car, 1_000, yuan).await;
    }
    world.rank().await;
    assert_eq!(tiers().await, [ValueTier::B, ValueTier::A, ValueTier::C, ValueTier::C]);
    assert_eq!(world.found(&world.here, by_tier(ValueTier::A)).await, [files[1].0.clone()]);
    let value = world.value(&files[1].0).await;
    assert_eq!(value.amount.unwrap().units, 15_000, "the car counts 10,000");
    assert_eq!(world.timeline(&world.here, &files[1].0, "VALUE_TIER_CHANGED").await.len(), 1);
    assert!(world.timeline(&world.here, &files[2].0, "VALUE_TIER_CHANGED").await.is_empty());

    let decide = |tier: ValueTier, reason: &str| SetValueTierRequest {
        name: files[3].0.clone(),
        store: world.hangzhou.name(),
        value_tier: tier.into(),
        reason: reason.to_owned(),
        ..SetValueTierRequest::default()
    };
    let decided = world
        .values(&world.here)
        .set_value_tier(decide(ValueTier::A, "推荐了五位客户"))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(decided.value_tier(), ValueTier::A);
    world.stack.clock.advance(SignedDuration::from_hours(1));
    world.pay(&files[3].1, 1_100, 9_000).await;
    world.pay(&files[1].1, 1_100, 20_000).await;
    world.rank().await;
    assert_eq!(tiers().await, [ValueTier::C, ValueTier::A, ValueTier::C, ValueTier::A]);
    let value = world.value(&files[3].0).await;
    assert_eq!((value.value_tier(), value.computed_tier()), (ValueTier::A, ValueTier::B));
    let back = decide(ValueTier::Unspecified, "不再适用");
    let back = world.values(&world.here).set_value_tier(back).await.unwrap().into_inner();
    assert_eq!(back.value_tier(), ValueTier::B, "what the amounts say");
    let value = world.value(&files[3].0).await;
    let reasons: Vec<&str> = value.decisions.iter().map(|decision| decision.reason.as_str()).collect();
    assert_eq!(reasons, ["不再适用", "推荐了五位客户"]);

    // After three years, nothing of it counts.
    world.stack.clock.advance(SignedDuration::from_hours(24 * 1_200));
    world.rank().await;
    assert_eq!(tiers().await, [ValueTier::Unspecified; 4]);
    let told: Vec<ValueTierChanged> = world.stack.told().await.unwrap();
    assert!(told.iter().any(|told| told.decided && told.store == world.hangzhou.name()));
    let refused = world.values(&world.supervisor).set_value_tier(decide(ValueTier::A, "试试")).await;
    assert_eq!(refusal(refused), (Code::PermissionDenied, "RIGHT_MISSING".to_owned()));
}

#[tokio::test]
async fn a_stage_is_corrected_with_a_reason_and_the_next_dealing_moves_it_again() {
    let world = World::start().await;
    let file = world.open(&world.here, world.hangzhou, "示例一", "13800001234").await;
    let correct = |stage: LifeCycleStage| CorrectStageRequest {
        name: file.name.clone(),
        store: world.hangzhou.name(),
        stage: stage.into(),
        reason: "一年没有联系".to_owned(),
        request_id: world.stack.ids.uuid().to_string(),
        ..CorrectStageRequest::default()
    };
    let request = correct(LifeCycleStage::Dormant);
    let corrected = world.values(&world.here).correct_stage(request.clone()).await.unwrap().into_inner();
    assert_eq!(corrected.stage(), LifeCycleStage::Dormant);
    assert_eq!(world.values(&world.here).correct_stage(request).await.unwrap().into_inner(), corrected);
    let again = world.values(&world.here).correct_stage(correct(LifeCycleStage::Dormant)).await;
    assert_eq!(wrong_fields(again), ["stage"]);
    let told: Vec<StageCorrected> = world.stack.told().await.unwrap();
    assert_eq!((told.len(), told[0].previous_stage()), (1, LifeCycleStage::Prospect));
    let entries = world.timeline(&world.here, &file.name, "STAGE_CORRECTED").await;
    assert!(entries[0].contains(&("stage".to_owned(), "DORMANT".to_owned())), "{entries:?}");
    world.lead(&world.here, world.hangzhou, &file.name).await;
    let moved = world.file(&world.here, &file.name).await.unwrap();
    assert_eq!(moved.stage(), LifeCycleStage::Intention);
}
