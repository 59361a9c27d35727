//! What tests that cross services share: a whole private stack in a folder that goes with it, started the way
//! `foursight up` starts it.

pub mod api;
pub mod methods;
pub mod names;
pub mod probe;
pub mod world;

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use anyhow::Result;
use foursight::up::{Plan, Up};

/// A data folder of a test's own, below the system's folder for temporary files.
pub fn fresh_folder() -> PathBuf {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::SeqCst);
    let folder = std::env::temp_dir().join(format!("foursight-whole-{}-{number}", std::process::id()));
    // What an earlier process of the same number left behind.
    let _ = std::fs::remove_dir_all(&folder);
    folder
}

/// A whole stack on a folder, with a demo group of so many customers.
///
/// # Errors
/// When it does not start.
pub async fn up(data: PathBuf, customers: u32) -> Result<Up> {
    // One crypto library for the whole process; a second installation is no harm.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let plan = Plan {
        data,
        port_base: None,
        fresh: false,
        customers,
        seed: 1,
        progress: Arc::new(|_| {}),
        loaded: Box::new(|_, _| {}),
    };
    plan.start().await
}
