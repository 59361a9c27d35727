//! Writes cases, clocks and steps, each table in one statement, for one case as for many.

use foursight_kernel::{CaseId, CustomerId, RequestKey, Result, StaffId, StoreId, replay, sql};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{
    Case,
    clock::Clock,
    row::{StepRow, next_due},
};

/// Writes the clocks of a case: new ones are added, known ones keep all but how they stand.
pub(crate) async fn clocks(tx: &mut PgConnection, of: &[(CaseId, StoreId, &Clock)]) -> Result<()> {
    let mut cases = Vec::with_capacity(of.len());
    let mut stores = Vec::with_capacity(of.len());
    let (mut loops, mut kinds, mut states) = (Vec::new(), Vec::new(), Vec::new());
    let (mut starts, mut dues, mut mets) = (Vec::new(), Vec::new(), Vec::new());
    let (mut explanations, mut policies) = (Vec::new(), Vec::new());
    for (case, store, clock) in of {
        cases.push(case.uuid());
        stores.push(store.uuid());
        loops.push(clock.round);
        kinds.push(sql::number(clock.kind));
        states.push(sql::number(clock.state));
        starts.push(sql::at(clock.start));
        dues.push(sql::at(clock.due));
        mets.push(sql::maybe_at(clock.met));
        explanations.push(clock.explanation.clone());
        policies.push(clock.policy_version);
    }
    sqlx::query!(
        "INSERT INTO complaint.clocks
             (case_id, store_id, loop, kind, state, start_time, due_time, meet_time, explanation, policy_version)
         SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::integer[], $4::smallint[], $5::smallint[],
                              $6::timestamptz[], $7::timestamptz[], $8::timestamptz[], $9::text[], $10::integer[])
         ON CONFLICT (case_id, loop, kind) DO UPDATE SET state = excluded.state, meet_time = excluded.meet_time",
        &cases,
        &stores,
        &loops,
        &kinds,
        &states,
        starts as _,
        dues as _,
        mets as _,
        &explanations,
        &policies,
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// Writes the change that a command made to a case.
pub(crate) async fn advance(tx: &mut PgConnection, case: &Case) -> Result<()> {
    let life = &case.life;
    sqlx::query!(
        "UPDATE complaint.cases
         SET state = $2, owner_id = $3, handler_id = $4, loop = $5, cause = $6, measure = $7, next_due = $8,
             update_time = $9, close_time = $10, revision = $11, version = $12
         WHERE id = $1",
        case.id.uuid(),
        sql::number(life.state),
        life.owner.map(StaffId::uuid),
        life.handler.map(StaffId::uuid),
        life.round,
        sql::number(life.cause),
        sql::number(life.measure),
        sql::at(next_due(&life.clocks)) as _,
        sql::at(case.updated) as _,
        sql::maybe_at(life.closed) as _,
        case.revision,
        case.version,
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// Adds the step that a case took last.
pub(crate) async fn last_step(tx: &mut PgConnection, case: &Case) -> Result<()> {
    let step: Vec<_> =
        case.steps.last().map(|step| (case.id, case.store, case.revision, step)).into_iter().collect();
    steps(tx, &step).await
}

/// Adds steps; each with the revision that it made.
pub(crate) async fn steps(tx: &mut PgConnection, of: &[(CaseId, StoreId, i64, &StepRow)]) -> Result<()> {
    let mut cases = Vec::with_capacity(of.len());
    let mut stores = Vec::with_capacity(of.len());
    let mut revisions = Vec::with_capacity(of.len());
    let (mut states, mut staff, mut notes) = (Vec::new(), Vec::new(), Vec::new());
    let (mut times, mut loops) = (Vec::new(), Vec::new());
    for (case, store, revision, step) in of {
        cases.push(case.uuid());
        stores.push(store.uuid());
        revisions.push(*revision);
        states.push(step.state);
        staff.push(step.staff.map(StaffId::uuid));
        notes.push(step.note.clone());
        times.push(sql::at(step.at));
        loops.push(step.round);
    }
    sqlx::query!(
        "INSERT INTO complaint.steps (case_id, store_id, revision, state, staff_id, note, create_time, loop)
         SELECT s.case_id, s.store_id, s.revision, s.state, s.staff_id,
                -- Words about somebody who was erased would stay for good.
                CASE WHEN c.erase_time IS NULL THEN s.note ELSE '' END, s.create_time, s.loop
         FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::smallint[], $5::uuid[], $6::text[],
                     $7::timestamptz[], $8::integer[])
              AS s (case_id, store_id, revision, state, staff_id, note, create_time, loop)
         LEFT JOIN complaint.cases c ON c.id = s.case_id",
        &cases,
        &stores,
        &revisions,
        &states,
        &staff as _,
        &notes,
        times as _,
        &loops,
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// What a case's row holds besides the case itself.
#[derive(Debug, Clone, Default)]
pub(crate) struct Origin {
    /// The follow-up call that it was taken from.
    pub(crate) call_task: Option<Uuid>,
    /// The request that made it.
    pub(crate) request: Option<RequestKey>,
}

/// Inserts cases; gives the ids of those that were not there yet, by request or by follow-up call.
pub(crate) async fn cases(tx: &mut PgConnection, of: &[(&Case, &Origin)]) -> Result<Vec<Uuid>> {
    let mut new = Columns::default();
    for (case, origin) in of {
        new.push(case, origin);
    }
    let inserted = sqlx::query_scalar!(
        "INSERT INTO complaint.cases
             (id, number, store_id, customer_id, kind, channel, category, severity, description, subject, call_task_id,
              state, owner_id, handler_id, loop, cause, measure, next_due, create_time, update_time, close_time,
              revision, version, request_id, request_hash)
         SELECT c.id, c.number, c.store_id, c.customer_id, c.kind, c.channel, c.category, c.severity, c.description,
                c.subject, c.call_task_id, c.state, c.owner_id, c.handler_id, c.loop, c.cause, c.measure, c.next_due,
                c.create_time, c.update_time, c.close_time, c.revision, c.version, c.request_id, c.request_hash
         FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::uuid[], $5::smallint[], $6::smallint[], $7::text[],
                     $8::smallint[], $9::text[], $10::text[], $11::uuid[], $12::smallint[], $13::uuid[], $14::uuid[],
                     $15::integer[], $16::smallint[], $17::smallint[], $18::timestamptz[], $19::timestamptz[],
                     $20::timestamptz[], $21::timestamptz[], $22::bigint[], $23::bigint[], $24::uuid[], $25::bytea[])
              AS c (id, number, store_id, customer_id, kind, channel, category, severity, description, subject,
                    call_task_id, state, owner_id, handler_id, loop, cause, measure, next_due, create_time,
                    update_time, close_time, revision, version, request_id, request_hash)
         ON CONFLICT DO NOTHING
         RETURNING id",
        &new.ids,
        &new.numbers,
        &new.stores,
        &new.customers as _,
        &new.kinds,
        &new.channels,
        &new.categories,
        &new.severities,
        &new.descriptions,
        &new.subjects,
        &new.call_tasks as _,
        &new.states,
        &new.owners as _,
        &new.handlers as _,
        &new.loops,
        &new.causes,
        &new.measures,
        new.next_dues as _,
        new.created as _,
        new.updated as _,
        new.closed as _,
        &new.revisions,
        &new.versions,
        &new.request_ids as _,
        &new.request_hashes as _,
    )
    .fetch_all(tx)
    .await?;
    Ok(inserted)
}

#[derive(Default)]
struct Columns {
    ids: Vec<Uuid>,
    numbers: Vec<String>,
    stores: Vec<Uuid>,
    customers: Vec<Option<Uuid>>,
    kinds: Vec<i16>,
    channels: Vec<i16>,
    categories: Vec<String>,
    severities: Vec<i16>,
    descriptions: Vec<String>,
    subjects: Vec<String>,
    call_tasks: Vec<Option<Uuid>>,
    states: Vec<i16>,
    owners: Vec<Option<Uuid>>,
    handlers: Vec<Option<Uuid>>,
    loops: Vec<i32>,
    causes: Vec<i16>,
    measures: Vec<i16>,
    next_dues: Vec<sql::Timestamp>,
    created: Vec<sql::Timestamp>,
    updated: Vec<sql::Timestamp>,
    closed: Vec<Option<sql::Timestamp>>,
    revisions: Vec<i64>,
    versions: Vec<i64>,
    request_ids: Vec<Option<Uuid>>,
    request_hashes: Vec<Option<Vec<u8>>>,
}

impl Columns {
    fn push(&mut self, case: &Case, origin: &Origin) {
        let life = &case.life;
        self.ids.push(case.id.uuid());
        self.numbers.push(case.number.clone());
        self.stores.push(case.store.uuid());
        self.customers.push(case.customer.map(CustomerId::uuid));
        self.kinds.push(sql::number(life.kind));
        self.channels.push(case.channel);
        self.categories.push(case.category.clone());
        self.severities.push(case.severity);
        self.descriptions.push(case.description.clone());
        self.subjects.push(case.subject.clone());
        self.call_tasks.push(origin.call_task);
        self.states.push(sql::number(life.state));
        self.owners.push(life.owner.map(StaffId::uuid));
        self.handlers.push(life.handler.map(StaffId::uuid));
        self.loops.push(life.round);
        self.causes.push(sql::number(life.cause));
        self.measures.push(sql::number(life.measure));
        self.next_dues.push(sql::at(next_due(&life.clocks)));
        self.created.push(sql::at(case.created));
        self.updated.push(sql::at(case.updated));
        self.closed.push(sql::maybe_at(life.closed));
        self.revisions.push(case.revision);
        self.versions.push(case.version);
        let (request_id, request_hash) = replay::columns(origin.request.as_ref());
        self.request_ids.push(request_id);
        self.request_hashes.push(request_hash.map(<[u8]>::to_vec));
    }
}
