//! Query parameters: the request's fields that neither the path nor the body gives.

use foursight_kernel::Violations;

use super::{path::shortened, percent, put_text, text::Source, wire::nest};
use crate::schema::{Cardinality, FieldPlan, Kind, MessageId, Schema};

/// Who gives a request's fields beside the query.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Given<'r> {
    /// Fields of the path, by the proto's names.
    pub(crate) path: &'r [Box<str>],
    pub(crate) body: Body<'r>,
    /// Where the same method takes everything in its body, such as `POST /v1/customers:search`.
    pub(crate) by_body: Option<&'r str>,
}

/// Which fields the body gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Body<'r> {
    Nothing,
    Everything,
    Field(&'r str),
}

/// Appends the query's fields to `out`; everything that is wrong goes to `violations`.
pub(crate) fn decode(
    schema: &Schema,
    request: MessageId,
    query: &str,
    given: Given<'_>,
    out: &mut Vec<u8>,
    violations: &mut Violations,
) {
    let mut seen: Vec<String> = Vec::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (Ok(name), value) = (percent::decode(name, true), percent::decode(value, true)) else {
            violations.push("query", "has a name that is not percent-encoded UTF-8");
            continue;
        };
        let target = match Target::find(schema, request, &name, given) {
            Ok(target) => target,
            Err(description) => {
                violations.push(shortened(&name), description);
                continue;
            }
        };
        let written = value.map_err(str::to_owned).and_then(|value| {
            if target.leaf.cardinality == Cardinality::Single {
                if seen.contains(&target.path) {
                    return Err("is given twice; give it once".to_owned());
                }
                seen.push(target.path.clone());
            }
            let mut field = Vec::new();
            put_text(schema, target.leaf.kind, target.leaf.number, &value, Source::Url, &mut field)?;
            out.extend(target.wrapped(field));
            Ok(())
        });
        if let Err(description) = written {
            violations.push(target.path, description);
        }
    }
}

/// The field that a parameter names.
struct Target<'s> {
    /// The messages around it, from the request inwards.
    around: Vec<u32>,
    leaf: &'s FieldPlan,
    /// In JSON's names.
    path: String,
}

impl<'s> Target<'s> {
    fn find(schema: &'s Schema, request: MessageId, name: &str, given: Given<'_>) -> Result<Self, String> {
        let mut plan = schema.message(request);
        let mut around = Vec::new();
        // What the route has is told in the proto's names, and what the client is told in JSON's.
        let (mut place, mut path) = (String::new(), String::new());
        let mut personal = false;
        let mut pieces = name.split('.').peekable();
        while let Some(piece) = pieces.next() {
            let Some(field) = plan.field(piece) else {
                return Err(format!("is not a field here; there are: {}", plan.choices()));
            };
            personal |= field.personal;
            for (path, name) in [(&mut place, &field.name), (&mut path, &field.json_name)] {
                if !path.is_empty() {
                    path.push('.');
                }
                path.push_str(name);
            }
            match (pieces.peek(), field.kind, field.cardinality) {
                (None, _, Cardinality::Map) => return Err("is a map, which a query cannot carry".to_owned()),
                (None, ..) => {
                    given.allows(&place)?;
                    if personal {
                        return Err(given.not_in_a_url());
                    }
                    return Ok(Self { around, leaf: field, path });
                }
                (Some(_), Kind::Message(id), Cardinality::Single) => {
                    around.push(field.number);
                    plan = schema.message(id);
                }
                (Some(_), ..) => return Err(format!("goes too deep: `{path}` has no fields to name")),
            }
        }
        Err("names no field".to_owned())
    }

    fn wrapped(&self, field: Vec<u8>) -> Vec<u8> {
        self.around.iter().rev().fold(field, |content, number| {
            let mut message = Vec::with_capacity(content.len() + 6);
            nest(&mut message, *number, |message| message.extend_from_slice(&content));
            message
        })
    }
}

impl Given<'_> {
    fn not_in_a_url(&self) -> String {
        let remedy = match self.by_body {
            Some(route) => format!("send it in the JSON body of {route}"),
            None => "leave it out".to_owned(),
        };
        format!("may hold personal data, which must not be in a URL; {remedy}")
    }

    fn allows(&self, path: &str) -> Result<(), String> {
        let top = path.split('.').next().unwrap_or(path);
        if self.path.iter().any(|bound| **bound == *path) {
            return Err("is part of the path already; leave it out of the query".to_owned());
        }
        match self.body {
            Body::Nothing => Ok(()),
            Body::Field(field) if field != top => Ok(()),
            Body::Field(_) | Body::Everything => Err("belongs in the body, not in the query".to_owned()),
        }
    }
}
