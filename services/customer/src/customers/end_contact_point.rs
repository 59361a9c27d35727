//! `EndContactPoint`.

use std::mem;

use foursight_access::{Principal, audit};
use foursight_kernel::{ContactPointId, CustomerId, Error, Result, StoreId, Violations, sql};
use foursight_messaging::NewEvent;
use foursight_proto::customer::{
    events::v1::ContactPointEnded,
    v1::{Customer, EndContactPointRequest},
};
use foursight_runtime::{record, step};
use jiff::Timestamp;

use crate::{
    context::Context,
    customers::{CustomerError, file, on_file},
    names, times,
};

const METHOD: &str = "EndContactPoint";

struct End {
    point: ContactPointId,
    store: StoreId,
    time: Timestamp,
}

/// Ends a way to reach the customer; it stays in the file with its time.
///
/// # Errors
/// `CUSTOMER_NOT_FOUND`, `FACT_NOT_FOUND`, `CONTACT_POINT_ENDED`, `STORE_OUT_OF_REACH`, `REQUEST_ID_REUSED`, and every wrong field
/// at once.
pub(crate) async fn end(
    ctx: &Context,
    caller: &Principal,
    mut request: EndContactPointRequest,
) -> Result<Customer> {
    let now = ctx.now();
    let mut v = Violations::default();
    let id: Option<CustomerId> = v.name("name", &request.name);
    let request_id = v.request_id(&mem::take(&mut request.request_id));
    let it = parse(&mut v, &request, id, now);
    v.check()?;
    let (Some(id), Some(it)) = (id, it) else { return Err(Error::invalid_field("name", "is required")) };
    ctx.staff.require_store(caller, "store", it.store).await?;

    let key = ctx.keys.step_key(request_id, METHOD, &caller.subject.name(), &request);
    let mut tx = ctx.db.begin(caller).await?;
    let on_file = on_file::lock(&mut tx, ctx, id).await?;
    if step::is_new(&mut tx, key.as_ref(), it.store, now).await? {
        let point = sqlx::query!(
            r#"SELECT kind, start_time AS "start_time: sql::Timestamp", end_time AS "end_time: sql::Timestamp"
               FROM customer.contact_points WHERE customer_id = $1 AND id = $2"#,
            id.uuid(),
            it.point.uuid(),
        )
        .fetch_optional(&mut *tx)
        .await?
        .ok_or(CustomerError::NoSuchFact)?;
        if let Some(ended) = point.end_time {
            return Err(CustomerError::PointEnded(ended.to_jiff()).into());
        }
        if it.time < point.start_time.to_jiff() {
            return Err(Error::invalid_field(
                "end_time",
                "must not be before the contact point's start_time",
            ));
        }
        sqlx::query!(
            "UPDATE customer.contact_points SET end_time = $3 WHERE customer_id = $1 AND id = $2",
            id.uuid(),
            it.point.uuid(),
            sql::at(it.time) as _,
        )
        .execute(&mut *tx)
        .await?;
        let version = on_file::touch(&mut tx, on_file.id, now).await?;
        let told = ContactPointEnded {
            customer: id.name(),
            store: it.store.name(),
            contact_point: names::below(id, "contactPoints", it.point.uuid()),
            kind: point.kind.into(),
            taken_over: false,
        };
        let action = audit::Action {
            method: METHOD,
            resource: &told.contact_point,
            store: Some(it.store),
            detail: serde_json::json!({ "kind": told.kind().as_str_name() }),
        };
        let event = NewEvent::new(&told, id.uuid(), version, Some(it.store));
        record::change(&mut tx, &ctx.ids, caller, now, event, action).await?;
    }
    file::commit_and_read(tx, ctx, id).await
}

fn parse(
    v: &mut Violations,
    request: &EndContactPointRequest,
    id: Option<CustomerId>,
    now: Timestamp,
) -> Option<End> {
    let store = v.name("store", &request.store);
    let told = v.timestamp("end_time", request.end_time.as_ref());
    let time = times::past(v, "end_time", told, now);
    let point = names::parse_below(v, "contact_point", &request.contact_point, id);
    Some(End { point: point?, store: store?, time })
}
