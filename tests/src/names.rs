//! A thing of each kind that a path or a body may name, all of one customer and one store.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use foursight::story::Outcome;
use foursight_proto::identity::v1::Role;
use reqwest::Method;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, PgConnection};
use uuid::Uuid;

use crate::{
    api::{Api, Ask, Person},
    world::until,
};

/// Resource names by their collection: `leads` → `leads/{id}`. Contact points are `contactPoints`, whole.
#[derive(Debug, Clone)]
pub struct Names(BTreeMap<&'static str, String>);

/// Where the things of a customer stand: collection, table, the column of the id, what picks the customer's.
const OF_CUSTOMER: [(&str, &str, &str); 7] = [
    ("leads", "customer.leads", "id"),
    ("deliveries", "customer.deliveries", "id"),
    ("visits", "customer.visits", "id"),
    ("vehicles", "customer.vehicle_ownerships", "vehicle_id"),
    ("callTasks", "notification.call_tasks", "id"),
    ("messages", "notification.messages", "id"),
    ("cases", "complaint.cases", "id"),
];

impl Names {
    /// What the story has made.
    pub(crate) async fn of_story(owner: &mut PgConnection, api: &Api, story: &Outcome) -> Result<Self> {
        let mut names =
            BTreeMap::from([("stores", story.store.clone()), ("customers", story.customer.clone())]);
        let customer: Uuid = id_of(&story.customer)?;
        for (collection, table, column) in OF_CUSTOMER {
            let query =
                format!("SELECT {column} FROM {table} WHERE customer_id = $1 ORDER BY {column} LIMIT 1");
            let id: Uuid = sqlx::query_scalar(AssertSqlSafe(query))
                .bind(customer)
                .fetch_one(&mut *owner)
                .await
                .with_context(|| format!("one of {collection}"))?;
            names.insert(collection, format!("{collection}/{id}"));
        }
        let manager = api.person(Role::CrManager, &story.store).await?;
        let file = api.get(&manager, &format!("/v1/{}", story.customer)).await?;
        let point = file["contactPoints"][0]["name"].as_str().context("the file has no contact point")?;
        names.insert("contactPoints", point.to_owned());
        // The story gives nobody a tag. Not by the API: the audit log is as long as the story made it.
        let tag: Uuid = sqlx::query_scalar(
            "INSERT INTO customer.tags (id, display_name_zh, display_name_en, create_time)
             VALUES (gen_random_uuid(), '高尔夫', 'Golf', now()) RETURNING id",
        )
        .fetch_one(&mut *owner)
        .await?;
        names.insert("tags", format!("tags/{tag}"));
        for (collection, id) in
            [("duplicates", pair(owner, customer).await?), ("merges", merge(owner, customer).await?)]
        {
            names.insert(collection, format!("{collection}/{id}"));
        }
        names.insert("imports", import(api, &manager, &story.store).await?);
        // Whoever has a phone; shared at the story's store.
        let segment: Uuid = sqlx::query_scalar(
            "INSERT INTO customer.segments (id, store_id, display_name, description, condition, shared, creator, version,
                 create_time, update_time)
             VALUES (gen_random_uuid(), $1, '有电话', '', '\\xd00101', true, 'service/test', 1, now(), now()) RETURNING id",
        )
        .bind(id_of(&story.store)?)
        .fetch_one(&mut *owner)
        .await?;
        names.insert("segments", format!("segments/{segment}"));
        let erasure: Uuid = sqlx::query_scalar(
            "INSERT INTO customer.erasures (id, customer_id, state, ground, reference, requester, services, request_time)
             VALUES (gen_random_uuid(), gen_random_uuid(), 1, 1, '', 'staff/nobody', '{}', now()) RETURNING id",
        )
        .fetch_one(&mut *owner)
        .await?;
        names.insert("erasures", format!("erasures/{erasure}"));
        // Who may be put in charge of anything: a lead, a visit, a case.
        names.insert("staff", api.person(Role::Supervisor, &story.store).await?.name);
        Ok(Self(names))
    }

    /// The same collections, where nothing has the name.
    #[must_use]
    pub fn of_nothing(&self) -> Self {
        let nobody = Uuid::nil();
        let names = self.0.keys().map(|collection| (*collection, format!("{collection}/{nobody}")));
        Self(names.collect())
    }

    /// The same things, one of them replaced.
    #[must_use]
    pub fn with(&self, collection: &'static str, name: &str) -> Self {
        let mut names = self.0.clone();
        names.insert(collection, name.to_owned());
        Self(names)
    }

    /// The name of the thing of a collection; empty when there is no such collection.
    pub fn of(&self, collection: &str) -> &str {
        self.0.get(collection).map_or("", String::as_str)
    }

    /// Every collection with its name.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.0.iter().map(|(collection, name)| (*collection, name.as_str()))
    }
}

