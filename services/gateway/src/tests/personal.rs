//! What may be personal does not come in a URL.

use http::StatusCode;

use super::services::World;
use crate::{
    routes::{BodyRule, RouteTable},
    schema::{Kind, Schema},
};

/// An oracle, written here a second time: what a query takes is none of anybody's business.
#[test]
fn no_query_takes_a_text_that_may_be_personal() {
    const HARMLESS: [&str; 17] = [
        "assignee",
        "customer",
        "etag",
        "field",
        "from_month",
        "kinds",
        "measures",
        "model",
        "owner",
        "page_token",
        "region",
        "request_id",
        "store",
        "subject",
        "tag",
        "to_month",
        "name",
    ];
    let pool = foursight_proto::descriptors();
    let schema = Schema::compile(pool);
    let table = RouteTable::build(pool, &schema).unwrap();
    let mut seen = 0;
    for route in table.routes.iter().filter(|route| route.body != BodyRule::Everything) {
        let method = &table.methods[route.method];
        for (index, field) in schema.message(method.input).fields.iter().enumerate() {
            let elsewhere = route.body == BodyRule::Field(index) || route.bound.contains(&field.name);
            if elsewhere || field.kind != Kind::String {
                continue;
            }
            let harmless = HARMLESS.contains(&&*field.name);
            assert!(
                harmless != field.personal,
                "{}: may `{}` hold personal data?",
                method.grpc_path,
                field.name
            );
            assert!(
                !field.personal || method.by_body.is_some(),
                "{} is to be asked by a body",
                method.grpc_path
            );
            seen += 1;
        }
    }
    assert!(seen > 30, "only {seen} texts in queries");
}

/// A URL stands in the logs of whatever it passes through.
#[tokio::test]
async fn what_may_be_personal_comes_in_a_body_only() {
    let world = World::new(|_| {});
    for (path, remedy) in [
        ("/v1/customers?q=13800001234", "POST /v1/customers:search"),
        ("/v1/customers?pageSize=7&q=", "POST /v1/customers:search"),
        ("/v1/vehicles?plate=%E6%B2%AAA12345", "POST /v1/vehicles:search"),
        ("/v1/vehicles?vin=1M8GDM9AXKP042788", "POST /v1/vehicles:search"),
    ] {
        let answer = world.get(path).await;
        assert_eq!((answer.status, answer.fields().len()), (StatusCode::BAD_REQUEST, 1), "{}", answer.json);
        let field = answer.json["violations"][0]["field"].as_str().unwrap();
        assert!(path.contains(&format!("{field}=")), "{}", answer.json);
        let told = answer.json["violations"][0]["description"].as_str().unwrap();
        assert!(told.contains("personal data") && told.contains(remedy), "{told}");
        assert!(!answer.json.to_string().contains("1380000"), "{}", answer.json);
    }
    assert!(world.seen().is_none(), "no service has heard of it");
}
