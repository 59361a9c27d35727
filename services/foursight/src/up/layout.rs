//! What lies where in a private stack's data folder.

use std::{
    fs,
    io::Write,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};

/// A private stack's data folder.
#[derive(Debug, Clone)]
pub struct Layout {
    root: PathBuf,
}

impl Layout {
    /// The layout of a folder.
    pub fn new(root: &Path) -> Self {
        Self { root: std::path::absolute(root).unwrap_or_else(|_| root.to_owned()) }
    }

    /// Postgres, NATS and Redis.
    pub fn servers(&self) -> PathBuf {
        self.root.join("servers")
    }

    /// Passwords and keys, made once.
    pub fn secrets(&self) -> PathBuf {
        self.root.join("secrets.json")
    }

    /// The configuration that the roles run with, written at every start.
    pub fn configuration(&self) -> PathBuf {
        self.root.join("foursight.toml")
    }

    /// The addresses, while it runs.
    pub fn ready(&self) -> PathBuf {
        self.root.join("ready.json")
    }

    /// The roles' log.
    pub fn log(&self) -> PathBuf {
        self.root.join("foursight.log")
    }

    /// Makes the folder. Others may pass through it (Postgres runs as somebody else when we are root), and see nothing.
    ///
    /// A folder with other things in it is somebody's home, and no place for servers and secrets.
    pub(super) fn create(&self) -> Result<()> {
        let ours = [self.servers(), self.secrets(), self.configuration(), self.log()];
        let taken = fs::read_dir(&self.root).is_ok_and(|mut things| things.next().is_some());
        ensure!(
            !taken || ours.iter().any(|thing| thing.exists()),
            "{} holds other things; name a new or empty folder, or one that foursight made",
            self.root.display()
        );
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o711)
            .create(&self.root)
            .with_context(|| format!("the data folder {} cannot be made", self.root.display()))
    }

    /// Removes what we put there, and nothing else: somebody may have named a folder with other things in it.
    pub(super) fn remove(&self) -> Result<()> {
        for folder in [self.servers()] {
            if folder.exists() {
                fs::remove_dir_all(&folder)
                    .with_context(|| format!("{} cannot be removed", folder.display()))?;
            }
        }
        for file in [self.secrets(), self.configuration(), self.ready(), self.log()] {
            if file.exists() {
                fs::remove_file(&file).with_context(|| format!("{} cannot be removed", file.display()))?;
            }
        }
        Ok(())
    }
}

/// Writes a file that only its owner may read, whole or not at all.
pub(super) fn write_private(path: &Path, text: &str) -> Result<()> {
    let draft = path.with_extension("draft");
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&draft)
        .with_context(|| format!("{} cannot be written", draft.display()))?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&draft, path).with_context(|| format!("{} cannot be written", path.display()))?;
    Ok(())
}
