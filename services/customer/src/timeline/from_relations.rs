//! Entries from relations: one of each of the two, each as it sees the other.

use foursight_kernel::CustomerId;
use foursight_messaging::{HandleError, Received};
use foursight_proto::customer::{
    events::v1::{RelationAdded, RelationEnded},
    v1::RelationKind,
};
use uuid::Uuid;

use crate::{
    names,
    relations::inverse,
    timeline::entry::{Entry, Rank, code},
};

/// What both events tell.
struct Told {
    entry: &'static str,
    relation: String,
    customer: String,
    other: String,
    kind: i32,
}

fn told(event: &Received) -> Result<Option<Told>, HandleError> {
    if let Some(it) = event.decode::<RelationAdded>()? {
        let entry = "RELATION_ADDED";
        let (relation, customer, other, kind) = (it.relation, it.customer, it.other, it.kind);
        return Ok(Some(Told { entry, relation, customer, other, kind }));
    }
    if let Some(it) = event.decode::<RelationEnded>()? {
        let entry = "RELATION_ENDED";
        let (relation, customer, other, kind) = (it.relation, it.customer, it.other, it.kind);
        return Ok(Some(Told { entry, relation, customer, other, kind }));
    }
    Ok(None)
}

fn kind(value: i32) -> String {
    code(value, RelationKind::as_str_name, "RELATION_KIND_")
}

/// Of the one from whose side it was told.
pub(super) fn entry(event: &Received) -> Result<Option<Entry>, HandleError> {
    Ok(told(event)?.and_then(|it| {
        let details = [("kind", kind(it.kind)), ("customer", it.other)];
        Entry::of(&it.customer, it.entry, Rank::File, it.relation, details)
    }))
}

/// Of the other one, under the other one's name of it: nothing there leads to the first one but the detail that says who it is.
pub(super) fn of_other(event: &Received) -> Result<Option<Entry>, HandleError> {
    let Some(it) = told(event)? else { return Ok(None) };
    let seen = RelationKind::try_from(it.kind).map_or(it.kind, |kind| inverse(kind).into());
    let id = it.relation.rsplit_once('/').and_then(|(_, id)| Uuid::try_parse(id).ok());
    let (Some(id), Ok(other)) = (id, CustomerId::parse_name(&it.other)) else { return Ok(None) };
    let details = [("kind", kind(seen)), ("customer", it.customer)];
    Ok(Entry::of(&it.other, it.entry, Rank::File, names::below(other, "relations", id), details))
}
