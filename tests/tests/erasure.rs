//! A customer is erased everywhere: on a whole stack, after a whole story, and the certificate is held against what there is.

use anyhow::{Context, Result, ensure};
use foursight::erasure::{Report, verify};
use foursight_kernel::{Clock, SystemClock};
use foursight_messaging::{Bus, NewEvent, outbox::PastEvent, topology::Topology};
use foursight_proto::{
    complaint::events::v1::CaseOpened,
    customer::events::v1::{VehicleDelivered, VisitCompleted},
    identity::v1::Role,
};
use foursight_tests::{
    api::{Ask, Person},
    names::id_of,
    world::{SERVICES, World, on_stack, run, until},
};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, PgConnection};
use uuid::Uuid;

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

/// The copy has what the customer and everybody said, in clear, from every service; and only who owns privacy takes one.
async fn copy_is_whole(
    world: &World,
    owner: &mut PgConnection,
    director: &Person,
    customer: &str,
) -> Result<()> {
    use base64::{Engine, engine::general_purpose::STANDARD};
    let path = format!("/v1/{customer}:exportData");
    let body = json!({ "reason": "the customer asked for a copy" });
    let manager = world.api.person(Role::CrManager, &world.story.store).await?;
    let answer = world.api.send(Ask::new(Method::POST, path.clone()).by(&manager).json(&body)).await?;
    ensure!(answer.reason() == "RIGHT_MISSING", "{}: {}", answer.status, answer.text);
    let answer = world
        .api
        .send(Ask::new(Method::POST, path.clone()).by(director).json(&json!({ "reason": "?" })))
        .await?;
    ensure!(answer.fields() == ["reason"], "{}: {}", answer.status, answer.text);
    let answer = world.api.send(Ask::new(Method::POST, path).by(director).json(&body)).await?.ok()?;
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(STANDARD.decode(answer.text("data"))?))?;
    let mut read = |name: &str| -> Result<String> {
        let mut text = String::new();
        std::io::Read::read_to_string(
            &mut archive.by_name(name).with_context(|| name.to_owned())?,
            &mut text,
        )?;
        Ok(text)
    };
    let page = read("index.html")?;
    let file = world.api.get(director, &format!("/v1/{customer}")).await?;
    for point in file["contactPoints"].as_array().context("contact points")? {
        let ask = json!({ "field": "SENSITIVE_FIELD_CONTACT_POINT", "contactPoint": point["name"], "reason": "to compare" });
        let shown = world
            .api
            .send(Ask::new(Method::POST, format!("/v1/{customer}:reveal")).by(director).json(&ask))
            .await?;
        let value = shown.ok()?.text("value");
        ensure!(
            page.contains(&value) && read("customer/contact_points.json")?.contains(&value),
            "a contact point is missing"
        );
    }
    let words: Vec<String> = sqlx::query_scalar(
        "SELECT description FROM complaint.cases WHERE customer_id = $1
         UNION SELECT note FROM notification.call_attempts a JOIN notification.call_tasks t ON t.id = a.call_task_id
               WHERE t.customer_id = $1 AND note <> ''",
    )
    .bind(id_of(customer)?)
    .fetch_all(&mut *owner)
    .await?;
    ensure!(!words.is_empty(), "the story left no words");
    for text in &words {
        ensure!(page.contains(text), "{text} is missing");
    }
    ensure!(
        read("complaint/cases.json")?.contains("description")
            && read("notification/call_attempts.json")?.contains("note"),
        "words"
    );
    for (wanted, there) in [
        ("联系方式", true),
        ("投诉工单", true),
        ("CONTACT_KIND_PHONE", true),
        ("_hash", false),
        ("sealed", false),
    ] {
        ensure!(page.contains(wanted) == there, "{wanted}");
    }
    let on_record: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM customer.audit WHERE method = 'ExportCustomerData' AND resource = $1 AND subject = $2
           AND detail ->> 'reason' = 'the customer asked for a copy'",
    )
    .bind(customer)
    .bind(&director.name)
    .fetch_one(owner)
    .await?;
    ensure!(on_record == 1, "{on_record} rows tell of it");
    Ok(())
}

