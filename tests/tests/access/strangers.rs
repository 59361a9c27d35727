//! Another store's staff: whatever they ask for by name, and whatever they list, the story's store does not exist for them,
//! and nothing that they send changes anything there.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use foursight_access::rights::rights_of;
use foursight_proto::access::v1::Scope;
use foursight_tests::{
    api::{Answer, Ask, Person, role_of},
    methods::{ApiMethod, methods, sound_body},
    world::{World, on_stack},
};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

/// The catalogue of tags is the whole group's: who has the right writes it, wherever they work.
const OF_THE_GROUP: [&str; 2] = ["CreateTag", "ArchiveTag"];

/// They name nothing, and find what the caller sees.
const SEARCHES: [&str; 1] = ["FindDuplicates"];

/// Methods of stores that are asked for a thing by its name, or that write.
#[test]
fn what_is_named_does_not_exist_and_does_not_change() -> Result<()> {
    on_stack(async |world| {
        let before = shown(world).await?;
        let mut asked = 0;
        for method in store_methods()? {
            let http = method.http.as_ref().context("a method of stores has a path")?;
            let (path, bound) = http.fill(&world.names)?;
            let of_the_group = OF_THE_GROUP.contains(&method.name.as_str());
            if of_the_group || (http.verb == Method::GET && bound.is_none()) {
                continue;
            }
            let body = match http.body.as_str() {
                "" => Value::Null,
                _ => sound_body(&method.name, &world.names).with_context(|| {
                    format!("{}: add a sound body to foursight_tests::methods", method.name)
                })?,
            };
            let stranger = somebody(world, &method, &other_store(world)?).await?;
            let answer = world.api.send(http.ask(&world.names, &body)?.by(&stranger)).await?;
            let finds_nothing = SEARCHES.contains(&method.name.as_str())
                && answer.status == StatusCode::OK
                && !answer.text.contains(world.names.of("customers"));
            ensure!(
                is_hidden(&answer) || finds_nothing,
                "{} {path} by a stranger: {} {}",
                method.name,
                answer.status,
                answer.text
            );
            let mine = somebody(world, &method, &world.story.store).await?;
            if http.verb == Method::GET {
                let answer = world.api.send(http.ask(&world.names, &body)?.by(&mine)).await?;
                ensure!(
                    answer.status == StatusCode::OK,
                    "{} {path} by its own staff: {}",
                    method.name,
                    answer.text
                );
            }
            asked += 1;
        }
        ensure!(asked > 25, "only {asked} methods were asked");
        world.settled().await?;
        ensure!(shown(world).await? == before, "a stranger has changed something");
        Ok(())
    })
}

#[test]
fn what_is_listed_is_of_one_s_own_stores() -> Result<()> {
    on_stack(async |world| {
        let customer = world.names.of("customers");
        let mut asked = 0;
        for method in store_methods()? {
            let http = method.http.as_ref().context("a method of stores has a path")?;
            if http.verb != Method::GET || http.fill(&world.names)?.1.is_some() {
                continue;
            }
            let stranger = somebody(world, &method, &other_store(world)?).await?;
            let needed =
                if method.name == "QueryMeasureValues" { "&fromMonth=2024-01&toMonth=2026-12" } else { "" };
            // Cars are listed by their customer, plate or VIN only.
            let all = (method.name != "ListVehicles").then(|| format!("{}?{needed}", http.template));
            let mut lists: Vec<String> = all.into_iter().collect();
            for (field, value) in [("store", world.story.store.as_str()), ("customer", customer)] {
                if method.input.get_field_by_name(field).is_some() {
                    lists.push(format!("{}?{field}={value}{needed}", http.template));
                }
            }
            for path in lists {
                let answer = world.api.send(Ask::new(Method::GET, path.as_str()).by(&stranger)).await?;
                let sound = answer.status == StatusCode::OK || is_hidden(&answer);
                ensure!(sound, "{path}: {} {}", answer.status, answer.text);
                if answer.status == StatusCode::OK {
                    for (_, name) in world.names.iter().filter(|(collection, _)| *collection != "tags") {
                        ensure!(!answer.text.contains(name), "{path} shows {name} to a stranger");
                    }
                }
                asked += 1;
            }
        }
        ensure!(asked > 15, "only {asked} lists were asked for");
        Ok(())
    })
}

