//! Where in a request something stands, as violations name it.

use std::fmt;

use crate::schema::{Cardinality, Kind, MessageId, Schema};

/// A path of names and places, on the stack: nothing is allocated until something is wrong.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Path<'p> {
    Root,
    /// A field, by its name in JSON.
    Field(&'p Path<'p>, &'p str),
    /// An element of a list.
    Index(&'p Path<'p>, usize),
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => Ok(()),
            Self::Field(Path::Root, name) => f.write_str(name),
            Self::Field(parent, name) => write!(f, "{parent}.{name}"),
            Self::Index(parent, index) => write!(f, "{parent}[{index}]"),
        }
    }
}

/// A path in the proto's spelling (`customer.contact_points[0].value`) as a JSON caller writes it. What is no field of the
/// request, such as `body` or the key of a map, stays as it is.
pub(crate) fn in_json(schema: &Schema, request: MessageId, path: &str) -> String {
    let mut message = Some(schema.message(request));
    let mut is_key = false;
    let mut pieces = Vec::new();
    for piece in path.split('.') {
        let (name, place) = piece.split_at(piece.find('[').unwrap_or(piece.len()));
        let field = message.filter(|_| !is_key).and_then(|message| message.field(name));
        let Some(field) = field else {
            pieces.push(piece.to_owned());
            message = message.filter(|_| std::mem::take(&mut is_key));
            continue;
        };
        pieces.push(format!("{}{place}", field.json_name));
        message = match field.kind {
            Kind::Message(id) => Some(schema.message(id)),
            _ => None,
        };
        if field.cardinality == Cardinality::Map {
            is_key = true;
            let value = message.and_then(|entry| entry.fields.get(1)).map(|value| value.kind);
            message = match value {
                Some(Kind::Message(id)) => Some(schema.message(id)),
                _ => None,
            };
        }
    }
    pieces.join(".")
}

/// A name that a client sent, short enough to be sent back.
pub(crate) fn shortened(name: &str) -> String {
    const LONGEST: usize = 64;
    match name.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &name[..end]),
        None => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn fields_are_named_as_a_json_caller_writes_them() {
        let schema = Schema::compile(foursight_proto::descriptors());
        let request = schema.find("foursight.customer.v1.CreateCustomerRequest").unwrap();
        for (proto, json) in [
            ("request_id", "requestId"),
            ("customer.contact_points[0].value", "customer.contactPoints[0].value"),
            ("customer.contact_points[12]", "customer.contactPoints[12]"),
            ("customer.no_such_field.display_name", "customer.no_such_field.display_name"),
            ("header.idempotency-key", "header.idempotency-key"),
            ("body", "body"),
        ] {
            assert_eq!(in_json(&schema, request, proto), json);
        }
        // The keys of a map are the caller's own words.
        let entry = schema.find("foursight.customer.v1.TimelineEntry").unwrap();
        assert_eq!(in_json(&schema, entry, "details.occur_time"), "details.occur_time");
    }
}
