//! Creating customers through the JSON gateway, with a durable commit, beside pgbench.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::Result;
use foursight_kernel::{Ids, SystemClock};
use hyper::Method;
use serde_json::json;

use crate::{
    http::Connection,
    load::{self, Client},
    memory::{self, Peak},
    pgbench::{self, Scripts},
    report::Report,
    stack::{Product, Stack},
};

/// How many people register customers at once.
const CLIENTS: [usize; 3] = [1, 8, 32];

/// How long the product is left alone before its idle memory is read.
const REST: Duration = Duration::from_secs(3);

struct Advisor {
    connection: Connection,
    store: String,
    number: Arc<AtomicU64>,
    ids: Ids,
}

impl Client for Advisor {
    async fn ask(&mut self) -> Result<()> {
        let phone = 16_600_000_000 + self.number.fetch_add(1, Ordering::Relaxed);
        let body = json!({
            "kind": "CUSTOMER_KIND_PERSON",
            "displayName": "示例一",
            "gender": "GENDER_FEMALE",
            "contactPoints": [{ "kind": "CONTACT_KIND_PHONE", "value": phone.to_string() }],
            "store": self.store,
            "source": "SOURCE_CHANNEL_WALK_IN",
        });
        let path = format!("/v1/customers?requestId={}", self.ids.uuid());
        self.connection.send(Method::POST, &path, body.to_string()).await?;
        Ok(())
    }
}

pub(crate) async fn measure(
    stack: &Stack,
    product: &Product,
    time: Duration,
    report: &mut Report,
) -> Result<()> {
    tokio::time::sleep(REST).await;
    report.alone("memory, idle", memory::resident_mb(product.pid())?, "MB", "< 150");
    let number = Arc::new(AtomicU64::new(0));
    let folder = tempfile::tempdir()?;
    // A first customer, whose rows are the pattern of the raw ones.
    advisors(product, 1, &number).await?.swap_remove(0).ask().await?;
    let scripts = pgbench::prepare(stack, folder.path()).await?;
    for clients in CLIENTS {
        with_clients(stack, product, &scripts, clients, time, &number, report).await?;
    }
    Ok(())
}

async fn with_clients(
    stack: &Stack,
    product: &Product,
    scripts: &Scripts,
    clients: usize,
    time: Duration,
    number: &Arc<AtomicU64>,
    report: &mut Report,
) -> Result<()> {
    eprintln!("· creating customers, {clients} at once");
    // Before and after: what else goes on on the machine changes with time.
    let before = pgbench::run(stack, &scripts.row, clients, time / 2).await?;
    let file_before = pgbench::run(stack, &scripts.file, clients, time / 2).await?;
    let peak = Peak::watch(product.pid());
    let ours = load::run(advisors(product, clients, number).await?, time).await?;
    let ended = Instant::now();
    let left = stack.backlog().await?;
    stack.settled().await?;
    let caught_up = ended.elapsed();
    let peak = peak.end();
    let file_after = pgbench::run(stack, &scripts.file, clients, time / 2).await?;
    let after = pgbench::run(stack, &scripts.row, clients, time / 2).await?;

    let both = |figure: fn(&load::Seen) -> f64| f64::midpoint(figure(&before), figure(&after));
    let both_files =
        |figure: fn(&load::Seen) -> f64| f64::midpoint(figure(&file_before), figure(&file_after));
    let name = format!("create, {clients} clients");
    let wanted = if clients == 8 { "≥ 0.35" } else { "" };
    report.beside(format!("{name}: a second"), ours.per_second, both(|seen| seen.per_second), "", wanted);
    let per_second = both_files(|seen| seen.per_second);
    report.beside(format!("{name}: beside all rows of the file"), ours.per_second, per_second, "", "");
    let wanted = if clients == 1 { "≤ 3" } else { "" };
    report.beside(format!("{name}: p50"), ours.quantile(0.5), both(|seen| seen.quantile(0.5)), "ms", wanted);
    report.beside(format!("{name}: p99"), ours.quantile(0.99), both(|seen| seen.quantile(0.99)), "ms", "");
    report.alone(format!("{name}: events left at the end"), left as f64, "", "");
    report.alone(format!("{name}: caught up after"), caught_up.as_secs_f64(), "s", "< 1");
    report.alone(format!("{name}: memory, most"), peak, "MB", if clients == 32 { "< 350" } else { "" });
    Ok(())
}

async fn advisors(product: &Product, count: usize, number: &Arc<AtomicU64>) -> Result<Vec<Advisor>> {
    let token = product.token().await?;
    let ids = Ids::new(Arc::new(SystemClock));
    let mut advisors = Vec::new();
    for _ in 0..count {
        let connection = Connection::open(&product.gateway, Some(token.clone())).await?;
        advisors.push(Advisor {
            connection,
            store: product.user.store.clone(),
            number: number.clone(),
            ids: ids.clone(),
        });
    }
    Ok(advisors)
}
