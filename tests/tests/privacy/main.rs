//! Personal data has one home: after the demo group was loaded and the story told, no other schema, no stream, no log, no
//! trace and no metric holds anybody's phone, e-mail, WeChat id, address or national id, and the home itself holds them
//! sealed only.

mod clear;
mod collector;
mod dump;
mod needles;
mod streams;

use std::sync::LazyLock;

use anyhow::{Context, Result, ensure};
use foursight_proto::identity::v1::Role;
use foursight_tests::{
    api::{Ask, hex},
    world::{SERVICES, World, on_stack},
};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use clear::Clear;
use collector::Collector;
use needles::Needles;

/// What everybody's facts are, read once.
static CLEAR: tokio::sync::OnceCell<Clear> = tokio::sync::OnceCell::const_new();
static COLLECTOR: LazyLock<Result<Collector, String>> =
    LazyLock::new(|| Collector::start().map_err(|error| format!("{error:#}")));

/// The stack, with its telemetry sent to a collector of the test's, and everybody's facts.
fn with_facts(test: impl AsyncFnOnce(&'static World, &'static Clear) -> Result<()>) -> Result<()> {
    // Before the stack: the first telemetry of a process is the one that counts.
    collector()?;
    on_stack(async |world| {
        let clear = CLEAR.get_or_try_init(|| Clear::read(world)).await?;
        test(world, clear).await
    })
}

fn collector() -> Result<&'static Collector> {
    COLLECTOR.as_ref().map_err(|error| anyhow::anyhow!("the collector does not start: {error}"))
}

#[test]
fn the_search_finds_what_it_looks_for() -> Result<()> {
    with_facts(async |_, clear| {
        ensure!(clear.customers >= 120, "only {} customers were asked for", clear.customers);
        for (kind, least) in
            [("phone", 120), ("email", 30), ("wechat", 40), ("address", 40), ("national id", 40)]
        {
            let found = clear.facts.iter().filter(|fact| fact.kind == kind).count();
            ensure!(found >= least, "only {found} facts of the kind {kind}");
        }
        for fact in &clear.facts {
            for spelling in needles::spellings(fact) {
                let text = format!("before {spelling} after");
                ensure!(
                    clear.needles.find(text.as_bytes()).is_some(),
                    "a planted {} is not found",
                    fact.kind
                );
            }
        }
        Ok(())
    })
}

#[test]
fn no_schema_holds_a_fact_in_clear_not_even_the_home() -> Result<()> {
    with_facts(async |world, clear| {
        world.settled().await?;
        let mut owner = world.owner().await?;
        for service in SERVICES {
            let dump = dump::schema(&mut owner, service).await?;
            ensure!(dump.tables > 4, "{service}: only {} tables were dumped", dump.tables);
            for (table, bytes) in &dump.contents {
                clear.needles.must_not_be_in(table, bytes)?;
            }
            // What must be there is there: the dump is not an empty one.
            let telling = if service == "identity" { &world.story.store } else { &world.story.customer };
            let id = foursight_tests::names::id_of(telling)?.to_string();
            let seen = dump.contents.iter().any(|(_, bytes)| contains(bytes, id.as_bytes()));
            ensure!(seen || service == "analytics", "the dump of {service} does not know {telling}");
        }
        Ok(())
    })
}

#[test]
fn no_name_of_a_customer_stands_in_another_schema_or_a_stream() -> Result<()> {
    with_facts(async |world, clear| {
        let mut owner = world.owner().await?;
        for service in SERVICES.into_iter().filter(|service| *service != "customer") {
            for (table, bytes) in &dump::schema(&mut owner, service).await?.contents {
                clear.people.must_not_be_in(table, bytes)?;
            }
        }
        for message in streams::all(&world.up.ready.nats).await? {
            clear.people.must_not_be_in(&message.place, &message.bytes)?;
        }
        Ok(())
    })
}

#[test]
fn no_event_carries_a_fact() -> Result<()> {
    with_facts(async |world, clear| {
        let messages = streams::all(&world.up.ready.nats).await?;
        ensure!(messages.len() > 300, "only {} messages in all streams", messages.len());
        let customer = world.story.customer.as_bytes();
        ensure!(
            messages.iter().any(|message| contains(&message.bytes, customer)),
            "the story is in no stream"
        );
        for message in &messages {
            clear.needles.must_not_be_in(&message.place, &message.bytes)?;
        }
        Ok(())
    })
}

#[test]
fn no_log_no_trace_and_no_metric_carries_a_fact() -> Result<()> {
    with_facts(async |world, clear| {
        careless(world, clear).await?;
        let metrics = reqwest::get(format!("{}/metrics", world.up.ready.metrics)).await?.text().await?;
        ensure!(
            metrics.contains("foursight") || metrics.contains("rpc"),
            "no metric of ours: {metrics:.300}"
        );
        clear.needles.must_not_be_in("/metrics", metrics.as_bytes())?;

        let collector = collector()?;
        let exported = collector.everything().await?;
        ensure!(exported.len() > 100_000, "only {} bytes of traces and logs came", exported.len());
        for wanted in ["GradeLead", "CreateReception", "RecordCallAttempt", "RevealField"] {
            ensure!(contains(&exported, wanted.as_bytes()), "no trace tells of {wanted}");
        }
        clear.needles.must_not_be_in("traces and logs as exported", &exported)?;

        // The roles' own log, and the servers' below it.
        let log = collector.log()?;
        ensure!(!log.is_empty(), "the process has logged nothing");
        clear.needles.must_not_be_in("the roles' log", &log)?;
        let logs = dump::logs(&world.data)?;
        ensure!(
            logs.len() >= 3,
            "only these logs: {:?}",
            logs.iter().map(|(file, _)| file).collect::<Vec<_>>()
        );
        for (file, bytes) in &logs {
            clear.needles.must_not_be_in(file, bytes)?;
        }
        Ok(())
    })
}

