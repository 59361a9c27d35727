//! Segments as their users see them: saved, shared, counted and listed within everybody's own reach.

use foursight_kernel::{Clock, StoreId};
use foursight_proto::{
    customer::v1::{
        CountSegmentRequest, CreateSegmentRequest, CreateTagRequest, CustomerGroup, DayRange,
        DeleteSegmentRequest, GetSegmentRequest, LifeCycleStage, ListSegmentCustomersRequest,
        ListSegmentsRequest, NumberRange, PreviewSegmentRequest, Segment, SegmentCondition,
        SegmentConditions, StreamSegmentCustomersRequest, Tag, TagCustomerRequest, UpdateSegmentRequest,
        segment_condition::Condition as It, segment_service_client::SegmentServiceClient,
        tag_service_client::TagServiceClient,
    },
    identity::v1::Role,
};
use foursight_testkit::{Caller, CallerChannel, refusal, wrong_fields};
use futures::TryStreamExt as _;
use jiff::SignedDuration;
use tonic::{Code, Status};

use crate::world::{World, delivery, person};

pub(crate) fn is(it: It) -> SegmentCondition {
    SegmentCondition { condition: Some(it) }
}

fn all(conditions: Vec<SegmentCondition>) -> SegmentCondition {
    is(It::All(SegmentConditions { conditions }))
}

fn not(one: SegmentCondition) -> SegmentCondition {
    is(It::Not(Box::new(one)))
}

impl World {
    fn segments(&self, caller: &Caller) -> SegmentServiceClient<CallerChannel> {
        SegmentServiceClient::new(self.stack.channel("customer", caller))
    }

    async fn save(
        &self,
        by: &Caller,
        store: Option<StoreId>,
        shared: bool,
        condition: SegmentCondition,
    ) -> Result<Segment, Status> {
        let segment = Segment {
            store: store.map(StoreId::name).unwrap_or_default(),
            display_name: "示例细分".to_owned(),
            condition: Some(condition),
            shared,
            ..Segment::default()
        };
        let request = CreateSegmentRequest { segment: Some(segment), request_id: String::new() };
        Ok(self.segments(by).create_segment(request).await?.into_inner())
    }

    /// How many, whom the pages list, and whom the stream tells.
    async fn members(&self, by: &Caller, segment: &Segment) -> Result<Vec<String>, Status> {
        self.stack.settled().await.unwrap();
        let mut segments = self.segments(by);
        let name = segment.name.clone();
        let count = CountSegmentRequest { name: name.clone(), store: String::new() };
        let count = segments.count_segment(count).await?.into_inner().count;
        let (mut listed, mut page_token) = (Vec::new(), String::new());
        loop {
            let request = ListSegmentCustomersRequest {
                parent: name.clone(),
                page_size: 2,
                page_token,
                ..ListSegmentCustomersRequest::default()
            };
            let page = segments.list_segment_customers(request).await?.into_inner();
            listed.extend(page.customers.into_iter().map(|customer| customer.name));
            page_token = page.next_page_token;
            if page_token.is_empty() {
                break;
            }
        }
        let stream = StreamSegmentCustomersRequest { name, store: String::new() };
        let stream = segments.stream_segment_customers(stream).await?.into_inner();
        let streamed: Vec<_> = stream.try_collect().await?;
        let streamed: Vec<String> = streamed.into_iter().flat_map(|message| message.customers).collect();
        assert_eq!(streamed, listed);
        assert_eq!(usize::try_from(count).unwrap(), listed.len());
        Ok(listed)
    }

    pub(crate) async fn counted(&self, by: &Caller, condition: SegmentCondition) -> i64 {
        self.stack.settled().await.unwrap();
        let request = PreviewSegmentRequest { condition: Some(condition), store: String::new() };
        let preview = self.segments(by).preview_segment(request).await.unwrap().into_inner();
        assert_eq!(usize::try_from(preview.count.min(10)).unwrap(), preview.customers.len());
        preview.count
    }
}

