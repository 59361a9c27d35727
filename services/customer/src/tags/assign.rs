//! `TagCustomer` and `UntagCustomer`: the two ways of one list.

use foursight_access::Principal;
use foursight_kernel::{Error, Result, StaffId, TagId, Violations, sql};
use foursight_proto::customer::{
    events::v1::CustomerTagged,
    v1::{Customer, TagCustomerRequest, UntagCustomerRequest},
};
use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    context::Context,
    customers::file_step::{FileStep, Found},
};

/// How many tags one request names.
const MOST_AT_ONCE: usize = 20;
/// How many tags a customer has.
pub(crate) const MOST_OF_FILE: usize = 50;

/// Gives a customer those of these tags that the customer has not.
///
/// # Errors
/// `CUSTOMER_NOT_FOUND`, `CUSTOMER_CHANGED`, `STORE_OUT_OF_REACH`, `REQUEST_ID_REUSED`, and every wrong field at once.
pub(super) async fn tag(
    ctx: &Context,
    caller: &Principal,
    mut request: TagCustomerRequest,
) -> Result<Customer> {
    let mut v = Violations::default();
    let step = FileStep::parse(&mut v, ctx, caller, "TagCustomer", &mut request);
    let tags = parse(&mut v, &request.tags);
    v.check()?;
    let Some(step) = step else { return Err(Error::invalid_field("name", "is required")) };
    let (mut tx, found) = step.begin(ctx, caller).await?;
    if let Some(mut found) = found {
        let fresh: Vec<Uuid> = tags.iter().copied().filter(|tag| !found.tags.contains(tag)).collect();
        require_in_use(&mut tx, &tags, &fresh).await?;
        if found.tags.len() + fresh.len() > MOST_OF_FILE {
            return Err(Error::invalid_field(
                "tags",
                format!("would be more than {MOST_OF_FILE} on this file; take some off first"),
            ));
        }
        if !fresh.is_empty() {
            let mut ids: Vec<Uuid> = fresh.iter().map(|_| ctx.ids.uuid()).collect();
            ids.sort_unstable();
            sqlx::query!(
                "INSERT INTO customer.customer_tags (id, customer_id, tag_id, start_time, store_id, staff_id)
                 SELECT t.id, $1, t.tag, $2, $3, $4 FROM unnest($5::uuid[], $6::uuid[]) AS t (id, tag)",
                step.customer.uuid(),
                sql::at(step.now) as _,
                step.store.uuid(),
                caller.staff().map(StaffId::uuid),
                &ids,
                &fresh,
            )
            .execute(&mut *tx)
            .await?;
            found.tags.extend(&fresh);
            tell(&mut tx, ctx, caller, &step, &found, (&fresh, &[])).await?;
        }
    }
    step.end(tx, ctx).await
}

/// Takes those of these tags off a customer that the customer has.
///
/// # Errors
/// Those of [`tag`].
pub(super) async fn untag(
    ctx: &Context,
    caller: &Principal,
    mut request: UntagCustomerRequest,
) -> Result<Customer> {
    let mut v = Violations::default();
    let step = FileStep::parse(&mut v, ctx, caller, "UntagCustomer", &mut request);
    let tags = parse(&mut v, &request.tags);
    v.check()?;
    let Some(step) = step else { return Err(Error::invalid_field("name", "is required")) };
    let (mut tx, found) = step.begin(ctx, caller).await?;
    if let Some(mut found) = found {
        let (gone, left): (Vec<Uuid>, Vec<Uuid>) = found.tags.iter().partition(|tag| tags.contains(tag));
        if !gone.is_empty() {
            sqlx::query!(
                "UPDATE customer.customer_tags
                 SET end_time = greatest(start_time, $2), end_store_id = $3, end_staff_id = $4
                 WHERE customer_id = $1 AND tag_id = ANY ($5) AND end_time IS NULL",
                step.customer.uuid(),
                sql::at(step.now) as _,
                step.store.uuid(),
                caller.staff().map(StaffId::uuid),
                &gone,
            )
            .execute(&mut *tx)
            .await?;
            found.tags = left;
            tell(&mut tx, ctx, caller, &step, &found, (&[], &gone)).await?;
        }
    }
    step.end(tx, ctx).await
}

fn parse(v: &mut Violations, tags: &[String]) -> Vec<Uuid> {
    if tags.is_empty() {
        v.push("tags", "is required: the names of tags");
    }
    v.at_most("tags", tags, MOST_AT_ONCE);
    let mut ids: Vec<Uuid> = Vec::new();
    for (place, tag) in tags.iter().enumerate().take(MOST_AT_ONCE) {
        let id: Option<TagId> = v.name(&format!("tags[{place}]"), tag);
        let id = id.map(TagId::uuid).filter(|id| !ids.contains(id));
        ids.extend(id);
    }
    ids
}

/// Refuses tags that are not in the catalogue, or are out of use. `told` are all that the request names, for their places.
async fn require_in_use(tx: &mut PgConnection, told: &[Uuid], tags: &[Uuid]) -> Result<()> {
    // Whoever archives one of them meanwhile comes after this, or before.
    let known = sqlx::query_scalar!(
        "SELECT id FROM customer.tags WHERE id = ANY ($1) AND archive_time IS NULL ORDER BY id FOR SHARE",
        tags,
    )
    .fetch_all(tx)
    .await?;
    let mut v = Violations::default();
    for (place, tag) in told.iter().enumerate() {
        if tags.contains(tag) && !known.contains(tag) {
            v.push(format!("tags[{place}]"), "must be a tag of the catalogue that is in use");
        }
    }
    v.check()
}

async fn tell(
    tx: &mut PgConnection,
    ctx: &Context,
    caller: &Principal,
    step: &FileStep,
    found: &Found,
    (added, removed): (&[Uuid], &[Uuid]),
) -> Result<()> {
    let names = |tags: &[Uuid]| -> Vec<String> { tags.iter().map(|tag| TagId::from(*tag).name()).collect() };
    let tagged = CustomerTagged {
        customer: step.customer.name(),
        store: step.store.name(),
        added: names(added),
        removed: names(removed),
    };
    let detail = json!({ "added": tagged.added, "removed": tagged.removed });
    step.take(tx, ctx, caller, (found, &tagged, detail), None).await
}