/// What was told before and comes only now, by a service that was away.
async fn late_events(world: &World, owner: &mut PgConnection, customer: &str) -> Result<()> {
    let (store, vehicle) = (world.story.store.clone(), world.names.of("vehicles").to_owned());
    let now = SystemClock.now();
    let time = Some(foursight_kernel::time::to_proto(now));
    let ids = |collection: &str| format!("{collection}/{}", Uuid::from_u128(rand_like(now, collection)));
    let delivered = VehicleDelivered {
        delivery: ids("deliveries"),
        customer: customer.to_owned(),
        store: store.clone(),
        vehicle: vehicle.clone(),
        deliver_time: time,
        ..VehicleDelivered::default()
    };
    let completed = VisitCompleted {
        visit: ids("visits"),
        customer: customer.to_owned(),
        store,
        vehicle,
        hand_over_time: time,
        ..VisitCompleted::default()
    };
    let dissatisfied = foursight_proto::notification::events::v1::CallTaskCompleted {
        call_task: world.names.of("callTasks").to_owned(),
        customer: customer.to_owned(),
        store: world.story.store.clone(),
        satisfaction: foursight_proto::notification::v1::Satisfaction::Dissatisfied.into(),
        due_time: time,
        complete_time: time,
        ..Default::default()
    };
    let cases = "SELECT count(*) FROM complaint.cases";
    let before: i64 = sqlx::query_scalar(cases).fetch_one(&mut *owner).await?;
    tell(world, "customer", NewEvent::new(&delivered, Uuid::from_u128(1), 1, None)).await?;
    tell(world, "customer", NewEvent::new(&completed, Uuid::from_u128(2), 2, None)).await?;
    tell(world, "notification", NewEvent::new(&dissatisfied, Uuid::from_u128(3), 9, None)).await?;
    world.settled().await?;
    let after: i64 = sqlx::query_scalar(cases).fetch_one(&mut *owner).await?;
    ensure!(before == after, "a case was taken from a call to nobody");
    Ok(())
}

