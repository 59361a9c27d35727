//! One customer's story, through the gateway and every service, on a stack as `foursight up` starts it.

use anyhow::Result;
use foursight::story::Story;
use foursight_tests::{fresh_folder, up};

#[tokio::test(flavor = "multi_thread")]
async fn the_story_is_told_and_a_second_start_goes_on_where_the_first_stopped() -> Result<()> {
    let folder = fresh_folder();
    let stack = up(folder.clone(), 120).await?;
    let first = Story::new(&stack.ready, Box::new(|_| {}))?.play().await?;
    stack.stop().await?;

    let again = up(folder.clone(), 120).await?;
    let story = Story::new(&again.ready, Box::new(|_| {}))?;
    let second = story.play().await?;
    assert_eq!(second.store, first.store, "the same group");
    assert!(story.remembers(&first).await?, "what the first story made is still there");
    again.stop().await?;
    std::fs::remove_dir_all(folder)?;
    Ok(())
}
