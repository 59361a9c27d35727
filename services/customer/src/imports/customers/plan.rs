//! What becomes of a batch's rows: decided, and sealed, on all cores; nothing is written here.

use std::{collections::HashMap, num::NonZero, thread};

use foursight_kernel::{CustomerId, Error, Result};
use foursight_proto::customer::v1::{ImportOutcome, LifeCycleStage};
use uuid::Uuid;

use crate::{
    bulk::seal::Sealed,
    context::Context,
    imports::{
        kind::Hash,
        outcome::{Outcomes, RowOutcome, Twin},
        reason::{Code, Reason},
        run::Run,
        worker::lines::Line,
    },
};

use super::{
    change::{Change, change},
    lookup::{Files, State},
    rules::{self, Clash, Who, Why},
    told::Told,
};

/// All that a plan is made of.
pub(super) struct Planning {
    pub(super) run: Run,
    pub(super) ctx: Context,
    pub(super) lines: Vec<Line<Told>>,
    pub(super) twins: HashMap<i64, Twin>,
    pub(super) found: Files,
    pub(super) states: HashMap<Uuid, State>,
    pub(super) given_up: bool,
}

/// What is to be written.
#[derive(Default)]
pub(super) struct Plan {
    pub(super) creates: Vec<Sealed>,
    pub(super) changes: Vec<Change>,
    pub(super) outcomes: Vec<RowOutcome>,
    /// Phones and id numbers of other stores' files that were told without being their customers'.
    pub(super) tried: Vec<Hash>,
}

/// The files whose state has to be known.
pub(super) fn wanted(lines: &[Line<Told>], twins: &HashMap<i64, Twin>, found: &Files) -> Vec<Uuid> {
    let mut wanted: Vec<Uuid> = lines
        .iter()
        .filter(|line| !twins.contains_key(&line.number))
        .filter_map(|line| line.said.as_ref().ok())
        .filter_map(|told| match rules::who(&told.signs, &found.led_to_by(&told.signs)) {
            Who::Of(id) => Some(id.uuid()),
            Who::New | Who::Unclear(_) => None,
        })
        .collect();
    wanted.sort_unstable();
    wanted.dedup();
    wanted
}

/// What becomes of one row.
pub(super) enum Fate {
    Create(Option<Box<Sealed>>),
    Change(Option<Box<Change>>, Uuid, Option<Vec<u8>>),
    Unchanged(Uuid),
    Conflict(Vec<Reason>, Option<Uuid>, Vec<Hash>),
    Error(Vec<Reason>),
    /// As the row that stands for it.
    As(Twin),
}

/// Decides on all rows.
pub(super) fn make(mut it: Planning) -> Result<Plan> {
    // Each file is one row's: rows that lead to one file are twins.
    let mut work = Vec::with_capacity(it.lines.len());
    let mut taken: HashMap<Uuid, i64> = HashMap::new();
    for line in std::mem::take(&mut it.lines) {
        let who = match (&line.said, it.twins.get(&line.number)) {
            (Ok(told), None) => Some(rules::who(&told.signs, &it.found.led_to_by(&told.signs))),
            _ => None,
        };
        let mut other = None;
        let state = match &who {
            Some(Who::Of(id)) => {
                other = taken.get(&id.uuid()).copied();
                taken.entry(id.uuid()).or_insert(line.number);
                it.states.remove(&id.uuid())
            }
            _ => None,
        };
        work.push((line, who, state, other));
    }
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    let share = work.len().div_ceil(cores).max(1);
    let mut fates = Vec::with_capacity(work.len());
    let it = &it;
    thread::scope(|scope| {
        let mut shares = Vec::new();
        while !work.is_empty() {
            let rest = work.split_off(share.min(work.len()));
            let share = std::mem::replace(&mut work, rest);
            shares.push(scope.spawn(move || {
                share
                    .into_iter()
                    .map(|(line, who, state, other)| Ok((line.number, fate(it, &line, who, state, other)?)))
                    .collect::<Result<Vec<_>>>()
            }));
        }
        for share in shares {
            fates.append(&mut share.join().map_err(|_| Error::internal("planning was stopped"))??);
        }
        Ok::<_, Error>(())
    })?;
    Ok(gather(fates))
}

