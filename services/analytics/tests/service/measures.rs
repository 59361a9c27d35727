//! Whatever the order in which events come, and however often: the measures are what the definitions say.

use std::collections::BTreeMap;

use foursight_analytics::AnalyticsRole;
use foursight_kernel::{
    CallTaskId, CaseId, CustomerId, DeliveryId, StoreId, VehicleId, VisitId, time::to_proto,
};
use foursight_messaging::{NewEvent, outbox::PastEvent};
use foursight_proto::{
    analytics::v1::{
        MeasuresRebuild, QueryMeasureValuesRequest, QueryMeasureValuesResponse,
        measure_service_client::MeasureServiceClient,
    },
    complaint::{events::v1::CaseOpened, v1::CaseKind},
    customer::events::v1::{VehicleDelivered, VisitCompleted, VisitStarted},
    identity::{
        events::v1::StoreChanged,
        v1::{Calendar, Role},
    },
    notification::{
        events::v1::{CallTaskCompleted, CallTaskPlanned},
        v1::CallTaskState,
    },
};
use foursight_testkit::Stack;
use jiff::{Timestamp, civil::date};
use proptest::{prelude::*, strategy::ValueTree, test_runner::TestRunner};
use prost::{Message, Name};
use uuid::Uuid;

use crate::oracle::{self, Event, Key, Told};

const MONTHS: (&str, &str) = ("2024-03", "2026-02");

/// Around the months that are asked for, and often just beside a month's end, where time zones matter.
fn instant() -> impl Strategy<Value = Timestamp> {
    let any = 1_672_531_200_i64..1_775_000_000;
    let edge = (0_i64..38, -50_000_i64..50_000).prop_map(|(month, beside)| {
        let first = date(2023, 1, 1).checked_add(jiff::Span::new().months(month)).unwrap();
        first.to_zoned(jiff::tz::TimeZone::UTC).unwrap().timestamp().as_second() + beside
    });
    prop_oneof![any, edge].prop_map(|second| Timestamp::from_second(second).unwrap())
}

/// Everything that is told of one thing, in one to three versions.
fn thing(stores: [StoreId; 3], cars: Vec<Uuid>) -> impl Strategy<Value = Vec<Event>> {
    let car = prop::sample::select(cars);
    let visit = (car.clone(), instant(), car.clone(), instant()).prop_map(|(came, start, left, end)| {
        vec![Told::Started { vehicle: came, at: start }, Told::Completed { vehicle: left, at: end }]
    });
    let call =
        (instant(), instant(), instant(), any::<bool>(), 0..=10).prop_map(|(due, again, at, done, score)| {
            vec![Told::Planned { due }, Told::Called { due: again, at, done, score }]
        });
    let facts = prop_oneof![
        2 => (car, instant()).prop_map(|(vehicle, at)| vec![Told::Delivered { vehicle, at }]),
        5 => visit,
        1 => (any::<bool>(), instant()).prop_map(|(complaint, at)| vec![Told::Opened { complaint, at }]),
        4 => call,
    ];
    let store = prop::sample::select(stores.to_vec());
    (any::<u128>(), prop::collection::vec((facts, store), 1..=2)).prop_map(|(aggregate, tellings)| {
        let same = std::mem::discriminant(&tellings[0].0[0]);
        let tellings = tellings.into_iter().filter(|(told, _)| std::mem::discriminant(&told[0]) == same);
        let facts = tellings.flat_map(|(told, store)| told.into_iter().map(move |told| (told, store)));
        let event =
            |(version, (told, store))| Event { aggregate: Uuid::from_u128(aggregate), version, store, told };
        (1..).zip(facts).map(event).collect()
    })
}

/// A history, each event once.
pub(crate) fn history() -> impl Strategy<Value = Vec<Event>> {
    let stores = any::<[u128; 3]>().prop_map(|ids| ids.map(|id| StoreId::from(Uuid::from_u128(id))));
    let cars = prop::collection::vec(any::<u128>().prop_map(Uuid::from_u128), 9);
    (stores, cars).prop_flat_map(|(stores, cars)| {
        prop::collection::vec(thing(stores, cars), 90..150).prop_map(move |things| {
            let mut events: Vec<Event> = things.into_iter().flatten().collect();
            // The third store's zone never becomes known.
            let zones = [(0, 1, "Europe/Berlin"), (0, 2, "America/New_York"), (1, 1, "Asia/Shanghai")];
            events.extend(zones.map(|(store, version, zone)| Event {
                aggregate: stores[store].uuid(),
                version,
                store: stores[store],
                told: Told::Zone { zone },
            }));
            events
        })
    })
}

/// The history as it arrives: in any order, some of it twice.
fn arrival(events: &[Event]) -> impl Strategy<Value = Vec<Event>> + use<> {
    let events = events.to_vec();
    prop::collection::vec(any::<prop::sample::Index>(), events.len() / 2).prop_flat_map(move |again| {
        let mut all = events.clone();
        all.extend(again.iter().map(|index| index.get(&events).clone()));
        Just(all).prop_shuffle()
    })
}

fn envelope<M: Message + Name>(event: &Event, told: &M) -> NewEvent {
    NewEvent::new(told, event.aggregate, event.version, Some(event.store))
}

