//! Servers that end without having been asked to are started again.

use std::convert::Infallible;
use std::time::{Duration, Instant};

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use tokio::sync::Mutex;

use crate::error::{Error, Result};
use crate::server::{Server, Service};
use crate::stack::Progress;

/// How often in a row a server is started again before it is given up: for more than half a minute.
pub(crate) const RESTARTS: usize = 8;

/// How often a server is looked at.
const LOOK: Duration = Duration::from_millis(250);

/// The pause before the first new start. Each one is twice the one before.
const SHORTEST: Duration = Duration::from_millis(200);

/// The longest pause.
const LONGEST: Duration = Duration::from_secs(10);

/// Who has run so long is up again: what ends it after that is another trouble, and has all its tries.
const STEADY: Duration = Duration::from_mins(1);

/// Starts a server again whenever it has ended by itself; comes back when it does not stay up.
pub(crate) async fn watch<S: Service>(
    server: &Mutex<Server<S>>,
    restarts: usize,
    progress: &Progress,
) -> Result<Infallible> {
    let (mut pauses, mut tries, mut up) = (pauses(restarts), 0, Instant::now());
    loop {
        tokio::time::sleep(LOOK).await;
        let Some(status) = server.lock().await.ended_by_itself() else { continue };
        if up.elapsed() > STEADY {
            (pauses, tries) = (self::pauses(restarts), 0);
        }
        let Some(pause) = pauses.next() else {
            let log = server.lock().await.log.clone();
            return Err(Error::GivenUp { server: S::NAME, status, tries, log });
        };
        tell(
            progress,
            &format!(
                "{} ended by itself ({status}); it is started again in {} ms",
                S::NAME,
                pause.as_millis()
            ),
        );
        tokio::time::sleep(pause).await;
        let mut server = server.lock().await;
        // Somebody may have started it, or stopped it for good.
        if server.ended_by_itself().is_none() {
            continue;
        }
        tries += 1;
        match server.start().await {
            Ok(()) => tell(progress, &format!("{} runs again", S::NAME)),
            Err(error) => tell(progress, &format!("{} did not start again: {error}", S::NAME)),
        }
        up = Instant::now();
    }
}

fn pauses(times: usize) -> ExponentialBackoff {
    let builder = ExponentialBuilder::new().with_factor(2.0).with_min_delay(SHORTEST).with_max_delay(LONGEST);
    builder.with_max_times(times).build()
}

fn tell(progress: &Progress, line: &str) {
    tracing::warn!("{line}");
    progress(line);
}

#[cfg(test)]
mod tests {
    use super::{LONGEST, RESTARTS, SHORTEST, pauses};

    #[test]
    fn pauses_grow_to_the_longest_and_end() {
        let pauses: Vec<_> = pauses(RESTARTS).collect();
        assert_eq!(pauses.len(), RESTARTS);
        let (first, last) = (pauses.first(), pauses.last());
        assert_eq!((first, last), (Some(&SHORTEST), Some(&LONGEST)), "{pauses:?}");
        let grow = pauses.windows(2).all(|two| two[0] < two[1] || two[1] == LONGEST);
        assert!(grow && pauses.iter().all(|pause| *pause <= LONGEST), "{pauses:?}");
    }
}
