//! Events in batches end in the same rows as the same events one by one.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use foursight_kernel::{
    ids::{CallTaskId, CaseId, DeliveryId, StoreId, VehicleId, VisitId},
    time::to_proto,
};
use foursight_proto::{complaint::v1::CaseKind, identity::v1::Calendar, notification::v1::CallTaskState};
use foursight_testkit::Stack;
use jiff::Timestamp;
use proptest::{prelude::*, sample::Index, strategy::ValueTree, test_runner::TestRunner};
use prost::{Message, Name};
use uuid::Uuid;

use super::*;
use crate::AnalyticsRole;

const CASES: usize = 40;

/// One of the events, about one of few things, so that many tell of the same.
fn event() -> impl Strategy<Value = Received> {
    (0..9_u8, 0..4_u128, 0..3_u128, 0..3_u128, 0..1_000_i64, 0..=10_i32).prop_map(
        |(kind, thing, store, vehicle, second, score)| {
            let of_kind = match kind {
                7 => 0,
                8 => 4,
                kind => kind,
            };
            let id = Uuid::from_u128(u128::from(of_kind / 2) * 100 + thing);
            let store = StoreId::from(Uuid::from_u128(900 + store));
            let vehicle = VehicleId::from(Uuid::from_u128(800 + vehicle)).name();
            let at = Timestamp::from_second(second).unwrap();
            let time = Some(to_proto(at));
            let (visit, call_task) = (VisitId::from(id).name(), CallTaskId::from(id).name());
            match kind {
                0 => of(
                    at,
                    &VisitStarted {
                        visit,
                        store: store.name(),
                        vehicle,
                        check_in_time: time,
                        ..Default::default()
                    },
                ),
                1 => of(
                    at,
                    &VisitCompleted {
                        visit,
                        store: store.name(),
                        vehicle,
                        hand_over_time: time,
                        ..Default::default()
                    },
                ),
                2 => of(
                    at,
                    &CallTaskPlanned { call_task, store: store.name(), due_time: time, ..Default::default() },
                ),
                3 => {
                    let told = CallTaskCompleted {
                        call_task,
                        store: store.name(),
                        due_time: time,
                        complete_time: time,
                        state: if score > 5 { CallTaskState::Done } else { CallTaskState::Unreached }.into(),
                        advisor_score: score,
                        ..Default::default()
                    };
                    of(at, &told)
                }
                4 => {
                    let delivery = DeliveryId::from(id).name();
                    of(
                        at,
                        &VehicleDelivered {
                            delivery,
                            store: store.name(),
                            vehicle,
                            deliver_time: time,
                            ..Default::default()
                        },
                    )
                }
                5 => {
                    let kind =
                        if score > 5 { CaseKind::Complaint } else { CaseKind::ComplaintInWaiting }.into();
                    of(
                        at,
                        &CaseOpened {
                            case: CaseId::from(id).name(),
                            store: store.name(),
                            kind,
                            ..Default::default()
                        },
                    )
                }
                7 => of(at, &VisitRemoved { visit, store: store.name(), vehicle, ..Default::default() }),
                8 => {
                    let delivery = DeliveryId::from(id).name();
                    of(at, &DeliveryRemoved { delivery, store: store.name(), vehicle, ..Default::default() })
                }
                _ => {
                    let time_zone = ["Asia/Shanghai", "Europe/Berlin", "Nobody/Knows"]
                        [usize::from(score > 3) + usize::from(score > 7)];
                    let calendar = Some(Calendar { time_zone: time_zone.to_owned(), ..Default::default() });
                    of(at, &StoreChanged { store: store.name(), calendar, ..Default::default() })
                }
            }
        },
    )
}

/// Id and version are given later.
fn of<M: Message + Name>(time: Timestamp, told: &M) -> Received {
    Received {
        id: Uuid::nil(),
        event_type: M::full_name(),
        time,
        aggregate: Uuid::nil(),
        version: 0,
        store: None,
        payload: told.encode_to_vec().into(),
        traceparent: None,
    }
}

