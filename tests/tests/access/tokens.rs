//! What is no token opens nothing.

use anyhow::{Result, ensure};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use foursight_proto::identity::v1::Role;
use foursight_tests::{api::Ask, world::on_stack};
use reqwest::{Method, StatusCode};

#[test]
fn a_token_that_was_made_up_or_changed_is_refused() -> Result<()> {
    on_stack(async |world| {
        let advisor = world.api.person(Role::SalesAdvisor, &world.story.store).await?;
        let director = world.api.person(Role::GroupDirector, "").await?;
        ensure!(ask(world, &advisor.token).await? == StatusCode::OK, "the advisor's own token is fine");

        let parts = |token: &str| token.split('.').map(str::to_owned).collect::<Vec<_>>();
        let (theirs, mine) = (parts(&director.token), parts(&advisor.token));
        let unsigned = URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"JWT"}"#);
        for (what, token) in [
            ("no token at all", "nonsense".to_owned()),
            (
                "the director's claims under the advisor's signature",
                format!("{}.{}.{}", mine[0], theirs[1], mine[2]),
            ),
            ("claims that nobody signed", format!("{unsigned}.{}.", theirs[1])),
            ("claims that say they need no signature", format!("{unsigned}.{}.{}", theirs[1], theirs[2])),
            ("a token without its signature", format!("{}.{}", theirs[0], theirs[1])),
            ("a refresh token", advisor.refresh.clone()),
        ] {
            let status = ask(world, &token).await?;
            ensure!(status == StatusCode::UNAUTHORIZED, "{what} is answered with {status}");
        }
        Ok(())
    })
}

async fn ask(world: &foursight_tests::world::World, token: &str) -> Result<StatusCode> {
    Ok(world.api.send(Ask::new(Method::GET, "/v1/me").token(token)).await?.status)
}
