//! The copy that a customer may ask for.

use std::io::Cursor;

use anyhow::{Context, Result, ensure};
use base64::{Engine, engine::general_purpose::STANDARD};
use foursight_proto::identity::v1::Role;
use foursight_tests::{
    api::{Ask, Person},
    names::id_of,
    world::World,
};
use reqwest::Method;
use serde_json::json;
use sqlx::PgConnection;

/// The copy has what the customer and everybody said, in clear, from every service; and only who owns privacy takes one.
pub(crate) async fn copy_is_whole(
    world: &World,
    owner: &mut PgConnection,
    director: &Person,
    customer: &str,
) -> Result<()> {
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
    let mut archive = zip::ZipArchive::new(Cursor::new(STANDARD.decode(answer.text("data"))?))?;
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
