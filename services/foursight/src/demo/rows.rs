//! The plan in the words of each service's bulk loader.

use std::collections::BTreeMap;

use foursight_complaint::bulk::{Command, PastAct, PastCase, PastStore};
use foursight_customer::bulk::{
    Batch, ConsentRow, ContactRow, CustomerRow, DeliveryRow, LeadRow, OwnershipRow, PlateRow, VehicleRow,
    VisitRow,
};
use foursight_identity::bulk::{StaffRow, StoreRow};
use foursight_kernel::{CustomerId, LeadId, StoreId};
use foursight_notification::bulk::{PastCall, PastOutcome, PastSubject};

use super::plan::{
    CallTask, CarHistory, Case, Consent, ContactPoint, CustomerFile, Group, Lead, Staff, Step, StepKind,
    Store, Subject,
};

/// Stores for identity.
pub(super) fn stores(group: &Group) -> Vec<StoreRow> {
    let row = |store: &Store| StoreRow {
        id: store.id,
        code: store.code.to_owned(),
        display_name: store.display_name.clone(),
        region: store.region.to_owned(),
        city: store.city.to_owned(),
        calendar: store.calendar.clone(),
    };
    group.stores.iter().map(row).collect()
}

/// Staff for identity; all of them share a password.
pub(super) fn staff(group: &Group, password_hash: &str) -> Vec<StaffRow> {
    let row = |staff: &Staff| StaffRow {
        id: staff.id,
        login: staff.login.clone(),
        display_name: staff.display_name.clone(),
        roles: vec![staff.role],
        stores: staff.store.map(|place| group.stores[place].id).into_iter().collect(),
        headquarters: staff.store.is_none(),
        password_hash: password_hash.to_owned(),
    };
    group.staff.iter().map(row).collect()
}

/// Stores for complaint: codes for numbers, calendars for deadlines.
pub(super) fn case_stores(group: &Group) -> BTreeMap<StoreId, PastStore> {
    let past = |store: &Store| PastStore { code: store.code.to_owned(), calendar: store.calendar.clone() };
    group.stores.iter().map(|store| (store.id, past(store))).collect()
}

/// The cases of some customers.
pub(super) fn cases(files: &[CustomerFile]) -> Vec<PastCase> {
    let of = |file: &CustomerFile| {
        let customer = file.customer.id;
        file.cars
            .iter()
            .flat_map(|car| &car.cases)
            .map(move |planned| case(customer, planned))
            .collect::<Vec<_>>()
    };
    files.iter().flat_map(of).collect()
}

fn case(customer: CustomerId, case: &Case) -> PastCase {
    let act = |step: &Step| {
        let (by, command) = match step.kind {
            StepKind::Assigned => (case.assigner, Command::Assign { assignee: case.handler, as_read: true }),
            StepKind::Replied => (case.handler, Command::Reply),
            StepKind::Handled => {
                (case.handler, Command::Handle { cause: case.matter.cause, measure: case.matter.measure })
            }
            StepKind::ResultTold => (case.handler, Command::TellResult),
            StepKind::Closed => (case.revisitor, Command::Revisit { satisfied: true }),
        };
        PastAct { at: step.at, by, command, note: step.note.to_owned() }
    };
    PastCase {
        id: case.id,
        store: case.store,
        customer: Some(customer),
        kind: case.kind,
        channel: case.channel,
        category: case.matter.category.to_owned(),
        severity: case.severity,
        description: case.matter.words.to_owned(),
        subject: case.subject.clone(),
        call_task: case.call_task,
        taken_by: case.taker,
        taken_at: case.open_time,
        acts: case.steps.iter().map(act).collect(),
    }
}

/// The follow-up calls of some customers that are over. Those that are not are planned by notification itself when it
/// hears of the delivery or visit.
pub(super) fn calls(files: &[CustomerFile]) -> Vec<PastCall> {
    let of = |file: &CustomerFile| {
        let customer = file.customer.id;
        file.cars
            .iter()
            .flat_map(|car| &car.calls)
            .filter_map(move |planned| call(customer, planned))
            .collect::<Vec<_>>()
    };
    files.iter().flat_map(of).collect()
}

fn call(customer: CustomerId, task: &CallTask) -> Option<PastCall> {
    let end = task.end.as_ref()?;
    let outcome = match &end.answer {
        None => PastOutcome::Unreached,
        Some(answer) => match answer.complaint {
            None => PastOutcome::Satisfied { score: answer.score },
            Some(matter) => PastOutcome::Dissatisfied {
                score: answer.score,
                category: matter.category.to_owned(),
                note: matter.words.to_owned(),
            },
        },
    };
    Some(PastCall {
        id: task.id,
        store: task.store,
        customer,
        subject: match task.subject {
            Subject::Delivery(id) => PastSubject::Delivery(id),
            Subject::Visit(id) => PastSubject::Visit(id),
        },
        advisor: Some(task.advisor),
        caller: task.caller,
        create_time: task.create_time,
        due_time: task.due_time,
        complete_time: end.at,
        outcome,
    })
}