/// Requests that carry facts in every place where a careless client may put them: what is refused is not repeated either.
async fn careless(world: &World, clear: &Clear) -> Result<()> {
    let manager = world.api.person(Role::CrManager, &world.story.store).await?;
    for fact in clear.facts.iter().step_by(20) {
        let value = fact.value.trim_start_matches('+');
        let encoded = hex("%", value.bytes());
        for path in [
            format!("/v1/customers?q={encoded}"),
            format!("/v1/customers/{encoded}"),
            format!("/v1/{encoded}"),
            format!("/v1/vehicles?plate={encoded}"),
            format!("/v1/customers?{encoded}=1"),
        ] {
            let answer = world.api.send(Ask::new(Method::GET, path).by(&manager)).await?;
            ensure!(!answer.status.is_server_error(), "{}: {}", answer.status, answer.text);
        }
        for path in ["/v1/customers:search", "/v1/vehicles:search"] {
            let search = json!({ "q": value });
            let answer = world.api.send(Ask::new(Method::POST, path).by(&manager).json(&search)).await?;
            ensure!(!answer.status.is_server_error(), "{}: {}", answer.status, answer.text);
        }
        for body in [
            json!({ "displayName": value, "kind": value, "store": value, "contactPoints": value }),
            json!({ value: 1 }),
            json!({
                "kind": "CUSTOMER_KIND_PERSON", "displayName": "颜如许", "store": world.story.store,
                "source": "SOURCE_CHANNEL_CALL", "nationalId": value,
                "contactPoints": [{ "kind": "CONTACT_KIND_PHONE", "value": value }],
            }),
        ] {
            let answer =
                world.api.send(Ask::new(Method::POST, "/v1/customers").by(&manager).json(&body)).await?;
            ensure!(answer.status.is_client_error(), "{}: {}", answer.status, answer.text);
        }
        let grant = json!({ "password": { "login": value, "password": value } });
        let answer = world.api.send(Ask::new(Method::POST, "/v1/tokens").json(&grant)).await?;
        ensure!(answer.status.is_client_error(), "{}: {}", answer.status, answer.text);
    }
    // The one that is on file already is told by its reason, not by its number.
    let phone = clear.facts.iter().find(|fact| fact.kind == "phone").context("there is a phone")?;
    let twice = json!({
        "kind": "CUSTOMER_KIND_PERSON", "displayName": "颜如许", "store": world.story.store,
        "source": "SOURCE_CHANNEL_CALL", "contactPoints": [{ "kind": "CONTACT_KIND_PHONE", "value": phone.value }],
    });
    let answer = world.api.send(Ask::new(Method::POST, "/v1/customers").by(&manager).json(&twice)).await?;
    ensure!(answer.status == StatusCode::CONFLICT, "{}: {}", answer.status, answer.text);
    clear.needles.must_not_be_in("an answer that a customer exists", answer.text.as_bytes())
}

#[test]
fn what_is_shown_is_masked() -> Result<()> {
    with_facts(async |world, clear| {
        let director = world.api.person(Role::GroupDirector, "").await?;
        for path in ["/v1/customers?pageSize=200".to_owned(), format!("/v1/{}", world.story.customer)] {
            let shown: Value = world.api.get(&director, &path).await?;
            clear.needles.must_not_be_in(&path, shown.to_string().as_bytes())?;
        }
        Ok(())
    })
}

/// Each fact that was asked for above has its row: who, whose, which, why. The value is in none.
#[test]
fn each_fact_that_is_shown_whole_is_on_record_without_the_value() -> Result<()> {
    with_facts(async |world, clear| {
        let director = world.api.person(Role::GroupDirector, "").await?;
        let mut owner = world.owner().await?;
        let rows: Vec<(String, String)> = sqlx::query_as(
            "SELECT resource, detail::text FROM customer.audit
             WHERE method = 'RevealField' AND subject = $1 AND detail->>'reason' = $2",
        )
        .bind(&director.name)
        .bind(clear::REASON)
        .fetch_all(&mut owner)
        .await?;
        ensure!(
            rows.len() == clear.facts.len(),
            "{} of {} facts are on record",
            rows.len(),
            clear.facts.len()
        );
        for fact in &clear.facts {
            ensure!(
                rows.iter().any(|(resource, _)| *resource == fact.resource),
                "{} is not on record",
                fact.resource
            );
        }
        for (resource, detail) in &rows {
            clear.needles.must_not_be_in(resource, detail.as_bytes())?;
        }
        // Who may not see it whole does not, and it is not told either.
        let member = world.api.person(Role::MemberSpecialist, &world.story.store).await?;
        let ask = json!({ "field": "SENSITIVE_FIELD_NATIONAL_ID", "reason": "curiosity" });
        let path = format!("/v1/{}:reveal", world.story.customer);
        let answer = world.api.send(Ask::new(Method::POST, path).by(&member).json(&ask)).await?;
        ensure!(answer.reason() == "RIGHT_MISSING", "{}: {}", answer.status, answer.text);
        Ok(())
    })
}

fn contains(haystack: &[u8], wanted: &[u8]) -> bool {
    Needles::new([("text", String::from_utf8_lossy(wanted).into_owned())]).find(haystack).is_some()
}
