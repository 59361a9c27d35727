//! A sound request, spoilt in one place: the descriptors say what does not fit there.

mod fields;
mod json;
mod url;

use anyhow::Result;
use foursight_tests::methods::{ApiMethod, HttpRule};
use prost_reflect::Kind;
use serde_json::Value;

pub(crate) use url::url;

/// A request that must be refused.
pub(crate) struct Mutation {
    /// What was done to it.
    pub(crate) what: String,
    pub(crate) body: Vec<u8>,
    pub(crate) expected: Where,
}

/// What a refusal has to name.
#[derive(Clone)]
pub(crate) enum Where {
    /// This field.
    Field(String),
    /// Nothing in particular: what is wrong with it is not its form.
    Somewhere,
}

/// Every way to spoil a method's body, except for the field `bound`, which the path gives.
pub(crate) fn body(
    method: &ApiMethod,
    http: &HttpRule,
    bound: Option<&str>,
    sound: &Value,
) -> Result<Vec<Mutation>> {
    let (message, root) = match http.body.as_str() {
        "*" => (method.input.clone(), ""),
        field => match method.input.get_field_by_name(field).map(|field| field.kind()) {
            Some(Kind::Message(message)) => (message, field),
            _ => anyhow::bail!("{}: the body is {field}, which is no message", method.name),
        },
    };
    let mut found = fields::spoilt(&message, root, bound, sound);
    found.extend(json::spoilt(root, sound));
    Ok(found)
}