/// What happened, in order, and how it arrives two times: in any order, and some of it again.
fn arrivals() -> impl Strategy<Value = [Vec<Received>; 2]> {
    prop::collection::vec(event(), 1..60).prop_flat_map(|mut events| {
        for (version, event) in (1..).zip(&mut events) {
            event.version = version;
        }
        [arrival(&events), arrival(&events)]
    })
}

fn arrival(events: &[Received]) -> impl Strategy<Value = Vec<Received>> + use<> {
    let events = events.to_vec();
    prop::collection::vec(any::<Index>(), events.len() / 2).prop_flat_map(move |again| {
        let mut all = events.clone();
        all.extend(again.iter().map(|index| index.get(&events).clone()));
        Just(all).prop_shuffle()
    })
}

/// Cuts events into batches of these sizes, over and over.
fn cut<'a>(mut events: &'a [Received], sizes: &[usize]) -> Vec<Vec<&'a Received>> {
    let mut batches = Vec::new();
    for size in sizes.iter().cycle() {
        if events.is_empty() {
            break;
        }
        let (batch, rest) = events.split_at((*size).min(events.len()));
        batches.push(batch.iter().collect());
        events = rest;
    }
    batches
}

/// Every row that the batches leave in an empty database, which stays empty.
async fn rows_after(stack: &Stack, batches: Vec<Vec<&Received>>) -> String {
    let mut tx = stack.db("analytics").begin_as_service().await.unwrap();
    for batch in batches {
        Facts.handle_all(&mut tx, &batch).await.unwrap();
    }
    let rows = sqlx::query_scalar(
        "SELECT string_agg(row, E'\n' ORDER BY row) FROM (
             SELECT 'store ' || to_jsonb(t)::text FROM analytics.stores t
             UNION ALL SELECT 'delivery ' || to_jsonb(t)::text FROM analytics.deliveries t
             UNION ALL SELECT 'visit ' || to_jsonb(t)::text FROM analytics.visits t
             UNION ALL SELECT 'case ' || to_jsonb(t)::text FROM analytics.cases t
             UNION ALL SELECT 'call ' || to_jsonb(t)::text FROM analytics.call_tasks t) AS rows (row)",
    );
    let rows: String = rows.fetch_one(&mut *tx).await.unwrap();
    tx.rollback().await.unwrap();
    rows
}

#[tokio::test]
async fn batches_end_in_the_rows_that_single_events_end_in() {
    let stack = Stack::start(AnalyticsRole).await.unwrap();
    let mut runner = TestRunner::deterministic();
    let sizes = prop::collection::vec(1..30_usize, 1..5);
    for _ in 0..CASES {
        let [first, second] = arrivals().new_tree(&mut runner).unwrap().current();
        let sizes = sizes.new_tree(&mut runner).unwrap().current();
        let one_by_one = rows_after(&stack, cut(&first, &[1])).await;
        assert_eq!(rows_after(&stack, cut(&first, &sizes)).await, one_by_one);
        assert_eq!(rows_after(&stack, cut(&second, &sizes)).await, one_by_one);
    }
}

#[tokio::test]
async fn a_batch_with_an_event_that_cannot_be_read_is_refused_for_good() {
    let stack = Stack::start(AnalyticsRole).await.unwrap();
    let nowhere = of(Timestamp::UNIX_EPOCH, &StoreChanged::default());
    let mut runner = TestRunner::deterministic();
    let good = event().new_tree(&mut runner).unwrap().current();
    let mut tx = stack.db("analytics").begin_as_service().await.unwrap();
    let refused = Facts.handle_all(&mut tx, &[&good, &nowhere]).await;
    assert!(matches!(refused, Err(HandleError::Permanent(_))), "{refused:?}");
}
