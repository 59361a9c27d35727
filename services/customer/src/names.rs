//! Resource names in requests: below a customer, as in `customers/{customer}/contactPoints/{uuid}`, and of staff.

use foursight_access::Principal;
use foursight_kernel::{CustomerId, StaffId, Violations, ids::Id};
use uuid::Uuid;

/// The name of something that belongs to a customer's file.
pub(crate) fn below(customer: CustomerId, collection: &str, id: Uuid) -> String {
    format!("{}/{collection}/{id}", customer.name())
}

/// Reads the name of something of this very customer.
pub(crate) fn parse_below<I: Id>(
    v: &mut Violations,
    field: &str,
    name: &str,
    customer: Option<CustomerId>,
) -> Option<I> {
    let found = name.split_once(&format!("/{}/", I::COLLECTION)).and_then(|(parent, id)| {
        let parent = CustomerId::parse_name(parent).ok()?;
        (id.len() == 36 && customer.is_none_or(|customer| customer == parent)).then_some(())?;
        Some(I::from(Uuid::try_parse(id).ok()?))
    });
    if found.is_none() {
        v.push(
            field,
            format!(
                "must be a name of the form {{customer}}/{}/{{uuid}}, of the same customer",
                I::COLLECTION
            ),
        );
    }
    found
}

/// Reads who is in charge of something: the caller, unless another member of staff is named.
pub(crate) fn staff_or_caller(
    v: &mut Violations,
    field: &str,
    name: &str,
    caller: &Principal,
) -> Option<StaffId> {
    if !name.is_empty() {
        return v.name(field, name);
    }
    if caller.staff().is_none() {
        v.push(field, "is required when the caller is not a member of staff");
    }
    caller.staff()
}
