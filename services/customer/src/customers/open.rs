//! Writing a new file: one statement for the file, its link to the store, its key, its contact points, the event and the audit row.

use std::sync::LazyLock;

use foursight_access::{Principal, audit};
use foursight_kernel::{CustomerId, Error, RequestKey, Result, replay, sql, unique_violation};
use foursight_messaging::NewEvent;
use foursight_proto::customer::{events::v1::CustomerCreated, v1::LifeCycleStage};
use foursight_runtime::{Statement, record};
use jiff::Timestamp;
use sqlx::{AssertSqlSafe, PgConnection};

use crate::{
    context::Context,
    customers::{
        LunarBirthday, SealedFile,
        sealed_file::PointColumns,
        search,
        tries::{Opening, TooManyTries},
    },
};

/// Why a file could not be written.
#[derive(Debug)]
pub(crate) enum OpenError {
    /// A file with the same phone, national id or request id is there; the transaction is over.
    Clash(Clash),
    /// The caller was refused too often.
    TooManyTries(TooManyTries),
    /// Anything else.
    Other(Error),
}

/// What two files would have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Clash {
    Request,
    Customer,
}

impl From<Error> for OpenError {
    fn from(error: Error) -> Self {
        Self::Other(error)
    }
}

/// Opens the file in the caller's transaction, where it was asked whether the caller may.
pub(crate) async fn open(
    tx: &mut PgConnection,
    ctx: &Context,
    caller: &Principal,
    file: &SealedFile,
    now: Timestamp,
) -> Result<(), OpenError> {
    let points = PointColumns::of(file.points.iter());
    let done = told(ctx, caller, file, now, None, opening(file, &points, None, None, now)).execute(tx).await;
    done.map_err(clash)?;
    Ok(())
}

/// Opens the file in a transaction of its own, in one round trip: desks and imports do little else.
pub(crate) async fn open_alone(
    ctx: &Context,
    caller: &Principal,
    file: &SealedFile,
    request: Option<&RequestKey>,
    now: Timestamp,
) -> Result<(), OpenError> {
    let points = PointColumns::of(file.points.iter());
    let admission = if file.may_clash() { Some(Opening::of(caller, now)?) } else { None };
    let opening = opening(file, &points, request, admission, now);
    let done = ctx.db.carry_out(caller, |reach| told(ctx, caller, file, now, Some(reach), opening)).await;
    done.map_err(clash)
}

fn clash(error: sqlx::Error) -> OpenError {
    match unique_violation(&error) {
        Some("customers_request") => OpenError::Clash(Clash::Request),
        Some("customers_national_id" | "contact_points_holder") => OpenError::Clash(Clash::Customer),
        Some("visitor_tries_most") => OpenError::TooManyTries(TooManyTries),
        _ => OpenError::Other(error.into()),
    }
}

/// How many values [`opening`] has.
const VALUES: usize = 38;

