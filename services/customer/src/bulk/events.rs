//! What a batch tells the others, in the order in which it happened.

use std::collections::HashMap;

use foursight_kernel::{CustomerId, Ids, LeadId, StoreId, sql, time};
use foursight_messaging::{NewEvent, outbox::PastEvent};
use foursight_proto::customer::{
    events::v1::{
        ConsentRecorded, CustomerCreated, LeadCreated, ReceptionCreated, VehicleDelivered, VisitCompleted,
        VisitStarted,
    },
    v1::LeadState,
};
use jiff::Timestamp;
use prost::{Message, Name};
use uuid::Uuid;

use crate::bulk::{Batch, ConsentRow, DeliveryRow, VisitRow};

/// The files' versions: 1 when opened, one more for each consent.
#[derive(Default)]
pub(crate) struct Versions(HashMap<CustomerId, i64>);

impl Versions {
    /// The version that a file has in the end.
    pub(super) fn of(&self, customer: CustomerId) -> i64 {
        self.0.get(&customer).copied().unwrap_or(1)
    }

    /// The versions that the records make, in their order.
    pub(super) fn of_consents(consents: &[ConsentRow]) -> Vec<i64> {
        let mut latest: HashMap<CustomerId, i64> = HashMap::new();
        let mut next = |row: &ConsentRow| {
            let version = latest.entry(row.customer).or_insert(1);
            *version += 1;
            *version
        };
        consents.iter().map(&mut next).collect()
    }
}

/// Orders the records by time and counts them.
pub(super) fn number_consents(consents: &mut [ConsentRow]) -> Versions {
    consents.sort_by_key(|row| (row.create_time, row.id));
    let mut versions = HashMap::new();
    for row in consents.iter() {
        *versions.entry(row.customer).or_insert(1) += 1;
    }
    Versions(versions)
}

struct Told<'a> {
    ids: &'a Ids,
    events: Vec<PastEvent>,
}

impl Told<'_> {
    fn tell<M: Message + Name>(
        &mut self,
        at: Timestamp,
        event: &M,
        aggregate: Uuid,
        version: i64,
        store: Option<StoreId>,
    ) {
        let event = NewEvent::new(event, aggregate, version, store);
        self.events.push(PastEvent { id: self.ids.uuid(), at, event });
    }
}

pub(super) fn of(batch: &Batch, ids: &Ids) -> Vec<PastEvent> {
    let mut told = Told { ids, events: Vec::new() };
    for row in &batch.customers {
        let event = CustomerCreated {
            customer: row.id.name(),
            store: row.store.name(),
            kind: row.kind.into(),
            source: row.source.into(),
        };
        told.tell(row.create_time, &event, row.id.uuid(), 1, Some(row.store));
    }
    for (row, version) in batch.consents.iter().zip(Versions::of_consents(&batch.consents)) {
        let event = ConsentRecorded {
            customer: row.customer.name(),
            purpose: row.purpose.into(),
            contact_kind: row.contact_kind.into(),
            state: row.state.into(),
        };
        told.tell(row.create_time, &event, row.customer.uuid(), version, None);
    }
    sales(&mut told, batch);
    batch.deliveries.iter().for_each(|row| delivered(&mut told, row));
    batch.visits.iter().for_each(|row| visited(&mut told, row));
    // Stable: what is told at one instant stays in the order above.
    told.events.sort_by_key(|event| event.at);
    told.events
}

fn sales(told: &mut Told<'_>, batch: &Batch) {
    for row in &batch.receptions {
        let event = ReceptionCreated {
            reception: row.id.name(),
            store: row.store.name(),
            kind: row.kind.into(),
            customer: row.customer.map_or_else(String::new, CustomerId::name),
        };
        told.tell(row.create_time, &event, row.id.uuid(), 1, Some(row.store));
    }
    for row in &batch.leads {
        let event = LeadCreated {
            lead: row.id.name(),
            customer: row.customer.name(),
            store: row.store.name(),
            source: row.source.into(),
            grade: row.grade.map_or(0, Into::into),
            owner: row.owner.name(),
        };
        told.tell(row.create_time, &event, row.id.uuid(), 1, Some(row.store));
    }
}

fn delivered(told: &mut Told<'_>, row: &DeliveryRow) {
    let event = VehicleDelivered {
        delivery: row.id.name(),
        customer: row.customer.name(),
        store: row.store.name(),
        vehicle: row.vehicle.name(),
        lead: row.lead.map_or_else(String::new, LeadId::name),
        advisor: row.advisor.name(),
        deliver_time: Some(time::to_proto(row.deliver_time)),
        odometer_km: row.odometer_km,
        imported: false,
    };
    told.tell(row.deliver_time, &event, row.id.uuid(), 1, Some(row.store));
}

fn visited(told: &mut Told<'_>, row: &VisitRow) {
    let started = VisitStarted {
        visit: row.id.name(),
        customer: row.customer.name(),
        store: row.store.name(),
        vehicle: row.vehicle.name(),
        kind: row.kind.into(),
        odometer_km: row.odometer_km,
        check_in_time: Some(time::to_proto(row.check_in_time)),
        imported: false,
    };
    told.tell(row.check_in_time, &started, row.id.uuid(), 1, Some(row.store));
    if let Some(hand_over_time) = row.hand_over_time {
        let completed = VisitCompleted {
            visit: row.id.name(),
            customer: row.customer.name(),
            store: row.store.name(),
            vehicle: row.vehicle.name(),
            kind: row.kind.into(),
            advisor: row.advisor.name(),
            hand_over_time: Some(time::to_proto(hand_over_time)),
            imported: false,
        };
        told.tell(hand_over_time, &completed, row.id.uuid(), 2, Some(row.store));
    }
}

/// A lead's version in the end: one more when it was won or lost.
pub(super) fn lead_version(state: LeadState) -> i64 {
    if sql::number(state) == sql::number(LeadState::Open) { 1 } else { 2 }
}
