//! What other services keep of a customer follows when two files become one, and goes back when that is undone.

use anyhow::{Context, Result, ensure};
use foursight_proto::identity::v1::Role;
use foursight_tests::{
    api::{Ask, Person},
    world::{World, on_stack},
};
use reqwest::Method;
use serde_json::{Value, json};

const OF_CUSTOMER: [(&str, &str); 3] =
    [("cases", "cases"), ("callTasks", "callTasks"), ("messages", "messages")];

async fn post(world: &World, by: &Person, path: &str, body: &Value) -> Result<Value> {
    let answer = world.api.send(Ask::new(Method::POST, path.to_owned()).json(body).by(by)).await?;
    ensure!(answer.status.is_success(), "{path}: {}", answer.text);
    Ok(answer.json())
}

/// What each of the other services has of a customer, by name.
async fn kept(world: &World, by: &Person, customer: &str) -> Result<Vec<String>> {
    world.settled().await?;
    let mut names = Vec::new();
    for (path, list) in OF_CUSTOMER {
        let found = world.api.get(by, &format!("/v1/{path}?customer={customer}&pageSize=200")).await?;
        for it in found[list].as_array().into_iter().flatten() {
            names.push(it["name"].as_str().context("it has a name")?.to_owned());
        }
    }
    names.sort_unstable();
    Ok(names)
}

#[test]
fn calls_messages_and_cases_follow_the_customer_and_go_back() -> Result<()> {
    on_stack(async |world| {
        let store = world.story.store.as_str();
        let manager = world.api.person(Role::CrManager, store).await?;
        let absorbed = world.names.of("customers");
        let of_story = kept(world, &manager, absorbed).await?;
        ensure!(of_story.len() >= 3, "the story has left little: {of_story:?}");
        let opened = json!({
            "kind": "CUSTOMER_KIND_PERSON", "displayName": "安可清", "store": store, "source": "SOURCE_CHANNEL_CALL",
            "contactPoints": [{ "kind": "CONTACT_KIND_PHONE", "value": "18877770001" }],
        });
        let survivor = post(world, &manager, "/v1/customers", &opened).await?;
        let survivor = survivor["name"].as_str().context("the file has a name")?;
        let merge = json!({ "other": absorbed, "store": store, "reason": "本人确认" });
        let merge = post(world, &manager, &format!("/v1/{survivor}:merge"), &merge).await?;
        ensure!(kept(world, &manager, survivor).await? == of_story, "all of it follows");
        ensure!(kept(world, &manager, absorbed).await?.is_empty(), "nothing is left behind");

        // What is said of the survivor from now on is the survivor's.
        let case = json!({
            "store": store, "customer": survivor, "kind": "CASE_KIND_COMPLAINT", "channel": "INTAKE_CHANNEL_COUNTER",
            "category": "service.waiting", "severity": "SEVERITY_NORMAL", "description": "等了两个小时",
        });
        let case = post(world, &manager, "/v1/cases", &case).await?;
        let case = case["name"].as_str().context("the case has a name")?.to_owned();

        let merge = merge["name"].as_str().context("the merge has a name")?;
        post(world, &manager, &format!("/v1/{merge}:undo"), &json!({ "store": store, "reason": "两个人" }))
            .await?;
        ensure!(kept(world, &manager, absorbed).await? == of_story, "all of it goes back");
        let stays = kept(world, &manager, survivor).await?;
        ensure!(stays.contains(&case) && stays.iter().all(|name| !of_story.contains(name)), "{stays:?}");
        Ok(())
    })
}
