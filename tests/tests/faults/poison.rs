//! Events that cannot be handled: they go to the dead letters with their reason, hold up nobody, and can be put back.

use anyhow::{Context, Result, ensure};
use foursight_messaging::dead_letters::{self, DeadLetter};
use uuid::Uuid;

use crate::world::{World, until};

/// The consumers that read deliveries.
const READERS: [&str; 6] = [
    "analytics_facts",
    "customer_segments",
    "customer_standing",
    "customer_timeline",
    "notification_call-plan",
    "notification_first-service",
];

/// The letters of one event, once there are so many; by consumer.
async fn letters(world: &World, event: Uuid, count: usize) -> Result<Vec<DeadLetter>> {
    let mut found = Vec::new();
    until("the dead letters", async || {
        found = dead_letters::list(&world.ledger.bus, 100).await?;
        found.retain(|letter| letter.event.as_ref().is_some_and(|buried| buried.id == event));
        Ok(found.len() == count)
    })
    .await?;
    found.sort_by(|a, b| a.consumer.cmp(&b.consumer));
    Ok(found)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_cannot_be_read_is_buried_with_its_reason_and_holds_up_nobody() -> Result<()> {
    let world = World::start().await?;
    let poisoned = world.stack.ids.uuid();
    world.sell(1).await?;
    world.tell_raw(poisoned, "VehicleDelivered", 1, &[0xff; 4]).await?;
    world.sell(3).await?;

    let buried = letters(&world, poisoned, READERS.len()).await?;
    let consumers: Vec<&str> = buried.iter().map(|letter| letter.consumer.as_str()).collect();
    ensure!(consumers == READERS, "{consumers:?}");
    for letter in &buried {
        ensure!(letter.reason == "INTERNAL" && letter.tries == 1, "{letter:?}");
        ensure!(letter.explanation.contains("decode"), "the letter does not say why: {}", letter.explanation);
        ensure!(letter.subject.ends_with(".customer.vehicle_delivered.group"), "{}", letter.subject);
    }
    world.stack.settled().await?;
    world.ledger.sales_are_there(&world.seller.all_sold()).await?;
    world.ledger.every_event_counts_once(&[poisoned]).await?;

    // Put back in vain, it is a letter again, of the consumer for which it was put back, and nobody's effect happens twice.
    let first = buried.first().context("a letter")?;
    dead_letters::replay(&world.ledger.bus, first.number).await?;
    world.stack.settled().await?;
    let again = letters(&world, poisoned, READERS.len()).await?;
    let again = again.first().context("a letter")?;
    ensure!(again.consumer == first.consumer && again.number > first.number, "{again:?}");
    world.ledger.every_event_counts_once(&[poisoned]).await?;

    for letter in letters(&world, poisoned, READERS.len()).await? {
        let shown = dead_letters::show(&world.ledger.bus, letter.number).await?;
        ensure!(shown.consumer == letter.consumer, "{shown:?}");
        dead_letters::drop_letter(&world.ledger.bus, letter.number).await?;
        let gone = dead_letters::show(&world.ledger.bus, letter.number).await;
        ensure!(
            gone.is_err_and(|error| error.reason() == "DEAD_LETTER_UNKNOWN"),
            "the letter is still there"
        );
    }
    letters(&world, poisoned, 0).await?;
    let gone = dead_letters::drop_letter(&world.ledger.bus, first.number).await;
    ensure!(gone.is_err_and(|error| error.reason() == "DEAD_LETTER_UNKNOWN"), "a letter was dropped twice");
    world.end().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_whose_effect_is_refused_can_be_put_back_once_the_cause_is_mended() -> Result<()> {
    let world = World::start().await?;
    let refused = world.stack.ids.uuid();
    // Beyond what the probe's table bears.
    world.tell_raw(refused, "LeadGraded", 1_000_000, &[]).await?;
    world.sell(3).await?;

    let letter = letters(&world, refused, 1).await?.remove(0);
    ensure!(letter.consumer == "probe_effects" && letter.reason == "INTERNAL", "{letter:?}");
    ensure!(letter.tries > 1, "it was given up at the first try");
    ensure!(letter.explanation.contains("effects_bearable"), "{}", letter.explanation);
    world.stack.settled().await?;
    world.ledger.sales_are_there(&world.seller.all_sold()).await?;
    world.ledger.every_event_counts_once(&[refused]).await?;

    world.run("ALTER TABLE probe.effects DROP CONSTRAINT effects_bearable").await?;
    dead_letters::replay(&world.ledger.bus, letter.number).await?;
    world.ends_with_nothing_lost_and_nothing_twice().await
}
