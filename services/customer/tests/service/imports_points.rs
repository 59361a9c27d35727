//! What customers had before: an opening balance for each at the store, in a ledger that only grows.

use foursight_proto::customer::{
    events::v1::PointsEntered,
    v1::{
        ImportKind, ImportOutcome, ImportState, ListPointsEntriesRequest, ListPointsEntriesResponse,
        PointsEntryKind, points_service_client::PointsServiceClient,
    },
};
use foursight_testkit::{Caller, refusal};
use tonic::{Code, Status};

use crate::{
    imports::{counts, csv, reasons},
    world::World,
};

const HEADER: &str = "姓名,手机,积分,截止日期";

impl World {
    async fn points(&self, caller: &Caller, customer: &str) -> Result<ListPointsEntriesResponse, Status> {
        let request =
            ListPointsEntriesRequest { parent: customer.to_owned(), ..ListPointsEntriesRequest::default() };
        let mut points = PointsServiceClient::new(self.stack.channel("customer", caller));
        Ok(points.list_points_entries(request).await?.into_inner())
    }
}

#[tokio::test]
async fn an_opening_balance_comes_in_once_and_is_taken_back_by_its_opposite() {
    let world = World::start().await;
    let one = world.open(&world.here, world.hangzhou, "示例一", "13800000001").await.name;
    let two = world.open(&world.here, world.hangzhou, "示例二", "13800000002").await.name;
    let bring = async |rows: &[&str], dry_run| {
        world.bring_kind(&world.here, ImportKind::Points, &csv(HEADER, rows), dry_run).await
    };
    let rows = ["示例一,13800000001,\"1,200\",2026/3/1", "示例二,13800000002,50,"];
    let dry = bring(&rows, true).await;
    assert_eq!((dry.state(), counts(&dry)), (ImportState::Checked, [2, 0, 0, 0, 0]), "{dry:?}");
    assert_eq!(world.points(&world.here, &one).await.unwrap().balance, 0);
    let run = bring(&rows, false).await;
    assert_eq!(counts(&run), [2, 0, 0, 0, 0], "{run:?}");
    let points = world.points(&world.here, &one).await.unwrap();
    assert_eq!((points.balance, points.entries.len()), (1_200, 1));
    let entry = &points.entries[0];
    assert_eq!((entry.kind(), entry.store.clone()), (PointsEntryKind::Opening, world.hangzhou.name()));
    assert_eq!(entry.occur_date.map(|day| (day.year, day.month, day.day)), Some((2026, 3, 1)));
    let hidden = refusal(world.points(&world.there, &one).await);
    assert_eq!(hidden, (Code::NotFound, "CUSTOMER_NOT_FOUND".to_owned()));

    assert_eq!(counts(&bring(&rows, false).await), [0, 0, 2, 0, 0]);
    let wrong = bring(
        &[
            "示例一,13800000001,1300,",
            "示例二,13800000002,50,",
            "示例二,13800000002,60,",
            "示例九,13800000009,5,",
            "示例一,13800000002,5,",
            "示例一,,5,",
            "示例一,13800000001,很多,2999/1/1",
        ],
        false,
    )
    .await;
    assert_eq!(counts(&wrong), [0, 0, 0, 4, 3], "{wrong:?}");
    let conflicts = reasons(&world.rows(&world.here, &wrong, ImportOutcome::Conflict).await);
    let conflicts: Vec<(i64, &str)> = conflicts.iter().map(|(row, code)| (*row, code.as_str())).collect();
    assert_eq!(
        conflicts,
        [(2, "OPENING_DIFFERS"), (3, "ROWS_CONTRADICT"), (4, "ROWS_CONTRADICT"), (6, "ROWS_CONTRADICT")]
    );
    let errors = reasons(&world.rows(&world.here, &wrong, ImportOutcome::Error).await);
    let errors: Vec<(i64, &str)> = errors.iter().map(|(row, code)| (*row, code.as_str())).collect();
    assert_eq!(errors, [(5, "OWNER_UNKNOWN"), (7, "MISSING"), (8, "VALUE_WRONG"), (8, "VALUE_WRONG")]);

    world.stack.clock.advance(jiff::SignedDuration::from_mins(1));
    let undone = world.undo(&world.here, &run.name).await;
    assert_eq!((undone.undone_rows, undone.kept_rows), (2, 0), "{undone:?}");
    let points = world.points(&world.here, &one).await.unwrap();
    let kinds: Vec<_> = points.entries.iter().map(|entry| (entry.kind(), entry.points)).collect();
    assert_eq!(
        (points.balance, kinds),
        (0, vec![(PointsEntryKind::OpeningTakenBack, -1_200), (PointsEntryKind::Opening, 1_200)])
    );
    let told: Vec<i64> =
        world.stack.told::<PointsEntered>().await.unwrap().iter().map(|it| it.points).collect();
    assert_eq!(told.iter().sum::<i64>(), 0);
    // And in again, with another figure.
    assert_eq!(counts(&bring(&["示例一,13800000001,1300,"], false).await), [1, 0, 0, 0, 0]);
    assert_eq!(world.points(&world.here, &one).await.unwrap().balance, 1_300);
    assert_eq!(world.points(&world.here, &two).await.unwrap().balance, 0);
}
