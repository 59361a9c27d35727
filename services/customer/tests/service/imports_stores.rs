//! Files of other stores: who brings two signs is served with the file, who guesses learns nothing.

use foursight_proto::{
    customer::v1::{ImportOutcome, ImportState},
    identity::v1::Role,
};
use foursight_testkit::{reason, refusal};
use tonic::Code;

use crate::{
    imports::{counts, csv, import, reasons},
    world::World,
};

#[tokio::test]
async fn who_is_another_stores_customer_is_this_ones_too_when_two_signs_agree() {
    let world = World::start().await;
    let file = world.open(&world.here, world.hangzhou, "示例一", "13800000001").await;
    let table = csv("姓名,手机,性别", &["示例一,13800000001,女"]);
    let run = world.bring(&world.there, world.suzhou, &table).await;
    assert_eq!(counts(&run), [0, 1, 0, 0, 0]);
    let seen = world.file(&world.there, &file.name).await.unwrap();
    assert_eq!((seen.gender, seen.stores), (1, vec![world.suzhou.name()]));
    assert_eq!(world.how_many_found(&world.there, "示例一").await, 1);
    assert_eq!(counts(&world.bring(&world.there, world.suzhou, &table).await), [0, 0, 1, 0, 0]);
}

#[tokio::test]
async fn a_guess_at_another_stores_customer_says_no_more_than_that_it_does_not_fit() {
    let world = World::start().await;
    world.open(&world.here, world.hangzhou, "示例一", "13800000001").await;
    let table = csv("姓名,手机", &["示例二,13800000001", "示例三,13800000003"]);
    let run = world.bring(&world.there, world.suzhou, &table).await;
    assert_eq!(counts(&run), [1, 0, 0, 1, 0]);
    let rows = world.rows(&world.there, &run, ImportOutcome::Conflict).await;
    assert_eq!(reasons(&rows), [(2, "NOT_CONFIRMED".to_owned())]);
    assert_eq!(rows[0].customer, "");
    // Who sees the file is told what is the matter.
    let run = world.bring(&world.headquarters, world.suzhou, &table).await;
    let rows = world.rows(&world.headquarters, &run, ImportOutcome::Conflict).await;
    assert_eq!(reasons(&rows), [(2, "OTHER_NAME".to_owned())]);
    // And so nobody of the store sees that run.
    let hidden = refusal(world.run(&world.there, &run.name).await);
    assert_eq!(hidden, (Code::NotFound, "IMPORT_NOT_FOUND".to_owned()));
}

#[tokio::test]
async fn many_guesses_end_a_run_and_count_with_those_at_the_counter() {
    let world = World::start().await;
    let mut rows = Vec::new();
    for number in 10..30 {
        let phone = format!("138000000{number}");
        world.open(&world.here, world.hangzhou, &format!("示例{number}"), &phone).await;
        rows.push(format!("甲,{phone}"));
    }
    let table = csv("姓名,手机", &rows.iter().map(String::as_str).collect::<Vec<_>>());
    let name = world.upload(&world.there, import(world.suzhou), &table).await;
    world.start_import(&world.there, &name, true).await.unwrap();
    let run = world.follow(&world.there, &name).await;
    assert_eq!((run.state(), counts(&run)), (ImportState::Failed, [0; 5]));
    assert_eq!(run.failure.as_ref().unwrap().reason, "TOO_MANY_TRIES");
    assert!(world.rows(&world.there, &run, ImportOutcome::Unspecified).await.is_empty());
    // The limit is one, however it is reached.
    let again = world.start_import(&world.there, &name, false).await.unwrap_err();
    assert_eq!((again.code(), reason(&again)), (Code::ResourceExhausted, "TOO_MANY_TRIES".to_owned()));
    let visitor = crate::world::person(world.suzhou, "乙", "13900000001");
    let received = world.try_receive(&world.there, world.suzhou, visitor).await;
    assert_eq!(refusal(received), (Code::ResourceExhausted, "TOO_MANY_TRIES".to_owned()));
    // Who sees all files may.
    let run = world.bring(&world.headquarters, world.suzhou, &table).await;
    assert_eq!(counts(&run), [0, 0, 0, 20, 0]);
}

#[tokio::test]
async fn a_run_is_its_stores_and_the_rights_of_few() {
    let world = World::start().await;
    let run = world.bring(&world.here, world.hangzhou, &csv("姓名,手机", &["示例一,13800000001"])).await;
    let hidden = refusal(world.run(&world.there, &run.name).await);
    assert_eq!(hidden, (Code::NotFound, "IMPORT_NOT_FOUND".to_owned()));
    let advisor = world.stack.staff(&[Role::SalesAdvisor], &[world.hangzhou]).unwrap();
    let refused = refusal(world.run(&advisor, &run.name).await);
    assert_eq!(refused, (Code::PermissionDenied, "RIGHT_MISSING".to_owned()));
    let request = foursight_proto::customer::v1::CreateImportRequest {
        import: Some(import(world.hangzhou)),
        request_id: String::new(),
    };
    let refused = refusal(world.imports(&world.there).create_import(request).await);
    assert_eq!(refused, (Code::PermissionDenied, "STORE_OUT_OF_REACH".to_owned()));
}
