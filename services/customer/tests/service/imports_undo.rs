//! A run is taken back, as far as nothing newer depends on it.

use foursight_proto::customer::{
    events::v1::CustomerRemoved,
    v1::{ContactKind, Gender, ImportOutcome, ImportState, ListTimelineEntriesRequest, UndoImportRequest},
};
use foursight_testkit::{Caller, reason, refusal};
use serde_json::Value;
use tonic::Code;

use crate::{
    imports::{counts, csv, reasons},
    world::World,
};

impl World {
    pub(crate) async fn undo(&self, caller: &Caller, run: &str) -> foursight_proto::customer::v1::Import {
        let request = UndoImportRequest { name: run.to_owned(), request_id: String::new() };
        self.imports(caller).undo_import(request).await.unwrap();
        self.follow(caller, run).await
    }
}

#[tokio::test]
async fn files_that_were_opened_go_and_files_that_were_changed_are_what_they_were() {
    let world = World::start().await;
    let file = world.open(&world.here, world.hangzhou, "示例一", "13800000001").await;
    let elsewhere = world.open(&world.there, world.suzhou, "示例二", "13800000002").await;
    let table = csv(
        "姓名,手机,性别,邮箱,职业",
        &["示例一,13800000001,女,one@example.com,教师", "示例二,13800000002,,,", "示例三,13800000003,,,"],
    );
    let run = world.bring(&world.here, world.hangzhou, &table).await;
    assert_eq!(counts(&run), [1, 2, 0, 0, 0]);
    assert_eq!(world.file(&world.here, &elsewhere.name).await.unwrap().display_name, "示例二");
    let opened = world.rows(&world.here, &run, ImportOutcome::Create).await[0].customer.clone();
    world.stack.settled().await.unwrap();

    let undone = world.undo(&world.here, &run.name).await;
    assert_eq!(
        (undone.state(), undone.undone_rows, undone.kept_rows),
        (ImportState::Undone, 3, 0),
        "{undone:?}"
    );
    assert_eq!(
        world.how_many_found(&world.here, "13800000003").await
            + world.how_many_found(&world.here, "示例三").await,
        0
    );
    let one = world.file(&world.here, &file.name).await.unwrap();
    assert_eq!((one.gender(), one.profile, one.contact_points.len()), (Gender::Unspecified, None, 1));
    assert_eq!(one.contact_points[0].kind(), ContactKind::Phone);
    let hidden = refusal(world.file(&world.here, &elsewhere.name).await);
    assert_eq!(hidden, (Code::NotFound, "CUSTOMER_NOT_FOUND".to_owned()));
    let removed = world.stack.told::<CustomerRemoved>().await.unwrap();
    assert_eq!(removed.iter().map(|it| &it.customer).collect::<Vec<_>>(), [&opened]);
    let owner = world.stack.owner().await.unwrap();
    let left: i64 =
        sqlx::query_scalar("SELECT count(*) FROM customer.timeline_entries WHERE customer_id = $1::uuid")
            .bind(opened.trim_start_matches("customers/").parse::<uuid::Uuid>().unwrap())
            .fetch_one(&owner)
            .await
            .unwrap();
    assert_eq!(left, 0);
    // And in again.
    assert_eq!(counts(&world.bring(&world.here, world.hangzhou, &table).await), [1, 2, 0, 0, 0]);
}

#[tokio::test]
async fn what_something_newer_depends_on_stays_and_says_why() {
    let world = World::start().await;
    let table = csv(
        "姓名,手机,性别",
        &["示例一,13800000001,", "示例二,13800000002,", "示例三,13800000003,", "示例四,13800000004,"],
    );
    let run = world.bring(&world.here, world.hangzhou, &table).await;
    let rows = world.rows(&world.here, &run, ImportOutcome::Create).await;
    world.lead(&world.here, world.hangzhou, &rows[0].customer).await;
    world.bring(&world.here, world.hangzhou, &csv("姓名,手机,性别", &["示例二,13800000002,女"])).await;
    world.bring(&world.there, world.suzhou, &csv("姓名,手机", &["示例三,13800000003"])).await;
    let undone = world.undo(&world.here, &run.name).await;
    assert_eq!((undone.undone_rows, undone.kept_rows), (1, 3));
    let rows = world.rows(&world.here, &run, ImportOutcome::Create).await;
    let wanted = ["NEEDED_SINCE", "NEEDED_SINCE", "NEEDED_SINCE"].map(str::to_owned);
    let told = reasons(&rows);
    assert_eq!(told.iter().map(|(row, _)| *row).collect::<Vec<_>>(), [2, 3, 4], "{told:?}");
    assert_eq!(told.into_iter().map(|(_, why)| why).collect::<Vec<_>>(), wanted);
    assert_eq!(rows.iter().map(|row| row.undone).collect::<Vec<_>>(), [false, false, false, true]);
    assert_eq!(world.how_many_found(&world.here, "示例").await, 3);

    let request = UndoImportRequest { name: run.name.clone(), request_id: String::new() };
    let again = world.imports(&world.here).undo_import(request).await.unwrap_err();
    assert_eq!(reason(&again), "IMPORT_STATE");
}

#[tokio::test]
async fn a_change_that_was_changed_since_stays() {
    let world = World::start().await;
    let file = world.open(&world.here, world.hangzhou, "示例一", "13800000001").await;
    let first =
        world.bring(&world.here, world.hangzhou, &csv("姓名,手机,职业", &["示例一,13800000001,教师"])).await;
    let second =
        world.bring(&world.here, world.hangzhou, &csv("姓名,手机,职业", &["示例一,13800000001,医生"])).await;
    let undone = world.undo(&world.here, &first.name).await;
    assert_eq!((undone.undone_rows, undone.kept_rows), (0, 1));
    let undone = world.undo(&world.here, &second.name).await;
    assert_eq!((undone.undone_rows, undone.kept_rows), (1, 0));
    let now = world.file(&world.here, &file.name).await.unwrap();
    assert_eq!(now.profile.unwrap().occupation, "教师");
}

#[tokio::test]
async fn the_timeline_and_the_audit_log_tell_of_a_run_and_of_its_end() {
    let world = World::start().await;
    let run = world.bring(&world.here, world.hangzhou, &csv("姓名,手机", &["示例一,13800000001"])).await;
    let customer = world.rows(&world.here, &run, ImportOutcome::Create).await[0].customer.clone();
    world.stack.settled().await.unwrap();
    let request = ListTimelineEntriesRequest { parent: customer, ..ListTimelineEntriesRequest::default() };
    let list = world.customers(&world.here).list_timeline_entries(request).await.unwrap().into_inner();
    let kinds: Vec<_> = list.timeline_entries.iter().map(|entry| entry.kind.as_str()).collect();
    assert_eq!(kinds, ["CUSTOMER_CREATED"]);
    world.undo(&world.here, &run.name).await;
    let owner = world.stack.owner().await.unwrap();
    let rows: Vec<(String, String, Value)> =
        sqlx::query_as("SELECT method, subject, detail FROM customer.audit WHERE resource = $1 ORDER BY seq")
            .bind(&run.name)
            .fetch_all(&owner)
            .await
            .unwrap();
    let methods: Vec<_> = rows.iter().map(|row| row.0.as_str()).collect();
    assert_eq!(methods, ["CreateImport", "StartImport", "FinishImport", "UndoImport", "FinishUndoImport"]);
    assert!(rows.iter().all(|row| row.1 == world.here.id.name()), "{rows:?}");
    assert_eq!(rows[2].2["created"], 1);
}
