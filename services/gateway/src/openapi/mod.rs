//! The API's description as OpenAPI 3.1, made from the same route table that answers it.

mod comments;
mod operations;
mod schemas;

use bytes::Bytes;
use serde_json::{Map, Value, json};

use self::{comments::Comments, schemas::Schemas};
use crate::{routes::RouteTable, schema::Schema};

/// The whole document, as it is served.
pub(crate) fn document(schema: &Schema, table: &RouteTable) -> serde_json::Result<Bytes> {
    let comments = Comments::read(foursight_proto::descriptors());
    let mut schemas = Schemas::new(schema, &comments);
    let mut paths = Map::new();
    for route in &table.routes {
        let method = &table.methods[route.method];
        let (path, operation) = operations::operation(route, method, &mut schemas);
        let item = paths.entry(path).or_insert_with(|| json!({}));
        item[route.http_method.as_str().to_ascii_lowercase()] = operation;
    }
    let document = json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Foursight",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Customer relations for a car dealer group. The same methods are offered as gRPC and gRPC-Web \
                at the same address. Errors are problem details (RFC 9457); clients branch on `reason`. Every answer has its \
                trace id in the header `trace-id`: it finds the request in traces and logs.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "tags": tags(table, &comments),
        "paths": paths,
        "components": {
            "schemas": schemas.finish(),
            "securitySchemes": {"bearer": {
                "type": "http", "scheme": "bearer", "bearerFormat": "JWT",
                "description": "The `accessToken` that `POST /v1/tokens` answers with.",
            }},
            "headers": {"Trace-Id": {
                "description": "Finds the request in traces and logs.", "schema": {"type": "string"},
            }},
            "responses": {"Problem": {
                "description": "What went wrong.",
                "headers": {
                    "Retry-After": {
                        "description": "Seconds after which the same request may work.", "schema": {"type": "integer"},
                    },
                    "Trace-Id": {"$ref": "#/components/headers/Trace-Id"},
                },
                "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
            }},
        },
    });
    serde_json::to_vec(&document).map(Bytes::from)
}

/// A tag for each service that has a path.
fn tags(table: &RouteTable, comments: &Comments) -> Vec<Value> {
    let mut tags: Vec<Value> = Vec::new();
    for route in &table.routes {
        let service = table.methods[route.method].descriptor.parent_service();
        if tags.iter().any(|tag| tag["name"] == service.name()) {
            continue;
        }
        tags.push(json!({"name": service.name(), "description": comments.of(service.full_name())}));
    }
    tags
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    fn made() -> Value {
        let pool = foursight_proto::descriptors();
        let schema = Schema::compile(pool);
        let table = RouteTable::build(pool, &schema).unwrap();
        serde_json::from_slice(&document(&schema, &table).unwrap()).unwrap()
    }

    #[test]
    fn an_operation_says_what_its_proto_says() {
        let document = made();
        let reveal = &document["paths"]["/v1/customers/{customer}:reveal"]["post"];
        assert_eq!(reveal["summary"], "Shows one sensitive fact whole");
        assert_eq!(reveal["parameters"][0]["name"], "customer");
        assert_eq!(reveal["security"], json!([{"bearer": []}]));
        let body = &reveal["requestBody"]["content"]["application/json"]["schema"];
        assert_eq!(body["required"], json!(["field", "reason"]));
        assert!(body["properties"].get("name").is_none(), "the path gives the name");
        let sign_in = &document["paths"]["/v1/tokens"]["post"];
        assert_eq!(sign_in["security"], json!([]));
        assert_eq!(
            sign_in["responses"]["200"]["headers"]["Trace-Id"]["$ref"],
            "#/components/headers/Trace-Id"
        );
        let body = &sign_in["requestBody"]["content"]["application/json"]["schema"];
        for grant in ["password", "refresh", "service"] {
            assert_eq!(body["properties"][grant]["x-oneof"], "grant", "only one of them is taken");
        }

        let list = &document["paths"]["/v1/customers"]["get"];
        let names: Vec<&str> = list["parameters"]
            .as_array()
            .unwrap()
            .iter()
            .map(|parameter| parameter["name"].as_str().unwrap())
            .collect();
        assert!(
            names.contains(&"store") && !names.contains(&"q"),
            "what is searched for is not in the URL: {names:?}"
        );
        let search = &document["paths"]["/v1/customers:search"]["post"];
        assert_eq!(search["operationId"], "CustomerService_ListCustomers_search");
        let body = &search["requestBody"]["content"]["application/json"]["schema"];
        assert!(body["properties"]["q"].is_object());
        let create = &document["paths"]["/v1/customers"]["post"];
        let names: Vec<&str> = create["parameters"]
            .as_array()
            .unwrap()
            .iter()
            .map(|parameter| parameter["name"].as_str().unwrap())
            .collect();
        assert_eq!(names, ["requestId", "Idempotency-Key"]);
    }

    #[test]
    fn a_schema_knows_what_is_required_and_what_is_answered_only() {
        let customer = &made()["components"]["schemas"]["customer.v1.Customer"];
        assert_eq!(customer["required"], json!(["kind", "displayName", "store", "source"]));
        assert_eq!(customer["properties"]["etag"]["readOnly"], true);
        assert_eq!(customer["properties"]["createTime"]["format"], "date-time");
        assert_eq!(customer["properties"]["kind"]["$ref"], "#/components/schemas/customer.v1.CustomerKind");
    }

    #[test]
    fn every_reference_leads_somewhere_and_every_operation_has_its_own_name() {
        let document = made();
        let text = document.to_string();
        for reference in text.split("\"#/components/").skip(1).filter_map(|rest| rest.split('"').next()) {
            let pointer = format!("/components/{reference}");
            assert!(document.pointer(&pointer).is_some(), "{pointer}");
        }
        let mut names = Vec::new();
        for path in document["paths"].as_object().unwrap().values() {
            names.extend(
                path.as_object().unwrap().values().map(|operation| operation["operationId"].to_string()),
            );
        }
        let count = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), count);
    }
}
