//! `foursight doctor`.

use anyhow::{Result, ensure};

use super::print;

/// Says what was found on this machine, and what to do about what is missing.
pub(super) fn run() -> Result<()> {
    let findings = foursight_local::doctor();
    for finding in &findings {
        let mark = if finding.ok { "ok     " } else { "missing" };
        print(&format!("{mark}  {}: {}", finding.what, finding.detail))?;
        if let Some(remedy) = &finding.remedy {
            print(&format!("         {remedy}"))?;
        }
    }
    ensure!(findings.iter().all(|finding| finding.ok), "something is missing; what to do stands above");
    Ok(())
}
