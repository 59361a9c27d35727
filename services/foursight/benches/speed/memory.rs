//! How much memory a process has.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use anyhow::{Context, Result};

/// Resident memory of a process, in megabytes (10^6 bytes).
pub(crate) fn resident_mb(pid: u32) -> Result<f64> {
    let output = std::process::Command::new("ps").args(["-o", "rss=", "-p", &pid.to_string()]).output()?;
    let text = String::from_utf8(output.stdout)?;
    let kilobytes: f64 = text.trim().parse().context("ps does not tell the memory of the process")?;
    Ok(kilobytes * 1024.0 / 1e6)
}

/// Looks at a process again and again, and remembers the most that it had.
#[derive(Debug)]
pub(crate) struct Peak {
    most: Arc<AtomicU64>,
    ended: Arc<AtomicBool>,
}

impl Peak {
    pub(crate) fn watch(pid: u32) -> Self {
        let (most, ended) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
        let peak = Self { most: most.clone(), ended: ended.clone() };
        std::thread::spawn(move || {
            while !ended.load(Ordering::Relaxed) {
                if let Ok(now) = resident_mb(pid) {
                    most.fetch_max(now.to_bits(), Ordering::Relaxed);
                }
                std::thread::sleep(Duration::from_millis(200));
            }
        });
        peak
    }

    /// The most in megabytes.
    pub(crate) fn end(self) -> f64 {
        self.ended.store(true, Ordering::Relaxed);
        f64::from_bits(self.most.load(Ordering::Relaxed))
    }
}