/// The customer and somebody else of the same store, who may be one.
async fn pair(owner: &mut PgConnection, customer: Uuid) -> Result<Uuid> {
    let pair = sqlx::query_scalar(
        "INSERT INTO customer.duplicates (id, low_id, high_id, probability, signs, state, find_time)
         SELECT gen_random_uuid(), least($1, other.id), greatest($1, other.id), 0.95, '{1,4}', 1, now()
         FROM (SELECT o.customer_id AS id FROM customer.customer_stores o JOIN customer.customer_stores m USING (store_id)
               WHERE m.customer_id = $1 AND o.customer_id <> $1 ORDER BY 1 LIMIT 1) other
         RETURNING id",
    );
    Ok(pair.bind(customer).fetch_one(owner).await?)
}

/// A merge of the customer with somebody else that was undone.
async fn merge(owner: &mut PgConnection, customer: Uuid) -> Result<Uuid> {
    let merge = sqlx::query_scalar(
        "INSERT INTO customer.merges
             (id, survivor_id, absorbed_id, store_id, staff_id, reason, taken, merge_time, undo_until, undo_time, undo_store_id,
              undo_staff_id, undo_reason, remove_time)
         SELECT gen_random_uuid(), $1, other.customer_id, other.store_id, gen_random_uuid(), '', '{}', now(), now() + '30 days', now(),
                other.store_id, gen_random_uuid(), '两个人', now()
         FROM (SELECT o.customer_id, o.store_id FROM customer.customer_stores o WHERE o.customer_id <> $1 ORDER BY 1 LIMIT 1) other
         RETURNING id",
    );
    Ok(merge.bind(customer).fetch_one(owner).await?)
}

/// A run that is over and has rows that were not taken. It has written nothing.
async fn import(api: &Api, manager: &Person, store: &str) -> Result<String> {
    let post = async |path: &str, body: &Value| {
        let answer = api.send(Ask::new(Method::POST, path.to_owned()).json(body).by(manager)).await?;
        ensure!(answer.status.is_success(), "{path}: {}", answer.text);
        Ok(answer.json())
    };
    let run = post("/v1/imports", &json!({ "kind": "IMPORT_KIND_CUSTOMERS", "store": store })).await?;
    let run = run["name"].as_str().context("the run has no name")?.to_owned();
    // In base64: 姓名,手机 and below it a name and what is no phone.
    post(&format!("/v1/{run}:append"), &json!({ "data": "5aeT5ZCNLOaJi+acugrnpLrkvosseAo=" })).await?;
    post(&format!("/v1/{run}:start"), &json!({ "dryRun": true })).await?;
    until("the run is over", async || {
        let run = api.get(manager, &format!("/v1/{run}")).await?;
        Ok(run["state"] == "IMPORT_STATE_CHECKED")
    })
    .await?;
    Ok(run)
}

/// The id in a resource name.
///
/// # Errors
/// When it ends in none.
pub fn id_of(name: &str) -> Result<Uuid> {
    let id = name.rsplit('/').next().unwrap_or_default();
    id.parse().with_context(|| format!("{name} ends in no id"))
}
