//! Somebody leaves: the sign-in, and whatever was begun with it, ends; what they worked on waits for somebody else.

use anyhow::{Context, Result, ensure};
use foursight_proto::identity::v1::Role;
use foursight_tests::{
    api::{Answer, Ask, Person},
    world::{World, on_stack, until},
};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

const PASSWORD: &str = "long enough for a leaver";

#[test]
fn who_has_left_can_neither_go_on_nor_come_back() -> Result<()> {
    on_stack(async |world| {
        let director = world.api.person(Role::GroupDirector, "").await?;
        let newcomer = json!({
            "staff": {
                "login": "sh01.leaver", "displayName": "曲未央", "roles": ["ROLE_SALES_ADVISOR"],
                "stores": [world.story.store],
            },
            "password": PASSWORD,
        });
        let made =
            world.api.send(Ask::new(Method::POST, "/v1/staff").by(&director).json(&newcomer)).await?.ok()?;
        let name = made.text("name");

        let person = world.api.enter("sh01.leaver", PASSWORD).await?;
        let renewed = refresh(world, &person.refresh).await?.ok()?;
        let again = refresh(world, &renewed.text("refreshToken")).await?.ok()?;

        let path = format!("/v1/{name}:deactivate");
        world.api.send(Ask::new(Method::POST, path).by(&director).json(&json!({}))).await?.ok()?;

        let refused = refresh(world, &again.text("refreshToken")).await?;
        ensure!(refused.status == StatusCode::UNAUTHORIZED, "the refresh is answered with {}", refused.text);
        let sign_in = json!({ "password": { "login": "sh01.leaver", "password": PASSWORD } });
        let refused = world.api.send(Ask::new(Method::POST, "/v1/tokens").json(&sign_in)).await?;
        ensure!(refused.status == StatusCode::UNAUTHORIZED, "the sign-in is answered with {}", refused.text);
        let shown = world.api.get(&director, &format!("/v1/{name}")).await?;
        ensure!(shown["active"] != true, "the leaver is shown as active: {shown}");
        Ok(())
    })
}

#[test]
fn what_a_leaver_worked_on_is_nobody_s_until_a_manager_gives_it_to_another() -> Result<()> {
    on_stack(async |world| {
        let store = world.story.store.as_str();
        let (director, manager) = (
            world.api.person(Role::GroupDirector, "").await?,
            world.api.person(Role::GeneralManager, store).await?,
        );
        for list in ["leads", "cases"] {
            let path = format!("/v1/{list}?unassigned=true");
            let found = world.api.get(&director, &path).await?;
            ensure!(
                found[list].as_array().is_none_or(Vec::is_empty),
                "everybody is there, and yet {path}: {found}"
            );
        }
        let newcomer = json!({
            "staff": {
                "login": "sh01.goer", "displayName": "陆未然", "roles": ["ROLE_SUPERVISOR"], "stores": [store],
            },
            "password": PASSWORD,
        });
        let made = post(world, &director, "/v1/staff", &newcomer).await?;
        let leaver = world.api.enter("sh01.goer", PASSWORD).await?;
        let lead = json!({
            "customer": world.story.customer, "store": store, "source": "SOURCE_CHANNEL_REFERRAL",
            "grade": "LEAD_GRADE_H",
        });
        let lead = post(world, &leaver, "/v1/leads", &lead).await?;
        let case = json!({
            "store": store, "kind": "CASE_KIND_COMPLAINT", "channel": "INTAKE_CHANNEL_COUNTER",
            "category": "service.waiting", "severity": "SEVERITY_NORMAL", "description": "等了两个小时",
        });
        let case = post(world, &leaver, "/v1/cases", &case).await?;
        for thing in [&lead, &case] {
            ensure!(thing["owner"] == made["name"], "the leaver owns what they took: {thing}");
        }
        let due = (lead["nextFollowUpTime"].clone(), case["clocks"].clone());

        post(world, &director, &format!("/v1/{}:deactivate", name(&made)?), &json!({})).await?;
        // Until the news is heard, what the leaver takes is taken from them again; from then on they take nothing.
        let late = json!({
            "store": store, "kind": "CASE_KIND_ENQUIRY", "channel": "INTAKE_CHANNEL_COUNTER",
            "category": "service.waiting", "severity": "SEVERITY_NORMAL", "description": "问营业时间",
        });
        until("the leaver's token takes no case", async || {
            let ask = Ask::new(Method::POST, "/v1/cases").by(&leaver).json(&late);
            Ok(world.api.send(ask).await?.fields() == ["case.owner"])
        })
        .await?;
        let heir = world.api.person(Role::Supervisor, store).await?;
        for (list, thing, heir_is) in [("leads", &lead, "owner"), ("cases", &case, "assignee")] {
            let thing = name(thing)?;
            let path = format!("/v1/{list}?unassigned=true&store={store}");
            until("the store sees what nobody has", async || {
                Ok(world.api.get(&manager, &path).await?.to_string().contains(thing))
            })
            .await?;
            let body = json!({ heir_is: heir.name });
            let given = post(world, &manager, &format!("/v1/{thing}:assign"), &body).await?;
            ensure!(given["owner"] == heir.name, "{given}");
            let left = world.api.get(&manager, &path).await?;
            ensure!(!left.to_string().contains(thing), "{thing} is listed as nobody's: {left}");
            let known = if list == "leads" {
                (&given["nextFollowUpTime"], &due.0)
            } else {
                (&given["clocks"], &due.1)
            };
            ensure!(known.0 == known.1, "{thing} is as urgent as before: {given}");
        }
        Ok(())
    })
}

#[test]
fn a_refresh_token_that_comes_twice_ends_the_session() -> Result<()> {
    on_stack(async |world| {
        let user = world.api.users().iter().find(|user| user.role == "MEMBER_SPECIALIST");
        let user = user.ok_or_else(|| anyhow::anyhow!("nobody is member specialist"))?;
        let person = world.api.enter(&user.login, &user.password).await?;
        let renewed = refresh(world, &person.refresh).await?.ok()?;
        let stolen = refresh(world, &person.refresh).await?;
        ensure!(stolen.status == StatusCode::UNAUTHORIZED, "a used token is answered with {}", stolen.text);
        let rest = refresh(world, &renewed.text("refreshToken")).await?;
        ensure!(rest.status == StatusCode::UNAUTHORIZED, "the rest of the session goes on: {}", rest.text);
        Ok(())
    })
}

async fn refresh(world: &World, token: &str) -> Result<Answer> {
    let grant = json!({ "refresh": { "refreshToken": token } });
    world.api.send(Ask::new(Method::POST, "/v1/tokens").json(&grant)).await
}

async fn post(world: &World, by: &Person, path: &str, body: &Value) -> Result<Value> {
    let answer = world.api.send(Ask::new(Method::POST, path).by(by).json(body)).await?;
    Ok(answer.ok().with_context(|| path.to_owned())?.json())
}

fn name(thing: &Value) -> Result<&str> {
    thing["name"].as_str().with_context(|| format!("{thing} has no name"))
}
