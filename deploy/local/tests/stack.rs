//! A stack from the outside: what somebody who starts, breaks and stops it notices.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use foursight_local::{Error, Options, Ports, Stack, doctor};
use nix::sys::signal::Signal;
use support::{Addresses, Folder, Launcher, all_end, recorded, recorded_of};

const STREAM: &str = r#"{"name":"EVENTS","subjects":["events.>"],"storage":"file"}"#;

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_folder_becomes_three_servers_and_stopping_leaves_none() -> Result<()> {
    let folder = Folder::new("empty")?;
    let stack = Stack::start(Options::for_tests(&folder.0)).await?;
    Addresses::of(&stack).all_answer()?;
    let pids = recorded(&folder.0)?;

    stack.stop().await?;
    all_end(&pids)?;
    ensure!(recorded(&folder.0).is_err(), "records of ended servers stay");

    let began = Instant::now();
    let stack = Stack::start(Options::for_tests(&folder.0)).await?;
    // A fifth of a second on an idle machine; the bound only catches waiting for something that never comes.
    assert!(began.elapsed() < Duration::from_secs(10), "a warm start took {:?}", began.elapsed());
    Ok(stack.stop().await?)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_start_goes_on_with_the_data() -> Result<()> {
    let folder = Folder::new("again")?;
    let ports = Ports::free()?;
    let options = Options { ports: Some(ports), ..Options::new(&folder.0) };
    let stack = Stack::start(options.clone()).await?;
    let addresses = Addresses::of(&stack);
    addresses.sql("create table kept as select 7 as n")?;
    addresses.redis("SET kept 7")?;
    addresses.nats("$JS.API.STREAM.CREATE.EVENTS", STREAM)?;
    stack.stop().await?;

    let stack = Stack::start(options).await?;
    assert_eq!(stack.ports(), ports);
    assert_eq!(addresses.sql("select n from kept")?, "7", "same addresses, same passwords, same data");
    assert_eq!(addresses.redis("GET kept")?, "7");
    assert!(addresses.nats("$JS.API.STREAM.INFO.EVENTS", "")?.contains("\"name\":\"EVENTS\""));
    Ok(stack.stop().await?)
}

#[test]
fn what_a_killed_launcher_leaves_does_not_block_the_next_one() -> Result<()> {
    let folder = Folder::new("killed")?;
    let first = Launcher::start(&folder.0, &[])?;
    first.addresses.sql("create table kept as select 7 as n")?;
    let orphans = recorded(&folder.0)?;
    first.end(Signal::SIGKILL)?;

    let second = Launcher::start(&folder.0, &[])?;
    all_end(&orphans)?;
    second.addresses.all_answer()?;
    assert_eq!(second.addresses.sql("select n from kept")?, "7");
    let log = std::fs::read_to_string(folder.0.join("logs/postgres.log"))?;
    assert!(!log.contains("not properly shut down"), "the orphan was stopped in order");
    let pids = recorded(&folder.0)?;
    second.end(Signal::SIGTERM)?;
    all_end(&pids)
}

#[test]
fn servers_killed_with_their_launcher_do_not_block_the_next_one() -> Result<()> {
    let folder = Folder::new("power")?;
    let first = Launcher::start(&folder.0, &[])?;
    let pids = recorded(&folder.0)?;
    first.end(Signal::SIGKILL)?;
    for pid in &pids {
        nix::sys::signal::kill(*pid, Signal::SIGKILL)?;
    }
    all_end(&pids)?;
    // As after a power cut, when the process id has been given to somebody else.
    let folders = std::fs::read_dir(&folder.0)?.flatten();
    let file = folders.map(|entry| entry.path().join("postmaster.pid")).find(|path| path.is_file());
    let file = file.context("postgres was killed without a chance to remove its file")?;
    let text = std::fs::read_to_string(&file)?;
    let (_, rest) = text.split_once('\n').context("a process id and more")?;
    std::fs::write(&file, format!("{}\n{rest}", std::process::id()))?;

    let second = Launcher::start(&folder.0, &[])?;
    second.addresses.all_answer()?;
    second.end(Signal::SIGINT)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_has_one_launcher_and_the_second_is_told_which() -> Result<()> {
    let folder = Folder::new("twice")?;
    let stack = Stack::start(Options::for_tests(&folder.0)).await?;
    let error = Stack::start(Options::for_tests(&folder.0)).await.err();
    let Some(error @ Error::InUse { .. }) = error else { panic!("{error:?}") };
    assert!(error.to_string().contains(&format!("in use by process {}", std::process::id())), "{error}");
    Addresses::of(&stack).all_answer()?;
    Ok(stack.stop().await?)
}

#[tokio::test(flavor = "multi_thread")]
async fn servers_can_be_broken_and_mended_one_by_one() -> Result<()> {
    let folder = Folder::new("faults")?;
    let stack = Stack::start(Options::for_tests(&folder.0)).await?;
    let addresses = Addresses::of(&stack);
    addresses.nats("$JS.API.STREAM.CREATE.EVENTS", STREAM)?;

    stack.kill_nats().await?;
    assert!(addresses.nats("$JS.API.INFO", "").is_err());
    stack.kill_nats().await?;
    stack.start_nats().await?;
    stack.start_nats().await?;
    assert!(addresses.nats("$JS.API.STREAM.INFO.EVENTS", "")?.contains("\"name\":\"EVENTS\""));
    stack.stop_nats().await?;
    assert!(stack.nats_data_dir().join("jetstream").is_dir());
    stack.start_nats().await?;

    stack.kill_postgres().await?;
    assert!(addresses.sql("select 1").is_err());
    stack.start_postgres().await?;
    assert_eq!(addresses.sql("select 1")?, "1");
    stack.restart_postgres().await?;

    stack.stop_redis().await?;
    assert!(addresses.redis("PING").is_err());
    stack.start_redis().await?;
    stack.kill_redis().await?;
    stack.start_redis().await?;
    addresses.all_answer()?;
    Ok(stack.stop().await?)
}

/// A stack whose servers are looked after, and what it has told so far.
fn talkative(folder: &Folder, restarts: usize) -> (Options, Arc<Mutex<Vec<String>>>) {
    let told: Arc<Mutex<Vec<String>>> = Arc::default();
    let listener = told.clone();
    let progress = Arc::new(move |line: &str| listener.lock().unwrap().push(line.to_owned()));
    (Options { progress, restarts, ..Options::for_tests(&folder.0) }, told)
}

async fn until(what: &str, mut happened: impl FnMut() -> bool) -> Result<()> {
    let began = Instant::now();
    while !happened() {
        ensure!(began.elapsed() < Duration::from_secs(30), "in vain waited for: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_ends_by_itself_is_named_and_started_again_on_its_data() -> Result<()> {
    let folder = Folder::new("ends")?;
    let (options, told) = talkative(&folder, 8);
    let stack = Stack::start(Options { durable: true, ..options }).await?;
    let addresses = Addresses::of(&stack);
    addresses.sql("create table kept as select 7 as n")?;
    addresses.nats("$JS.API.STREAM.CREATE.EVENTS", STREAM)?;

    let killed = async {
        for server in ["postgres", "nats", "redis"] {
            nix::sys::signal::kill(recorded_of(&folder.0, server)?, Signal::SIGKILL)?;
            let again = format!("{server} runs again");
            until(&again, || told.lock().unwrap().contains(&again)).await?;
            let how = format!("{server} ended by itself (signal: 9 (SIGKILL))");
            ensure!(
                told.lock().unwrap().iter().any(|line| line.starts_with(&how)),
                "{:?}",
                told.lock().unwrap()
            );
        }
        addresses.all_answer()?;
        assert_eq!(addresses.sql("select n from kept")?, "7");
        assert!(addresses.nats("$JS.API.STREAM.INFO.EVENTS", "")?.contains("\"name\":\"EVENTS\""));
        // What is stopped on purpose stays so, while another one is started again.
        stack.stop_nats().await?;
        told.lock().unwrap().clear();
        let redis = recorded_of(&folder.0, "redis")?;
        nix::sys::signal::kill(redis, Signal::SIGKILL)?;
        until("redis runs again", || told.lock().unwrap().iter().any(|line| line == "redis runs again"))
            .await?;
        ensure!(
            !told.lock().unwrap().iter().any(|line| line.starts_with("nats")),
            "{:?}",
            told.lock().unwrap()
        );
        assert!(addresses.nats("$JS.API.INFO", "").is_err());
        anyhow::Ok(())
    };
    tokio::select! {
        outcome = killed => outcome?,
        error = stack.supervise() => panic!("{error}"),
    }
    Ok(stack.stop().await?)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_does_not_stay_up_is_given_up_with_its_log() -> Result<()> {
    let folder = Folder::new("given-up")?;
    let (options, told) = talkative(&folder, 2);
    let stack = Stack::start(options).await?;
    let nats = recorded_of(&folder.0, "nats")?;
    // It cannot start again.
    let configuration = folder.0.join("run/nats.conf");
    std::fs::write(&configuration, "none")?;
    nix::sys::signal::kill(nats, Signal::SIGKILL)?;
    let error = tokio::time::timeout(Duration::from_secs(30), stack.supervise()).await?;
    let Error::GivenUp { server: "nats", tries: 2, log, .. } = &error else { panic!("{error}") };
    assert!(log.is_file() && error.to_string().contains("logs/nats.log"), "{error}");
    let told = told.lock().unwrap().clone();
    assert_eq!(
        told.iter().filter(|line| line.starts_with("nats did not start again")).count(),
        2,
        "{told:?}"
    );
    // The others run on, and all of them stop.
    let addresses = Addresses::of(&stack);
    assert_eq!(addresses.redis("PING")?, "+PONG");
    Ok(stack.stop().await?)
}

#[test]
fn a_launcher_that_is_ended_while_it_starts_a_server_again_leaves_none() -> Result<()> {
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        let folder = Folder::new(&format!("again-{signal}"))?;
        let launcher = Launcher::start(&folder.0, &[])?;
        let pids = recorded(&folder.0)?;
        let (_, port) = launcher.addresses.nats.rsplit_once(':').context("no port")?;
        let address = format!("127.0.0.1:{port}");
        nix::sys::signal::kill(recorded_of(&folder.0, "nats")?, Signal::SIGKILL)?;
        // Who has its port keeps it from coming up.
        let began = Instant::now();
        let taken = loop {
            match std::net::TcpListener::bind(&address) {
                Ok(taken) => break taken,
                Err(error) => ensure!(began.elapsed() < Duration::from_secs(5), "{error}"),
            }
        };
        let log = folder.0.join("logs/nats.log");
        while !std::fs::read_to_string(&log)?.contains("address already in use") {
            ensure!(began.elapsed() < Duration::from_secs(20), "nobody starts nats again");
            std::thread::sleep(Duration::from_millis(10));
        }
        launcher.end(signal)?;
        drop(taken);
        all_end(&pids)?;
        ensure!(recorded(&folder.0).is_err(), "servers stay");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_that_is_taken_is_named_and_nothing_stays_behind() -> Result<()> {
    let folder = Folder::new("taken")?;
    let ports = Ports::free()?;
    let _taken = std::net::TcpListener::bind(("127.0.0.1", ports.redis))?;
    let options = Options { ports: Some(ports), ..Options::for_tests(&folder.0) };
    let error = Stack::start(options).await.err();
    let Some(error @ Error::PortsTaken { .. }) = error else { panic!("{error:?}") };
    let message = error.to_string();
    assert!(message.contains(&format!("{} (for redis)", ports.redis)), "{message}");
    assert!(!message.contains("nats"), "{message}");
    assert!(message.contains("--port-base"), "{message}");
    ensure!(recorded(&folder.0).is_err(), "servers stay");
    assert!(std::net::TcpListener::bind(("127.0.0.1", ports.nats)).is_ok());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stack_that_is_dropped_ends() -> Result<()> {
    let folder = Folder::new("dropped")?;
    let stack = Stack::start(Options::for_tests(&folder.0)).await?;
    let pids = recorded(&folder.0)?;
    drop(stack);
    all_end(&pids)
}

#[test]
fn a_runtime_may_end_before_the_stack() -> Result<()> {
    let folder = Folder::new("runtimes")?;
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build();
    let stack = runtime()?.block_on(Stack::start(Options::for_tests(&folder.0)))?;
    Addresses::of(&stack).all_answer()?;
    runtime()?.block_on(stack.restart_postgres())?;
    Ok(runtime()?.block_on(stack.stop())?)
}

/// The same data folder goes from nobody to root and back: containers differ in what they allow.
#[test]
fn postgres_runs_without_user_namespaces_and_with_them() -> Result<()> {
    // No search path, no unshare.
    let without = [("PATH", "/nonexistent")];
    let folder = Folder::new("nobody")?;
    let launcher = Launcher::start(&folder.0, &without)?;
    launcher.addresses.sql("create table kept as select 7 as n")?;
    launcher.end(Signal::SIGTERM)?;
    let launcher = Launcher::start(&folder.0, &[])?;
    assert_eq!(launcher.addresses.sql("update kept set n = n + 1 returning n")?, "8");
    launcher.end(Signal::SIGTERM)?;
    let launcher = Launcher::start(&folder.0, &without)?;
    assert_eq!(launcher.addresses.sql("select n from kept")?, "8");
    launcher.end(Signal::SIGTERM)
}

#[test]
fn the_pinned_servers_know_the_letters_of_every_language() -> Result<()> {
    let folder = Folder::new("pinned")?;
    let launcher = Launcher::start(&folder.0, &[("FOURSIGHT_SERVERS_PINNED", "1")])?;
    launcher.addresses.all_answer()?;
    assert_eq!(launcher.addresses.sql("show server_version_num")?, "180006");
    letters(&launcher.addresses)?;
    launcher.end(Signal::SIGTERM)
}

#[test]
fn the_machines_servers_know_the_letters_of_every_language() -> Result<()> {
    let folder = Folder::new("letters")?;
    let launcher = Launcher::start(&folder.0, &[])?;
    letters(&launcher.addresses)?;
    launcher.end(Signal::SIGTERM)
}

fn letters(addresses: &Addresses) -> Result<()> {
    addresses.sql("create extension pg_trgm")?;
    assert_eq!(addresses.sql("select lower('ÄÖЖ'), show_trgm('张伟') <> '{}'")?, "äöж|t");
    assert_eq!(addresses.sql("show timezone")?, "UTC");
    Ok(())
}

#[test]
fn data_of_another_major_version_is_never_passed_over() -> Result<()> {
    let folder = Folder::new("major")?;
    std::fs::create_dir(folder.0.join("postgres-14"))?;
    std::fs::write(folder.0.join("credentials.json"), r#"{"postgres":"a","nats":"b","redis":"c"}"#)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let error = runtime.block_on(Stack::start(Options::new(&folder.0))).err();
    let Some(error @ Error::PostgresVersion { major: 14, .. }) = error else { panic!("{error:?}") };
    assert!(error.to_string().contains("install Postgres 14"), "{error}");
    Ok(())
}

#[test]
fn the_doctor_names_every_server() {
    let findings = doctor();
    for what in ["postgres", "nats", "redis", "user"] {
        assert!(findings.iter().any(|finding| finding.what == what), "{what}: {findings:?}");
    }
    assert!(findings.iter().all(|finding| finding.ok || finding.remedy.is_some()), "{findings:?}");
}
