//! Which ports the servers listen on (always 127.0.0.1).

use std::fs::File;
use std::io::ErrorKind;
use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;

use nix::fcntl::Flock;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::{files, lock};

// Below the range that Linux and macOS give to outgoing connections. A client that reconnects in a loop to a stopped
// server inside that range can end up connected to itself, and then the server cannot have its port back.
const FIRST: u16 = 15_000;
const LAST: u16 = 32_000;
const ATTEMPTS: usize = 2_000;

/// The TCP ports of a stack, all on 127.0.0.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ports {
    /// Postgres.
    pub postgres: u16,
    /// NATS, for clients.
    pub nats: u16,
    /// NATS, its HTTP monitoring.
    pub nats_monitor: u16,
    /// Valkey or Redis.
    pub redis: u16,
}

impl Ports {
    /// Four ports that are free at this moment.
    ///
    /// Nothing keeps them free until a server takes them: a stack started without ports reserves its own, which is
    /// safer when many start at once.
    pub fn free() -> Result<Self> {
        Lease::take().map(|lease| lease.ports)
    }

    /// Four ports in a row: Postgres at `base`, NATS at `base + 1`, its monitoring at `base + 2`, Redis at `base + 3`.
    /// A base above 65532 counts as 65532.
    #[must_use]
    pub fn from_base(base: u16) -> Self {
        let base = base.min(u16::MAX - 3);
        Self { postgres: base, nats: base + 1, nats_monitor: base + 2, redis: base + 3 }
    }

    /// Each with whose it is.
    pub(crate) fn named(self) -> [(&'static str, u16); 4] {
        [
            ("postgres", self.postgres),
            ("nats", self.nats),
            ("the monitoring of nats", self.nats_monitor),
            ("redis", self.redis),
        ]
    }
}

/// Refuses ports that somebody listens on now, all of them at once: a server's own log would name one, and no remedy.
pub(crate) fn must_be_free(ports: &[(&'static str, u16)]) -> Result<()> {
    let is_taken = |port: u16| {
        let bound = TcpListener::bind((Ipv4Addr::LOCALHOST, port));
        bound.is_err_and(|error| error.kind() == ErrorKind::AddrInUse)
    };
    let taken: Vec<String> = ports
        .iter()
        .filter(|(_, port)| is_taken(*port))
        .map(|(whose, port)| format!("{port} (for {whose})"))
        .collect();
    if taken.is_empty() { Ok(()) } else { Err(Error::PortsTaken { ports: taken.join(", ") }) }
}

/// Free ports that no other stack of this machine's user takes while this value lives.
pub(crate) struct Lease {
    pub(crate) ports: Ports,
    _locks: Vec<Flock<File>>,
}

impl Lease {
    pub(crate) fn take() -> Result<Self> {
        let user = nix::unistd::geteuid();
        let folder = PathBuf::from("/tmp").join(format!("foursight-ports-{user}"));
        files::private_dir_in_shared(&folder, &[user.as_raw()])?;
        let mut found = Vec::new();
        let mut locks = Vec::new();
        for _ in 0..ATTEMPTS {
            let candidate = FIRST + u16::from_le_bytes(files::random_bytes()?) % (LAST - FIRST);
            let Some(lock) = lock::try_exclusive(&folder.join(candidate.to_string()))? else { continue };
            if TcpListener::bind((Ipv4Addr::LOCALHOST, candidate)).is_err() {
                continue;
            }
            found.push(candidate);
            locks.push(lock);
            if let [postgres, nats, nats_monitor, redis] = found[..] {
                return Ok(Self { ports: Ports { postgres, nats, nats_monitor, redis }, _locks: locks });
            }
        }
        Err(Error::NoPorts { from: FIRST, to: LAST })
    }
}

#[cfg(test)]
mod tests {
    use super::{Lease, Ports};

    #[test]
    fn a_base_too_high_still_gives_four_ports() {
        assert_eq!(Ports::from_base(u16::MAX).redis, u16::MAX);
        assert_eq!(Ports::from_base(7000).nats_monitor, 7002);
    }

    #[test]
    fn leases_never_share_a_port() -> crate::Result<()> {
        let leases = (0..20).map(|_| Lease::take()).collect::<crate::Result<Vec<Lease>>>()?;
        let mut all: Vec<u16> = leases
            .iter()
            .flat_map(|l| [l.ports.postgres, l.ports.nats, l.ports.nats_monitor, l.ports.redis])
            .collect();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 80);
        Ok(())
    }
}
