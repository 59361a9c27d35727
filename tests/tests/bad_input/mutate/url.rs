//! What a method takes from the path and the query, spoilt.

use anyhow::Result;
use foursight_tests::{
    methods::{ApiMethod, Behavior, HttpRule, behaves},
    names::Names,
};
use prost_reflect::{FieldDescriptor, Kind};
use reqwest::Method;

use super::{Mutation, Where};

/// Every way to spoil what a method takes from the path and the query.
pub(crate) fn url(method: &ApiMethod, http: &HttpRule, names: &Names) -> Result<Vec<(String, Mutation)>> {
    let (path, bound) = http.fill(names)?;
    let mut found = Vec::new();
    let mut add = |path: String, what: String, expected: Where| {
        found.push((path, Mutation { what, body: Vec::new(), expected }));
    };
    let in_query = |field: &FieldDescriptor| {
        http.body != "*" && Some(field.name()) != bound.as_deref() && field.name() != http.body
    };
    // What must be there besides, unless it is what is spoilt.
    let sound: Vec<(&str, String)> = match method.name.as_str() {
        "QueryMeasureValues" => vec![("fromMonth", "2026-01".to_owned())],
        "PreviewRetention" => {
            vec![("kind", "RETENTION_KIND_LOST_LEADS".to_owned()), ("keepMonths", "12".to_owned())]
        }
        "ListVehicles" if http.body.is_empty() => vec![("customer", names.of("customers").to_owned())],
        _ => Vec::new(),
    };
    let base_without = |spoilt: &str| {
        let rest = sound.iter().filter(|(name, _)| *name != spoilt);
        rest.fold(format!("{path}?"), |base, (name, value)| format!("{base}{name}={value}&"))
    };
    let base = base_without("");
    add(
        format!("{base}nonsense=1"),
        "a parameter that does not exist".to_owned(),
        Where::Field("nonsense".to_owned()),
    );
    for field in method.input.fields().filter(in_query) {
        let name = field.json_name().to_owned();
        let base = base_without(&name);
        // What an etag says is nobody's but who gave it.
        let place = if name == "etag" { Where::Somewhere } else { Where::Field(name.clone()) };
        let wrong: &[(&str, &str)] = match field.kind() {
            Kind::Int32 => &[
                ("many", "a text for a number"),
                ("99999999999", "too large"),
                ("-1", "negative"),
                ("1.5", "a fraction"),
                ("", "nothing"),
            ],
            Kind::Bool => &[("yes", "a text for true or false"), ("2", "a number for true or false")],
            Kind::Enum(_) => &[
                ("NO_SUCH_VALUE", "a value that does not exist"),
                ("999", "a number that no value has"),
                ("-1", "a negative number"),
            ],
            Kind::String => &[
                ("a%00b", "a NUL in a text"),
                ("%ff%fe", "bytes that are no text"),
                ("%1b%07", "control characters"),
                ("%zz", "a wrong escape"),
            ],
            _ => &[],
        };
        for (value, what) in wrong {
            add(format!("{base}{name}={value}"), format!("{name}: {what}"), place.clone());
        }
        if field.kind() == Kind::String {
            let long = "x".repeat(5_000);
            add(format!("{base}{name}={long}"), format!("{name}: a very long text"), place.clone());
        }
        if !field.is_list() && wrong.len() > 1 {
            add(format!("{base}{name}=1&{name}=1"), format!("{name}: twice"), Where::Field(name.clone()));
        }
        if behaves(&field, Behavior::Required) {
            add(
                base.trim_end_matches(['?', '&']).to_owned(),
                format!("{name}: left out"),
                Where::Field(name.clone()),
            );
        }
    }
    if let Some(field) = bound {
        for (id, what) in [
            ("42", "an id that is none"),
            ("00000000-0000-0000-0000-00000000000g", "an id with a wrong letter"),
            ("%00", "a NUL"),
            ("%ff", "a byte that is no text"),
            ("%E2%80%AE", "a character that turns the text around"),
            ("'; DROP TABLE customer.leads; --", "another language"),
        ] {
            let collection = http
                .template
                .split_once('=')
                .map_or("", |(_, rest)| rest.split('/').next().unwrap_or_default());
            let spoilt =
                path.replace(names.of(collection), &format!("{collection}/{}", id.replace(' ', "%20")));
            add(spoilt, format!("{field}: {what}"), Where::Field(field.clone()));
        }
        let long = path.replace('/', &format!("/{}", "x".repeat(4_000)));
        add(long, "a path over the limit".to_owned(), Where::Somewhere);
    }
    if http.verb == Method::GET {
        add(format!("{base}{}", "q=1&".repeat(3_000)), "a query over the limit".to_owned(), Where::Somewhere);
    }
    Ok(found)
}