/// What somebody may do who rules the database, each of which is found.
async fn tampering(world: &World, owner: &mut PgConnection, customer: Uuid, erasure: Uuid) -> Result<()> {
    let store = id_of(&world.story.store)?;
    for (what, do_it, undo, wanted) in [
        (
            "another certificate",
            format!("UPDATE customer.erasures SET certificate = replace(certificate, '2026/0007', '2026/0008') WHERE id = '{erasure}'"),
            format!("UPDATE customer.erasures SET certificate = replace(certificate, '2026/0008', '2026/0007') WHERE id = '{erasure}'"),
            "another text is sealed",
        ),
        (
            "another certificate with its seal",
            format!("UPDATE customer.erasures SET certificate = replace(certificate, '2026/0007', '2026/0008'),
                         seal = sha256(convert_to(replace(certificate, '2026/0007', '2026/0008'), 'UTF8')) WHERE id = '{erasure}'"),
            format!("UPDATE customer.erasures SET certificate = replace(certificate, '2026/0008', '2026/0007'),
                         seal = sha256(convert_to(replace(certificate, '2026/0008', '2026/0007'), 'UTF8')) WHERE id = '{erasure}'"),
            "the log has another seal",
        ),
        (
            "a key that is back",
            format!("INSERT INTO customer.customer_keys VALUES ('{customer}', 1, '\\x00')"),
            format!("DELETE FROM customer.customer_keys WHERE customer_id = '{customer}'"),
            "the key that opens what is sealed is still there",
        ),
        (
            "a row that is back",
            format!("INSERT INTO customer.timeline_entries (customer_id, event_id, kind, resource, occur_time, place, details)
                     VALUES ('{customer}', gen_random_uuid(), 'BACK', '', now(), 1, '{{}}')"),
            format!("DELETE FROM customer.timeline_entries WHERE customer_id = '{customer}'"),
            "customer.timeline_entries: 1 rows have the id in customer_id",
        ),
        (
            "a word that is back",
            format!("UPDATE customer.customers SET occupation = 'teacher' WHERE id = '{customer}'"),
            format!("UPDATE customer.customers SET occupation = '' WHERE id = '{customer}'"),
            "customer.customers: 1 rows say something",
        ),
        (
            "a case of the customer's",
            format!("UPDATE complaint.cases SET customer_id = '{customer}' WHERE id IN (SELECT id FROM complaint.cases LIMIT 1)"),
            format!("UPDATE complaint.cases SET customer_id = NULL WHERE customer_id = '{customer}'"),
            "complaint.cases: 1 rows have the id",
        ),
        (
            "a table that nobody has declared",
            format!("CREATE TABLE notification.later (who text, store_id uuid); INSERT INTO notification.later VALUES ('for customers/{customer}', '{store}')"),
            "DROP TABLE notification.later".to_owned(),
            "notification.later: 1 rows have the id in who",
        ),
    ] {
        run(owner, &do_it).await.with_context(|| what.to_owned())?;
        let report = look(world, &format!("customers/{customer}")).await;
        run(owner, &undo).await.with_context(|| what.to_owned())?;
        found(&report?, wanted).with_context(|| what.to_owned())?;
    }
    Ok(())
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
                 WHERE c.relnamespace = $1::text::regnamespace AND c.relkind IN ('r', 'p') AND a.attname LIKE '%customer%id%'
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

/// What the story's customer and everybody at the store said and wrote, and by what the customer is found, sealed and not.
async fn said_of(owner: &mut PgConnection, customer: Uuid) -> Result<Vec<String>> {
    let said: Vec<Option<String>> = sqlx::query_scalar(
        "SELECT display_name FROM customer.customers WHERE id = $1
         UNION SELECT encode(sealed, 'hex') FROM customer.contact_points WHERE customer_id = $1
         UNION SELECT encode(hash, 'hex') FROM customer.contact_points WHERE customer_id = $1
         UNION SELECT encode(wrapped, 'hex') FROM customer.customer_keys WHERE customer_id = $1
         UNION SELECT plate FROM customer.deliveries WHERE customer_id = $1
         UNION SELECT description FROM complaint.cases WHERE customer_id = $1
         UNION SELECT note FROM complaint.steps s JOIN complaint.cases c ON c.id = s.case_id
               WHERE c.customer_id = $1 AND s.note <> ''
         UNION SELECT note FROM notification.call_attempts a JOIN notification.call_tasks t ON t.id = a.call_task_id
               WHERE t.customer_id = $1",
    )
    .bind(customer)
    .fetch_all(&mut *owner)
    .await?;
    // What others say, too, is nobody's: the demo group's words repeat.
    let mut theirs = Vec::new();
    for text in said.into_iter().flatten().filter(|text| text.chars().count() > 1) {
        let others: i64 = sqlx::query_scalar(
            "SELECT (SELECT count(*) FROM complaint.steps s JOIN complaint.cases c ON c.id = s.case_id
                     WHERE s.note = $2 AND c.customer_id IS DISTINCT FROM $1)
                  + (SELECT count(*) FROM complaint.cases c WHERE c.description = $2 AND c.customer_id IS DISTINCT FROM $1)
                  + (SELECT count(*) FROM notification.call_attempts a JOIN notification.call_tasks t ON t.id = a.call_task_id
                     WHERE a.note = $2 AND t.customer_id <> $1)",
        )
        .bind(customer)
        .bind(&text)
        .fetch_one(&mut *owner)
        .await?;
        if others == 0 {
            theirs.push(text);
        }
    }
    Ok(theirs)
}

/// The tables that have a text anywhere, binary columns in hexadecimal included.
async fn holders(owner: &mut PgConnection, text: &str) -> Result<Vec<String>> {
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT format('%I.%I', relnamespace::regnamespace, relname) FROM pg_class
         WHERE relnamespace::regnamespace::text = ANY ($1) AND relkind = 'r' ORDER BY 1",
    )
    .bind(SERVICES.map(str::to_owned).to_vec())
    .fetch_all(&mut *owner)
    .await?;
    let mut holders = Vec::new();
    for table in tables {
        let query =
            format!("SELECT EXISTS (SELECT FROM {table} t WHERE position($1 IN to_jsonb(t)::text) > 0)");
        let has: bool = sqlx::query_scalar(AssertSqlSafe(query)).bind(text).fetch_one(&mut *owner).await?;
        if has {
            holders.push(table);
        }
    }
    Ok(holders)
}

async fn bus(world: &World) -> Result<Bus> {
    Ok(Bus::connect(&world.up.ready.nats, "test", Topology::new(world.settings()?.nats.prefix, 1)).await?)
}

async fn look(world: &World, id: &str) -> Result<Report> {
    verify(&world.settings()?, &bus(world).await?, id).await
}

fn clean(report: &Report) -> Result<()> {
    ensure!(report.findings.is_empty(), "{:#?}", report.findings);
    // The seals, the key, five schemas, five streams and the dead letters.
    ensure!(report.looked_at.len() == 15, "{:#?}", report.looked_at);
    Ok(())
}

fn found(report: &Report, wanted: &str) -> Result<()> {
    ensure!(
        report.findings.iter().any(|finding| finding.contains(wanted)),
        "not found: {wanted}: {:#?}",
        report.findings
    );
    Ok(())
}

async fn tell(world: &World, service: &str, event: NewEvent) -> Result<()> {
    let now = SystemClock.now();
    let id = Uuid::from_u128(rand_like(now, service));
    world.up.running().bus.tell(service, PastEvent { id, at: now, event }).await?;
    Ok(())
}

/// A number that no other call has had.
fn rand_like(now: jiff::Timestamp, salt: &str) -> u128 {
    now.as_nanosecond().unsigned_abs().wrapping_mul(1_000).wrapping_add(salt.bytes().map(u128::from).sum())
}
