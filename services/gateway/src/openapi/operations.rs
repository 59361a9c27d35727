//! Routes as operations.

use prost_reflect::{FieldDescriptor, Kind};
use serde_json::{Value, json};

use super::schemas::{Schemas, is_required};
use crate::{
    routes::{BodyRule, MethodInfo, Route, Scope, Segment},
    stream::Form,
};

/// The path as OpenAPI has it, and what stands under its method.
pub(super) fn operation(route: &Route, method: &MethodInfo, schemas: &mut Schemas<'_>) -> (String, Value) {
    let descriptor = &method.descriptor;
    let comment = schemas.comments.of(descriptor.full_name()).to_owned();
    let (path, mut parameters) = path(route, schemas);
    parameters.extend(query(route, method, schemas));
    if method.request_id.is_some() {
        parameters.push(json!({
            "name": "Idempotency-Key", "in": "header", "schema": {"type": "string", "format": "uuid"},
            "description": "Another way of giving `requestId`: the same request again answers with the same \
                result. Where both are given they must be the same.",
        }));
    }
    let (content_type, output) = match method.streams {
        None => ("application/json", schemas.message(&descriptor.output())),
        Some(Form::Lines(_)) => ("application/jsonl", schemas.message(&descriptor.output())),
        Some(Form::File) => ("application/octet-stream", json!({"type": "string", "format": "binary"})),
    };
    let mut operation = json!({
        "operationId": operation_id(route, method),
        "tags": [descriptor.parent_service().name()],
        "summary": first_sentence(&comment).unwrap_or(descriptor.name()),
        "description": description(&comment, method),
        "parameters": parameters,
        "responses": {
            "200": {"description": "Done.", "headers": {"Trace-Id": {"$ref": "#/components/headers/Trace-Id"}}, "content": {content_type: {"schema": output}}},
            "default": {"$ref": "#/components/responses/Problem"},
        },
        "security": if method.scope == Scope::Public { json!([]) } else { json!([{"bearer": []}]) },
    });
    if let Some(schema) = body(route, method, schemas) {
        operation["requestBody"] =
            json!({"required": true, "content": {"application/json": {"schema": schema}}});
    }
    (path, operation)
}

/// Of a further path to a method its verb is part of the name: `CustomerService_ListCustomers_search`.
fn operation_id(route: &Route, method: &MethodInfo) -> String {
    let descriptor = &method.descriptor;
    let name = format!("{}_{}", descriptor.parent_service().name(), descriptor.name());
    match &route.template.verb {
        Some(verb) if route.further => format!("{name}_{verb}"),
        _ if route.further => format!("{name}_{}", route.http_method.as_str().to_ascii_lowercase()),
        _ => name,
    }
}

fn first_sentence(comment: &str) -> Option<&str> {
    let end = comment.find(". ").or_else(|| comment.find(['\n', ':'])).unwrap_or(comment.len());
    let sentence = comment[..end].trim_end_matches('.');
    (!sentence.is_empty()).then_some(sentence)
}

fn description(comment: &str, method: &MethodInfo) -> String {
    match (&*method.right, &*method.right_in_part) {
        ("", _) => comment.to_owned(),
        (right, "") => format!("{comment}\n\nNeeds the right `{right}`.").trim_start().to_owned(),
        (right, in_part) => format!(
            "{comment}\n\nNeeds the right `{right}`, or for a part of it, as described, the right `{in_part}`."
        )
        .trim_start()
        .to_owned(),
    }
}

/// A wildcard is a parameter named after what it is the id of.
fn path(route: &Route, schemas: &Schemas<'_>) -> (String, Vec<Value>) {
    let (mut path, mut parameters) = (String::new(), Vec::new());
    let mut collection = "";
    for (index, segment) in route.template.segments.iter().enumerate() {
        path.push('/');
        let Segment::Literal(text) = segment else {
            let alone = route
                .template
                .variables
                .iter()
                .find(|variable| (variable.start, variable.end) == (index, index + 1));
            let name = alone.map_or_else(|| schemas.singular(collection), |variable| variable.field.clone());
            path.extend(["{", &name, "}"]);
            parameters.push(json!({
                "name": name, "in": "path", "required": true, "schema": {"type": "string"},
                "description": format!("The id, as in `{collection}/{{id}}`."),
            }));
            continue;
        };
        path.push_str(text);
        collection = text;
    }
    if let Some(verb) = &route.template.verb {
        path.push(':');
        path.push_str(verb);
    }
    (path, parameters)
}

fn query(route: &Route, method: &MethodInfo, schemas: &mut Schemas<'_>) -> Vec<Value> {
    let mut parameters = Vec::new();
    if route.body == BodyRule::Everything {
        return parameters;
    }
    for field in method.descriptor.input().fields().filter(|field| !given_elsewhere(route, method, field)) {
        let is_object = matches!(field.kind(), Kind::Message(_)) && !is_text(&field);
        if field.is_map() || is_object || schemas.is_personal(&field) {
            continue;
        }
        let mut schema = schemas.property(&field);
        let comment = schema.as_object_mut().and_then(|schema| schema.remove("description"));
        let mut parameter = json!({
            "name": field.json_name(), "in": "query", "required": is_required(&field), "schema": schema,
        });
        if let Some(comment) = comment {
            parameter["description"] = comment;
        }
        parameters.push(parameter);
    }
    parameters
}

/// Whether a message is one string in JSON.
fn is_text(field: &FieldDescriptor) -> bool {
    matches!(field.kind(), Kind::Message(message) if message.full_name() == "google.protobuf.Timestamp"
        || message.full_name() == "google.protobuf.Duration")
}

fn given_elsewhere(route: &Route, method: &MethodInfo, field: &FieldDescriptor) -> bool {
    let in_path = route.bound.iter().any(|bound| **bound == *field.name());
    let in_body = match &route.body {
        BodyRule::Field(index) => field_name(method, *index).as_deref() == Some(field.name()),
        BodyRule::Everything | BodyRule::Nothing => false,
    };
    in_path || in_body
}

/// The tables have a message's fields by number, as its descriptor has.
fn field_name(method: &MethodInfo, index: usize) -> Option<String> {
    let input = method.descriptor.input();
    let mut fields: Vec<FieldDescriptor> = input.fields().collect();
    fields.sort_by_key(FieldDescriptor::number);
    fields.get(index).map(|field| field.name().to_owned())
}

fn body(route: &Route, method: &MethodInfo, schemas: &mut Schemas<'_>) -> Option<Value> {
    let input = method.descriptor.input();
    match &route.body {
        BodyRule::Nothing => None,
        BodyRule::Everything => {
            Some(schemas.object(&input, &|field| !route.bound.iter().any(|bound| **bound == *field.name())))
        }
        BodyRule::Field(index) => {
            let name = field_name(method, *index)?;
            input.get_field_by_name(&name).map(|field| schemas.property(&field))
        }
    }
}
