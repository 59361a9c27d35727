//! What becomes of a batch's rows: decided, and sealed, on all cores; nothing is written here.

use std::{collections::HashMap, num::NonZero, thread};

use foursight_kernel::{ContactPointId, CustomerId, Error, Result};
use foursight_proto::customer::v1::{CustomerKind, ImportOutcome, LifeCycleStage};
use prost::Message;
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::{
    bulk::seal::Sealed,
    contacts::ContactValue,
    context::Context,
    customers::{
        facts::{Facts, Field as Fact},
        new_file::MOST_CONTACT_POINTS,
        on_file::OnFile,
        sealed_file::SealedPoint,
        sealing::FieldKind,
    },
    imports::{
        rules::{self, Clash, Who, Why},
        run::Run,
        told::{Hash, Reason, Told, facts_told},
    },
    receptions::same_person::comparable,
};

use super::{
    lines::Line,
    lookup::{Files, Point, State},
};

/// Another row that leads to the same person.
#[derive(Debug, Clone)]
pub(super) struct Twin {
    pub(super) other: i64,
    /// Whether it says the same, and stands for this one.
    pub(super) same: bool,
    /// What became of it, where an earlier batch had it.
    pub(super) outcome: Option<ImportOutcome>,
    pub(super) customer: Option<Uuid>,
    pub(super) reasons: Option<Value>,
}

/// All that a plan is made of.
pub(super) struct Planning {
    pub(super) run: Run,
    pub(super) ctx: Context,
    pub(super) lines: Vec<Line>,
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
    pub(super) outcomes: Vec<Outcome>,
    /// Phones and id numbers of other stores' files that were told without being their customers'.
    pub(super) tried: Vec<Hash>,
}

/// What a row is recorded with.
#[derive(Debug, Clone)]
pub(super) struct Outcome {
    pub(super) number: i64,
    pub(super) outcome: ImportOutcome,
    pub(super) customer: Option<Uuid>,
    pub(super) reasons: Option<Value>,
    pub(super) version: Option<i64>,
    pub(super) before: Option<Vec<u8>>,
}

/// A file that changes.
pub(super) struct Change {
    pub(super) file: OnFile,
    pub(super) told: std::sync::Arc<Told>,
    /// The facts that differ, and all facts as they are then.
    pub(super) fields: Vec<Fact>,
    pub(super) facts: Facts,
    pub(super) national_id: Option<(Vec<u8>, Vec<u8>)>,
    /// Of each field what it was and what it is, as they are kept over time.
    pub(super) kept: Vec<Kept>,
    pub(super) points: Vec<SealedPoint>,
    /// Whether the store serves the customer from now on.
    pub(super) link: bool,
}

impl Change {
    /// Whether the file itself is another one then.
    pub(super) fn counts(&self) -> bool {
        !self.fields.is_empty() || !self.points.is_empty()
    }
}

/// A fact that changes, as it is kept over time.
pub(super) struct Kept {
    pub(super) field: Fact,
    pub(super) was: Option<Vec<u8>>,
    pub(super) is: Option<Vec<u8>>,
    /// Of the two rows, in their order.
    pub(super) ids: [Uuid; 2],
}

/// What undoing a change needs, sealed under the customer's key.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Before {
    /// Numbers of the facts that changed …
    pub(super) fields: Vec<i16>,
    /// … and what they were: a `Customer` with these alone.
    pub(super) was: Vec<u8>,
    /// Contact points that were added.
    pub(super) points: Vec<Uuid>,
    /// Whether the store came to serve the customer.
    pub(super) linked: bool,
}

