//! `ListFacts`.

use foursight_access::Principal;
use foursight_kernel::{CustomerId, Error, FactId, Page, Result, StaffId, Violations, sql, time};
use foursight_proto::customer::v1::{Customer, Fact, ListFactsRequest, ListFactsResponse};
use prost::Message;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    context::Context,
    customers::{
        CustomerError,
        facts::Field,
        masking,
        on_file::{self, OnFile},
        sealing::FieldKind,
    },
    names, scope,
};

struct FactRow {
    id: Uuid,
    field: i16,
    sealed: Option<Vec<u8>>,
    source: i16,
    store_id: Uuid,
    staff_id: Option<Uuid>,
    learn_time: sql::Timestamp,
}

/// What each fact of a file was over time and where it came from, newest first.
///
/// # Errors
/// `CUSTOMER_NOT_FOUND` when the caller sees no such file; wrong fields.
pub(crate) async fn list(
    ctx: &Context,
    caller: &Principal,
    request: &ListFactsRequest,
) -> Result<ListFactsResponse> {
    let mut v = Violations::default();
    let customer: Option<CustomerId> = v.name("parent", &request.parent);
    let fields = if request.field.is_empty() { Field::ALL.to_vec() } else { Field::at(&request.field) };
    if fields.is_empty() {
        v.push("field", "must be the path of a fact, such as profile.budget");
    }
    v.check()?;
    let customer = customer.ok_or_else(|| Error::from(CustomerError::NotFound))?;
    let page = Page::<FactId>::parse(request)?;
    let after = page.after;
    let numbers: Vec<i16> = fields.iter().map(|field| *field as i16).collect();

    let mut tx = ctx.db.begin_list(caller).await?;
    let file = on_file::read(&mut tx, ctx, customer).await?;
    let rows = sqlx::query_as!(
        FactRow,
        r#"SELECT id, field, sealed, source, store_id, staff_id, learn_time FROM customer.facts
           WHERE customer_id = $1 AND field = ANY ($2) AND ($3::uuid IS NULL OR id < $3)
           ORDER BY id DESC LIMIT $4"#,
        customer.uuid(),
        &numbers,
        after.map(FactId::uuid),
        page.limit,
    )
    .fetch_all(&mut *tx)
    .await?;
    let (rows, next_page_token) = page.finish(rows, |row| FactId::from(row.id))?;
    let since_opening = if after.is_none() {
        unchanged(&mut tx, customer, caller, &file, &fields).await?
    } else {
        Vec::new()
    };
    let facts = rows.into_iter().map(|row| row.to_proto(customer, caller, &file)).collect::<Result<_>>()?;
    Ok(ListFactsResponse { facts, next_page_token, since_opening })
}

/// What has stood in the file from its beginning.
async fn unchanged(
    tx: &mut PgConnection,
    customer: CustomerId,
    caller: &Principal,
    file: &OnFile,
    fields: &[Field],
) -> Result<Vec<Fact>> {
    let changed: Vec<i16> = sqlx::query_scalar!(
        "SELECT DISTINCT field FROM customer.facts WHERE customer_id = $1",
        customer.uuid()
    )
    .fetch_all(tx)
    .await?;
    let still = |field: &Field| !changed.contains(&(*field as i16)) && file.facts.has(*field);
    let opened = &file.opened;
    let fact = |field: Field| Fact {
        name: String::new(),
        field: field.path().to_owned(),
        value: Some(masked(file.facts.only(field))),
        source: opened.source.into(),
        store: scope::store_within(caller, Some(opened.store)),
        staff: String::new(),
        learn_time: Some(time::to_proto(opened.time.to_jiff())),
    };
    Ok(fields.iter().copied().filter(still).map(fact).collect())
}

impl FactRow {
    fn to_proto(&self, customer: CustomerId, caller: &Principal, file: &OnFile) -> Result<Fact> {
        let field =
            Field::of_number(self.field).ok_or_else(|| Error::internal("a fact of no known field"))?;
        let value = match &self.sealed {
            None => None,
            Some(sealed) => {
                let bytes = file.key.open_bytes(FieldKind::Fact, sealed)?;
                Some(masked(Customer::decode(bytes.as_slice()).map_err(Error::internal)?))
            }
        };
        Ok(Fact {
            name: names::below(customer, "facts", self.id),
            field: field.path().to_owned(),
            value,
            source: self.source.into(),
            store: scope::store_within(caller, Some(self.store_id)),
            staff: self.staff_id.map(|id| StaffId::from(id).name()).unwrap_or_default(),
            learn_time: Some(time::to_proto(self.learn_time.to_jiff())),
        })
    }
}

fn masked(mut value: Customer) -> Customer {
    if !value.national_id.is_empty() {
        value.national_id = masking::mask(FieldKind::NationalId, &value.national_id);
    }
    value
}
