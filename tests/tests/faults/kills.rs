//! `kill -9`, again and again, while people write and events flow.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    sync::{Arc, Mutex, atomic::AtomicU32},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use foursight::demo::{self, DemoTarget};
use foursight_kernel::SystemClock;
use foursight_messaging::{Bus, topology::Topology};
use foursight_runtime::Settings;
use foursight_testkit::{Servers, Stack};
use foursight_tests::probe;
use rand::{Rng, SeedableRng, rngs::StdRng};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStdout, Command},
    sync::watch,
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;

use crate::{
    ledger::Ledger,
    sale::Seller,
    world::{PATIENCE, servers},
};

/// Customers of the demo group: their history waits in the outboxes when the killing begins, so that relays and consumers are
/// in the middle of a batch when they are killed.
const CUSTOMERS: u32 = 250;

/// People who write at the same time.
const WRITERS: usize = 3;

/// The longest life at random, counted from the moment when the process answers.
const RANDOM_LIFE: Duration = Duration::from_millis(150);

/// The longest time from the sign that something is under way to the kill.
const RANDOM_DELAY: Duration = Duration::from_millis(20);

/// The longest wait for that sign.
const LONGEST_WAIT: Duration = Duration::from_millis(600);

/// Moves as soon as somebody writes, before that is committed.
const WRITING: &str = "SELECT last_value FROM customer.outbox_seq_seq";

/// Moves as soon as a consumer handles an event, before that is committed.
const HANDLING: &str = "SELECT last_value FROM probe.effects_seq_seq";

/// `FOURSIGHT_KILLS` says otherwise.
fn kills() -> Result<u32> {
    Ok(std::env::var("FOURSIGHT_KILLS").map_or(Ok(200), |kills| kills.parse())?)
}

