//! Cases of the past in bulk, for the demo group: every case is lived through by the same rules, then written with its
//! clocks, steps and events, each table in one statement.

use std::collections::{BTreeMap, HashMap, HashSet};

use foursight_kernel::{CallTaskId, CaseId, CustomerId, Error, Ids, Result, StaffId, StoreId};
use foursight_messaging::{
    NewEvent,
    outbox::{self, PastEvent},
};
use foursight_proto::{
    complaint::v1::{CaseKind, IntakeChannel, Severity},
    identity::v1::Calendar,
};
use jiff::{Timestamp, civil::Date};
use sqlx::PgConnection;

pub use crate::cases::state::Command;
use crate::{
    cases::{self, Case, NewCase, Origin, StepRow, clock::Rules, number, write},
    stores::Store,
};

/// A store as deadlines and numbers need it; the service itself may not have heard of it yet.
#[derive(Debug, Clone)]
pub struct PastStore {
    /// What case numbers begin with.
    pub code: String,
    /// When it works.
    pub calendar: Calendar,
}

/// A case that was taken in the past.
#[derive(Debug, Clone)]
pub struct PastCase {
    /// Made by the caller, so that others can refer to it; a case that is there already is left as it is.
    pub id: CaseId,
    /// Where.
    pub store: StoreId,
    /// Whose; `None` when anonymous.
    pub customer: Option<CustomerId>,
    /// Of which kind.
    pub kind: CaseKind,
    /// How it came in.
    pub channel: IntakeChannel,
    /// A selectable category's code.
    pub category: String,
    /// How grave it is.
    pub severity: Severity,
    /// The customer's words, at most 4000 characters.
    pub description: String,
    /// What it is about, a resource name or empty.
    pub subject: String,
    /// The follow-up call that it was taken from; intake then leaves that call alone.
    pub call_task: Option<CallTaskId>,
    /// Who took it.
    pub taken_by: StaffId,
    /// When it was taken.
    pub taken_at: Timestamp,
    /// What was done since, oldest first.
    pub acts: Vec<PastAct>,
}

/// Something that somebody did to a case.
#[derive(Debug, Clone)]
pub struct PastAct {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub by: StaffId,
    /// What.
    pub command: Command,
    /// What was written down, at most 4000 characters.
    pub note: String,
}

/// Writes cases of the past with their events; gives how many were new.
///
/// # Errors
/// `FAILED_PRECONDITION` when a case's acts are not a life that the rules allow; `INTERNAL` when a case's store is not
/// among `stores`.
pub async fn insert(
    tx: &mut PgConnection,
    ids: &Ids,
    stores: &BTreeMap<StoreId, PastStore>,
    mut past: Vec<PastCase>,
) -> Result<u64> {
    let Some(last) = past.iter().map(|case| case.taken_at).max() else { return Ok(0) };
    let policy = cases::in_force(tx, last).await?;
    let mut rules = HashMap::new();
    for (id, store) in stores {
        let store = Store::new(store.code.clone(), &store.calendar)?;
        rules.insert(*id, (store.code, Rules { policy: policy.clone(), hours: store.hours }));
    }
    past.sort_by_key(|case| (case.taken_at, case.id));
    let mut numbers = take_numbers(tx, &rules, &past).await?;

    let mut lives = Vec::with_capacity(past.len());
    for case in past {
        let (code, rules) = rules_of(&rules, case.store)?;
        let month = rules.hours.month(case.taken_at);
        let counter = numbers.entry((case.store, month)).or_default();
        let number = number::format(code, month, *counter);
        *counter += 1;
        lives.push(live(ids, case, number, rules)?);
    }
    write_all(tx, lives).await
}

/// A case after all that was done to it.
struct Lived {
    case: Case,
    origin: Origin,
    events: Vec<PastEvent>,
}

/// The first number of each store's month; the rest follow it.
async fn take_numbers(
    tx: &mut PgConnection,
    rules: &HashMap<StoreId, (String, Rules)>,
    past: &[PastCase],
) -> Result<HashMap<(StoreId, Date), i32>> {
    let mut counts: HashMap<(StoreId, Date), i32> = HashMap::new();
    for case in past {
        let (_, rules) = rules_of(rules, case.store)?;
        *counts.entry((case.store, rules.hours.month(case.taken_at))).or_default() += 1;
    }
    let mut first = HashMap::new();
    for ((store, month), count) in counts {
        first.insert((store, month), number::take(tx, store, month, count).await?);
    }
    Ok(first)
}

fn rules_of(rules: &HashMap<StoreId, (String, Rules)>, store: StoreId) -> Result<(&str, &Rules)> {
    let (code, rules) =
        rules.get(&store).ok_or_else(|| Error::internal(format!("{store} is not among the stores")))?;
    Ok((code, rules))
}

/// Lives a case through.
fn live(ids: &Ids, past: PastCase, number: String, rules: &Rules) -> Result<Lived> {
    let new = NewCase {
        store: past.store,
        customer: past.customer,
        kind: past.kind,
        channel: past.channel,
        category: past.category,
        severity: past.severity,
        description: past.description,
        subject: past.subject,
        owner: Some(past.taken_by),
        call_task: past.call_task,
        request: None,
    };
    let origin = Origin { call_task: past.call_task.map(CallTaskId::uuid), request: None };
    let mut case = new.into_case(past.id, number, past.taken_at, rules)?;
    let mut events = vec![told(ids, past.taken_at, cases::opened(&case))];
    for act in past.acts {
        for event in case.take(act.command, act.by, act.at, act.note, rules)? {
            events.push(told(ids, act.at, event));
        }
    }
    Ok(Lived { case, origin, events })
}

fn told(ids: &Ids, at: Timestamp, event: NewEvent) -> PastEvent {
    PastEvent { id: ids.uuid(), at, event }
}

async fn write_all(tx: &mut PgConnection, mut lives: Vec<Lived>) -> Result<u64> {
    let rows: Vec<_> = lives.iter().map(|life| (&life.case, &life.origin)).collect();
    let new = write::cases(tx, &rows).await?;
    let new: HashSet<_> = new.into_iter().collect();
    lives.retain(|life| new.contains(&life.case.id.uuid()));

    let clocks: Vec<_> = lives
        .iter()
        .flat_map(|Lived { case, .. }| case.life.clocks.iter().map(move |clock| (case.id, case.store, clock)))
        .collect();
    write::clocks(tx, &clocks).await?;
    let steps: Vec<(_, _, _, &StepRow)> = lives
        .iter()
        .flat_map(|Lived { case, .. }| {
            // Each step made a revision, the first made the first.
            (1..).zip(&case.steps).map(move |(revision, step)| (case.id, case.store, revision, step))
        })
        .collect();
    write::steps(tx, &steps).await?;
    let mut events: Vec<_> = lives.into_iter().flat_map(|life| life.events).collect();
    events.sort_by_key(|event| event.at);
    outbox::append_all(tx, events).await?;
    Ok(new.len() as u64)
}
