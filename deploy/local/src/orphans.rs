//! Servers of this data folder that outlived a killed launcher.

use std::fs;
use std::time::{Duration, Instant};

use crate::error::{Error, Result};
use crate::identity::{self, Recorded};
use crate::nats::Nats;
use crate::postgres::Postgres;
use crate::redis::Redis;
use crate::server::{Places, Service};
use crate::stack::Progress;

/// Stops them in good order. The caller holds the folder's lock, so no living launcher owns them.
pub(crate) async fn stop(places: &Places, progress: &Progress) -> Result<()> {
    tokio::try_join!(
        stop_one::<Redis>(places, progress),
        stop_one::<Nats>(places, progress),
        stop_one::<Postgres>(places, progress),
    )?;
    Ok(())
}

async fn stop_one<S: Service>(places: &Places, progress: &Progress) -> Result<()> {
    let path = places.record::<S>();
    let Some(orphan) = Recorded::read(&path) else { return Ok(()) };
    if orphan.is_alive() {
        progress(&format!("stopping the {} that an earlier launcher left running", S::NAME));
        end::<S>(&orphan).await;
    }
    fs::remove_file(&path).map_err(Error::io(format!("remove {}", path.display())))
}

/// As for a server of our own, but it is another's child: it cannot be waited for, only watched.
pub(crate) async fn end<S: Service>(orphan: &Recorded) {
    for (signal, patience) in S::FAREWELL {
        if !orphan.is_alive() {
            return;
        }
        identity::signal(orphan.pid, *signal);
        let deadline = Instant::now() + *patience;
        while orphan.is_alive() && Instant::now() < deadline {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
    if orphan.is_alive() {
        identity::kill_tree(orphan.pid);
    }
}
