//! `foursight keys`.

use anyhow::{Context, Result, ensure};
use foursight::{
    keys::{MasterKeyUse, in_use},
    up::{add_master_key, drop_master_key},
};

use super::{print, tell};
use crate::cli::{Keys, KeysCommand};

/// Tells what each master key seals; adds one to a private stack, or takes one away.
pub(super) async fn run(arguments: &Keys) -> Result<()> {
    match arguments.command {
        None => list(&in_use(&arguments.config.settings_of_running().await?).await?),
        Some(KeysCommand::Add) => {
            let data = private(arguments)?;
            let version = add_master_key(&data)?;
            tell(&format!(
                "version {version} is added: it seals from the next start of `up` on, and what the others have sealed is sealed anew then"
            ));
            Ok(())
        }
        Some(KeysCommand::Drop { version }) => {
            let data = private(arguments)?;
            let keys = in_use(&arguments.config.settings_of_running().await?).await?;
            let key = keys.iter().find(|key| key.version == version && key.configured);
            let key = key.with_context(|| format!("there is no master key of version {version}"))?;
            ensure!(
                key.is_idle(),
                "version {version} is needed: it seals {} data keys and {} signing keys{}",
                key.data_keys,
                key.signing_keys,
                if key.sealing { ", and what comes" } else { "" },
            );
            drop_master_key(&data, version)?;
            tell(&format!("version {version} is gone from the next start of `up` on"));
            Ok(())
        }
    }
}

fn private(arguments: &Keys) -> Result<std::path::PathBuf> {
    let data = arguments.config.private_stack();
    data.context(
        "only a private stack keeps its own keys: elsewhere they stand in the configuration (keys.master)",
    )
}

fn list(keys: &[MasterKeyUse]) -> Result<()> {
    for key in keys {
        let state = match key {
            MasterKeyUse { configured: false, .. } => "NOT CONFIGURED: what it seals cannot be opened",
            MasterKeyUse { sealing: true, .. } => "seals",
            _ if key.is_idle() => "not needed any more",
            _ => "opens",
        };
        let MasterKeyUse { version, data_keys, signing_keys, .. } = key;
        print(&format!("version {version}\t{data_keys} data keys\t{signing_keys} signing keys\t{state}"))?;
    }
    Ok(())
}
