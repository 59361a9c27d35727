//! Private servers with a demo group, and the product as a process of its own, as an operator would run it.

use std::{
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use foursight::{
    demo::{self, DemoTarget},
    up::{Plan, Prepared, ready::User},
};
use foursight_kernel::SystemClock;
use foursight_messaging::{Bus, topology::Topology};
use foursight_runtime::Settings;
use nix::sys::signal::{Signal, kill};
use secrecy::ExposeSecret;
use sqlx::{PgPool, postgres::PgPoolOptions};
use tempfile::TempDir;

use crate::http::Connection;

/// How long the product may take until it answers, and until a demo group's history has been heard of.
const PATIENCE: Duration = Duration::from_mins(5);

/// Servers with a demo group.
pub(crate) struct Stack {
    pub(crate) prepared: Prepared,
    /// The database as its owner.
    pub(crate) owner: PgPool,
    pub(crate) bus: Bus,
    port_base: u16,
    _folder: TempDir,
}

/// The product, which runs.
pub(crate) struct Product {
    process: Child,
    /// The gateway, `host:port`.
    pub(crate) gateway: String,
    /// A sales advisor, with the store.
    pub(crate) user: User,
}

impl Stack {
    pub(crate) async fn prepare(customers: u32) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("foursight-bench-").tempdir()?;
        let port_base = free_ports()?;
        let plan = Plan {
            data: folder.path().join("data"),
            port_base: Some(port_base),
            fresh: false,
            customers,
            seed: 1,
            progress: Arc::new(|what| eprintln!("· {what}")),
            loaded: Box::new(|_, _| {}),
        };
        // Others (Postgres, under nobody's name) pass through it.
        open_to_all(folder.path())?;
        let prepared = plan.prepare().await?;
        eprintln!("· loading {customers} customers");
        let target = DemoTarget { settings: prepared.settings.clone(), clock: Arc::new(SystemClock) };
        demo::load(&target, customers, 1, &|_, _| {}).await?;

        let owner = PgPoolOptions::new().max_connections(4).connect(&prepared.postgres_url()).await?;
        // Postgres remembers when each transaction committed: the way from event to effect is measured by that.
        sqlx::query("ALTER SYSTEM SET track_commit_timestamp = on").execute(&owner).await?;
        prepared.servers.restart_postgres().await?;
        let bus = connect(&prepared.settings, "foursight").await?;
        Ok(Self { prepared, owner, bus, port_base, _folder: folder })
    }

    /// Starts `foursight all`, and waits until every event of the demo group's history has had its effect.
    pub(crate) async fn start_product(&self) -> Result<Product> {
        let configuration: PathBuf = self.prepared.layout.configuration();
        let mut command = Command::new(env!("CARGO_BIN_EXE_foursight"));
        command.args(["all", "--config"]).arg(configuration).stdin(Stdio::null());
        // One person at one address asks for all: the limits are checked, and never met.
        for limit in ["ACCOUNT", "ADDRESS"] {
            for what in ["CALLS", "BURST"] {
                command.env(format!("FOURSIGHT_GATEWAY__LIMITS__{limit}__{what}"), "1000000");
            }
        }
        eprintln!("· starting the product, which hears of the demo group's history");
        let process = command.spawn()?;
        let gateway = format!("127.0.0.1:{}", self.port_base);
        let user = demo::sign_ins().into_iter().find(|user| user.role == "SALES_ADVISOR");
        let user = user.context("the demo group has no sales advisor")?;
        let product = Product { process, gateway, user };
        let begin = Instant::now();
        while product.token().await.is_err() {
            ensure!(begin.elapsed() < PATIENCE, "the product does not answer");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
        self.settled().await?;
        eprintln!("  heard after {:.1} s", begin.elapsed().as_secs_f64());
        Ok(product)
    }

    /// Waits until nothing is in the outboxes and before the consumers.
    pub(crate) async fn settled(&self) -> Result<()> {
        let begin = Instant::now();
        while self.backlog().await? > 0 {
            ensure!(begin.elapsed() < PATIENCE, "events wait for too long");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    /// Events on their way: those in the outboxes, and those before each consumer.
    pub(crate) async fn backlog(&self) -> Result<u64> {
        let waiting: i64 = sqlx::query_scalar(
            "SELECT (SELECT count(*) FROM identity.outbox WHERE published_at IS NULL)
                  + (SELECT count(*) FROM customer.outbox WHERE published_at IS NULL)
                  + (SELECT count(*) FROM notification.outbox WHERE published_at IS NULL)
                  + (SELECT count(*) FROM complaint.outbox WHERE published_at IS NULL)
                  + (SELECT count(*) FROM analytics.outbox WHERE published_at IS NULL)",
        )
        .fetch_one(&self.owner)
        .await?;
        Ok(waiting.unsigned_abs() + self.bus.backlog().await?)
    }

    pub(crate) async fn stop(self) -> Result<()> {
        self.owner.close().await;
        Ok(self.prepared.servers.stop().await?)
    }
}

impl Product {
    pub(crate) fn pid(&self) -> u32 {
        self.process.id()
    }

    /// The advisor's token.
    pub(crate) async fn token(&self) -> Result<String> {
        Connection::sign_in(&self.gateway, &self.user.login, &self.user.password).await
    }

    pub(crate) async fn stop(mut self) -> Result<()> {
        kill(nix::unistd::Pid::from_raw(self.process.id().try_into()?), Signal::SIGTERM)?;
        let process = tokio::task::spawn_blocking(move || self.process.wait());
        process.await??;
        Ok(())
    }
}

/// A connection to the event stream, with names of this prefix.
pub(crate) async fn connect(settings: &Settings, prefix: &str) -> Result<Bus> {
    Ok(Bus::connect(settings.nats.url.expose_secret(), "bench", Topology::new(prefix, 1)).await?)
}

/// The first of seven free ports in a row.
fn free_ports() -> Result<u16> {
    let free = |port: u16| std::net::TcpListener::bind(("127.0.0.1", port)).is_ok();
    let first = (15_000..32_000).step_by(7).find(|base| (*base..base + 7).all(free));
    first.context("there are no seven free ports in a row")
}

fn open_to_all(folder: &std::path::Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    Ok(std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o711))?)
}
