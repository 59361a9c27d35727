//! NATS with `JetStream`: the events.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use nix::sys::signal::Signal;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use crate::error::Result;
use crate::files;
use crate::find::{Finder, Kind};
use crate::ports::Ports;
use crate::server::{Places, Service};

/// The one user of a private server.
pub(crate) const USER: &str = "foursight";

/// How often NATS writes its streams through to the disk. An acknowledgement does not wait for that unless `Always`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum NatsSync {
    /// As the server decides: every two minutes.
    #[default]
    ServerDefault,
    /// At this interval, rounded down to milliseconds.
    Every(Duration),
    /// Before each acknowledgement. Costs a factor of about twenty.
    Always,
}

impl NatsSync {
    fn setting(self) -> String {
        match self {
            Self::ServerDefault => String::new(),
            Self::Every(interval) => format!("\n  sync_interval: \"{}ms\"", interval.as_millis().max(1)),
            Self::Always => "\n  sync_interval: always".to_owned(),
        }
    }
}

/// How to run it and how to talk to it.
pub(crate) struct Nats {
    program: PathBuf,
    configuration: PathBuf,
    pub(crate) data_dir: PathBuf,
    port: u16,
    password: String,
}

impl Nats {
    pub(crate) async fn prepare(
        finder: &Finder,
        places: &Places,
        sync: NatsSync,
        ports: &Ports,
        password: &str,
    ) -> Result<Self> {
        let program = finder.find(Kind::Nats).await?.program;
        let data_dir = places.root.join("nats");
        files::private_dir(&data_dir)?;
        let configuration = places.run_file("nats.conf");
        let quoted = serde_json::Value::from(data_dir.to_string_lossy());
        let sync = sync.setting();
        let Ports { nats, nats_monitor, .. } = ports;
        let text = format!(
            "# Written at every start.\nserver_name: foursight-local\nlisten: \"127.0.0.1:{nats}\"\n\
             http: \"127.0.0.1:{nats_monitor}\"\n\
             jetstream {{\n  store_dir: {quoted}\n  max_memory_store: 256MB{sync}\n}}\n\
             authorization {{\n  user: \"{USER}\"\n  password: \"{password}\"\n}}\n"
        );
        files::write_private(&configuration, &text)?;
        Ok(Self { program, configuration, data_dir, port: ports.nats, password: password.to_owned() })
    }

    async fn ask(&self) -> std::io::Result<bool> {
        let mut stream = BufReader::new(TcpStream::connect(("127.0.0.1", self.port)).await?);
        let mut line = String::new();
        stream.read_line(&mut line).await?;
        if !line.starts_with("INFO ") || !line.contains("\"jetstream\":true") {
            return Ok(false);
        }
        let hello = serde_json::json!({ "user": USER, "pass": self.password, "verbose": false });
        stream.write_all(format!("CONNECT {hello}\r\nPING\r\n").as_bytes()).await?;
        line.clear();
        stream.read_line(&mut line).await?;
        Ok(line.starts_with("PONG"))
    }
}

impl Service for Nats {
    const NAME: &'static str = "nats";
    const FAREWELL: &'static [(Signal, Duration)] = &[(Signal::SIGTERM, Duration::from_secs(10))];
    const READY_WITHIN: Duration = Duration::from_mins(1);

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.arg("--config").arg(&self.configuration);
        command
    }

    fn before_start(&self) -> Result<()> {
        Ok(())
    }

    async fn answers(&self) -> bool {
        self.ask().await.unwrap_or(false)
    }
}

#[cfg(test)]
mod tests {
    use super::{Duration, NatsSync};

    #[test]
    fn the_interval_is_written_as_nats_reads_it() {
        assert_eq!(NatsSync::default().setting(), "");
        assert_eq!(NatsSync::Every(Duration::from_secs(2)).setting(), "\n  sync_interval: \"2000ms\"");
        assert!(NatsSync::Always.setting().ends_with("always"));
    }
}
