//! Events in batches end in the same timeline as the same events one by one.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use foursight_kernel::{CaseId, CustomerId, LeadId, StoreId};
use foursight_messaging::{HandleError, Projection, Received};
use foursight_proto::{
    complaint::events::v1::CaseAdvanced,
    customer::events::v1::{ConsentRecorded, LeadCreated, LeadGraded, VehiclePersonAdded},
    notification::events::v1::MessageDecided,
};
use foursight_testkit::Stack;
use jiff::Timestamp;
use proptest::{prelude::*, sample::Index, strategy::ValueTree, test_runner::TestRunner};
use prost::{Message, Name};
use uuid::Uuid;

use super::project::Timeline;
use crate::CustomerRole;

const CASES: usize = 40;

/// Customers with a file; there are events of another one, too, whose file is gone.
const FILES: [u128; 3] = [1, 2, 3];

fn event() -> impl Strategy<Value = Received> {
    (0..7_u8, 0..4_u128, 0..3_u128, 0..1_000_i64, 1..5_i32).prop_map(|(kind, whose, store, second, code)| {
        let customer = CustomerId::from(Uuid::from_u128(whose + 1)).name();
        let lead = LeadId::from(Uuid::from_u128(500 + whose)).name();
        let (event_type, payload) = match kind {
            0 => told(&LeadCreated { customer, lead, ..Default::default() }),
            1 => told(&LeadGraded { customer, lead, grade: code, ..Default::default() }),
            2 => told(&ConsentRecorded { customer, purpose: code, ..Default::default() }),
            3 => {
                let case = CaseId::from(Uuid::from_u128(600 + whose)).name();
                told(&CaseAdvanced { customer, case, step: code, ..Default::default() })
            }
            4 => told(&MessageDecided { customer, state: code, ..Default::default() }),
            // Of two: the other one is one of those with a file.
            5 => {
                let other = CustomerId::from(Uuid::from_u128((whose + 1) % 3 + 1)).name();
                told(&VehiclePersonAdded { customer, other, role: code, ..Default::default() })
            }
            // Of nobody.
            _ => told(&CaseAdvanced::default()),
        };
        Received {
            id: Uuid::nil(),
            event_type,
            time: Timestamp::from_second(second).unwrap(),
            aggregate: Uuid::from_u128(whose),
            version: 0,
            store: (store > 0).then(|| StoreId::from(Uuid::from_u128(900 + store))),
            payload: payload.into(),
            traceparent: None,
        }
    })
}

fn told<M: Message + Name>(message: &M) -> (String, Vec<u8>) {
    (M::full_name(), message.encode_to_vec())
}

/// What happened, as it arrives two times: in any order, and some of it again under the same id.
fn arrivals() -> impl Strategy<Value = [Vec<Received>; 2]> {
    prop::collection::vec(event(), 1..60).prop_flat_map(|mut events| {
        for (version, event) in (1..).zip(&mut events) {
            event.version = version;
            event.id = Uuid::from_u128(u128::from(version.unsigned_abs()));
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

/// Cuts events into batches of these sizes, over and over. No event is twice in one batch: whoever makes batches sees to it.
fn cut<'a>(mut events: &'a [Received], sizes: &[usize]) -> Vec<Vec<&'a Received>> {
    let mut batches = Vec::new();
    for size in sizes.iter().cycle() {
        if events.is_empty() {
            break;
        }
        let (batch, rest) = events.split_at((*size).min(events.len()));
        let mut batch: Vec<&Received> = batch.iter().collect();
        batch.sort_by_key(|event| event.id);
        batch.dedup_by_key(|event| event.id);
        batches.push(batch);
        events = rest;
    }
    batches
}

/// Every entry that the batches leave on empty timelines, which stay empty.
async fn entries_after(stack: &Stack, batches: Vec<Vec<&Received>>) -> String {
    let mut tx = stack.db("customer").begin_as_service().await.unwrap();
    let files = sqlx::query(
        "INSERT INTO customer.customers (id, kind, display_name, search_name, gender, store_id, source, stage, version,
             create_time, update_time)
         SELECT id, 1, '示例', '示例', 0, id, 1, 1, 1, now(), now() FROM unnest($1::uuid[]) AS f (id)",
    );
    files.bind(FILES.map(Uuid::from_u128).to_vec()).execute(&mut *tx).await.unwrap();
    for batch in batches {
        Timeline.handle_all(&mut tx, &batch).await.unwrap();
    }
    let entries = sqlx::query_scalar(
        "SELECT coalesce(string_agg(to_jsonb(t)::text, E'\n' ORDER BY t.event_id, t.customer_id), '') FROM customer.timeline_entries t",
    );
    let entries: String = entries.fetch_one(&mut *tx).await.unwrap();
    tx.rollback().await.unwrap();
    entries
}

#[tokio::test]
async fn batches_end_in_the_entries_that_single_events_end_in() {
    let stack = Stack::start(CustomerRole).await.unwrap();
    let mut runner = TestRunner::deterministic();
    let sizes = prop::collection::vec(1..30_usize, 1..5);
    let mut entries = 0;
    for _ in 0..CASES {
        let [first, second] = arrivals().new_tree(&mut runner).unwrap().current();
        let sizes = sizes.new_tree(&mut runner).unwrap().current();
        let one_by_one = entries_after(&stack, cut(&first, &[1])).await;
        assert_eq!(entries_after(&stack, cut(&first, &sizes)).await, one_by_one);
        assert_eq!(entries_after(&stack, cut(&second, &sizes)).await, one_by_one);
        entries += one_by_one.lines().count();
    }
    assert!(entries > 10 * CASES, "the timelines are too thin: {entries}");
}

#[tokio::test]
async fn a_batch_with_an_event_that_cannot_be_read_is_refused_for_good() {
    let stack = Stack::start(CustomerRole).await.unwrap();
    let mut runner = TestRunner::deterministic();
    let mut event = || event().new_tree(&mut runner).unwrap().current();
    let (good, mut broken) = (event(), event());
    broken.payload = vec![0xff; 3].into();
    let mut tx = stack.db("customer").begin_as_service().await.unwrap();
    let refused = Timeline.handle_all(&mut tx, &[&good, &broken]).await;
    assert!(matches!(refused, Err(HandleError::Permanent(_))), "{refused:?}");
}
