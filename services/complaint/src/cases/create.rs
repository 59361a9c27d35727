//! Takes a case. First-asked responsibility 首问负责制: whoever takes it owns it until it is assigned.

use foursight_access::{Principal, Reach};
use foursight_kernel::{CaseId, CustomerId, Error, RequestKey, Result, StoreId, Violations, replay};
use foursight_proto::complaint::v1::{Case, CaseKind, CreateCaseRequest, IntakeChannel, Severity};
use foursight_runtime::erasure;
use sqlx::PgConnection;
use tonic::metadata::AsciiMetadataValue;

use super::{Desk, NewCase, advance::require, assign, category, lookup, open, row, subject::Subject};
use crate::stores;

pub(crate) async fn create(
    desk: &Desk,
    caller: &Principal,
    token: Option<AsciiMetadataValue>,
    request: CreateCaseRequest,
) -> Result<Case> {
    let owner = caller.require_staff()?;
    let wanted = request.case.unwrap_or_default();
    let mut v = Violations::default();
    let store = v.name::<StoreId>("case.store", &wanted.store);
    let customer = v.optional_name::<CustomerId>("case.customer", &wanted.customer);
    let kind = v.required_enum::<CaseKind>("case.kind", wanted.kind);
    let channel = v.required_enum::<IntakeChannel>("case.channel", wanted.channel);
    let severity = v.required_enum::<Severity>("case.severity", wanted.severity);
    let category = v.line("case.category", &wanted.category, 1..=100);
    let description = v.text("case.description", &wanted.description, 1..=4000);
    let subject = Subject::parse(&mut v, &wanted.subject);
    let request_id = v.request_id(&request.request_id);

    if let Some(store) = store {
        caller.require_store(store)?;
    }
    // Asked before the transaction, which should not wait for a peer.
    if let Some(customer) = customer
        && !lookup::is_known(desk, token.as_ref(), customer).await?
    {
        v.push("case.customer", "must be a customer of the caller's stores");
    }
    if let (Some(subject), Some(store)) = (subject, store)
        && !subject.is_known(desk, token.as_ref(), store).await?
    {
        v.push(
            "case.subject",
            "must be a call or visit of the case's store, or a vehicle of the caller's stores",
        );
    }
    let mut tx = desk.db.begin(caller).await?;
    // Erased since it was looked up.
    if let Some(customer) = customer
        && !erasure::lives(&mut tx, customer).await?
    {
        v.push("case.customer", "must be a customer of the caller's stores");
    }
    if !category.is_empty() && !category::selectable(&mut tx, &category).await? {
        v.push("case.category", "must be the code of a category");
    }
    // Who reaches the whole group may name any id.
    if let Some(store) = store
        && caller.reach == Reach::Group
        && !stores::is_known(&mut tx, store).await?
    {
        v.push("case.store", "must be a store that exists");
    }
    v.check()?;

    let key = RequestKey::of(request_id, &wanted);
    if let Some(made) = made_before(&mut tx, key.as_ref()).await? {
        return Ok(made);
    }
    let store = require(store)?;
    if stores::may_no_more_own(&mut tx, owner, store).await? {
        return Err(assign::unfit("case.owner"));
    }
    let new = NewCase {
        store,
        customer,
        kind: require(kind)?,
        channel: require(channel)?,
        category,
        severity: require(severity)?,
        description,
        subject: wanted.subject,
        owner: Some(owner),
        call_task: None,
        request: key.clone(),
    };
    let opened = open::open(&mut tx, &desk.ids, caller, desk.clock.now(), new).await?;
    if let Some(case) = opened {
        tx.commit().await?;
        return Ok(case.to_proto());
    }
    // The same request came twice at once, or somebody out of the caller's reach used the id.
    drop(tx);
    let mut tx = desk.db.begin(caller).await?;
    made_before(&mut tx, key.as_ref()).await?.ok_or_else(replay::reused)
}

/// The case that the same request made before.
async fn made_before(tx: &mut PgConnection, key: Option<&RequestKey>) -> Result<Option<Case>> {
    let Some(key) = key else { return Ok(None) };
    let found = sqlx::query!(
        r#"SELECT id AS "id: CaseId", request_hash FROM complaint.cases WHERE request_id = $1"#,
        key.id,
    )
    .fetch_optional(&mut *tx)
    .await?;
    let Some(found) = found else { return Ok(None) };
    key.confirm(found.request_hash.as_deref())?;
    let case = row::find(tx, found.id).await?;
    let case = case.ok_or_else(|| Error::internal("a case that was just found is gone"))?;
    Ok(Some(case.to_proto()))
}
