//! Whatever a client sends: a refusal that names the field and the remedy, never an error of ours, and nothing written.

mod cases;
mod form;
mod fuzz;
mod mutate;
mod untouched;

use anyhow::{Context, Result, ensure};
use foursight_access::rights::rights_of;
use foursight_proto::access::v1::Scope;
use foursight_tests::{
    api::{Answer, Ask, Person, role_of},
    methods::{ApiMethod, HttpRule, methods, sound_body},
    world::{World, on_stack},
};
use futures::{StreamExt, TryStreamExt};
use serde_json::Value;

use mutate::{Mutation, Where};

/// Requests under way at once.
const AT_ONCE: usize = 8;

#[test]
fn every_method_with_a_body_has_a_sound_one_here() -> Result<()> {
    on_stack(async |world| {
        for (method, http) in with_paths()? {
            let known = http.body.is_empty() || sound_body(&method.name, &world.names).is_some();
            ensure!(known, "{}: add a sound body to foursight_tests::methods", method.name);
        }
        Ok(())
    })
}

/// Every field of every body, spoilt in every way that fits it.
#[test]
fn each_spoilt_field_of_a_body_is_named() -> Result<()> {
    refuses_all(async |world| {
        let mut spoilt = Vec::new();
        for (method, http) in with_paths()?.into_iter().filter(|(_, http)| !http.body.is_empty()) {
            let person = somebody(world, &method).await?;
            let sound = sound_body(&method.name, &world.names).context("a sound body")?;
            let (path, bound) = http.fill(&world.names)?;
            for mutation in mutate::body(&method, &http, bound.as_deref(), &sound)? {
                let ask = Ask::new(http.verb.clone(), path.as_str()).by(&person);
                spoilt.push((ask.bytes("application/json", mutation.body.clone()), mutation));
            }
        }
        ensure!(spoilt.len() > 1_000, "only {} spoilt bodies", spoilt.len());
        Ok(spoilt)
    })
}

/// Every field that a query or a path gives, spoilt in every way that fits it.
#[test]
fn each_spoilt_field_of_a_query_or_a_path_is_named() -> Result<()> {
    refuses_all(async |world| {
        let mut spoilt = Vec::new();
        for (method, http) in with_paths()? {
            let person = somebody(world, &method).await?;
            for (path, mutation) in mutate::url(&method, &http, &world.names)? {
                let ask = Ask::new(http.verb.clone(), path).by(&person);
                let sound = sound_body(&method.name, &world.names).filter(|_| !http.body.is_empty());
                spoilt.push((sound.map_or(ask.clone(), |sound| ask.json(&sound)), mutation));
            }
        }
        ensure!(spoilt.len() > 300, "only {} spoilt queries and paths", spoilt.len());
        Ok(spoilt)
    })
}

/// Sends everything, checks every answer, and that nothing was written; tells all that went wrong, not the first.
fn refuses_all(make: impl AsyncFnOnce(&World) -> Result<Vec<(Ask, Mutation)>>) -> Result<()> {
    on_stack(async |world| {
        let spoilt = make(world).await?;
        world.settled().await?;
        let before = untouched::fingerprints(world).await?;
        let complaints: Vec<String> = futures::stream::iter(spoilt)
            .map(async |(ask, mutation)| {
                let told = ask.to_string();
                let answer = world.api.send(ask).await?;
                let wrong = refusal(&answer, &mutation).err();
                anyhow::Ok(wrong.map(|wrong| format!("{told}\n    {}: {wrong}", mutation.what)))
            })
            .buffered(AT_ONCE)
            .try_filter_map(async |complaint| Ok(complaint))
            .try_collect()
            .await?;
        ensure!(
            complaints.is_empty(),
            "{} of them are answered badly:\n{}",
            complaints.len(),
            complaints.join("\n")
        );
        world.settled().await?;
        untouched::unchanged(&before, &untouched::fingerprints(world).await?)?;
        untouched::no_trouble_in_the_log(world)
    })
}

/// A refusal as a client can use it.
fn refusal(answer: &Answer, mutation: &Mutation) -> Result<()> {
    ensure!(answer.status.is_client_error(), "{} {}", answer.status, short(&answer.text));
    let json = answer.json();
    ensure!(answer.content_type == "application/problem+json", "the answer is {}", answer.content_type);
    ensure!(json["status"] == answer.status.as_u16(), "the problem does not repeat its status");
    for field in ["detail", "title", "code", "traceId"] {
        let told = json[field].as_str().is_some_and(|text| !text.is_empty());
        ensure!(told, "the problem has no {field}: {}", short(&answer.text));
    }
    ensure!(json["traceId"] == answer.trace_id.as_str(), "the header has another trace id");
    let violations = json["violations"].as_array().cloned().unwrap_or_default();
    for violation in &violations {
        let remedy = violation["description"].as_str().unwrap_or_default();
        ensure!(remedy.len() > 8, "the violation says nothing: {violation}");
        ensure!(remedy.chars().count() < 2_000, "the violation goes on and on");
    }
    match &mutation.expected {
        Where::Field(path) => {
            ensure!(answer.reason() == "INVALID_FIELDS", "{} {}", answer.status, short(&answer.text));
            let fields = answer.fields();
            let named = fields.iter().any(|field| is_about(field, path));
            ensure!(named, "{path} is not named: {}", short(&answer.text));
            let others: Vec<_> =
                fields.iter().filter(|field| !is_about(field, path) && !goes_with(field, path)).collect();
            ensure!(others.is_empty(), "{path} is spoilt, and these are refused, too: {others:?}");
        }
        Where::Somewhere => {
            ensure!(!answer.reason().is_empty(), "the problem has no reason: {}", short(&answer.text));
        }
    }
    Ok(())
}

/// Whether a violation's field is the spoilt one, something inside it, or what it stands in.
fn is_about(field: &str, path: &str) -> bool {
    let inside = |inner: &str, outer: &str| {
        inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
    };
    inside(field, path) || inside(path, field)
}

/// Whether what is wrong with one field makes another one wrong by the API's own rules: who came is named or described, and
/// what a call found out belongs to its result.
fn goes_with(field: &str, path: &str) -> bool {
    match path {
        "reception.customer" => field == "reception.visitor",
        "attempt.result" => {
            matches!(field, "attempt.satisfaction" | "attempt.advisorScore" | "attempt.category")
        }
        _ => false,
    }
}

fn short(text: &str) -> String {
    text.chars().take(300).collect()
}

fn with_paths() -> Result<Vec<(ApiMethod, HttpRule)>> {
    let all = methods()?.into_iter().flat_map(|method| {
        let ways: Vec<HttpRule> = method.http.iter().chain(&method.further).cloned().collect();
        ways.into_iter().map(move |http| (method.clone(), http))
    });
    Ok(all.collect())
}

/// Somebody who may call the method: at the story's store where that will do.
async fn somebody(world: &World, method: &ApiMethod) -> Result<Person> {
    let place = if method.scope() == Scope::Group { "" } else { world.story.store.as_str() };
    for user in world.api.users().iter().filter(|user| user.store == place) {
        if method.right().is_empty() || rights_of(role_of(user)?).contains(&method.right()) {
            return world.api.sign_in(user).await;
        }
    }
    anyhow::bail!("nobody may call {}", method.name)
}

/// A body as bytes.
fn bytes(body: &Value) -> Vec<u8> {
    body.to_string().into_bytes()
}
