//! What the protos' options say about a method.

use foursight_access::rules::Rule;
use foursight_proto::access::v1::Scope as AccessScope;
use http::Method;
use prost_reflect::{DescriptorPool, DynamicMessage, MethodDescriptor, Value};

use super::Scope;

/// How far a method without a rule, or with one, reaches.
pub(super) fn scope(rule: Option<&Rule>) -> Scope {
    match rule.map(|rule| rule.scope) {
        Some(AccessScope::Public) => Scope::Public,
        Some(AccessScope::SignedIn | AccessScope::Store | AccessScope::Group) => Scope::Token,
        Some(AccessScope::Unspecified | AccessScope::Service) | None => Scope::Closed,
    }
}

/// The annotation and its additional bindings.
pub(super) fn http_rules(pool: &DescriptorPool, method: &MethodDescriptor) -> Vec<DynamicMessage> {
    let options = method.options();
    let http = pool.get_extension_by_name("google.api.http").filter(|http| options.has_extension(http));
    let Some(http) = http.map(|http| options.get_extension(&http).into_owned()) else { return Vec::new() };
    let Value::Message(first) = http else { return Vec::new() };
    let more = first.get_field_by_name("additional_bindings").map(std::borrow::Cow::into_owned);
    let mut rules = vec![first];
    if let Some(Value::List(more)) = more {
        rules.extend(more.into_iter().filter_map(|rule| match rule {
            Value::Message(rule) => Some(rule),
            _ => None,
        }));
    }
    rules
}

/// The verb and the path of a rule.
pub(super) fn pattern(http: &DynamicMessage) -> Option<(Method, String)> {
    for (field, method) in [
        ("get", Method::GET),
        ("put", Method::PUT),
        ("post", Method::POST),
        ("delete", Method::DELETE),
        ("patch", Method::PATCH),
    ] {
        let path = text(http, field);
        if !path.is_empty() {
            return Some((method, path));
        }
    }
    None
}

/// A field that is text; empty when it is not.
pub(super) fn text(message: &DynamicMessage, field: &str) -> String {
    message
        .get_field_by_name(field)
        .and_then(|value| value.as_str().map(ToOwned::to_owned))
        .unwrap_or_default()
}
