//! `ResolveContacts`: consent and address in one statement, so that nothing can be withdrawn between the two.

use std::collections::HashMap;

use foursight_access::Principal;
use foursight_kernel::{CustomerId, Result, Violations, sql};
use foursight_proto::customer::v1::{
    ConsentState, ContactKind, Purpose, Resolution, ResolveContactsRequest, ResolveContactsResponse,
    ResolvedContact,
};
use secrecy::ExposeSecret;
use uuid::Uuid;

use crate::{contacts::kind_of, context::Context, customers::WrappedKey};

const MOST_CUSTOMERS: usize = 500;

struct Found {
    asked: Uuid,
    /// Whose file it is now: the one that was asked for may have been merged into it.
    id: Uuid,
    display_name: String,
    consent: Option<i16>,
    sealed: Option<Vec<u8>>,
    master_version: i32,
    wrapped: Vec<u8>,
}

/// Where each customer is reached for the purpose now, or why not. One answer for each name asked for, in order.
///
/// # Errors
/// Wrong fields; a customer that does not exist is an answer, not an error.
pub(crate) async fn resolve(
    ctx: &Context,
    caller: &Principal,
    request: &ResolveContactsRequest,
) -> Result<ResolveContactsResponse> {
    let mut v = Violations::default();
    v.at_most("customers", &request.customers, MOST_CUSTOMERS);
    let purpose: Option<Purpose> = v.required_enum("purpose", request.purpose);
    let kind: Option<ContactKind> = v.required_enum("contact_kind", request.contact_kind);
    let asked: Vec<Option<CustomerId>> = request
        .customers
        .iter()
        .take(MOST_CUSTOMERS)
        .enumerate()
        .map(|(index, name)| v.name(&format!("customers[{index}]"), name))
        .collect();
    v.check()?;
    let ids: Vec<Uuid> = asked.iter().flatten().map(|id| id.uuid()).collect();

    let mut tx = ctx.db.begin(caller).await?;
    let rows = sqlx::query_as!(
        Found,
        r#"SELECT asked.id AS "asked!", c.id, c.display_name, s.state AS "consent?", p.sealed AS "sealed?", k.master_version, k.wrapped
           FROM unnest($1::uuid[]) AS asked (id)
           JOIN customer.customers c ON c.id = customer.survivor_of(asked.id)
           JOIN customer.customer_keys k ON k.customer_id = c.id
           LEFT JOIN LATERAL (
               SELECT state FROM customer.consents
               WHERE customer_id = c.id AND purpose = $2 AND contact_kind = $3 ORDER BY version DESC LIMIT 1
           ) s ON true
           LEFT JOIN LATERAL (
               SELECT sealed FROM customer.contact_points
               WHERE customer_id = c.id AND kind = $3 AND end_time IS NULL ORDER BY start_time DESC, id LIMIT 1
           ) p ON s.state = 1"#,
        &ids,
        purpose.map(sql::number),
        kind.map(sql::number),
    )
    .fetch_all(&mut *tx)
    .await?;
    drop(tx);

    let mut found: HashMap<Uuid, ResolvedContact> = HashMap::with_capacity(rows.len());
    for row in rows {
        found.insert(row.asked, answer(ctx, kind, row)?);
    }
    let contacts = asked
        .iter()
        .flatten()
        .map(|id| found.get(&id.uuid()).cloned().unwrap_or_else(|| without_address(*id, Resolution::Unknown)))
        .collect();
    Ok(ResolveContactsResponse { contacts })
}

fn answer(ctx: &Context, kind: Option<ContactKind>, row: Found) -> Result<ResolvedContact> {
    let (asked, id) = (CustomerId::from(row.asked), CustomerId::from(row.id));
    if row.consent != Some(sql::number(ConsentState::Given)) {
        return Ok(without_address(asked, Resolution::NoConsent));
    }
    let (Some(sealed), Some(kind)) = (row.sealed, kind) else {
        return Ok(without_address(asked, Resolution::NoContact));
    };
    let (_, field) = kind_of(sql::number(kind))?;
    let key = WrappedKey { master_version: row.master_version, wrapped: row.wrapped };
    let address = ctx.keys.unwrap(id, &key)?.open(field, &sealed)?;
    Ok(ResolvedContact {
        customer: asked.name(),
        resolution: Resolution::Reachable.into(),
        address: address.expose_secret().to_owned(),
        display_name: row.display_name,
    })
}

fn without_address(customer: CustomerId, why: Resolution) -> ResolvedContact {
    ResolvedContact { customer: customer.name(), resolution: why.into(), ..ResolvedContact::default() }
}
