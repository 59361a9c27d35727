//! `foursight dead-letters`.

use anyhow::Result;
use foursight_messaging::{
    Bus, Received,
    dead_letters::{self, DeadLetter},
    topology::Topology,
};
use prost_reflect::DynamicMessage;
use secrecy::ExposeSecret;

use super::{print, tell};
use crate::cli::{DeadLetters, DeadLettersCommand};

/// Lists, shows, replays and drops.
pub(super) async fn run(arguments: &DeadLetters) -> Result<()> {
    let settings = arguments.config.settings_of_running().await?;
    let topology = Topology::new(settings.nats.prefix.clone(), settings.nats.replicas);
    let bus = Bus::connect(settings.nats.url.expose_secret(), "foursight dead-letters", topology).await?;
    match arguments.command {
        DeadLettersCommand::List { limit } => list(&bus, limit).await,
        DeadLettersCommand::Show { number } => show(&dead_letters::show(&bus, number).await?),
        DeadLettersCommand::Replay { number } => {
            dead_letters::replay(&bus, number).await?;
            tell("it is back where it stood");
            Ok(())
        }
        DeadLettersCommand::Drop { number } => {
            dead_letters::drop_letter(&bus, number).await?;
            tell("it is gone");
            Ok(())
        }
    }
}

async fn list(bus: &Bus, limit: usize) -> Result<()> {
    let letters = dead_letters::list(bus, limit).await?;
    if letters.is_empty() {
        tell("there are no dead letters");
    }
    for letter in letters {
        let event = letter.event.as_ref().map_or("(malformed)", |event| event.event_type.as_str());
        let DeadLetter { number, consumer, reason, tries, buried_at, .. } = &letter;
        print(&format!("{number}\t{buried_at}\t{consumer}\t{event}\t{reason}\t{tries} tries"))?;
    }
    Ok(())
}

fn show(letter: &DeadLetter) -> Result<()> {
    print(&format!("number       {}", letter.number))?;
    print(&format!("consumer     {}", letter.consumer))?;
    print(&format!("reason       {}", letter.reason))?;
    print(&format!("explanation  {}", letter.explanation))?;
    print(&format!("tries        {}", letter.tries))?;
    print(&format!("buried at    {}", letter.buried_at))?;
    print(&format!("subject      {}", letter.subject))?;
    if let Some(event) = &letter.event {
        print(&format!("event        {} {}", event.event_type, event.id))?;
        print(&format!("happened at  {}", event.time))?;
        print(&format!("trace        {}", event.traceparent.as_deref().unwrap_or("none")))?;
        print(&payload(event).unwrap_or_else(|| "payload      cannot be decoded".to_owned()))?;
    }
    Ok(())
}

/// The payload as JSON; `None` when it is not what its type says.
fn payload(event: &Received) -> Option<String> {
    let descriptor = foursight_proto::descriptors().get_message_by_name(&event.event_type)?;
    let message = DynamicMessage::decode(descriptor, event.payload.clone()).ok()?;
    serde_json::to_string_pretty(&message).ok()
}
