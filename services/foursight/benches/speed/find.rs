//! Finding customers through the JSON gateway, by an advisor of one store and with the customers that `--customers` says: each kind of
//! search beside the reading of one file by its id, and a page far behind beside the first one. Run at two sizes, the figures say
//! what ten times the customers cost.

use std::time::Duration;

use anyhow::{Context, Result};
use hyper::Method;
use serde_json::{Value, json};

use crate::{
    http::Connection,
    load::{self, Client},
    report::Report,
    stack::Product,
};

const CLIENTS: usize = 4;
/// How far behind the first page the other one is, at most.
const FAR: usize = 1_000;

struct Asker {
    connection: Connection,
    /// Asked one after the other.
    bodies: Vec<String>,
    next: usize,
}

impl Client for Asker {
    async fn ask(&mut self) -> Result<()> {
        let body = self.bodies.get(self.next % self.bodies.len()).context("nothing is asked")?.clone();
        self.next += 1;
        self.connection.send(Method::POST, "/v1/customers:search", body).await?;
        Ok(())
    }
}

struct Reader {
    connection: Connection,
    path: String,
}

impl Client for Reader {
    async fn ask(&mut self) -> Result<()> {
        self.connection.send(Method::GET, &self.path, String::new()).await?;
        Ok(())
    }
}

pub(crate) async fn measure(
    product: &Product,
    customers: u32,
    time: Duration,
    report: &mut Report,
) -> Result<()> {
    eprintln!("· finding customers");
    let token = product.token().await?;
    let mut connection = Connection::open(&product.gateway, Some(token.clone())).await?;
    let known = Known::of(&mut connection).await?;
    let each = time / 4;

    let mut readers = Vec::new();
    for _ in 0..CLIENTS {
        let connection = Connection::open(&product.gateway, Some(token.clone())).await?;
        readers.push(Reader { connection, path: format!("/v1/{}", known.customer) });
    }
    let read = load::run(readers, each).await?;
    let searches = [
        ("name", known.names.iter().map(|q| json!({ "q": q })).collect()),
        ("initials", ["wx", "zh", "lm", "cjy", "z"].map(|q| json!({ "q": q })).to_vec()),
        ("last 4", known.tails.iter().map(|q| json!({ "q": q })).collect()),
        ("plate", known.plates.iter().map(|q| json!({ "q": q })).collect()),
    ];
    for (kind, bodies) in searches {
        let seen = ask(product, &token, bodies, each).await?;
        let what = format!("find by {kind}, {customers} customers: p99");
        report.beside(what, seen.quantile(0.99), read.quantile(0.99), "ms", "< 30 ms");
    }
    let filters = [
        json!({ "stage": "LIFE_CYCLE_STAGE_LOST" }),
        json!({ "source": "SOURCE_CHANNEL_REFERRAL", "stage": "LIFE_CYCLE_STAGE_SERVICE" }),
        json!({ "visitedFrom": "2020-01-01T00:00:00Z", "visitedBefore": "2020-02-01T00:00:00Z" }),
        json!({ "model": "no such model" }),
    ];
    let filtered = ask(product, &token, filters.to_vec(), each).await?;
    let what = format!("filtered, {customers} customers: p99");
    report.beside(what, filtered.quantile(0.99), read.quantile(0.99), "ms", "< 50 ms");

    let first = ask(product, &token, vec![json!({ "pageSize": 10 })], each).await?;
    let (number, page_token) = far(&mut connection).await?;
    let far = ask(product, &token, vec![json!({ "pageSize": 10, "pageToken": page_token })], each).await?;
    let what = format!("page {number} beside page 1: p50");
    report.beside(what, far.quantile(0.5), first.quantile(0.5), "ms", "≤ 1.2");
    Ok(())
}

async fn ask(product: &Product, token: &str, bodies: Vec<Value>, time: Duration) -> Result<load::Seen> {
    let bodies: Vec<String> = bodies.iter().map(Value::to_string).collect();
    let mut askers = Vec::new();
    for next in 0..CLIENTS {
        let connection = Connection::open(&product.gateway, Some(token.to_owned())).await?;
        askers.push(Asker { connection, bodies: bodies.clone(), next });
    }
    load::run(askers, time).await
}

/// What a store's advisor can search for.
struct Known {
    customer: String,
    names: Vec<String>,
    tails: Vec<String>,
    plates: Vec<String>,
}

impl Known {
    async fn of(connection: &mut Connection) -> Result<Self> {
        let list = search(connection, &json!({ "pageSize": 50 })).await?;
        let customers =
            list.get("customers").and_then(Value::as_array).context("the store has no customer")?;
        let text = |value: &Value, at: &str| value.pointer(at).and_then(Value::as_str).map(str::to_owned);
        let customer = customers.first().and_then(|first| text(first, "/name"));
        let mut plates = Vec::new();
        for name in customers.iter().filter_map(|customer| text(customer, "/name")) {
            let path = format!("/v1/vehicles?customer={name}");
            let cars = connection.send(Method::GET, &path, String::new()).await?;
            let cars: Value = serde_json::from_slice(&cars)?;
            plates.extend(text(&cars, "/vehicles/0/plate").filter(|plate| !plate.is_empty()));
        }
        // A customer who has bought nothing has no plate.
        if plates.is_empty() {
            plates.push("沪A00000".to_owned());
        }
        // Phones come masked but for their end.
        let tail = |customer: &Value| {
            let phone = text(customer, "/contactPoints/0/value")?;
            let end = phone.get(phone.len().checked_sub(4)?..)?;
            end.bytes().all(|byte| byte.is_ascii_digit()).then(|| end.to_owned())
        };
        let mut tails: Vec<String> = customers.iter().filter_map(tail).collect();
        if tails.is_empty() {
            tails.push("1234".to_owned());
        }
        Ok(Self {
            customer: customer.context("the store has no customer")?,
            names: customers.iter().filter_map(|customer| text(customer, "/displayName")).collect(),
            tails,
            plates,
        })
    }
}

/// A page far behind, by going there.
async fn far(connection: &mut Connection) -> Result<(usize, String)> {
    let mut token = String::new();
    for number in 1..FAR {
        let list = search(connection, &json!({ "pageSize": 10, "pageToken": token })).await?;
        match list.get("nextPageToken").and_then(Value::as_str).filter(|next| !next.is_empty()) {
            Some(next) => next.clone_into(&mut token),
            None => return Ok((number, token)),
        }
    }
    Ok((FAR, token))
}

async fn search(connection: &mut Connection, body: &Value) -> Result<Value> {
    let list = connection.send(Method::POST, "/v1/customers:search", body.to_string()).await?;
    Ok(serde_json::from_slice(&list)?)
}
