//! Ends a test process' servers when the process ends, however it ends.
//!
//! A static is never dropped, and a killed process drops nothing. So a small shell waits for the end of its standard
//! input, which comes when the test process is gone, and then ends the servers and removes their folder.

use std::{
    os::unix::process::CommandExt,
    path::Path,
    process::{Child, Command, Stdio},
};

use anyhow::{Context, Result};

const SCRIPT: &str = r#"
cat >/dev/null
for record in "$2"/run/*.pid; do
    pid=$(grep -oE '[0-9]+' "$record" | head -n 1)
    # `-s KILL`, because not every sh takes `-KILL --`.
    [ -n "$pid" ] && kill -s KILL -- "-$pid" 2>/dev/null
done
[ -n "$FOURSIGHT_KEEP_TEST_DATA" ] || rm -rf -- "$1"
"#;

/// Watches over a folder for as long as it is held. `FOURSIGHT_KEEP_TEST_DATA=1` keeps the folder, with the servers' logs.
#[derive(Debug)]
pub struct Farewell {
    /// Its standard input is what tells the shell that we live.
    _shell: Child,
}

impl Farewell {
    /// Ends the servers whose data folder is `servers`, and then removes `folder`.
    ///
    /// # Errors
    /// When there is no `sh`.
    pub fn watch(folder: &Path, servers: &Path) -> Result<Self> {
        let shell = Command::new("sh")
            .args(["-c", SCRIPT, "farewell"])
            .args([folder, servers])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // Ctrl-C is for us; the shell is needed afterwards.
            .process_group(0)
            .spawn()
            .context("sh cannot be started")?;
        Ok(Self { _shell: shell })
    }
}
