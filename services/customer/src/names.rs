//! Resource names below a customer: `customers/{customer}/contactPoints/{uuid}`.

use foursight_kernel::{CustomerId, Violations, ids::Id};
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
