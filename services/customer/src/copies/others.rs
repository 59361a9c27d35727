//! Who else stands in a customer's rows, by id: at the same car, or merged with the customer once and parted again. That is their
//! business, and is in nobody else's copy. Pure.

use std::collections::BTreeSet;

use foursight_kernel::CustomerId;
use serde_json::Value;
use uuid::Uuid;

use super::Known;

/// The columns that say who.
const WHO: [&str; 5] = ["absorbed_id", "customer_id", "first_customer_id", "owner_id", "survivor_id"];

/// Leaves out the ids of all customers but these.
pub(super) fn leave_out(known: &mut [Known], own: &BTreeSet<CustomerId>) {
    let rows = known.iter_mut().flat_map(|it| &mut it.tables).flat_map(|(_, rows)| rows);
    rows.for_each(|row| clear(row, own));
}

fn clear(value: &mut Value, own: &BTreeSet<CustomerId>) {
    let its_own = |id: Option<CustomerId>| id.is_none_or(|id| own.contains(&id));
    match value {
        Value::Object(fields) => {
            fields.retain(|name, it| {
                let Some(text) = it.as_str() else { return true };
                let id = Uuid::parse_str(text).ok().filter(|_| WHO.contains(&name.as_str()));
                its_own(id.map(CustomerId::from)) && its_own(CustomerId::parse_name(text).ok())
            });
            fields.values_mut().for_each(|it| clear(it, own));
        }
        Value::Array(several) => several.iter_mut().for_each(|it| clear(it, own)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_left_names_nobody_else() {
        let [own, part, other] = [1, 2, 3].map(|number| CustomerId::from(Uuid::from_u128(number)));
        let row = json!({
            "id": other.uuid(), "customer_id": own.uuid(), "owner_id": other.uuid(), "absorbed_id": part.uuid(),
            "details": { "customer": own.name(), "other": other.name(), "stage": "LOST" },
        });
        let tables = vec![("timeline_entries".to_owned(), vec![row])];
        let mut known = [Known { service: "customer", tables }];
        leave_out(&mut known, &BTreeSet::from([own, part]));
        let left = json!({
            "id": other.uuid(), "customer_id": own.uuid(), "absorbed_id": part.uuid(),
            "details": { "customer": own.name(), "stage": "LOST" },
        });
        assert_eq!(known[0].tables[0].1, [left]);
    }
}
