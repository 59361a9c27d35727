//! Files that are asked for at the same moment are read together: nobody is shown by that what another one's reach has found.

use anyhow::{Context, Result, ensure};
use foursight_proto::identity::v1::Role;
use foursight_tests::{
    api::{Ask, Person},
    world::{World, on_stack},
};
use futures::future::try_join_all;
use reqwest::{Method, StatusCode};
use serde_json::Value;

/// What an asker is answered about a file.
type Seen = (StatusCode, Value);

#[test]
fn whoever_asks_at_the_same_moment_sees_what_they_see_alone() -> Result<()> {
    on_stack(async |world| {
        let stores = world.api.stores();
        let director = world.api.person(Role::GroupDirector, "").await?;
        let mut askers = Vec::new();
        let mut files =
            vec![world.names.of("customers").to_owned(), world.names.of_nothing().of("customers").to_owned()];
        for store in stores.iter().take(3) {
            askers.push(world.api.person(Role::CrManager, store).await?);
            let own = world.api.get(&director, &format!("/v1/customers?store={store}&pageSize=4")).await?;
            let own = own["customers"].as_array().context("a list of customers")?;
            files.extend(own.iter().filter_map(|file| Some(file["name"].as_str()?.to_owned())));
        }
        askers.push(director);

        let mut alone = Vec::new();
        for file in &files {
            for asker in &askers {
                alone.push((asker, file, seen(world, asker, file).await?));
            }
        }
        let hidden = alone.iter().filter(|(_, _, (status, _))| *status == StatusCode::NOT_FOUND).count();
        ensure!(
            hidden > files.len() && hidden < alone.len(),
            "{hidden} of {} answers were refusals",
            alone.len()
        );

        for _ in 0..10 {
            let asked = alone.iter().map(|(asker, file, _)| seen(world, asker, file));
            let together = try_join_all(asked).await?;
            for ((_, file, alone), together) in alone.iter().zip(together) {
                ensure!(together == *alone, "{file}: {alone:?} alone, {together:?} among others");
            }
        }
        Ok(())
    })
}

async fn seen(world: &World, asker: &Person, file: &str) -> Result<Seen> {
    let answer = world.api.send(Ask::new(Method::GET, format!("/v1/{file}")).by(asker)).await?;
    let mut body = answer.json();
    if answer.status != StatusCode::OK {
        // A problem names its trace.
        body = body.get("reason").context("a refusal has a reason")?.clone();
    }
    Ok((answer.status, body))
}