pub(crate) async fn tell(stack: &Stack, event: &Event) {
    let (id, store) = (event.aggregate, event.store);
    let mut at = Timestamp::UNIX_EPOCH;
    let customer = CustomerId::from(Uuid::nil()).name();
    let (service, told) = match event.told {
        Told::Zone { zone } => {
            let calendar = Some(Calendar { time_zone: zone.to_owned(), ..Default::default() });
            let told = StoreChanged { store: store.name(), calendar, ..Default::default() };
            ("identity", envelope(event, &told))
        }
        Told::Delivered { vehicle, at } => {
            let told = VehicleDelivered {
                delivery: DeliveryId::from(id).name(),
                customer,
                store: store.name(),
                vehicle: VehicleId::from(vehicle).name(),
                deliver_time: Some(to_proto(at)),
                ..Default::default()
            };
            ("customer", envelope(event, &told))
        }
        Told::Started { vehicle, at } => {
            let told = VisitStarted {
                visit: VisitId::from(id).name(),
                customer,
                store: store.name(),
                vehicle: VehicleId::from(vehicle).name(),
                check_in_time: Some(to_proto(at)),
                ..Default::default()
            };
            ("customer", envelope(event, &told))
        }
        Told::Completed { vehicle, at } => {
            let told = VisitCompleted {
                visit: VisitId::from(id).name(),
                customer,
                store: store.name(),
                vehicle: VehicleId::from(vehicle).name(),
                hand_over_time: Some(to_proto(at)),
                ..Default::default()
            };
            ("customer", envelope(event, &told))
        }
        Told::Opened { complaint, at: taken } => {
            at = taken;
            let kind = if complaint { CaseKind::Complaint } else { CaseKind::ComplaintInWaiting };
            let told = CaseOpened {
                case: CaseId::from(id).name(),
                store: store.name(),
                kind: kind.into(),
                ..Default::default()
            };
            ("complaint", envelope(event, &told))
        }
        Told::Planned { due } => {
            let told = CallTaskPlanned {
                call_task: CallTaskId::from(id).name(),
                store: store.name(),
                due_time: Some(to_proto(due)),
                ..Default::default()
            };
            ("notification", envelope(event, &told))
        }
        Told::Called { due, at, done, score } => {
            let state = if done { CallTaskState::Done } else { CallTaskState::Unreached };
            let told = CallTaskCompleted {
                call_task: CallTaskId::from(id).name(),
                store: store.name(),
                state: state.into(),
                advisor_score: score,
                due_time: Some(to_proto(due)),
                complete_time: Some(to_proto(at)),
                ..Default::default()
            };
            ("notification", envelope(event, &told))
        }
    };
    // A repeated event comes under an id of its own, so that neither JetStream nor the inbox hides it.
    let id = stack.ids.uuid();
    stack.bus().tell(service, PastEvent { id, at, event: told }).await.unwrap();
}

async fn answer(stack: &Stack, stores: &[StoreId]) -> QueryMeasureValuesResponse {
    let caller = stack.staff(&[Role::GeneralManager], stores).unwrap();
    let mut client = MeasureServiceClient::new(stack.channel("analytics", &caller));
    let request = QueryMeasureValuesRequest {
        from_month: MONTHS.0.to_owned(),
        to_month: MONTHS.1.to_owned(),
        ..Default::default()
    };
    client.query_measure_values(request).await.unwrap().into_inner()
}

/// The rebuild that is under way, as whoever asks for figures is told.
pub(crate) async fn under_way(stack: &Stack, stores: &[StoreId]) -> Option<MeasuresRebuild> {
    answer(stack, stores).await.rebuild
}

pub(crate) async fn asked(stack: &Stack, stores: &[StoreId]) -> BTreeMap<Key, (f64, f64)> {
    let answer = answer(stack, stores).await;
    let codes = ["deliveries", "return_rate", "complaint_rate", "follow_ups_in_time", "advisor_satisfaction"];
    let key = |measure: &str, store: &str, month: String| {
        let code = *codes.iter().find(|code| measure.ends_with(*code)).unwrap();
        (code, StoreId::parse_name(store).unwrap(), month)
    };
    answer
        .values
        .into_iter()
        .map(|value| {
            let expected = (value.denominator > 0.0).then(|| value.numerator / value.denominator);
            assert_eq!(value.value, expected);
            (key(&value.measure, &value.store, value.month), (value.numerator, value.denominator))
        })
        .collect()
}

#[tokio::test]
async fn any_order_and_any_repetition_give_what_the_definitions_say() {
    let stack = Stack::start(AnalyticsRole).await.unwrap();
    let mut runner = TestRunner::deterministic();
    for _ in 0..6 {
        let events = history().new_tree(&mut runner).unwrap().current();
        for event in arrival(&events).new_tree(&mut runner).unwrap().current() {
            tell(&stack, &event).await;
        }
        stack.settled().await.unwrap();
        let mut stores: Vec<StoreId> = events.iter().map(|event| event.store).collect();
        stores.sort();
        stores.dedup();
        let expected = oracle::values(&events, date(2024, 3, 1), date(2026, 2, 1));
        assert!(expected.len() > 100, "the history is too thin: {}", expected.len());
        assert_eq!(asked(&stack, &stores).await, expected);
    }
}
