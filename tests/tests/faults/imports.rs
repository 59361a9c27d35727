//! `kill -9` in the middle of an import, and in the middle of its undoing.

use std::fmt::Write;

use anyhow::{Context, Result, ensure};
use base64::{Engine, engine::general_purpose::STANDARD};
use foursight::demo;
use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::{
    kills::Process,
    ledger::Ledger,
    world::{servers, until},
};

/// Rows: four batches.
const ROWS: u32 = 7_000;
/// Kills while the run comes in, and while it is undone.
const KILLS: u32 = 4;

/// Somebody of the demo group who may bring data in, at whatever address the process has.
struct Importer {
    http: reqwest::Client,
    gateway: watch::Receiver<Option<String>>,
    token: String,
    store: String,
}

impl Importer {
    async fn sign_in(gateway: watch::Receiver<Option<String>>) -> Result<Self> {
        let users = demo::sign_ins();
        let user = users.iter().find(|user| user.role == "CR_MANAGER" && !user.store.is_empty());
        let user = user.context("the demo group has nobody for it")?;
        let (http, store) = (reqwest::Client::new(), user.store.clone());
        let importer = Self { http, gateway, token: String::new(), store };
        let sign_in = json!({ "password": { "login": user.login, "password": user.password } });
        let answer = importer.post("/v1/tokens", &sign_in).await?;
        let token = answer["accessToken"].as_str().context("no token")?.to_owned();
        Ok(Self { token, ..importer })
    }

    async fn post(&self, path: &str, body: &Value) -> Result<Value> {
        let gateway = self.gateway.borrow().clone().context("no process answers")?;
        let mut request = self.http.post(format!("http://{gateway}{path}")).json(body);
        if !self.token.is_empty() {
            request = request.bearer_auth(&self.token);
        }
        let answer = request.send().await?;
        let status = answer.status();
        let answer: Value = answer.json().await?;
        ensure!(status == StatusCode::OK, "{status}: {answer}");
        Ok(answer)
    }

    /// Sends the file and lets the run begin. Gives its id.
    async fn bring_in(&self, file: &str) -> Result<String> {
        let import = json!({ "kind": "IMPORT_KIND_CUSTOMERS", "store": self.store });
        let run = self.post("/v1/imports", &import).await?["name"].as_str().context("a run")?.to_owned();
        let mut offset = 0;
        for piece in file.as_bytes().chunks(400 << 10) {
            let body = json!({ "offset": offset.to_string(), "data": STANDARD.encode(piece) });
            self.post(&format!("/v1/{run}:append"), &body).await?;
            offset += piece.len();
        }
        self.post(&format!("/v1/{run}:start"), &json!({})).await?;
        Ok(run.trim_start_matches("imports/").to_owned())
    }
}

async fn number(ledger: &Ledger, query: &str) -> Result<i64> {
    Ok(sqlx::query_scalar(sqlx::AssertSqlSafe(query.to_owned())).fetch_one(&ledger.owner).await?)
}

/// Kills the process whenever the run has come further, some times; then lets it go on to this state.
async fn kill_until(process: &mut Process, ledger: &Ledger, run: &str, end: i16) -> Result<()> {
    let state = format!("SELECT state::bigint FROM customer.imports WHERE id = '{run}'");
    let place = format!("SELECT step * 1000000 + done_rows FROM customer.imports WHERE id = '{run}'");
    let (mut last, mut kills) = (number(ledger, &place).await?, 0);
    while kills < KILLS {
        let mut now = last;
        until("the run comes further", async || {
            now = number(ledger, &place).await?;
            Ok(now != last || number(ledger, &state).await? == i64::from(end))
        })
        .await?;
        if number(ledger, &state).await? == i64::from(end) {
            break;
        }
        (last, kills) = (now, kills + 1);
        process.kill().await?;
        process.start()?;
    }
    ensure!(kills >= 2, "it was over after {kills} kills");
    until("the run ends", async || Ok(number(ledger, &state).await? == i64::from(end))).await?;
    process.wait_until_it_answers().await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_goes_on_after_every_kill_and_so_does_its_undoing() -> Result<()> {
    let (servers, _turn) = servers().await?;
    let mut process = Process::prepare(&servers).await?;
    let ledger = process.ledger(&servers).await?;
    process.start()?;
    process.wait_until_it_answers().await?;
    let importer = Importer::sign_in(process.gateway.subscribe()).await?;
    let before = number(&ledger, "SELECT count(*) FROM customer.customers").await?;

    let mut file = "姓名,手机,性别\n".to_owned();
    for row in 0..ROWS {
        writeln!(file, "示例{row},170{row:08},女")?;
    }
    let run = importer.bring_in(&file).await?;
    kill_until(&mut process, &ledger, &run, 5).await?;
    let rows = i64::from(ROWS);
    let of_run = |what: &str| format!("SELECT {what} FROM customer.imports WHERE id = '{run}'");
    ensure!(number(&ledger, &of_run("created")).await? == rows, "each row opened a file");
    ensure!(number(&ledger, &of_run("total_rows - done_rows")).await? == 0, "all rows are done");
    ensure!(
        number(&ledger, "SELECT count(*) FROM customer.customers").await? == before + rows,
        "each file once"
    );
    let told = "SELECT count(*) FROM customer.outbox o JOIN customer.import_rows r ON r.customer_id = o.aggregate \
                WHERE o.event_type LIKE '%CustomerCreated'";
    ensure!(number(&ledger, told).await? == rows, "each was told once");

    ledger.settled().await?;
    ledger.every_event_counts_once(&[]).await?;

    importer.post(&format!("/v1/imports/{run}:undo"), &json!({})).await?;
    kill_until(&mut process, &ledger, &run, 9).await?;
    ensure!(number(&ledger, &of_run("undone")).await? == rows, "each row is undone");
    ensure!(number(&ledger, "SELECT count(*) FROM customer.customers").await? == before, "no file is left");
    let told = "SELECT count(*) FROM customer.outbox WHERE event_type LIKE '%CustomerRemoved'";
    ensure!(number(&ledger, told).await? == rows, "each removal was told once");
    ledger.settled().await?;
    let shown = "SELECT count(*) FROM customer.timeline_entries t JOIN customer.import_rows r ON r.customer_id = t.customer_id";
    ensure!(number(&ledger, shown).await? == 0, "nothing of them is on a timeline");
    process.stop().await?;
    ledger.owner.close().await;
    Ok(())
}
