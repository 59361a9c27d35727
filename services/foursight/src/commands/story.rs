//! `foursight story`.

use std::path::Path;

use anyhow::Result;
use foursight::{
    story::{Story, Telling},
    up::ready::Ready,
};

use super::{print, tell};

/// Plays the story against the stack that runs on a data folder.
pub(super) async fn run(data: &Path) -> Result<()> {
    let ready = Ready::of_running(data).await?;
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
