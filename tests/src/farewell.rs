//! Ends a test process' stack when the process ends, however it ends.
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
for record in "$1"/servers/run/*.pid; do
    pid=$(grep -oE '[0-9]+' "$record" | head -n 1)
    [ -n "$pid" ] && kill -KILL -- "-$pid" 2>/dev/null
done
[ -n "$FOURSIGHT_KEEP_TEST_DATA" ] || rm -rf -- "$1"
"#;

/// Watches over a stack's folder for as long as it is held. `FOURSIGHT_KEEP_TEST_DATA=1` keeps the folder, with the logs.
#[derive(Debug)]
pub(crate) struct Farewell {
    /// Its standard input is what tells the shell that we live.
    _shell: Child,
}

impl Farewell {
    pub(crate) fn for_folder(folder: &Path) -> Result<Self> {
        let shell = Command::new("sh")
            .args(["-c", SCRIPT, "farewell"])
            .arg(folder)
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