/// The files whose state has to be known.
pub(super) fn wanted(lines: &[Line], twins: &HashMap<i64, Twin>, found: &Files) -> Vec<Uuid> {
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
enum Fate {
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

fn fate(it: &Planning, line: &Line, who: Option<Who>, state: Option<State>, other: Option<i64>) -> Result<Fate> {
    let told = match &line.said {
        Ok(told) => told,
        Err(reasons) => return Ok(Fate::Error(reasons.clone())),
    };
    if let Some(twin) = it.twins.get(&line.number) {
        return Ok(if twin.same { Fate::As(twin.clone()) } else { contradicts(twin.other) });
    }
    if it.given_up {
        return Ok(Fate::Conflict(vec![reason_of(Why::NotConfirmed)], None, Vec::new()));
    }
    Ok(match who {
        Some(Who::New) | None => Fate::Create(if it.run.dry_run { None } else { Some(Box::new(create(it, told)?)) }),
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
    let message = format!("row {other} is the same person and says something else: make one row of them");
    Fate::Conflict(vec![Reason::of(None, "ROWS_CONTRADICT", message)], None, Vec::new())
}

fn reason_of(why: Why) -> Reason {
    Reason::of(None, why.code(), why.to_string())
}

fn create(it: &Planning, told: &Told) -> Result<Sealed> {
    let file = told.file.clone().seal(&it.ctx.keys, &it.ctx.ids, it.ctx.ids.next())?;
    Ok(Sealed {
        file,
        other_stores: Vec::new(),
        stage: LifeCycleStage::Prospect,
        create_time: it.ctx.now(),
    })
}

/// What the row says and the file does not.
fn change(it: &Planning, told: &std::sync::Arc<Told>, state: State) -> Result<Fate> {
    let (points, served) = (state.points, state.served);
    let file = state.columns.open(&it.ctx.keys)?;
    let id = file.id.uuid();
    let facts = told.file.facts();
    // A name that is written in another way is the same name.
    let same_name = comparable(&file.facts.display_name) == comparable(&facts.display_name);
    let told_facts: Vec<Fact> =
        facts_told(told).into_iter().filter(|fact| *fact != Fact::DisplayName || !same_name).collect();
    let fields = file.changed(&told_facts, &facts);
    let new = lacked(it, told, &file, &points)?;
    if points.len() + new.len() > MOST_CONTACT_POINTS {
        let message = format!("the file has {MOST_CONTACT_POINTS} contact points at most: leave out what is not needed");
        return Ok(Fate::Conflict(vec![Reason::of(None, "FILE_FULL", message)], Some(id), Vec::new()));
    }
    if fields.is_empty() && new.is_empty() && served {
        return Ok(Fate::Unchanged(id));
    }
    if it.run.dry_run {
        return Ok(Fate::Change(None, id, None));
    }
    let mut all = file.facts.clone();
    fields.iter().for_each(|field| all.take(*field, &facts));
    let kept = fields
        .iter()
        .map(|field| {
            // Ids of one instant come in no order: what was comes before what is.
            let mut ids = [it.ctx.ids.uuid(), it.ctx.ids.uuid()];
            ids.sort_unstable();
            let (was, is) = (file.seal_fact(&file.facts, *field)?, file.seal_fact(&all, *field)?);
            Ok(Kept { field: *field, was, is, ids })
        })
        .collect::<Result<Vec<_>>>()?;
    let national_id = match &all.national_id {
        None => None,
        Some(number) => {
            let number = number.expose_secret();
            Some((file.key.seal(FieldKind::NationalId, number)?, it.ctx.keys.national_id_hash(number)))
        }
    };
    let before = Before {
        fields: fields.iter().map(|field| *field as i16).collect(),
        was: file.facts.all().encode_to_vec(),
        points: new.iter().map(|point| point.id.uuid()).collect(),
        linked: !served,
    };
    let before = serde_json::to_vec(&before).map_err(Error::internal)?;
    let before = file.key.seal_bytes(FieldKind::BeforeImport, &before)?;
    let change =
        Change { file, told: told.clone(), fields, facts: all, national_id, kept, points: new, link: !served };
    Ok(Fate::Change(Some(Box::new(change)), id, Some(before)))
}

/// The contact points that the file lacks.
fn lacked(it: &Planning, told: &Told, file: &OnFile, held: &[Point]) -> Result<Vec<SealedPoint>> {
    let mut ids: Vec<ContactPointId> = told.file.contacts.iter().map(|_| it.ctx.ids.next()).collect();
    ids.sort_unstable();
    let mut new = Vec::new();
    for (value, id) in told.file.contacts.iter().zip(ids) {
        let hash = it.ctx.keys.contact_hash(value);
        if holds(held, file, value, hash.as_deref())? {
            continue;
        }
        new.push(SealedPoint {
            id,
            kind: value.kind() as i16,
            sealed: file.key.seal(value.field_kind(), value.exposed())?,
            hash,
            tail_hash: it.ctx.keys.contact_tail_hash(value),
            exclusive: told.file.kind == CustomerKind::Person && value.field_kind() == FieldKind::Phone,
        });
    }
    Ok(new)
}

fn holds(held: &[Point], file: &OnFile, value: &ContactValue, hash: Option<&[u8]>) -> Result<bool> {
    for point in held.iter().filter(|point| point.kind == value.kind() as i16) {
        let same = match hash {
            Some(_) => point.hash.as_deref() == hash,
            // An address has no hash, and a file few of them.
            None => file.key.open(value.field_kind(), &point.sealed)?.expose_secret() == value.exposed(),
        };
        if same {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Puts together what the rows became, in their order.
fn gather(fates: Vec<(i64, Fate)>) -> Plan {
    let mut plan = Plan::default();
    let mut told: HashMap<i64, Outcome> = HashMap::new();
    for (number, fate) in fates {
        let mut row = Outcome {
            number,
            outcome: ImportOutcome::Unchanged,
            customer: None,
            reasons: None,
            version: None,
            before: None,
        };
        match fate {
            Fate::Create(new) => {
                row.outcome = ImportOutcome::Create;
                (row.customer, row.version) = (new.as_ref().map(|new| new.file.id.uuid()), Some(1));
                plan.creates.extend(new.map(|new| *new));
            }
            Fate::Change(change, id, before) => {
                row.outcome = ImportOutcome::Update;
                (row.customer, row.before) = (Some(id), before);
                row.version = change.as_ref().map(|change| change.file.version + i64::from(change.counts()));
                plan.changes.extend(change.map(|change| *change));
            }
            Fate::Unchanged(id) => row.customer = Some(id),
            Fate::Conflict(reasons, seen, tried) => {
                row.outcome = ImportOutcome::Conflict;
                (row.customer, row.reasons) = (seen, serde_json::to_value(reasons).ok());
                plan.tried.extend(tried);
            }
            Fate::Error(reasons) => {
                row.outcome = ImportOutcome::Error;
                row.reasons = serde_json::to_value(reasons).ok();
            }
            Fate::As(twin) => {
                let here = told.get(&twin.other);
                let outcome = here.map(|row| row.outcome).or(twin.outcome);
                row.customer = here.map_or(twin.customer, |row| row.customer);
                if matches!(outcome, Some(ImportOutcome::Conflict | ImportOutcome::Error)) {
                    row.outcome = ImportOutcome::Conflict;
                    row.reasons = here.map_or(twin.reasons, |row| row.reasons.clone());
                }
            }
        }
        told.insert(number, row.clone());
        plan.outcomes.push(row);
    }
    plan.tried.sort_unstable();
    plan.tried.dedup();
    // Who writes the same people writes them in the same order: id numbers first, then phones.
    plan.creates.sort_unstable_by(|a, b| a.file.national_id_hash().cmp(&b.file.national_id_hash()));
    plan
}
