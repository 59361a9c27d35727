//! Valkey, or Redis where the machine has that: rate limits, sessions, short-lived caches.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use nix::sys::signal::Signal;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::error::Result;
use crate::files;
use crate::find::{Finder, Kind};
use crate::server::{Places, Service};

/// How to run it and how to talk to it.
pub(crate) struct Redis {
    program: PathBuf,
    configuration: PathBuf,
    port: u16,
    password: String,
}

impl Redis {
    pub(crate) async fn prepare(
        finder: &Finder,
        places: &Places,
        durable: bool,
        port: u16,
        password: &str,
    ) -> Result<Self> {
        let program = finder.find(Kind::Redis).await?.program;
        let data_dir = places.root.join("redis");
        files::private_dir(&data_dir)?;
        let configuration = places.run_file("redis.conf");
        // Double quotes with backslashes, as in JSON.
        let quoted = serde_json::Value::from(data_dir.to_string_lossy());
        let append = if durable { "yes" } else { "no" };
        let text = format!(
            "# Written at every start.\nbind 127.0.0.1\nport {port}\nrequirepass {password}\ndir {quoted}\n\
             daemonize no\nsave \"\"\nappendonly {append}\nappendfsync everysec\nmaxmemory 256mb\n\
             maxmemory-policy volatile-lru\nloglevel notice\n"
        );
        files::write_private(&configuration, &text)?;
        Ok(Self { program, configuration, port, password: password.to_owned() })
    }

    async fn ask(&self) -> std::io::Result<bool> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).await?;
        let length = self.password.len();
        let question = format!("*2\r\n$4\r\nAUTH\r\n${length}\r\n{}\r\n*1\r\n$4\r\nPING\r\n", self.password);
        stream.write_all(question.as_bytes()).await?;
        let mut answer = [0; b"+OK\r\n+PONG\r\n".len()];
        stream.read_exact(&mut answer).await?;
        Ok(&answer == b"+OK\r\n+PONG\r\n")
    }
}

impl Service for Redis {
    const NAME: &'static str = "redis";
    const FAREWELL: &'static [(Signal, Duration)] = &[(Signal::SIGTERM, Duration::from_secs(10))];
    const READY_WITHIN: Duration = Duration::from_secs(30);

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.arg(&self.configuration);
        command
    }

    fn before_start(&self) -> Result<()> {
        Ok(())
    }

    async fn answers(&self) -> bool {
        self.ask().await.unwrap_or(false)
    }
}
