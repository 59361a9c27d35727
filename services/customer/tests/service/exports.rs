//! Lists that are taken out: whose they are, what is seen of them, and what stays on record.

use std::io::Cursor;

use foursight_proto::customer::v1::{
    CreateSegmentRequest, ExportCustomersRequest, ExportFormat, ExportLanguage, LifeCycleStage,
    ListCustomersRequest, ListExportsRequest, Segment, SegmentCondition,
    export_service_client::ExportServiceClient, segment_condition::Condition as It,
    segment_service_client::SegmentServiceClient,
};
use foursight_sheets::{Limits, Row};
use foursight_testkit::{Caller, CallerChannel, refusal, wrong_fields};
use futures::TryStreamExt as _;
use jiff::SignedDuration;
use tonic::{Code, Status};

use crate::world::{World, person};

fn wanted(format: ExportFormat) -> ExportCustomersRequest {
    ExportCustomersRequest {
        format: format.into(),
        purpose: "年度客户盘点".to_owned(),
        ..ExportCustomersRequest::default()
    }
}

impl World {
    fn exports(&self, caller: &Caller) -> ExportServiceClient<CallerChannel> {
        ExportServiceClient::new(self.stack.channel("customer", caller))
    }

    /// The file's name and the file.
    async fn export(
        &self,
        by: &Caller,
        request: ExportCustomersRequest,
    ) -> Result<(String, Vec<u8>), Status> {
        self.stack.settled().await.unwrap();
        let answer = self.exports(by).export_customers(request).await?;
        let name = answer.metadata().get("content-disposition").unwrap().to_str().unwrap().to_owned();
        let pieces: Vec<_> = answer.into_inner().try_collect().await?;
        assert!(pieces.iter().all(|piece| !piece.content_type.is_empty()));
        Ok((name, pieces.iter().flat_map(|piece| piece.data.to_vec()).collect()))
    }
}

fn read(file: Vec<u8>) -> (Vec<String>, Vec<Row>) {
    let mut table = foursight_sheets::open(Cursor::new(file), &Limits::default()).unwrap();
    let mut rows = Vec::new();
    while let Some(row) = table.next_row().unwrap() {
        rows.push(row);
    }
    (table.header().to_vec(), rows)
}