#[tokio::test]
async fn a_segment_has_whom_it_means_within_the_reach_of_who_asks() {
    let world = World::start().await;
    let one = world.open(&world.here, world.hangzhou, "示例一", "13800001234").await;
    world.stack.clock.advance(SignedDuration::from_hours(1));
    let two = world.open(&world.here, world.hangzhou, "示例二", "13800001235").await;
    world.stack.clock.advance(SignedDuration::from_hours(1));
    let three = world.open(&world.there, world.suzhou, "示例三", "13800001236").await;
    let both = world.receive(&world.there, world.suzhou, person(world.suzhou, "示例一", "13800001234")).await;
    assert_eq!(both.customer, one.name);

    let everybody = world.save(&world.headquarters, None, true, is(It::HasPhone(true))).await.unwrap();
    assert_eq!(everybody.words.as_ref().unwrap().zh, "有电话");
    let names = [three.name.clone(), two.name.clone(), one.name.clone()];
    assert_eq!(world.members(&world.headquarters, &everybody).await.unwrap(), names);
    assert_eq!(world.members(&world.here, &everybody).await.unwrap(), [two.name.clone(), one.name.clone()]);
    assert_eq!(
        world.members(&world.there, &everybody).await.unwrap(),
        [three.name.clone(), one.name.clone()]
    );
    let of_two = world.stack.staff(&[Role::CrManager], &[world.hangzhou, world.suzhou]).unwrap();
    assert_eq!(world.members(&of_two, &everybody).await.unwrap(), names);

    // A store's segment is of that store, whoever asks, and not for others to see.
    let ours = world.save(&world.here, Some(world.hangzhou), true, is(It::HasPhone(true))).await.unwrap();
    assert_eq!(
        world.members(&world.headquarters, &ours).await.unwrap(),
        [two.name.clone(), one.name.clone()]
    );
    let refused = world.members(&world.there, &ours).await;
    assert_eq!(refusal(refused), (Code::NotFound, "SEGMENT_NOT_FOUND".to_owned()));
    let elsewhere = CountSegmentRequest { name: ours.name.clone(), store: world.suzhou.name() };
    let count = world.segments(&world.headquarters).count_segment(elsewhere).await.unwrap().into_inner();
    assert_eq!(count.count, 0);
    let foreign = CountSegmentRequest { name: everybody.name.clone(), store: world.suzhou.name() };
    let refused = world.segments(&world.here).count_segment(foreign).await;
    assert_eq!(refusal(refused), (Code::PermissionDenied, "STORE_OUT_OF_REACH".to_owned()));
}

#[tokio::test]
async fn a_file_comes_to_a_segment_and_leaves_it_with_what_happens() {
    let world = World::start().await;
    let file = world.open(&world.here, world.hangzhou, "示例一", "13800001234").await;
    world.receive(&world.there, world.suzhou, person(world.suzhou, "示例一", "13800001234")).await;
    let stage = |stage: LifeCycleStage| is(It::Stage(stage.into()));
    let uio = || is(It::Group(CustomerGroup::Uio.into()));
    assert_eq!(world.counted(&world.here, stage(LifeCycleStage::Prospect)).await, 1);
    let lead = world.lead(&world.here, world.hangzhou, &file.name).await;
    assert_eq!(world.counted(&world.here, stage(LifeCycleStage::Intention)).await, 1);
    // A lead is its store's.
    assert_eq!(world.counted(&world.here, is(It::Advisor(lead.owner.clone()))).await, 1);
    assert_eq!(world.counted(&world.headquarters, is(It::Advisor(lead.owner.clone()))).await, 1);
    assert_eq!(world.counted(&world.there, is(It::Advisor(lead.owner.clone()))).await, 0);

    let sold = delivery(&file.name, world.hangzhou, "1M8GDM9AXKP042788");
    let sold = world.deliver(&world.here, sold).await.unwrap();
    assert_eq!(
        world.counted(&world.here, all(vec![uio(), is(It::OwnedModel("Demo X".to_owned()))])).await,
        1
    );
    let value = |min| is(It::ValueFen(NumberRange { min: Some(min), max: None }));
    assert_eq!(world.counted(&world.headquarters, value(1)).await, 1);
    let age = is(It::CarAgeMonths(NumberRange { min: None, max: Some(1) }));
    assert_eq!(world.counted(&world.here, age.clone()).await, 1);
    world.stack.clock.advance(SignedDuration::from_hours(24 * 90));
    assert_eq!(world.counted(&world.here, age).await, 0, "today is another day");

    let recently = || is(It::LastVisit(DayRange { last_days: 30, ..DayRange::default() }));
    assert_eq!(world.counted(&world.here, all(vec![not(recently()), is(It::HasVisited(false))])).await, 1);
    world.check_in(&world.here, world.hangzhou, &sold.vehicle, 4_000).await.unwrap();
    assert_eq!(world.counted(&world.here, recently()).await, 1);
    assert_eq!(
        world.counted(&world.headquarters, is(It::Visits(NumberRange { min: Some(1), max: None }))).await,
        1
    );
    // Nor does another store learn that there was a visit.
    assert_eq!(world.counted(&world.there, is(It::HasVisited(true))).await, 0);

    let tag =
        Tag { display_name_zh: "高尔夫".to_owned(), display_name_en: "Golf".to_owned(), ..Tag::default() };
    let mut tags = TagServiceClient::new(world.stack.channel("customer", &world.here));
    let request = CreateTagRequest { tag: Some(tag), request_id: String::new() };
    let tag = tags.create_tag(request).await.unwrap().into_inner();
    let tagged = || is(It::Tag(tag.name.clone()));
    assert_eq!(world.counted(&world.there, tagged()).await, 0);
    let request = TagCustomerRequest {
        name: file.name.clone(),
        store: world.hangzhou.name(),
        tags: vec![tag.name.clone()],
        ..TagCustomerRequest::default()
    };
    tags.tag_customer(request).await.unwrap();
    assert_eq!(world.counted(&world.there, tagged()).await, 1);
    let request = PreviewSegmentRequest { condition: Some(not(tagged())), store: String::new() };
    let preview = world.segments(&world.here).preview_segment(request).await.unwrap().into_inner();
    assert_eq!((preview.count, preview.words.unwrap().zh.as_str()), (0, "并非（有标签“高尔夫”）"));
}