/// The files of some customers with their cars, leads, deliveries and visits.
pub(super) fn files(group: &Group, files: &[CustomerFile]) -> Batch {
    let mut batch = Batch::default();
    for file in files {
        let customer = file.customer.id;
        batch.customers.push(customer_row(group, file));
        batch.consents.extend(file.customer.consents.iter().map(|planned| consent(customer, planned)));
        batch.leads.extend(file.lead.iter().map(|planned| lead(customer, planned)));
        for car in &file.cars {
            let won = file.lead.as_ref().filter(|lead| lead.delivery == Some(car.delivery.id));
            add_car(&mut batch, customer, won.map(|lead| lead.id), car);
        }
    }
    batch
}

fn customer_row(group: &Group, file: &CustomerFile) -> CustomerRow {
    let customer = &file.customer;
    let home = group.stores[file.store].id;
    let mut other_stores: Vec<StoreId> =
        file.cars.iter().flat_map(|car| &car.visits).map(|visit| visit.store).collect();
    other_stores.sort_unstable();
    other_stores.dedup();
    other_stores.retain(|store| *store != home);
    let contact = |point: &ContactPoint| ContactRow { kind: point.kind, value: point.value.clone().into() };
    CustomerRow {
        id: customer.id,
        kind: customer.kind,
        display_name: customer.display_name.clone(),
        gender: customer.gender,
        birthday: customer.birthday,
        national_id: customer.national_id.clone().map(Into::into),
        contacts: customer.contact_points.iter().map(contact).collect(),
        store: home,
        other_stores,
        source: customer.source,
        stage: file.stage,
        create_time: customer.create_time,
    }
}

fn consent(customer: CustomerId, consent: &Consent) -> ConsentRow {
    ConsentRow {
        id: consent.id,
        customer,
        purpose: consent.purpose,
        contact_kind: consent.contact_kind,
        state: consent.state,
        method: consent.method.to_owned(),
        wording_version: "2023-01".to_owned(),
        recorder: None,
        create_time: consent.create_time,
    }
}

fn lead(customer: CustomerId, lead: &Lead) -> LeadRow {
    LeadRow {
        id: lead.id,
        customer,
        store: lead.store,
        source: lead.source,
        intended_model: lead.intended_model.to_owned(),
        grade: Some(lead.grade),
        state: lead.state,
        owner: lead.owner,
        next_follow_up_time: lead.next_follow_up_time,
        create_time: lead.create_time,
        update_time: lead.grade_time,
    }
}

fn add_car(batch: &mut Batch, customer: CustomerId, lead: Option<LeadId>, history: &CarHistory) {
    let (car, delivery) = (&history.car, &history.delivery);
    let start_time = delivery.deliver_time;
    batch.vehicles.push(VehicleRow {
        id: car.id,
        vin: car.vin.clone(),
        model: car.model.to_owned(),
        trim: car.trim.to_owned(),
        colour: car.colour.to_owned(),
        deliver_time: Some(start_time),
        create_time: start_time,
    });
    batch.ownerships.push(OwnershipRow { vehicle: car.id, customer, start_time, end_time: None });
    let plates = car.plate.iter().cloned();
    batch.plates.extend(plates.map(|plate| PlateRow { vehicle: car.id, plate, start_time, end_time: None }));
    batch.deliveries.push(DeliveryRow {
        id: delivery.id,
        customer,
        store: delivery.store,
        lead,
        vehicle: car.id,
        vin: car.vin.clone(),
        plate: car.plate.clone(),
        model: car.model.to_owned(),
        trim: car.trim.to_owned(),
        colour: car.colour.to_owned(),
        odometer_km: delivery.odometer_km,
        advisor: delivery.advisor,
        deliver_time: start_time,
    });
    batch.visits.extend(history.visits.iter().map(|visit| VisitRow {
        id: visit.id,
        store: visit.store,
        vehicle: car.id,
        customer,
        kind: visit.kind,
        odometer_km: visit.odometer_km,
        advisor: visit.advisor,
        promise_time: Some(visit.promise_time),
        check_in_time: visit.check_in_time,
        hand_over_time: visit.hand_over_time,
        // A bill is written when the car is handed back.
        amount_fen: visit.hand_over_time.map(|_| visit.amount_fen),
    }));
}