/// `FOURSIGHT_KILL_SEED` repeats the delays of a run.
fn seed() -> Result<u64> {
    Ok(std::env::var("FOURSIGHT_KILL_SEED").map_or_else(|_| Ok(rand::random()), |seed| seed.parse())?)
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_and_nothing_happens_twice_however_often_the_process_is_killed() -> Result<()> {
    let seed = seed()?;
    kill_again_and_again(seed).await.with_context(|| format!("FOURSIGHT_KILL_SEED={seed}"))
}

async fn kill_again_and_again(seed: u64) -> Result<()> {
    let (servers, _turn) = servers().await?;
    let mut process = Process::prepare(&servers).await?;
    let ledger = process.ledger(&servers).await?;

    process.start()?;
    process.wait_until_it_answers().await?;
    let seller = process.seller().await?;
    let enough = CancellationToken::new();
    let mut writers = JoinSet::new();
    for _ in 0..WRITERS {
        let (seller, enough) = (seller.clone(), enough.clone());
        writers.spawn(async move {
            while !enough.is_cancelled() {
                seller.sell().await?;
            }
            anyhow::Ok(())
        });
    }

    let mut random = StdRng::seed_from_u64(seed);
    let mut interrupted = Interrupted::default();
    for _ in 0..kills()? {
        process.live(&mut random, &ledger).await?;
        process.kill().await?;
        interrupted.look(&ledger).await?;
        if let Some(ended) = writers.try_join_next() {
            ended??;
            bail!("a writer ended");
        }
        process.start()?;
    }

    process.wait_until_it_answers().await?;
    enough.cancel();
    while let Some(ended) = writers.join_next().await {
        ended??;
    }
    ledger.settled().await?;
    ensure!(interrupted.relays > 0, "no relay was killed while it had something to publish");
    ensure!(interrupted.consumers > 0, "no consumer was killed while it had something in hand");
    let sold = seller.all_sold();
    ensure!(!sold.is_empty(), "nobody could write anything");
    ledger.sales_are_there(&sold).await?;
    ledger.every_event_counts_once(&[]).await?;
    process.stop().await?;
    ledger.owner.close().await;
    Ok(())
}

/// What was under way when the process was killed.
#[derive(Debug, Default)]
struct Interrupted {
    relays: u32,
    consumers: u32,
}

impl Interrupted {
    async fn look(&mut self, ledger: &Ledger) -> Result<()> {
        if ledger.outboxes("published_at IS NULL").await? > 0 {
            self.relays += 1;
        }
        if ledger.bus.backlog().await.is_ok_and(|waiting| waiting > 0) {
            self.consumers += 1;
        }
        Ok(())
    }
}

/// A process with all roles, on a database of its own.
pub(crate) struct Process {
    configuration: PathBuf,
    settings: Arc<Settings>,
    database: String,
    child: Option<(Child, Lines<BufReader<ChildStdout>>)>,
    pub(crate) gateway: watch::Sender<Option<String>>,
}

impl Process {
    /// The database with the demo group, nothing of which was told yet; and the configuration's file.
    pub(crate) async fn prepare(servers: &Arc<Servers>) -> Result<Self> {
        let builder = Stack::builder().roles(probe::roles()).servers(servers.clone());
        let log = servers.local.data_dir().join("under-test.log");
        let (text, database) =
            builder.settings(&format!("log_file = {:?}", log.display().to_string())).configuration().await?;
        let configuration = servers.local.data_dir().join("under-test.toml");
        std::fs::write(&configuration, &text)?;
        let settings = Arc::new(Settings::load(Some(&configuration), "")?);
        let target = DemoTarget { settings: settings.clone(), clock: Arc::new(SystemClock) };
        demo::load(&target, CUSTOMERS, 1, &|_, _| {}).await?;
        let gateway = watch::Sender::new(None);
        Ok(Self { configuration, settings, database, child: None, gateway })
    }

    pub(crate) async fn ledger(&self, servers: &Servers) -> Result<Ledger> {
        let topology = Topology::new(self.settings.nats.prefix.clone(), self.settings.nats.replicas);
        let nats = servers.local.nats_url();
        let bus = Bus::connect(&nats, "ledger", topology).await?;
        Ledger::open(&servers.local.postgres_url(&self.database), &nats, bus).await
    }

    pub(crate) fn start(&mut self) -> Result<()> {
        let program = Path::new(env!("CARGO_BIN_EXE_foursight-under-test"));
        let mut child = Command::new(program)
            .arg(&self.configuration)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("the process cannot be started")?;
        let output = child.stdout.take().context("its output")?;
        self.child = Some((child, BufReader::new(output).lines()));
        Ok(())
    }

    pub(crate) async fn wait_until_it_answers(&mut self) -> Result<()> {
        if self.gateway.borrow().is_some() {
            return Ok(());
        }
        let (_, output) = self.child.as_mut().context("no process runs")?;
        let address = tokio::time::timeout(PATIENCE, output.next_line()).await??;
        let address = address.context("the process ended by itself; under-test.log says why")?;
        self.gateway.send_replace(Some(address));
        Ok(())
    }

    /// Lives for a random time: from its start, from when it answers, or until it is in the middle of something.
    async fn live(&mut self, random: &mut StdRng, ledger: &Ledger) -> Result<()> {
        let share = random.random();
        match random.random_range(0..10) {
            0 => tokio::time::sleep(RANDOM_LIFE.mul_f64(share)).await,
            1..=3 => {
                self.wait_until_it_answers().await?;
                tokio::time::sleep(RANDOM_LIFE.mul_f64(share)).await;
            }
            choice => {
                let sign = if choice <= 6 { WRITING } else { HANDLING };
                self.wait_until_it_answers().await?;
                let (before, began) = (ledger.number(sign).await?, Instant::now());
                while ledger.number(sign).await? == before && began.elapsed() < LONGEST_WAIT {
                    tokio::time::sleep(Duration::from_millis(2)).await;
                }
                tokio::time::sleep(RANDOM_DELAY.mul_f64(share)).await;
            }
        }
        Ok(())
    }

    /// `kill -9`
    pub(crate) async fn kill(&mut self) -> Result<()> {
        self.gateway.send_replace(None);
        let (mut child, _) = self.child.take().context("no process runs")?;
        Ok(child.kill().await?)
    }

    /// In order; what it has in hand it finishes.
    pub(crate) async fn stop(&mut self) -> Result<()> {
        let (mut child, _) = self.child.take().context("no process runs")?;
        drop(child.stdin.take());
        let status = tokio::time::timeout(PATIENCE, child.wait()).await??;
        ensure!(status.success(), "the process ended with {status}");
        Ok(())
    }

    /// Somebody of the demo group who may do all that a sale needs.
    async fn seller(&self) -> Result<Seller> {
        let users = demo::sign_ins();
        let user = users.iter().find(|user| user.role == "SALES_ADVISOR" && !user.store.is_empty());
        let user = user.context("the demo group has nobody for it")?;
        let http = reqwest::Client::new();
        let gateway = self.gateway.borrow().clone().context("no process answers")?;
        let sign_in = json!({ "password": { "login": user.login, "password": user.password } });
        let answer = http.post(format!("http://{gateway}/v1/tokens")).json(&sign_in).send().await?;
        let answer: Value = answer.json().await?;
        let token = answer["accessToken"].as_str().with_context(|| format!("no token: {answer}"))?;
        Ok(Seller {
            http,
            gateway: self.gateway.subscribe(),
            authorization: format!("Bearer {token}"),
            store: user.store.clone(),
            serial: Arc::new(AtomicU32::new(1)),
            sold: Arc::new(Mutex::default()),
        })
    }
}
