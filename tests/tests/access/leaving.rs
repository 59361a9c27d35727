//! Somebody leaves: the sign-in, and whatever was begun with it, ends.

use anyhow::{Result, ensure};
use foursight_proto::identity::v1::Role;
use foursight_tests::{
    api::{Answer, Ask},
    world::{World, on_stack},
};
use reqwest::{Method, StatusCode};
use serde_json::json;

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
