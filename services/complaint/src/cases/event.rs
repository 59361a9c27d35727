//! What the service tells of a case.

use foursight_kernel::{CustomerId, StaffId, time};
use foursight_messaging::NewEvent;
use foursight_proto::complaint::events::v1::{CaseAdvanced, CaseOpened, ClockBreached, Step};

use super::{Case, clock::Breach};

/// A case was taken; the first of its events.
pub(crate) fn opened(case: &Case) -> NewEvent {
    let event = CaseOpened {
        case: case.id.name(),
        store: case.store.name(),
        customer: case.customer.map(CustomerId::name).unwrap_or_default(),
        kind: case.life.kind.into(),
        category: case.category.clone(),
        severity: case.severity.into(),
        subject: case.subject.clone(),
        owner: case.life.owner.map(StaffId::name).unwrap_or_default(),
        number: case.number.clone(),
    };
    NewEvent::new(&event, case.id.uuid(), case.version, Some(case.store))
}

/// A case took a step; its version counts the step already.
pub(crate) fn advanced(case: &Case, step: Step) -> NewEvent {
    let event = CaseAdvanced {
        case: case.id.name(),
        store: case.store.name(),
        customer: case.customer.map(CustomerId::name).unwrap_or_default(),
        state: case.life.state.into(),
        step: step.into(),
        r#loop: case.life.round,
        owner: case.life.owner.map(StaffId::name).unwrap_or_default(),
        kind: case.life.kind.into(),
        number: case.number.clone(),
    };
    NewEvent::new(&event, case.id.uuid(), case.version, Some(case.store))
}

/// A deadline passed; the case's version counts the breach already.
pub(crate) fn breached(case: &Case, breach: &Breach) -> NewEvent {
    let event = ClockBreached {
        case: case.id.name(),
        store: case.store.name(),
        customer: case.customer.map(CustomerId::name).unwrap_or_default(),
        clock: breach.kind.into(),
        r#loop: breach.round,
        due_time: Some(time::to_proto(breach.due)),
        owner: case.life.owner.map(StaffId::name).unwrap_or_default(),
    };
    NewEvent::new(&event, case.id.uuid(), case.version, Some(case.store))
}
