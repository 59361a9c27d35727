//! `foursight story`.

use std::path::Path;

use anyhow::{Context, Result};
use foursight::{
    story::{Story, Telling},
    up::{layout::Layout, ready::Ready},
};

use super::{print, tell};

/// Plays the story against the stack that runs on a data folder.
pub(super) async fn run(data: &Path) -> Result<()> {
    let file = Layout::new(data).ready();
    let text = std::fs::read_to_string(&file).with_context(|| {
        format!("nothing runs on {}: start it with `foursight up --data {}`", data.display(), data.display())
    })?;
    let ready: Ready =
        serde_json::from_str(&text).with_context(|| format!("{} cannot be read", file.display()))?;
    let story = Story::new(
        &ready,
        Box::new(|telling: &Telling<'_>| {
            let _ = print(&telling.to_string());
        }),
    )?;
    story.play().await?;
    tell("the story is told: every step did what it should");
    Ok(())
}