fn fate(
    it: &Planning,
    line: &Line<Told>,
    who: Option<Who>,
    state: Option<State>,
    other: Option<i64>,
) -> Result<Fate> {
    let told = match &line.said {
        Ok(told) => told,
        Err(reasons) => return Ok(Fate::Error(reasons.clone())),
    };
    if let Some(twin) = it.twins.get(&line.number) {
        return Ok(if twin.same { Fate::As(twin.clone()) } else { contradicts(twin.other) });
    }
    if it.given_up {
        return Ok(Fate::Conflict(vec![Reason::of(Code::Busy)], None, Vec::new()));
    }
    Ok(match who {
        Some(Who::New) | None => {
            Fate::Create(if it.run.dry_run { None } else { Some(Box::new(create(it, told)?)) })
        }
        Some(Who::Unclear(Clash { why, seen, tried })) => {
            Fate::Conflict(vec![reason_of(why)], seen.map(CustomerId::uuid), tried)
        }
        Some(Who::Of(id)) => match (state, other) {
            (Some(state), _) => change(it, told, state)?,
            (None, Some(other)) => contradicts(other),
            // It was there a moment ago.
            (None, None) => Fate::Conflict(vec![reason_of(Why::NotConfirmed)], Some(id.uuid()), Vec::new()),
        },
    })
}

fn contradicts(other: i64) -> Fate {
    let reason = Reason::of(Code::RowsContradict).with(other.to_string());
    Fate::Conflict(vec![reason], None, Vec::new())
}

fn reason_of(why: Why) -> Reason {
    Reason::of(why.code())
}

fn create(it: &Planning, told: &Told) -> Result<Sealed> {
    let file = told.file.clone().seal(&it.ctx.keys, &it.ctx.ids, it.ctx.ids.next())?;
    Ok(Sealed { file, other_stores: Vec::new(), stage: LifeCycleStage::Prospect, create_time: it.ctx.now() })
}

/// Puts together what the rows became, in their order.
fn gather(fates: Vec<(i64, Fate)>) -> Plan {
    let (mut plan, mut outcomes) = (Plan::default(), Outcomes::default());
    for (number, fate) in fates {
        let row = match fate {
            Fate::Create(new) => {
                let id = new.as_ref().map(|new| new.file.id.uuid());
                plan.creates.extend(new.map(|new| *new));
                RowOutcome::created(number, id, Some(1))
            }
            Fate::Change(change, id, before) => {
                let version = change.as_ref().map(|change| change.file.version + i64::from(change.counts()));
                plan.changes.extend(change.map(|change| *change));
                let unchanged = RowOutcome::unchanged(number, Some(id));
                RowOutcome { outcome: ImportOutcome::Update, before, version, ..unchanged }
            }
            Fate::Unchanged(id) => RowOutcome::unchanged(number, Some(id)),
            Fate::Conflict(reasons, seen, tried) => {
                plan.tried.extend(tried);
                RowOutcome::conflict(number, &reasons, seen)
            }
            Fate::Error(reasons) => RowOutcome::error(number, &reasons),
            Fate::As(twin) => {
                outcomes.push_as(number, twin);
                continue;
            }
        };
        outcomes.push(row);
    }
    plan.outcomes = outcomes.into_rows();
    plan.tried.sort_unstable();
    plan.tried.dedup();
    // Who writes the same people writes them in the same order: id numbers first, then phones.
    plan.creates.sort_unstable_by(|a, b| a.file.national_id_hash().cmp(&b.file.national_id_hash()));
    plan
}