#[tokio::test]
async fn a_list_leaves_masked_and_harmless_within_reach_and_stays_on_record() {
    let world = World::start().await;
    world.open(&world.here, world.hangzhou, "=HYPERLINK(1)", "13800001234").await;
    world.stack.clock.advance(SignedDuration::from_hours(1));
    let second = world.open(&world.here, world.hangzhou, "示例二", "13800001235").await;
    world.open(&world.there, world.suzhou, "示例三", "13800001236").await;
    let (name, file) = world.export(&world.here, wanted(ExportFormat::Csv)).await.unwrap();
    assert!(name.starts_with("attachment; filename=\"customers-20") && name.ends_with(".csv\""), "{name}");
    let text = String::from_utf8(file.clone()).unwrap();
    assert!(text.starts_with("\u{feff}姓名,客户类型,性别,手机号,"), "{text}");
    assert!(text.contains("\r\n'=HYPERLINK(1),个人,,138****1234,"), "{text}");
    assert!(!text.contains("1380000") && !text.contains("示例三"), "{text}");
    let (_, rows) = read(file);
    assert_eq!(rows.len(), 2, "newest first");
    assert!(format!("{:?}", rows[0]).contains(&second.name), "{:?}", rows[0]);

    world.stack.clock.advance(SignedDuration::from_secs(1));
    let list = ListCustomersRequest {
        q: "示例".to_owned(),
        stage: LifeCycleStage::Prospect.into(),
        page_size: 1,
        ..ListCustomersRequest::default()
    };
    let request = ExportCustomersRequest {
        customers: Some(list),
        language: ExportLanguage::En.into(),
        unmasked: true,
        reason: "邮寄年检通知".to_owned(),
        ..wanted(ExportFormat::Csv)
    };
    let (_, file) = world.export(&world.headquarters, request).await.unwrap();
    let text = String::from_utf8(file).unwrap();
    assert!(text.starts_with("\u{feff}Name,Kind,Gender,Phone,"), "{text}");
    assert!(text.contains("示例二,Person,,'+8613800001235,") && text.contains("'+8613800001236"), "{text}");
    assert!(!text.contains("HYPERLINK"), "{text}");

    let list = |by| async move {
        let list = ListExportsRequest::default();
        world_exports(by, list).await
    };
    let ours = list(world.exports(&world.here)).await;
    assert_eq!(ours.len(), 1, "what headquarters took is not the store's business");
    let ours = &ours[0];
    assert_eq!((ours.store.clone(), ours.staff.clone()), (world.hangzhou.name(), world.here.id.name()));
    assert_eq!(
        (ours.purpose.as_str(), ours.rows, ours.complete, ours.unmasked),
        ("年度客户盘点", 2, true, false)
    );
    let all = list(world.exports(&world.headquarters)).await;
    assert_eq!((all.len(), all[0].unmasked, all[0].reason.as_str()), (2, true, "邮寄年检通知"));
    assert_eq!(all[0].filter, r#"{"q":true,"stage":1}"#);
    assert!(list(world.exports(&world.there)).await.is_empty());
    let owner = world.stack.owner().await.unwrap();
    let audit: i64 =
        sqlx::query_scalar("SELECT count(*) FROM customer.audit WHERE method = 'ExportCustomers'")
            .fetch_one(&owner)
            .await
            .unwrap();
    assert_eq!(audit, 4, "that each began, and that it ended");
}

async fn world_exports(
    mut exports: ExportServiceClient<CallerChannel>,
    list: ListExportsRequest,
) -> Vec<foursight_proto::customer::v1::Export> {
    exports.list_exports(list).await.unwrap().into_inner().exports
}

#[tokio::test]
async fn a_segment_leaves_as_a_workbook() {
    let world = World::start().await;
    for (name, phone) in [("示例一", "13800001234"), ("示例二", "13800001235")] {
        world.open(&world.here, world.hangzhou, name, phone).await;
    }
    world.receive(&world.there, world.suzhou, person(world.suzhou, "示例一", "13800001234")).await;
    let segment = Segment {
        display_name: "有电话".to_owned(),
        condition: Some(SegmentCondition { condition: Some(It::HasPhone(true)) }),
        shared: true,
        ..Segment::default()
    };
    let request = CreateSegmentRequest { segment: Some(segment), request_id: String::new() };
    let mut segments = SegmentServiceClient::new(world.stack.channel("customer", &world.headquarters));
    let segment = segments.create_segment(request).await.unwrap().into_inner().name;
    let request = ExportCustomersRequest { segment: segment.clone(), ..wanted(ExportFormat::Xlsx) };
    let (name, file) = world.export(&world.there, request.clone()).await.unwrap();
    assert!(name.ends_with(".xlsx\""), "{name}");
    let (header, rows) = read(file);
    assert_eq!((header[0].as_str(), rows.len()), ("姓名", 1));
    assert!(format!("{:?}", rows[0]).contains("138****1234"));
    let (_, file) = world.export(&world.here, request).await.unwrap();
    assert_eq!(read(file).1.len(), 2);
    let nothing = ExportCustomersRequest {
        segment: format!("segments/{}", uuid::Uuid::nil()),
        ..wanted(ExportFormat::Csv)
    };
    assert_eq!(
        refusal(world.export(&world.here, nothing).await),
        (Code::NotFound, "SEGMENT_NOT_FOUND".to_owned())
    );
}

#[tokio::test]
async fn what_is_wrong_with_an_export_is_told_before_anything_leaves() {
    let world = World::start().await;
    let wrong = ExportCustomersRequest {
        purpose: "x".to_owned(),
        segment: "segments/1".to_owned(),
        customers: Some(ListCustomersRequest::default()),
        reason: "without need".to_owned(),
        ..ExportCustomersRequest::default()
    };
    let fields = wrong_fields(world.export(&world.here, wrong).await);
    assert_eq!(fields, ["customers", "format", "purpose", "reason", "segment"]);
    let list = ListCustomersRequest { tag: "tags/1".to_owned(), ..ListCustomersRequest::default() };
    let wrong = ExportCustomersRequest { customers: Some(list), ..wanted(ExportFormat::Csv) };
    assert_eq!(wrong_fields(world.export(&world.here, wrong).await), ["customers.tag"]);
    let without = ExportCustomersRequest { unmasked: true, ..wanted(ExportFormat::Csv) };
    assert_eq!(wrong_fields(world.export(&world.here, without).await), ["reason"]);
    let list = ListCustomersRequest { store: world.suzhou.name(), ..ListCustomersRequest::default() };
    let foreign = ExportCustomersRequest { customers: Some(list), ..wanted(ExportFormat::Csv) };
    assert_eq!(refusal(world.export(&world.here, foreign).await).1, "STORE_OUT_OF_REACH");
    let refused = world.export(&world.supervisor, wanted(ExportFormat::Csv)).await;
    assert_eq!(refusal(refused), (Code::PermissionDenied, "RIGHT_MISSING".to_owned()));
    assert!(
        world_exports(world.exports(&world.headquarters), ListExportsRequest::default()).await.is_empty()
    );
}
