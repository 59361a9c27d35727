//! `CreateCustomer`.

use foursight_access::Principal;
use foursight_kernel::{RequestKey, Result, Violations, replay};
use foursight_proto::customer::v1::{CreateCustomerRequest, Customer};
use sqlx::PgConnection;

use crate::{
    context::Context,
    customers::{
        CustomerError, NewFile, SealedFile, birthday, file,
        open::{self, Clash, OpenError},
        taken,
        tries::{TooManyTries, Try},
    },
};

const ON_FILE: Try = Try { method: "CreateCustomer", reason: "CUSTOMER_EXISTS" };

/// Opens a file.
///
/// # Errors
/// `CUSTOMER_EXISTS` when a person's phone or national id is on file, `TOO_MANY_TRIES` after too many of those at other stores'
/// files, `STORE_OUT_OF_REACH`, `REQUEST_ID_REUSED`, and every wrong field at once.
pub(crate) async fn create(
    ctx: &Context,
    caller: &Principal,
    request: CreateCustomerRequest,
) -> Result<Customer> {
    let mut v = Violations::default();
    let customer = request.customer.unwrap_or_default();
    let request_id = v.request_id(&request.request_id);
    let new = NewFile::parse(&mut v, "customer", &customer, None, ctx.today());
    v.check()?;
    let Some(new) = new else {
        return Err(foursight_kernel::Error::invalid_field("customer", "is required"));
    };
    ctx.staff.require_store(caller, "customer.store", new.store).await?;

    let key = ctx.keys.request_key(request_id, &customer);
    let file = new.seal(&ctx.keys, &ctx.ids, ctx.ids.next())?;
    let now = ctx.now();
    let mut made = match open::open_alone(ctx, caller, &file, key.as_ref(), now).await {
        Ok(()) => file.to_proto(now),
        Err(OpenError::Clash(clash)) => after_clash(ctx, caller, &file, key.as_ref(), clash).await?,
        Err(OpenError::TooManyTries(error)) => after_too_many(ctx, caller, key.as_ref(), error).await?,
        Err(OpenError::Other(error)) => return Err(error),
    };
    birthday::tell_next(ctx, std::slice::from_mut(&mut made)).await;
    Ok(made)
}

/// The same request came twice, or the customer is on file: the caller learns which, as far as the caller's stores reach.
async fn after_clash(
    ctx: &Context,
    caller: &Principal,
    file: &SealedFile,
    key: Option<&RequestKey>,
    clash: Clash,
) -> Result<Customer> {
    let mut tx = ctx.db.begin(caller).await?;
    if let Some(made) = made_before(&mut tx, ctx, key).await? {
        return Ok(made);
    }
    if clash == Clash::Request {
        return Err(replay::reused());
    }
    let error = taken::whose(&mut tx, caller, ON_FILE, file.facts.store, &file.told(), ctx.now()).await?;
    tx.commit().await?;
    Err(error)
}

/// Who was refused too often still learns what an earlier request has made.
async fn after_too_many(
    ctx: &Context,
    caller: &Principal,
    key: Option<&RequestKey>,
    refused: TooManyTries,
) -> Result<Customer> {
    let mut tx = ctx.db.begin(caller).await?;
    Ok(made_before(&mut tx, ctx, key).await?.ok_or(refused)?)
}

/// What the same request made the first time.
async fn made_before(
    tx: &mut PgConnection,
    ctx: &Context,
    key: Option<&RequestKey>,
) -> Result<Option<Customer>> {
    let Some(key) = key else { return Ok(None) };
    let made = sqlx::query!("SELECT id, request_hash FROM customer.customers WHERE request_id = $1", key.id,)
        .fetch_optional(&mut *tx)
        .await?;
    let Some(made) = made else { return Ok(None) };
    key.confirm(made.request_hash.as_deref())?;
    let found = file::read(tx, &ctx.keys, &[made.id]).await?;
    Ok(Some(found.into_iter().next().ok_or(CustomerError::NotFound)?))
}
