//! NATS that comes back with less than it had: its streams end earlier, or are gone. The outboxes fill them again.

use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use async_nats::jetstream::consumer::PullConsumer;
use foursight_messaging::topology::PUBLISHERS;
use foursight_testkit::Servers;
use futures::StreamExt;

use crate::world::{World, copy_folder, put_back, until};

/// A copy of what NATS has now, made while it is stopped; it runs again afterwards.
async fn copy_of_nats(world: &World) -> Result<PathBuf> {
    world.servers.local.stop_nats().await?;
    let copy = world.nats_folder().with_extension("copy");
    if copy.exists() {
        std::fs::remove_dir_all(&copy)?;
    }
    copy_folder(&world.nats_folder(), &copy)?;
    world.servers.local.start_nats().await?;
    Ok(copy)
}

/// NATS, stopped in good order, has what a copy has.
async fn nats_comes_back_with(copy: &Path, servers: &Servers) -> Result<()> {
    servers.local.stop_nats().await?;
    put_back(copy, &servers.local.nats_data_dir())?;
    Ok(servers.local.start_nats().await?)
}

async fn streams_end_at(world: &World) -> Result<u64> {
    let mut last = 0;
    for service in PUBLISHERS {
        let stream = world.ledger.nats.get_stream(world.ledger.bus.topology().stream(service)).await?;
        last += stream.get_info().await?.state.last_sequence;
    }
    Ok(last)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_of_nats_is_filled_up_from_the_outboxes() -> Result<()> {
    let world = World::after(3).await?;
    let copy = copy_of_nats(&world).await?;
    world.sell_and_settle(6).await?;
    let before = streams_end_at(&world).await?;
    world.servers.local.stop_nats().await?;
    // These wait in the outbox, and go to where the lost ones stood.
    world.sell(3).await?;
    put_back(&copy, &world.nats_folder())?;
    world.servers.local.start_nats().await?;
    world.nothing_is_lost_and_nothing_happened_twice().await?;
    ensure!(streams_end_at(&world).await? >= before, "the streams are shorter than they were");

    // Once more, with the same copy: what was mended is mended again.
    world.servers.local.kill_nats().await?;
    put_back(&copy, &world.nats_folder())?;
    world.servers.local.start_nats().await?;
    world.sell(2).await?;
    world.ends_with_nothing_lost_and_nothing_twice().await
}

#[tokio::test(flavor = "multi_thread")]
async fn roles_that_start_after_the_loss_find_it_too() -> Result<()> {
    let world = World::after(2).await?;
    let copy = copy_of_nats(&world).await?;
    world.sell_and_settle(4).await?;
    let world = world.restart_after(async |servers, _| nats_comes_back_with(&copy, servers).await).await?;
    world.sell(2).await?;
    world.ends_with_nothing_lost_and_nothing_twice().await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_nats_is_filled_from_the_outboxes() -> Result<()> {
    let world = World::after(5).await?;
    let before = streams_end_at(&world).await?;
    world.servers.local.kill_nats().await?;
    world.sell(1).await?;
    std::fs::remove_dir_all(world.nats_folder())?;
    std::fs::create_dir(world.nats_folder())?;
    world.servers.local.start_nats().await?;
    world.sell(1).await?;
    world.nothing_is_lost_and_nothing_happened_twice().await?;
    ensure!(streams_end_at(&world).await? > before, "the streams are shorter than they were");
    world.end().await;
    Ok(())
}

/// What a crash of NATS does at its worst: messages that it had acknowledged are gone, while its consumers remember that they
/// have had them. One event from before that point waits for another try all the while.
#[tokio::test(flavor = "multi_thread")]
async fn last_writes_that_nats_has_lost_are_written_again_and_its_consumers_go_back() -> Result<()> {
    let world = World::start().await?;
    postpone_an_event(&world).await?;
    world.sell(2).await?;
    handled_but_for_one(&world).await?;
    let copy = copy_of_nats(&world).await?;
    world.sell(4).await?;
    handled_but_for_one(&world).await?;

    // In good order, so that the consumers' places are on the disk.
    world.servers.local.stop_nats().await?;
    for messages in message_folders(&copy)? {
        put_back(&messages, &world.nats_folder().join(messages.strip_prefix(&copy)?))?;
    }
    world.servers.local.start_nats().await?;
    world.sell(1).await?;
    handled_but_for_one(&world).await?;
    world.run("DELETE FROM probe.postponed").await?;
    world.ends_with_nothing_lost_and_nothing_twice().await
}

/// A relay that has not noticed the loss has put other events in the places of the lost ones, and a consumer has been given
/// them. It is set back; and not only to the loss, but to an event before it that waits for another try.
#[tokio::test(flavor = "multi_thread")]
async fn a_consumer_that_has_gone_past_the_loss_goes_back_and_forgets_no_event_that_waits() -> Result<()> {
    let world = World::start().await?;
    world.sell(1).await?;
    postpone_an_event(&world).await?;
    world.sell(1).await?;
    handled_but_for_one(&world).await?;
    let copy = copy_of_nats(&world).await?;
    world.sell(4).await?;
    handled_but_for_one(&world).await?;

    let name = world.ledger.bus.topology().stream("customer");
    let stream = world.ledger.nats.get_stream(&name).await?;
    let end = stream.get_info().await?.state.last_sequence;
    let mut newest = Vec::new();
    for place in end - 2..=end {
        newest.push(stream.get_raw_message(place).await?);
    }
    let world = world
        .restart_after(async |servers, ledger| {
            nats_comes_back_with(&copy, servers).await?;
            until("our own connection is back", async || Ok(ledger.nats.get_stream(&name).await.is_ok()))
                .await?;
            for event in newest {
                let published = ledger.nats.publish_with_headers(event.subject, event.headers, event.payload);
                published.await?.await?;
            }
            let consumer: PullConsumer = ledger.nats.get_consumer_from_stream("probe_effects", &name).await?;
            let mut given = consumer.fetch().max_messages(100).messages().await?;
            while let Some(event) = given.next().await {
                event.map_err(anyhow::Error::from_boxed)?;
            }
            Ok(())
        })
        .await?;
    world.sell(1).await?;
    handled_but_for_one(&world).await?;
    world.run("DELETE FROM probe.postponed").await?;
    world.ends_with_nothing_lost_and_nothing_twice().await
}

/// Nobody notices by the connection when an operator puts a stream back while NATS runs. That a place is given for a second
/// time is what shows it.
#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_is_made_anew_under_a_living_connection_is_filled_again() -> Result<()> {
    let world = World::after(3).await?;
    for service in ["customer", "notification"] {
        let topology = world.ledger.bus.topology();
        world.ledger.nats.delete_stream(topology.stream(service)).await?;
        world.ledger.nats.get_or_create_stream(topology.stream_config(service)).await?;
    }
    // More than was lost: without a look at the places, the books would end where the stream does.
    world.sell(5).await?;
    world.ends_with_nothing_lost_and_nothing_twice().await
}

/// Tells an event that waits for another try for as long as its id stands in the probe's table.
async fn postpone_an_event(world: &World) -> Result<()> {
    let postponed = world.stack.ids.uuid();
    world.run(&format!("INSERT INTO probe.postponed VALUES ('{postponed}')")).await?;
    world.tell_raw(postponed, "LeadGraded", 1, &[]).await
}

/// Everything but the postponed event was told and had its effect.
async fn handled_but_for_one(world: &World) -> Result<()> {
    until("all effects but one", async || {
        let (all, untold) =
            (world.ledger.outboxes("true").await?, world.ledger.outboxes("published_at IS NULL").await?);
        Ok(untold == 0 && world.ledger.number("SELECT count(*) FROM probe.effects").await? == all - 1)
    })
    .await
}

/// Where a copy of NATS' folder has the messages of each stream.
fn message_folders(copy: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut open = vec![copy.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder)? {
            let entry = entry?;
            if entry.file_name() == "msgs" {
                found.push(entry.path());
            } else if entry.file_type()?.is_dir() {
                open.push(entry.path());
            }
        }
    }
    ensure!(!found.is_empty(), "NATS keeps its messages elsewhere");
    Ok(found)
}
