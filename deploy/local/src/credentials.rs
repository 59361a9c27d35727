//! The passwords of a stack, made once for a data folder and kept there for its owner only.

use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::files;

/// Hexadecimal, so that they stand in a URL as they are.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Credentials {
    pub(crate) postgres: String,
    pub(crate) nats: String,
    pub(crate) redis: String,
}

impl Credentials {
    /// Reads the folder's passwords, or makes them when the folder is new.
    pub(crate) fn open(folder: &Path, postgres_data_exists: bool) -> Result<Self> {
        let path = folder.join("credentials.json");
        if path.exists() {
            let text = fs::read_to_string(&path).map_err(Error::io(format!("read {}", path.display())))?;
            return serde_json::from_str(&text)
                .map_err(|error| Error::io(format!("understand {}", path.display()))(error.into()));
        }
        if postgres_data_exists {
            return Err(Error::CredentialsLost { path });
        }
        let made = Self { postgres: secret()?, nats: secret()?, redis: secret()? };
        let text = serde_json::to_string_pretty(&made)
            .map_err(|error| Error::io(format!("write {}", path.display()))(error.into()))?;
        files::write_private(&path, &text)?;
        Ok(made)
    }
}

fn secret() -> Result<String> {
    Ok(format!("{:032x}", u128::from_le_bytes(files::random_bytes()?)))
}
