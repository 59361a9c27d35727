//! `RequestErasure`.

use foursight_access::{Principal, audit};
use foursight_kernel::{CustomerId, ErasureId, Error, RequestKey, Result, Violations, replay, sql};
use foursight_messaging::NewEvent;
use foursight_proto::customer::{
    events::v1::CustomerErased,
    v1::{Erasure, ErasureGround, ErasureState, RequestErasureRequest},
};
use foursight_runtime::{erasure, record};
use jiff::Timestamp;
use serde_json::json;
use tonic::Code;

use crate::{
    context::Context,
    customers::{self, CustomerError},
    erasures::{ErasureError, OTHERS, answers, obstacles::obstacles, row},
    merges, retention,
};

/// What a reference may have.
const MOST_REFERENCE: usize = 50;

struct Command {
    customer: CustomerId,
    ground: ErasureGround,
    reference: String,
    unless: Unless,
}

/// What the erasure rests on, and must still hold when the file is locked.
enum Unless {
    /// The file is another one than that of this etag.
    Changed(String),
    /// Something has happened with the customer since.
    CameBack(Timestamp),
}

/// Erases a customer here, and tells the others.
///
/// # Errors
/// `CUSTOMER_NOT_FOUND`, `CUSTOMER_ERASED`, `CUSTOMER_CHANGED`, `ERASURE_BLOCKED`, `REQUEST_ID_REUSED`, `STAFF_ONLY`, and every wrong
/// field at once.
pub(super) async fn request(
    ctx: &Context,
    caller: &Principal,
    request: RequestErasureRequest,
) -> Result<Erasure> {
    caller.require_staff()?;
    let mut v = Violations::default();
    let customer: Option<CustomerId> = v.name("name", &request.name);
    let ground: Option<ErasureGround> = v.required_enum("ground", request.ground);
    if !is_reference(&request.reference) {
        v.push("reference", "must be up to 50 of A–Z, a–z, 0–9, `.`, `_`, `/` and `-`");
    }
    if request.etag.is_empty() {
        v.push("etag", "is required: the one that PreviewErasure told");
    }
    let request_id = v.request_id(&request.request_id);
    v.check()?;
    let (Some(customer), Some(ground)) = (customer, ground) else {
        return Err(Error::invalid_field("name", "is required"));
    };
    let content = RequestErasureRequest { request_id: String::new(), ..request };
    let key = RequestKey::of(request_id, &content);
    let (key, command) = (
        key.as_ref(),
        Command {
            customer,
            ground,
            reference: content.reference.clone(),
            unless: Unless::Changed(content.etag.clone()),
        },
    );
    let id = replay::once(key, |key| made_before(ctx, caller, key), write(ctx, caller, command, key)).await?;
    let mut tx = ctx.db.begin(caller).await?;
    row::read(&mut tx, id).await
}

/// Erases a customer with whom nothing has happened since `before`, because what the data were kept for is over. Answers whether it
/// was done: who came back, has something that stands against it or is gone already is left as it is.
///
/// # Errors
/// `UNAVAILABLE` while the database is away.
pub(crate) async fn erase_when_due(ctx: &Context, customer: CustomerId, before: Timestamp) -> Result<bool> {
    let command = Command {
        customer,
        ground: ErasureGround::PurposeFulfilled,
        reference: String::new(),
        unless: Unless::CameBack(before),
    };
    match write(ctx, &Principal::service("customer"), command, None).await {
        Ok(done) => Ok(done.is_some()),
        Err(refused)
            if matches!(refused.code(), Code::NotFound | Code::Aborted | Code::FailedPrecondition) =>
        {
            Ok(false)
        }
        Err(error) => Err(error),
    }
}

/// Codes only: it stays for good.
fn is_reference(text: &str) -> bool {
    text.len() <= MOST_REFERENCE
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._/-".contains(&byte))
}

