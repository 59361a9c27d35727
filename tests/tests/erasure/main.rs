//! A customer is erased everywhere: on a whole stack, after a whole story, and the certificate is held against what there is.

mod afterwards;
mod copy;
mod looking;

use anyhow::{Context, Result, ensure};
use foursight::erasure::verify;
use foursight_messaging::NewEvent;
use foursight_proto::{complaint::events::v1::CaseOpened, identity::v1::Role};
use foursight_tests::{
    api::Ask,
    names::id_of,
    world::{SERVICES, on_stack, until},
};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use afterwards::{late_events, tampering};
use copy::copy_is_whole;
use looking::{bus, clean, found, holders, look, said_of, tell};

#[test]
fn after_a_whole_story_an_erased_customer_is_nowhere_and_does_not_come_back() -> Result<()> {
    on_stack(async |world| {
        let (customer, mut owner) = (world.story.customer.clone(), world.owner().await?);
        let director = world.api.person(Role::GroupDirector, "").await?;
        let said = said_of(&mut owner, id_of(&customer)?).await?;
        ensure!(said.len() >= 6, "the story left only {said:?}");
        for text in &said {
            ensure!(!holders(&mut owner, text).await?.is_empty(), "{text} was never there");
        }
        let refused = verify(&world.settings()?, &bus(world).await?, &customer).await;
        ensure!(
            refused.is_err_and(|why| why.to_string().contains("nobody of this id was erased")),
            "not yet"
        );

        copy_is_whole(world, &mut owner, &director, &customer).await?;
        // Another store's staff, and the store's own, do not.
        for person in [
            world.api.person(Role::CrManager, &world.story.store).await?,
            world.api.person(Role::CrManager, world.api.stores().last().context("a store")?).await?,
        ] {
            let body = json!({ "ground": "ERASURE_GROUND_CUSTOMER_REQUEST", "etag": "x" });
            let ask = Ask::new(Method::POST, format!("/v1/{customer}:erase")).by(&person).json(&body);
            let answer = world.api.send(ask).await?;
            ensure!(answer.reason() == "RIGHT_MISSING", "{}: {}", answer.status, answer.text);
        }

        let preview = world.api.get(&director, &format!("/v1/{customer}:previewErasure")).await?;
        let body = json!({
            "ground": "ERASURE_GROUND_CUSTOMER_REQUEST", "reference": "2026/0007", "etag": preview["etag"],
        });
        let ask = Ask::new(Method::POST, format!("/v1/{customer}:erase")).by(&director).json(&body);
        let erasure = world.api.send(ask).await?.ok()?.text("name");
        let mut done = Value::Null;
        until("every service has answered", async || {
            done = world.api.get(&director, &format!("/v1/{erasure}")).await?;
            Ok(done["state"] == "ERASURE_STATE_COMPLETED")
        })
        .await?;
        world.settled().await?;
        let services: Vec<&str> = done["answers"]
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default()
            .iter()
            .filter_map(|answer| answer["service"].as_str())
            .collect();
        ensure!(services == ["analytics", "complaint", "customer", "notification"], "{done}");

        for text in &said {
            let left = holders(&mut owner, text).await?;
            ensure!(left.is_empty(), "{text} is left in {left:?}");
        }
        let answer = world.api.send(Ask::new(Method::GET, format!("/v1/{customer}")).by(&director)).await?;
        ensure!(
            (answer.status, answer.reason().as_str()) == (StatusCode::NOT_FOUND, "CUSTOMER_ERASED"),
            "{}",
            answer.text
        );
        let manager = world.api.person(Role::CrManager, &world.story.store).await?;
        let timeline = format!("/v1/{customer}/timelineEntries");
        for (person, path) in
            [(&manager, format!("/v1/{customer}")), (&manager, timeline.clone()), (&director, timeline)]
        {
            let answer = world.api.send(Ask::new(Method::GET, path).by(person)).await?;
            ensure!(answer.status == StatusCode::NOT_FOUND, "{}: {}", answer.status, answer.text);
        }
        for list in ["messages", "cases"] {
            let found = world.api.get(&director, &format!("/v1/{list}?customer={customer}")).await?;
            ensure!(found[list].as_array().is_none_or(Vec::is_empty), "{found}");
        }
        // The complaint goes on as nobody's.
        let case = world.api.get(&manager, &format!("/v1/{}", world.story.case)).await?;
        ensure!(case["customer"] == "" || case["customer"].is_null(), "{case}");

        clean(&look(world, &customer).await?)?;
        clean(&look(world, &erasure).await?)?;

        late_events(world, &mut owner, &customer).await?;
        clean(&look(world, &customer).await?)?;
        tampering(world, &mut owner, id_of(&customer)?, id_of(&erasure)?).await?;
        clean(&look(world, &customer).await?)?;
        // Last, since a stream forgets nothing.
        let told = CaseOpened {
            case: "cases/1".to_owned(),
            customer: customer.clone(),
            number: "安可晴".to_owned(),
            ..CaseOpened::default()
        };
        tell(world, "complaint", NewEvent::new(&told, Uuid::nil(), 1, None)).await?;
        found(&look(world, &customer).await?, "`number` is neither an id nor a code")
    })
}

#[test]
fn every_table_that_names_a_customer_says_what_an_erasure_does_to_it() -> Result<()> {
    on_stack(async |world| {
        let mut owner = world.owner().await?;
        let mut seen = 0;
        for service in SERVICES {
            let tables: Vec<String> = sqlx::query_scalar(
                "SELECT DISTINCT c.relname::text FROM pg_class c
                 JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
                 WHERE c.relnamespace = $1::text::regnamespace AND c.relkind IN ('r', 'p')
                   AND NOT c.relispartition AND a.attname LIKE '%customer%id%'
                   AND format_type(a.atttypid, NULL) IN ('uuid', 'uuid[]', 'text')",
            )
            .bind(service)
            .fetch_all(&mut owner)
            .await?;
            let declared: Vec<String> = sqlx::query_scalar(AssertSqlSafe(format!(
                "SELECT DISTINCT its_table FROM {service}.erasure_rules()"
            )))
            .fetch_all(&mut owner)
            .await?;
            for table in &tables {
                // The memory of a service that keeps nothing else.
                ensure!(
                    declared.contains(table) || (service == "identity" && table == "erased_customers"),
                    "{service}.{table} names customers: say in an `erasure_of_…()` of its migration what an erasure does to it"
                );
            }
            seen += tables.len();
        }
        ensure!(seen > 20, "only {seen} tables name customers");
        Ok(())
    })
}
