//! Clients that ask as fast as they are answered (a closed loop), and what they saw.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

/// What clients saw.
#[derive(Debug)]
pub(crate) struct Seen {
    /// Answers a second, of all clients together.
    pub(crate) per_second: f64,
    /// How long each took, in milliseconds, in order of size.
    sorted_ms: Vec<f64>,
}

impl Seen {
    /// From how long each took, and all together.
    pub(crate) fn new(mut took_ms: Vec<f64>, all: Duration) -> Result<Self> {
        ensure!(!took_ms.is_empty(), "nothing was answered");
        took_ms.sort_by(f64::total_cmp);
        Ok(Self { per_second: took_ms.len() as f64 / all.as_secs_f64(), sorted_ms: took_ms })
    }

    /// The value that this share of all does not exceed (nearest rank), in milliseconds.
    pub(crate) fn quantile(&self, share: f64) -> f64 {
        let rank = (share * self.sorted_ms.len() as f64).ceil().max(1.0) as usize;
        self.sorted_ms[rank.min(self.sorted_ms.len()) - 1]
    }
}

/// Lets each client ask again and again for so long. A fifth of that passes before, unmeasured.
pub(crate) async fn run<C: Client>(clients: Vec<C>, time: Duration) -> Result<Seen> {
    let begin = Instant::now() + time / 5;
    let end = begin + time;
    let tasks: Vec<_> = clients
        .into_iter()
        .map(|mut client| {
            tokio::spawn(async move {
                let mut took = Vec::new();
                loop {
                    let asked = Instant::now();
                    if asked >= end {
                        return anyhow::Ok(took);
                    }
                    client.ask().await?;
                    if asked >= begin {
                        took.push(asked.elapsed().as_secs_f64() * 1e3);
                    }
                }
            })
        })
        .collect();
    let mut all = Vec::new();
    for task in tasks {
        all.append(&mut task.await??);
    }
    Seen::new(all, time)
}

/// Somebody who asks.
pub(crate) trait Client: Send + 'static {
    /// Asks once, and waits for the answer; another answer than the wanted one is an error.
    fn ask(&mut self) -> impl Future<Output = Result<()>> + Send;
}