/// What the same request made the first time.
async fn made_before(ctx: &Context, caller: &Principal, key: &RequestKey) -> Result<Option<ErasureId>> {
    let mut tx = ctx.db.begin(caller).await?;
    let made = sqlx::query!("SELECT id, request_hash FROM customer.erasures WHERE request_id = $1", key.id)
        .fetch_optional(&mut *tx)
        .await?;
    made.map(|made| key.confirm(made.request_hash.as_deref()).map(|()| made.id.into())).transpose()
}

/// `None` when the request id is taken.
async fn write(
    ctx: &Context,
    caller: &Principal,
    command: Command,
    key: Option<&RequestKey>,
) -> Result<Option<ErasureId>> {
    let Command { customer, ground, reference, unless } = command;
    let (now, id) = (ctx.now(), ctx.ids.next::<ErasureId>());
    let mut tx = ctx.db.begin(caller).await?;
    erasure::alone(&mut tx).await?;
    // Whoever begins or does anything with the customer waits for this lock, and finds no such customer.
    let version = sqlx::query_scalar!(
        "SELECT version FROM customer.customers WHERE id = $1 AND merged_into IS NULL FOR UPDATE",
        customer.uuid()
    )
    .fetch_optional(&mut *tx)
    .await?;
    let Some(version) = version else { return Err(row::gone(&mut tx, customer).await?) };
    let holds = match unless {
        Unless::Changed(etag) => etag == customers::etag(version),
        Unless::CameBack(since) => retention::is_due(&mut tx, customer, since).await?,
    };
    if !holds {
        return Err(CustomerError::Changed.into());
    }
    let obstacles = obstacles(&mut tx, customer).await?;
    if !obstacles.is_empty() {
        return Err(ErasureError::Blocked(obstacles).into());
    }
    let (request_id, request_hash) = replay::columns(key);
    let others = OTHERS.map(str::to_owned);
    let written = sqlx::query!(
        "INSERT INTO customer.erasures
             (id, customer_id, state, ground, reference, requester, services, request_time, request_id, request_hash)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        id.uuid(),
        customer.uuid(),
        sql::number(ErasureState::Running),
        sql::number(ground),
        reference,
        caller.subject.name(),
        &others,
        sql::at(now) as _,
        request_id,
        request_hash,
    )
    .execute(&mut *tx)
    .await;
    if replay::unless_taken(written, "erasures_request")?.is_none() {
        return Ok(None);
    }
    // Who writes the name's keys has read the name before, or writes none.
    sqlx::query!("SELECT customer.lock_name_keys($1)", customer.uuid()).execute(&mut *tx).await?;
    let mut absorbed = merges::parts(&mut tx, customer).await?;
    absorbed.remove(&customer);
    let mut of_parts = Vec::new();
    for part in &absorbed {
        of_parts.extend(erasure::erase(&mut tx, *part, now).await?);
    }
    let mut tables = erasure::erase(&mut tx, customer, now).await?;
    for table in &mut tables {
        for part in of_parts.iter().filter(|part| part.table == table.table) {
            table.removed += part.removed;
            table.blanked += part.blanked;
        }
    }
    answers::keep(&mut tx, id, "customer", now, &tables).await?;
    let absorbed = absorbed.into_iter().map(CustomerId::name).collect();
    let event = CustomerErased { customer: customer.name(), erasure: id.name(), absorbed };
    let event = NewEvent::new(&event, customer.uuid(), version + 1, None);
    let action = audit::Action {
        method: "RequestErasure",
        resource: &customer.name(),
        store: None,
        detail: json!({ "erasure": id.name(), "ground": ground.as_str_name(), "reference": reference }),
    };
    record::change(&mut tx, &ctx.ids, caller, now, event, action).await?;
    tx.commit().await?;
    Ok(Some(id))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_reference_has_no_room_for_a_name(text in "\\PC{0,60}") {
            prop_assert_eq!(
                is_reference(&text),
                text.chars().count() <= 50 && text.chars().all(|c| matches!(c, 'A'..='Z' | 'a'..='z' | '0'..='9' | '.' | '_' | '/' | '-'))
            );
        }
    }
}
