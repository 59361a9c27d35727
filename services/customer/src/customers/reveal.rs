//! `RevealField`.

use foursight_access::{Principal, audit};
use foursight_kernel::{ContactPointId, CustomerId, Result, Violations};
use foursight_proto::customer::v1::{RevealFieldRequest, RevealFieldResponse, SensitiveField};
use secrecy::{ExposeSecret, SecretString};
use sqlx::PgConnection;

use crate::{
    contacts,
    context::Context,
    customers::{CustomerError, WrappedKey, sealing::FieldKind},
    names,
};

enum Fact {
    ContactPoint(ContactPointId),
    NationalId,
}

/// Shows one sensitive fact whole. Who saw what, and why, is in the audit log before the value leaves.
///
/// # Errors
/// `FACT_NOT_FOUND` when the caller sees no such file or the file has no such fact.
pub(crate) async fn reveal(
    ctx: &Context,
    caller: &Principal,
    request: &RevealFieldRequest,
) -> Result<RevealFieldResponse> {
    let mut v = Violations::default();
    let customer: Option<CustomerId> = v.name("name", &request.name);
    let reason = v.text("reason", &request.reason, 4..=200);
    let fact = match v.required_enum("field", request.field) {
        Some(SensitiveField::ContactPoint) => {
            names::parse_below(&mut v, "contact_point", &request.contact_point, customer)
                .map(Fact::ContactPoint)
        }
        Some(SensitiveField::NationalId) => Some(Fact::NationalId),
        Some(SensitiveField::Unspecified) | None => None,
    };
    v.check()?;
    let (Some(customer), Some(fact)) = (customer, fact) else { return Err(CustomerError::NotFound.into()) };

    let mut tx = ctx.db.begin(caller).await?;
    let (kind, value) = match &fact {
        Fact::ContactPoint(point) => contact_point(&mut tx, ctx, customer, *point).await?,
        Fact::NationalId => national_id(&mut tx, ctx, customer).await?,
    };
    let resource = match &fact {
        Fact::ContactPoint(point) => names::below(customer, "contactPoints", point.uuid()),
        Fact::NationalId => customer.name(),
    };
    let action = audit::Action {
        method: "RevealField",
        resource: &resource,
        store: None,
        detail: serde_json::json!({ "field": format!("{kind:?}"), "reason": reason }),
    };
    audit::record(&mut tx, caller, ctx.now(), action).await?;
    tx.commit().await?;
    Ok(RevealFieldResponse { value: value.expose_secret().to_owned() })
}

async fn contact_point(
    tx: &mut PgConnection,
    ctx: &Context,
    customer: CustomerId,
    point: ContactPointId,
) -> Result<(FieldKind, SecretString)> {
    let row = sqlx::query!(
        "SELECT p.kind, p.sealed, k.master_version, k.wrapped
         FROM customer.contact_points p JOIN customer.customer_keys k USING (customer_id)
         WHERE p.customer_id = $1 AND p.id = $2",
        customer.uuid(),
        point.uuid(),
    )
    .fetch_optional(tx)
    .await?
    .ok_or(CustomerError::NoSuchFact)?;
    let (_, kind) = contacts::kind_of(row.kind)?;
    let key = WrappedKey { master_version: row.master_version, wrapped: row.wrapped };
    Ok((kind, ctx.keys.unwrap(customer, &key)?.open(kind, &row.sealed)?))
}

async fn national_id(
    tx: &mut PgConnection,
    ctx: &Context,
    customer: CustomerId,
) -> Result<(FieldKind, SecretString)> {
    let row = sqlx::query!(
        r#"SELECT c.national_id_sealed AS "sealed!", k.master_version, k.wrapped
           FROM customer.customers c JOIN customer.customer_keys k ON k.customer_id = c.id
           WHERE c.id = $1 AND c.national_id_sealed IS NOT NULL"#,
        customer.uuid(),
    )
    .fetch_optional(tx)
    .await?
    .ok_or(CustomerError::NoSuchFact)?;
    let key = WrappedKey { master_version: row.master_version, wrapped: row.wrapped };
    let kind = FieldKind::NationalId;
    Ok((kind, ctx.keys.unwrap(customer, &key)?.open(kind, &row.sealed)?))
}
