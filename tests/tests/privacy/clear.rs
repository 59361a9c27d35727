//! Everybody's facts in clear, as somebody with the right to see them is shown them.

use std::collections::HashSet;

use anyhow::{Context, Result, ensure};
use foursight_proto::identity::v1::Role;
use foursight_tests::{
    api::{Ask, Person},
    world::World,
};
use futures::{StreamExt, TryStreamExt};
use reqwest::Method;
use serde_json::{Value, json};

use crate::needles::{Needles, spellings};

/// Why the facts are asked for, by which their audit rows are known.
pub(crate) const REASON: &str = "the privacy test looks for it elsewhere";

/// One fact about somebody.
#[derive(Debug)]
pub(crate) struct Fact {
    /// `phone`, `email`, …
    pub(crate) kind: &'static str,
    /// What the audit log names when it is shown.
    pub(crate) resource: String,
    /// The fact.
    pub(crate) value: String,
}

/// Everybody's facts.
#[derive(Debug)]
pub(crate) struct Clear {
    /// How many people and organisations.
    pub(crate) customers: usize,
    /// Their facts.
    pub(crate) facts: Vec<Fact>,
    /// All spellings of all facts.
    pub(crate) needles: Needles,
    /// Names that are nobody's but a customer's, and telling enough to stand nowhere by chance.
    pub(crate) people: Needles,
}

/// A fact that is still to be asked for.
struct Asked {
    kind: &'static str,
    customer: String,
    resource: String,
    body: Value,
}

impl Clear {
    pub(crate) async fn read(world: &World) -> Result<Self> {
        let director = world.api.person(Role::GroupDirector, "").await?;
        let files = world.api.list(&director, "/v1/customers", "customers").await?;
        let asked: Vec<Asked> = files.iter().flat_map(asked).collect();
        let facts: Vec<Fact> = futures::stream::iter(asked)
            .map(|asked| reveal(world, &director, asked))
            .buffered(8)
            .try_collect()
            .await?;
        let needles = facts.iter().flat_map(|fact| spellings(fact).into_iter().map(|text| (fact.kind, text)));
        Ok(Self {
            customers: files.len(),
            needles: Needles::new(needles),
            people: people(world, &director, &files).await?,
            facts,
        })
    }
}

fn asked(file: &Value) -> Vec<Asked> {
    let text = |value: &Value, field: &str| value[field].as_str().unwrap_or_default().to_owned();
    let customer = text(file, "name");
    let points = file["contactPoints"].as_array().cloned().unwrap_or_default();
    let mut asked: Vec<Asked> = points
        .iter()
        .map(|point| Asked {
            kind: match text(point, "kind").as_str() {
                "CONTACT_KIND_PHONE" => "phone",
                "CONTACT_KIND_EMAIL" => "email",
                "CONTACT_KIND_WECHAT" => "wechat",
                _ => "address",
            },
            customer: customer.clone(),
            resource: text(point, "name"),
            body: json!({
                "field": "SENSITIVE_FIELD_CONTACT_POINT", "contactPoint": point["name"], "reason": REASON,
            }),
        })
        .collect();
    if !text(file, "nationalId").is_empty() {
        let body = json!({ "field": "SENSITIVE_FIELD_NATIONAL_ID", "reason": REASON });
        asked.push(Asked { kind: "national id", customer: customer.clone(), resource: customer, body });
    }
    asked
}

async fn reveal(world: &World, director: &Person, asked: Asked) -> Result<Fact> {
    let path = format!("/v1/{}:reveal", asked.customer);
    let answer = world.api.send(Ask::new(Method::POST, path).by(director).json(&asked.body)).await?;
    let value = answer.ok().with_context(|| asked.resource.clone())?.text("value");
    ensure!(!value.contains('*') && value.len() > 5, "{} is not shown whole", asked.resource);
    Ok(Fact { kind: asked.kind, resource: asked.resource, value })
}

/// The names of customers, without those that a member of staff has, too, and without the shortest, which stand in other
/// words by chance.
async fn people(world: &World, director: &Person, files: &[Value]) -> Result<Needles> {
    let staff = world.api.list(director, "/v1/staff", "staff").await?;
    let staff: HashSet<&str> = staff.iter().filter_map(|each| each["displayName"].as_str()).collect();
    let names = files.iter().filter_map(|file| file["displayName"].as_str());
    let telling = names.filter(|name| name.chars().count() >= 3 && !staff.contains(name));
    let telling: Vec<_> = telling.map(|name| ("name", name.to_owned())).collect();
    ensure!(telling.len() > 20, "only {} names are telling", telling.len());
    Ok(Needles::new(telling))
}