/// The statement of the file's own rows. With `admission`, it fails when the caller was refused too often. Its text is put together,
/// so that no compiler checks it; every test that opens a file does.
fn opening<'q>(
    file: &'q SealedFile,
    points: &'q PointColumns<'q>,
    request: Option<&'q RequestKey>,
    admission: Option<Opening>,
    now: Timestamp,
) -> Statement<'q> {
    static STATEMENT: LazyLock<String> = LazyLock::new(|| {
        record::statement(
            "admitted AS MATERIALIZED (
                 SELECT customer.admit_opening($23, $24, $25) FROM reach
             ), file AS (
                 INSERT INTO customer.customers (id, kind, display_name, search_name, gender, birthday,
                     national_id_sealed, national_id_hash, store_id, source, stage, version, create_time, update_time,
                     request_id, request_hash, lunar_year, lunar_month, lunar_leap, lunar_day,
                     occupation, intended_models, car_use, budget_min_fen, budget_max_fen, spending_preference,
                     contact_channel, contact_from, contact_to)
                 SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 1, $12, $12, $13, $14, $26, $27, $28, $29,
                     $30, $31, $32, $33, $34, $35, $36, $37, $38
                 FROM reach, admitted
             ), link AS (
                 INSERT INTO customer.customer_stores (customer_id, store_id, start_time, opened)
                 SELECT $1, $9, $12, true FROM reach
             ), key AS (
                 INSERT INTO customer.customer_keys (customer_id, master_version, wrapped)
                 SELECT $1, $15, $16 FROM reach
             )
             INSERT INTO customer.contact_points
                 (customer_id, id, kind, sealed, hash, tail_hash, exclusive, source, store_id, start_time)
             SELECT $1, p.id, p.kind, p.sealed, p.hash, p.tail_hash, p.exclusive, $10, $9, $12
             FROM reach, unnest($17::uuid[], $18::smallint[], $19::bytea[], $20::bytea[], $21::bytea[], $22::boolean[])
                  AS p (id, kind, sealed, hash, tail_hash, exclusive)",
            VALUES,
        )
    });
    let facts = &file.facts;
    let profile = &facts.profile;
    let (national_id_sealed, national_id_hash) =
        file.national_id.as_ref().map(|(sealed, hash)| (sealed.as_slice(), hash.as_slice())).unzip();
    let (request_id, request_hash) = replay::columns(request);
    let (lunar_year, lunar_month, lunar_leap, lunar_day) = LunarBirthday::columns(facts.lunar_birthday);
    let (subject, since, most) = admission.map_or((None, None, None), |admission| {
        (Some(admission.subject), Some(admission.since), Some(admission.most))
    });
    sqlx::query(AssertSqlSafe(STATEMENT.as_str()))
        .bind(file.id.uuid())
        .bind(sql::number(facts.kind))
        .bind(facts.display_name.as_str())
        .bind(search::fold(&facts.display_name))
        .bind(sql::number(facts.gender))
        .bind(facts.birthday.map(sql::on))
        .bind(national_id_sealed)
        .bind(national_id_hash)
        .bind(facts.store.uuid())
        .bind(sql::number(facts.source))
        .bind(sql::number(LifeCycleStage::Prospect))
        .bind(sql::at(now))
        .bind(request_id)
        .bind(request_hash)
        .bind(file.key.master_version)
        .bind(file.key.wrapped.as_slice())
        .bind(&points.ids)
        .bind(&points.kinds)
        .bind(&points.sealed)
        .bind(&points.hashes)
        .bind(&points.tail_hashes)
        .bind(&points.exclusive)
        .bind(subject)
        .bind(since)
        .bind(most)
        .bind(lunar_year)
        .bind(lunar_month)
        .bind(lunar_leap)
        .bind(lunar_day)
        .bind(profile.occupation.as_str())
        .bind(&profile.intended_models)
        .bind(profile.car_use)
        .bind(profile.budget.map(|(min, _)| min))
        .bind(profile.budget.map(|(_, max)| max))
        .bind(profile.spending_preference)
        .bind(profile.contact.channel)
        .bind(profile.contact.hours.map(|(from, _)| from))
        .bind(profile.contact.hours.map(|(_, to)| to))
}

/// The same with what it tells and who did it.
fn told<'q>(
    ctx: &Context,
    caller: &Principal,
    file: &SealedFile,
    now: Timestamp,
    reach: Option<String>,
    opening: Statement<'q>,
) -> Statement<'q> {
    let facts = &file.facts;
    let created = CustomerCreated {
        customer: file.id.name(),
        store: facts.store.name(),
        kind: facts.kind.into(),
        source: facts.source.into(),
    };
    let event = NewEvent::new(&created, file.id.uuid(), 1, Some(facts.store));
    let action = audit::Action {
        method: "CreateCustomer",
        resource: &file.id.name(),
        store: Some(facts.store),
        detail: serde_json::json!({ "kind": facts.kind.as_str_name(), "source": facts.source.as_str_name() }),
    };
    record::bind(opening, reach, &ctx.ids, caller, now, event, action)
}

/// The one file of somebody who stands at the counter, whichever store opened it.
pub(crate) async fn file_of(tx: &mut PgConnection, file: &SealedFile) -> Result<Option<CustomerId>> {
    let phones = file.phone_hashes();
    let found = sqlx::query_scalar!(
        "SELECT customer.file_of($1, $2, $3)",
        sql::number(file.facts.kind),
        &phones,
        file.national_id_hash(),
    )
    .fetch_one(tx)
    .await?;
    Ok(found.map(CustomerId::from))
}
