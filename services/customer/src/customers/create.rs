//! `CreateCustomer`.

use foursight_access::Principal;
use foursight_kernel::{RequestKey, Result, Violations, replay};
use foursight_proto::customer::v1::{CreateCustomerRequest, Customer};
use uuid::Uuid;

use crate::{
    context::Context,
    customers::{
        CustomerError, NewFile, SealedFile, file,
        open::{self, Clash, OpenError},
    },
};

/// Opens a file.
///
/// # Errors
/// `CUSTOMER_EXISTS` when a person's phone or national id is on file, `STORE_OUT_OF_REACH`, `REQUEST_ID_REUSED`, and
/// every wrong field at once.
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
    match open::open_alone(ctx, caller, &file, key.as_ref(), now).await {
        Ok(()) => Ok(file.to_proto(now)),
        Err(OpenError::Clash(clash)) => after_clash(ctx, caller, &file, key.as_ref(), clash).await,
        Err(OpenError::Other(error)) => Err(error),
    }
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
    if let Some(key) = key {
        let made =
            sqlx::query!("SELECT id, request_hash FROM customer.customers WHERE request_id = $1", key.id,)
                .fetch_optional(&mut *tx)
                .await?;
        if let Some(made) = made {
            key.confirm(made.request_hash.as_deref())?;
            let found = file::read(&mut tx, &ctx.keys, &[made.id]).await?;
            return Ok(found.into_iter().next().ok_or(CustomerError::NotFound)?);
        }
    }
    if clash == Clash::Request {
        return Err(replay::reused());
    }
    let phones = file.phone_hashes();
    let existing: Option<Uuid> = sqlx::query_scalar!(
        r#"SELECT id AS "id!" FROM customer.customers WHERE national_id_hash = $1
           UNION ALL
           SELECT customer_id FROM customer.contact_points
           WHERE hash = ANY ($2) AND exclusive AND end_time IS NULL
           LIMIT 1"#,
        file.national_id_hash(),
        &phones,
    )
    .fetch_optional(&mut *tx)
    .await?;
    Err(match existing {
        Some(customer) => CustomerError::Exists(customer.into()),
        None => CustomerError::ExistsElsewhere { receives: caller.has("reception.write") },
    }
    .into())
}