#[tokio::test]
async fn a_segment_is_its_maker_s_until_it_is_shared_and_changes_under_its_etag() {
    let world = World::start().await;
    let mine = world.save(&world.here, Some(world.hangzhou), false, is(It::HasPhone(true))).await.unwrap();
    let get = |name: &str| GetSegmentRequest { name: name.to_owned() };
    let mut others = world.segments(&world.headquarters);
    assert_eq!(refusal(others.get_segment(get(&mine.name)).await).0, Code::NotFound);
    let listed = others.list_segments(ListSegmentsRequest::default()).await.unwrap().into_inner();
    assert!(listed.segments.is_empty());

    let change = |etag: &str, shared| UpdateSegmentRequest {
        name: mine.name.clone(),
        segment: Some(Segment {
            display_name: "没有电话".to_owned(),
            condition: Some(is(It::HasPhone(false))),
            shared,
            ..Segment::default()
        }),
        etag: etag.to_owned(),
    };
    let mut ours = world.segments(&world.here);
    let changed = ours.update_segment(change(&mine.etag, true)).await.unwrap().into_inner();
    assert_eq!(
        (changed.store.clone(), changed.words.clone().unwrap().en.as_str()),
        (world.hangzhou.name(), "has no phone")
    );
    assert_eq!(
        refusal(ours.update_segment(change(&mine.etag, true)).await),
        (Code::Aborted, "SEGMENT_CHANGED".to_owned())
    );
    assert_eq!(others.get_segment(get(&mine.name)).await.unwrap().into_inner(), changed);
    let hidden = others.update_segment(change(&changed.etag, false)).await;
    assert_eq!(wrong_fields(hidden), ["segment.shared"], "others use it");

    let archive = |etag: &str| DeleteSegmentRequest { name: mine.name.clone(), etag: etag.to_owned() };
    assert_eq!(refusal(ours.delete_segment(archive("7")).await).0, Code::Aborted);
    let archived = ours.delete_segment(archive(&changed.etag)).await.unwrap().into_inner();
    assert_eq!(ours.delete_segment(archive("")).await.unwrap().into_inner(), archived);
    assert!(archived.archive_time.is_some());
    let refused = ours.update_segment(change("", true)).await;
    assert_eq!(refusal(refused), (Code::FailedPrecondition, "SEGMENT_ARCHIVED".to_owned()));
    let list = |with_archived| ListSegmentsRequest { with_archived, ..ListSegmentsRequest::default() };
    assert!(ours.list_segments(list(false)).await.unwrap().into_inner().segments.is_empty());
    assert_eq!(ours.list_segments(list(true)).await.unwrap().into_inner().segments, [archived]);
}

#[tokio::test]
async fn a_segment_of_the_group_is_the_group_s_to_write() {
    let world = World::start().await;
    let refused = world.save(&world.here, None, true, is(It::HasPhone(true))).await;
    assert_eq!(wrong_fields(refused), ["segment.store"]);
    let group = world.save(&world.headquarters, None, true, is(It::HasPhone(true))).await.unwrap();
    let request = DeleteSegmentRequest { name: group.name.clone(), etag: String::new() };
    let refused = world.segments(&world.here).delete_segment(request).await;
    assert_eq!(refusal(refused), (Code::PermissionDenied, "STORE_OUT_OF_REACH".to_owned()));
    let wrong = all(vec![is(It::HasPhone(true)), is(It::Tag("tags/1".to_owned()))]);
    let refused = world.save(&world.headquarters, None, true, wrong).await;
    assert_eq!(wrong_fields(refused), ["segment.condition.all.conditions[1].tag"]);
    let request_id = world.stack.ids.uuid().to_string();
    let segment = Segment {
        display_name: "一次".to_owned(),
        condition: Some(is(It::HasPhone(true))),
        ..Segment::default()
    };
    let request = CreateSegmentRequest { segment: Some(segment), request_id };
    let mut segments = world.segments(&world.headquarters);
    let once = segments.create_segment(request.clone()).await.unwrap().into_inner();
    assert_eq!(segments.create_segment(request).await.unwrap().into_inner(), once);
    assert!(once.create_time.is_some_and(|at| at.seconds == world.stack.clock.now().as_second()));
    let advisor = world.stack.staff(&[Role::SalesAdvisor], &[world.hangzhou]).unwrap();
    let refused = world.segments(&advisor).get_segment(GetSegmentRequest { name: once.name }).await;
    assert_eq!(refusal(refused), (Code::PermissionDenied, "RIGHT_MISSING".to_owned()));
}
