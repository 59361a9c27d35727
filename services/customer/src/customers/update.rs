//! `UpdateCustomer`.

use std::mem;

use foursight_access::{Principal, audit};
use foursight_kernel::{CustomerId, Error, Result, StoreId, Violations};
use foursight_messaging::NewEvent;
use foursight_proto::customer::{
    events::v1::CustomerUpdated,
    v1::{Customer, CustomerKind, SourceChannel, UpdateCustomerRequest},
};
use foursight_runtime::{record, step};
use secrecy::ExposeSecret;
use sqlx::PgConnection;

use crate::{
    context::Context,
    customers::{
        CustomerError,
        facts::{self, Facts, Field},
        file,
        on_file::{self, Origin},
        open::OpenError,
        taken,
        told_of::Told,
        tries::{self, Try},
    },
};

const METHOD: &str = "UpdateCustomer";
const ON_FILE: Try = Try { method: METHOD, reason: "CUSTOMER_EXISTS" };

struct Update {
    fields: Vec<Field>,
    told: Facts,
    origin: Origin,
    etag: String,
}

/// Changes the facts that the mask names.
///
/// # Errors
/// `CUSTOMER_NOT_FOUND`, `CUSTOMER_CHANGED`, `CUSTOMER_EXISTS` when the national id is on another's file, `TOO_MANY_TRIES`,
/// `STORE_OUT_OF_REACH`, `REQUEST_ID_REUSED`, and every wrong field at once.
pub(crate) async fn update(
    ctx: &Context,
    caller: &Principal,
    mut request: UpdateCustomerRequest,
) -> Result<Customer> {
    let mut v = Violations::default();
    let id: Option<CustomerId> = v.name("name", &request.name);
    let request_id = v.request_id(&mem::take(&mut request.request_id));
    let it = parse(&mut v, ctx, &request);
    v.check()?;
    let (Some(id), Some(it)) = (id, it) else { return Err(Error::invalid_field("name", "is required")) };
    ctx.staff.require_store(caller, "store", it.origin.store).await?;

    let key = ctx.keys.step_key(request_id, METHOD, &caller.subject.name(), &request);
    let now = it.origin.time;
    let mut tx = ctx.db.begin(caller).await?;
    if it.told.national_id.is_some() {
        tries::admit_caller(&mut tx, caller, now).await?;
    }
    let on_file = on_file::lock(&mut tx, ctx, id).await?;
    if step::is_new(&mut tx, key.as_ref(), it.origin.store, now).await? {
        if !it.etag.is_empty() && it.etag != file::etag(on_file.version) {
            return Err(CustomerError::Changed.into());
        }
        if on_file.kind == CustomerKind::Organization && it.told.national_id.is_some() {
            return Err(Error::invalid_field(
                "customer.national_id",
                "is for persons; an organization has none",
            ));
        }
        let changed = on_file.changed(&it.fields, &it.told);
        if !changed.is_empty() {
            match on_file.take(&mut tx, ctx, caller, (&changed, &it.told), it.origin).await {
                Ok(version) => tell(ctx, &mut tx, caller, (id, version), &changed, it.origin).await?,
                Err(OpenError::Other(error)) => return Err(error),
                Err(OpenError::TooManyTries(error)) => return Err(error.into()),
                Err(OpenError::Clash(_)) => {
                    tx.rollback().await?;
                    return Err(after_clash(ctx, caller, &it).await?);
                }
            }
        }
    }
    file::commit_and_read(tx, ctx, id).await
}

fn parse(v: &mut Violations, ctx: &Context, request: &UpdateCustomerRequest) -> Option<Update> {
    let store: Option<StoreId> = v.name("store", &request.store);
    let source: Option<SourceChannel> = v.required_enum("source", request.source);
    if request.customer.is_none() {
        v.push("customer", "is required");
    }
    let customer = request.customer.as_ref()?;
    v.optional_name::<StoreId>("customer.store", &customer.store);
    let paths = request.update_mask.as_ref().map(|mask| mask.paths.as_slice()).unwrap_or_default();
    let fields = fields(v, customer, paths);
    let told = Facts::parse(v, "customer", customer, &fields, None, ctx.today());
    let origin = Origin { store: store?, source: source?, time: ctx.now() };
    Some(Update { fields, told, origin, etag: request.etag.clone() })
}

/// What is to be changed: what the mask names, all for `*`, and without a mask what the request has.
fn fields(v: &mut Violations, customer: &Customer, paths: &[String]) -> Vec<Field> {
    if paths.is_empty() {
        return Field::ALL.into_iter().filter(|field| facts::is_told(customer, *field)).collect();
    }
    let mut fields = Vec::new();
    for path in paths.iter().take(Field::ALL.len() * 2) {
        let named = if path == "*" { Field::ALL.to_vec() } else { Field::at(path) };
        if named.is_empty() {
            v.push("update_mask", format!("names what cannot be changed here; there are: {}", all_paths()));
            break;
        }
        fields.extend(named);
    }
    Field::ALL.into_iter().filter(|field| fields.contains(field)).collect()
}

fn all_paths() -> String {
    Field::ALL.map(Field::path).join(", ")
}

/// Tells which facts changed, and never what they are.
async fn tell(
    ctx: &Context,
    tx: &mut PgConnection,
    caller: &Principal,
    (id, version): (CustomerId, i64),
    changed: &[Field],
    origin: Origin,
) -> Result<()> {
    let fields: Vec<String> = changed.iter().map(|field| field.path().to_owned()).collect();
    let action = audit::Action {
        method: METHOD,
        resource: &id.name(),
        store: Some(origin.store),
        detail: serde_json::json!({ "fields": fields, "source": origin.source.as_str_name() }),
    };
    let updated = CustomerUpdated {
        customer: id.name(),
        store: origin.store.name(),
        source: origin.source.into(),
        fields: fields.clone(),
    };
    let event = NewEvent::new(&updated, id.uuid(), version, Some(origin.store));
    record::change(tx, &ctx.ids, caller, origin.time, event, action).await
}

/// The national id is on another file: the caller learns which, as far as the caller's stores reach.
async fn after_clash(ctx: &Context, caller: &Principal, it: &Update) -> Result<Error> {
    let number = it.told.national_id.as_ref().map(|number| ctx.keys.national_id_hash(number.expose_secret()));
    let mut tx = ctx.db.begin(caller).await?;
    let told = Told { kind: CustomerKind::Person, phones: Vec::new(), card: number };
    let error = taken::whose(&mut tx, caller, ON_FILE, it.origin.store, &told, it.origin.time).await?;
    tx.commit().await?;
    Ok(error)
}