/// A store of one's own in the request opens no other store's things.
#[test]
fn one_s_own_store_does_not_open_another_s_file() -> Result<()> {
    on_stack(async |world| {
        let before = shown(world).await?;
        let store = other_store(world)?;
        let colleague = world.api.person(foursight_proto::identity::v1::Role::Supervisor, &store).await?;
        let names = world.names.with("stores", &store).with("staff", &colleague.name);
        for name in [
            "CreateLead",
            "CreateDelivery",
            "CreateVisit",
            "RecordConsent",
            "RevealField",
            "TagCustomer",
            "AddToGroup",
            "SetValueTier",
            "CorrectStage",
            "PreviewMerge",
            "MergeCustomers",
            "UndoMerge",
            "DismissDuplicate",
            "UpdateVehicle",
        ] {
            let method = methods()?.into_iter().find(|method| method.name == name).context(name)?;
            let http = method.http.as_ref().context("it has a path")?;
            let stranger = somebody(world, &method, names.of("stores")).await?;
            let body = sound_body(name, &names).context("it has a sound body")?;
            let answer = world.api.send(http.ask(&names, &body)?.by(&stranger)).await?;
            ensure!(answer.status == StatusCode::NOT_FOUND, "{name}: {} {}", answer.status, answer.text);
        }
        for q in searches(world).await? {
            let manager =
                world.api.person(foursight_proto::identity::v1::Role::CrManager, names.of("stores")).await?;
            let search = Ask::new(Method::POST, "/v1/customers:search").by(&manager);
            let found = world.api.send(search.json(&json!({ "q": q }))).await?.ok()?.json();
            ensure!(!found.to_string().contains(names.of("customers")), "{q} finds another store's customer");
        }
        world.settled().await?;
        ensure!(shown(world).await? == before, "a stranger has changed something");
        Ok(())
    })
}

/// What finds the story's customer at the own store.
async fn searches(world: &World) -> Result<Vec<String>> {
    let mine = world.api.person(foursight_proto::identity::v1::Role::CrManager, &world.story.store).await?;
    let (customer, vehicle) = (world.names.of("customers"), world.names.of("vehicles"));
    let reveal = json!({
        "field": "SENSITIVE_FIELD_CONTACT_POINT", "contactPoint": world.names.of("contactPoints"), "reason": "a test",
    });
    let path = format!("/v1/{customer}:reveal");
    let phone =
        world.api.send(Ask::new(Method::POST, path).by(&mine).json(&reveal)).await?.ok()?.text("value");
    let car = world.api.get(&mine, &format!("/v1/{vehicle}")).await?;
    let vin = car["vin"].as_str().context("the car has a VIN")?.to_owned();
    let phone = phone.trim_start_matches('+').to_owned();
    let searches =
        vec![phone.clone(), phone[phone.len() - 4..].to_owned(), vin.clone(), vin[11..].to_owned()];
    for q in &searches {
        let search = Ask::new(Method::POST, "/v1/customers:search").by(&mine);
        let found = world.api.send(search.json(&json!({ "q": q, "pageSize": 200 }))).await?.ok()?.json();
        ensure!(found.to_string().contains(customer), "{q} does not find the customer at the own store");
    }
    Ok(searches)
}

fn store_methods() -> Result<Vec<ApiMethod>> {
    Ok(methods()?.into_iter().filter(|method| method.scope() == Scope::Store).collect())
}

/// Somebody of a store who may call the method.
async fn somebody(world: &World, method: &ApiMethod, store: &str) -> Result<Person> {
    for user in world.api.users().iter().filter(|user| user.store == store) {
        if rights_of(role_of(user)?).contains(&method.right()) {
            return world.api.sign_in(user).await;
        }
    }
    anyhow::bail!("nobody at a store may call {}", method.name)
}

fn other_store(world: &World) -> Result<String> {
    world.api.stores().into_iter().find(|store| *store != world.story.store).context("there is another store")
}

/// Not there, or not the caller's: neither says whether it exists.
fn is_hidden(answer: &Answer) -> bool {
    answer.status == StatusCode::NOT_FOUND || answer.reason() == "STORE_OUT_OF_REACH"
}

/// Messages are sent when their time comes, whoever asks for what; what is shown by lists or with its customer alone has no page of its own.
const MOVES_BY_ITSELF: [&str; 5] = ["messages", "contactPoints", "tags", "duplicates", "merges"];

/// Everything about the story's customer as its own store sees it.
async fn shown(world: &World) -> Result<BTreeMap<String, Value>> {
    let mine = world.api.person(foursight_proto::identity::v1::Role::CrManager, &world.story.store).await?;
    let director = world.api.person(foursight_proto::identity::v1::Role::GroupDirector, "").await?;
    let mut shown = BTreeMap::new();
    for (collection, name) in
        world.names.iter().filter(|(collection, _)| !MOVES_BY_ITSELF.contains(collection))
    {
        let path = format!("/v1/{name}");
        // Who was erased is no store's business.
        let who = if collection == "erasures" { &director } else { &mine };
        let answer = world.api.get(who, &path).await.with_context(|| collection.to_owned())?;
        shown.insert(path, answer);
    }
    let customer = world.names.of("customers");
    for path in [
        format!("/v1/{customer}/consents?pageSize=200"),
        format!("/v1/leads?customer={customer}&pageSize=200"),
        format!("/v1/vehicles?customer={customer}&pageSize=200"),
        format!("/v1/cases?customer={customer}&pageSize=200"),
        format!("/v1/receptions?store={}&pageSize=200", world.story.store),
        format!("/v1/customers?store={}&pageSize=200", world.story.store),
    ] {
        let answer = world.api.get(&mine, &path).await?;
        shown.insert(path, answer);
    }
    let path = format!("/v1/{customer}/timelineEntries");
    let entries = world.api.list(&mine, &path, "timelineEntries").await?;
    let of_people = |entry: &Value| !entry["kind"].as_str().unwrap_or_default().starts_with("MESSAGE_");
    shown.insert(path, entries.into_iter().filter(of_people).collect());
    Ok(shown)
}
