//! Speaks the three protocols by hand, so that these tests prove what a client would see and need no client library.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// A new folder that goes when the test is over.
pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    pub(crate) fn new(name: &str) -> Result<Self> {
        let path = std::env::temp_dir().join(format!("foursight-local-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Where a stack is, as a launcher prints it.
#[derive(serde::Deserialize)]
pub(crate) struct Addresses {
    pub(crate) postgres: String,
    pub(crate) nats: String,
    pub(crate) redis: String,
}

impl Addresses {
    pub(crate) fn of(stack: &foursight_local::Stack) -> Self {
        Self { postgres: stack.postgres_url("postgres"), nats: stack.nats_url(), redis: stack.redis_url() }
    }

    /// What Postgres answers, rows and columns as psql prints them bare.
    pub(crate) fn sql(&self, statement: &str) -> Result<String> {
        let programs = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
        let psql = programs.map(|entry| entry.path().join("bin/psql")).find(|psql| psql.is_file());
        let psql = psql.unwrap_or_else(|| PathBuf::from("psql"));
        let output = Command::new(psql).args([&self.postgres, "-XqAt", "-c", statement]).output()?;
        ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Ok(String::from_utf8(output.stdout)?.trim().to_owned())
    }

    /// The first line that Redis answers to a command; the second too when the first only tells a length.
    pub(crate) fn redis(&self, command: &str) -> Result<String> {
        let (password, mut stream) = connect(&self.redis)?;
        write!(stream.get_mut(), "AUTH {password}\r\n{command}\r\n")?;
        ensure!(line(&mut stream)? == "+OK", "wrong password");
        let first = line(&mut stream)?;
        if first.starts_with('$') && first != "$-1" { line(&mut stream) } else { Ok(first) }
    }

    /// What NATS answers to a request.
    pub(crate) fn nats(&self, subject: &str, payload: &str) -> Result<String> {
        let (password, mut stream) = connect(&self.nats)?;
        ensure!(line(&mut stream)?.starts_with("INFO"), "no greeting");
        let hello = serde_json::json!({ "user": "foursight", "pass": password, "verbose": false });
        let length = payload.len();
        write!(
            stream.get_mut(),
            "CONNECT {hello}\r\nSUB answer 1\r\nPUB {subject} answer {length}\r\n{payload}\r\n"
        )?;
        let head = line(&mut stream)?;
        let length: usize = head.rsplit(' ').next().context("no length")?.parse().context(head.clone())?;
        let mut answer = vec![0; length];
        stream.read_exact(&mut answer)?;
        Ok(String::from_utf8(answer)?)
    }

    pub(crate) fn all_answer(&self) -> Result<()> {
        ensure!(self.sql("select 40 + 2")? == "42");
        ensure!(self.redis("PING")? == "+PONG");
        ensure!(self.nats("$JS.API.INFO", "")?.contains("\"streams\""));
        Ok(())
    }
}

fn connect(url: &str) -> Result<(String, BufReader<TcpStream>)> {
    let (user, address) = url.rsplit_once('@').context("no user")?;
    let password = user.rsplit_once(':').context("no password")?.1;
    let stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    Ok((password.to_owned(), BufReader::new(stream)))
}

fn line(stream: &mut BufReader<TcpStream>) -> Result<String> {
    let mut line = String::new();
    stream.read_line(&mut line)?;
    Ok(line.trim_end().to_owned())
}

/// The processes that a data folder's records name.
pub(crate) fn recorded(folder: &Path) -> Result<Vec<Pid>> {
    ["postgres", "nats", "redis"].into_iter().map(|name| recorded_of(folder, name)).collect()
}

/// The process that a server's record names.
pub(crate) fn recorded_of(folder: &Path, name: &str) -> Result<Pid> {
    let text = std::fs::read_to_string(folder.join("run").join(format!("{name}.pid")))?;
    let record: serde_json::Value = serde_json::from_str(&text)?;
    Ok(Pid::from_raw(i32::try_from(record["pid"].as_i64().context("no pid")?)?))
}

/// Waits until none of the processes is left; a corpse that nobody has reaped counts as gone.
pub(crate) fn all_end(pids: &[Pid]) -> Result<()> {
    let began = Instant::now();
    for pid in pids {
        while is_alive(*pid) {
            ensure!(began.elapsed() < Duration::from_secs(10), "process {pid} is still there");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
    Ok(())
}

fn is_alive(pid: Pid) -> bool {
    let corpse = std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| stat.contains(") Z "));
    kill(pid, None).is_ok() && !corpse
}

/// A running `foursight-servers`.
pub(crate) struct Launcher {
    pub(crate) child: Child,
    pub(crate) addresses: Addresses,
}

impl Launcher {
    pub(crate) fn start(folder: &Path, environment: &[(&str, &str)]) -> Result<Self> {
        let mut child = Command::new(env!("CARGO_BIN_EXE_foursight-servers"))
            .args(["run", "--quick", "--data"])
            .arg(folder)
            .envs(environment.iter().copied())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().context("no output")?).read_line(&mut line)?;
        let addresses = serde_json::from_str(&line).with_context(|| format!("printed {line:?}"))?;
        Ok(Self { child, addresses })
    }

    pub(crate) fn end(mut self, signal: Signal) -> Result<()> {
        kill(Pid::from_raw(i32::try_from(self.child.id())?), signal)?;
        let status = self.child.wait()?;
        ensure!(signal == Signal::SIGKILL || status.success(), "ended with {status}");
        Ok(())
    }
}
