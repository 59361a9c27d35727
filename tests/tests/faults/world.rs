//! All roles in this process, on servers that these tests stop, kill and rob. One test at a time has them.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, atomic::AtomicU32},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use foursight_kernel::StoreId;
use foursight_proto::identity::v1::Role;
use foursight_testkit::{Servers, Stack};
use foursight_tests::probe;
use sqlx::{AssertSqlSafe, Row};
use tokio::sync::{MutexGuard, OnceCell, watch};
use uuid::Uuid;

use crate::{ledger::Ledger, sale::Seller};

/// How long we wait for what must come: an event that was given to a process that died comes again after 30 seconds.
pub(crate) const PATIENCE: Duration = Duration::from_mins(2);

static SERVERS: OnceCell<Arc<Servers>> = OnceCell::const_new();
static TURN: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

pub(crate) struct World {
    pub(crate) stack: Stack,
    pub(crate) servers: Arc<Servers>,
    pub(crate) seller: Seller,
    pub(crate) ledger: Ledger,
    gateway: watch::Sender<Option<String>>,
    _turn: MutexGuard<'static, ()>,
}

/// Servers that a test may do anything to while it holds the guard; they run when it gets them.
pub(crate) async fn servers() -> Result<(Arc<Servers>, MutexGuard<'static, ()>)> {
    let turn = TURN.lock().await;
    let servers = SERVERS.get_or_try_init(Servers::start).await?.clone();
    // A test that failed may have left them stopped.
    servers.local.start_postgres().await?;
    servers.local.start_nats().await?;
    servers.local.start_redis().await?;
    Ok((servers, turn))
}

impl World {
    pub(crate) async fn start() -> Result<Self> {
        let (servers, turn) = servers().await?;
        let stack = Stack::builder().roles(probe::roles()).servers(servers.clone()).start().await?;
        let store: StoreId = stack.ids.next();
        let caller =
            stack.staff(&[Role::IntentionSpecialist, Role::SalesAdvisor, Role::CrManager], &[store])?;
        let address = stack.running.addresses.gateway.context("the gateway does not listen")?;
        let (gateway, watched) = watch::channel(Some(address.to_string()));
        let seller = Seller {
            http: reqwest::Client::new(),
            gateway: watched,
            authorization: caller.authorization,
            store: store.name(),
            serial: Arc::new(AtomicU32::new(1)),
            sold: Arc::new(Mutex::default()),
        };
        let ledger = Ledger::open(
            &servers.local.postgres_url(&stack.database),
            &servers.local.nats_url(),
            stack.bus().clone(),
        )
        .await?;
        Ok(Self { stack, servers, seller, ledger, gateway, _turn: turn })
    }

    /// A world in which so many sales were made and dealt with.
    pub(crate) async fn after(sales: usize) -> Result<Self> {
        let world = Self::start().await?;
        world.sell_and_settle(sales).await?;
        Ok(world)
    }

    /// So many sales, and all that follows from them.
    pub(crate) async fn sell_and_settle(&self, sales: usize) -> Result<()> {
        self.sell(sales).await?;
        self.stack.settled().await
    }

    /// So many sales, all of which must be acknowledged.
    pub(crate) async fn sell(&self, sales: usize) -> Result<()> {
        for _ in 0..sales {
            self.seller.sell().await?;
        }
        Ok(())
    }

    /// Waits until every event was published and dealt with, and holds all against all.
    pub(crate) async fn nothing_is_lost_and_nothing_happened_twice(&self) -> Result<()> {
        self.stack.settled().await?;
        self.ledger.sales_are_there(&self.seller.all_sold()).await?;
        self.ledger.every_event_counts_once(&[]).await
    }

    /// How a test ends well.
    pub(crate) async fn ends_with_nothing_lost_and_nothing_twice(self) -> Result<()> {
        self.nothing_is_lost_and_nothing_happened_twice().await?;
        self.end().await;
        Ok(())
    }

    /// Ends in order, so that nothing of this test meets the next one's faults.
    pub(crate) async fn end(self) {
        self.ledger.owner.close().await;
        self.stack.running.stop().await;
    }

    /// Stops the roles in order, does something to the servers, and starts the roles again.
    pub(crate) async fn restart_after(
        self,
        meanwhile: impl AsyncFnOnce(&Servers, &Ledger) -> Result<()>,
    ) -> Result<Self> {
        let Self { stack, servers, seller, mut ledger, gateway, _turn: turn } = self;
        gateway.send_replace(None);
        let stack = stack.restart_after(async || meanwhile(&servers, &ledger).await).await?;
        let address = stack.running.addresses.gateway.context("the gateway does not listen")?;
        gateway.send_replace(Some(address.to_string()));
        ledger.bus = stack.bus().clone();
        Ok(Self { stack, servers, seller, ledger, gateway, _turn: turn })
    }

    /// Writes an event into the customer service's outbox as it might be there by a fault of ours.
    pub(crate) async fn tell_raw(&self, id: Uuid, event: &str, version: i64, payload: &[u8]) -> Result<()> {
        sqlx::query(
            "INSERT INTO customer.outbox (id, event_type, aggregate, version, at, payload)
             VALUES ($1, 'foursight.customer.events.v1.' || $2, $1, $3, now(), $4)",
        )
        .bind(id)
        .bind(event)
        .bind(version)
        .bind(payload)
        .execute(&self.ledger.owner)
        .await?;
        Ok(())
    }

    /// Runs a statement as the database's owner.
    pub(crate) async fn run(&self, statement: &str) -> Result<()> {
        sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).execute(&self.ledger.owner).await?;
        Ok(())
    }

    /// Waits until a query answers `true`.
    pub(crate) async fn until(&self, query: &str) -> Result<()> {
        until(query, async || {
            let row = sqlx::query(AssertSqlSafe(query.to_owned())).fetch_one(&self.ledger.owner).await?;
            Ok(row.try_get(0)?)
        })
        .await
    }

    /// Where NATS keeps everything.
    pub(crate) fn nats_folder(&self) -> PathBuf {
        self.servers.local.nats_data_dir()
    }
}

/// Asks again until something has happened.
pub(crate) async fn until(what: &str, mut happened: impl AsyncFnMut() -> Result<bool>) -> Result<()> {
    let began = Instant::now();
    while !happened().await? {
        ensure!(began.elapsed() < PATIENCE, "in vain waited for: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

/// Copies a folder with all that is in it.
pub(crate) fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &target)?;
        } else {
            std::fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

/// Puts a folder's earlier content in the place of what is there.
pub(crate) fn put_back(copy: &Path, folder: &Path) -> Result<()> {
    std::fs::remove_dir_all(folder)?;
    copy_folder(copy, folder)
}
