//! Looks through streams for what tells of a customer: ids, codes, figures and times, and nothing else.

use anyhow::Result;
use foursight_messaging::{Bus, Received, dead_letters};
use prost_reflect::{DynamicMessage, Value};
use uuid::Uuid;

use super::Report;

/// More dead letters than anybody lets lie.
const MOST_LETTERS: usize = 100_000;

/// The longest code or resource name.
const LONGEST: usize = 160;

/// Looks through a service's stream.
///
/// # Errors
/// When NATS does not answer.
pub(super) async fn look_at(report: &mut Report, bus: &Bus, service: &str, customer: Uuid) -> Result<()> {
    let id = customer.to_string();
    let (mut all, mut told, mut findings) = (0_u64, 0_u64, Vec::new());
    bus.look_through(service, |event| {
        all += 1;
        if tells_of(&event, &id) {
            told += 1;
            findings.extend(
                more_than_ids(&event).map(|what| format!("stream {service}, event {}: {what}", event.id)),
            );
        }
    })
    .await?;
    report.looked_at.push(format!(
        "stream {service}: {all} events, of which {told} have the id, and ids and codes beside it"
    ));
    report.findings.extend(findings);
    Ok(())
}

/// Looks through the dead letters.
///
/// # Errors
/// When NATS does not answer.
pub(super) async fn look_at_dead_letters(report: &mut Report, bus: &Bus, customer: Uuid) -> Result<()> {
    let id = customer.to_string();
    let letters = dead_letters::list(bus, MOST_LETTERS).await?;
    for event in
        letters.iter().filter_map(|letter| letter.event.as_ref()).filter(|event| tells_of(event, &id))
    {
        let what = more_than_ids(event).map(|what| format!("dead letters, event {}: {what}", event.id));
        report.findings.extend(what);
    }
    report.looked_at.push(format!("dead letters: {}", letters.len()));
    Ok(())
}

fn tells_of(event: &Received, id: &str) -> bool {
    event.aggregate.to_string() == id || event.payload.windows(id.len()).any(|window| window == id.as_bytes())
}

/// What an event says that is neither an id nor a code, figure or time; `None` when that is all.
fn more_than_ids(event: &Received) -> Option<String> {
    let Some(descriptor) = foursight_proto::descriptors().get_message_by_name(&event.event_type) else {
        return Some(format!("{} is no event of ours", event.event_type));
    };
    let Ok(message) = DynamicMessage::decode(descriptor, event.payload.clone()) else {
        return Some("it cannot be read".to_owned());
    };
    in_message(&message)
}

fn in_message(message: &DynamicMessage) -> Option<String> {
    if message.unknown_fields().next().is_some() {
        return Some("it has fields that no proto knows".to_owned());
    }
    message.fields().find_map(|(field, value)| in_value(field.name(), value))
}

fn in_value(field: &str, value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !is_code(text) => Some(format!("`{field}` is neither an id nor a code")),
        Value::Bytes(_) => Some(format!("`{field}` is bytes")),
        Value::Message(message) => in_message(message),
        Value::List(values) => values.iter().find_map(|value| in_value(field, value)),
        Value::Map(values) => values.values().find_map(|value| in_value(field, value)),
        _ => None,
    }
}

/// Whether a text may be a resource name, a code, or a path of a field: no name of a person, no number of more than seven digits
/// outside an id, nothing with a space.
fn is_code(text: &str) -> bool {
    let plain = text.len() <= LONGEST
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-./:,".contains(&byte));
    let ids: Vec<&str> = text.split(['/', ',', '_']).filter(|part| part.parse::<Uuid>().is_err()).collect();
    plain && ids.iter().all(|part| longest_number(part) <= 7)
}

fn longest_number(text: &str) -> usize {
    text.split(|c: char| !c.is_ascii_digit()).map(str::len).max().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_and_codes_are_told_from_what_people_are_called_and_reached_by() {
        for code in [
            "",
            "customers/0192a000-0000-7000-8000-000000000001",
            "vehicles/0192a000-0000-7000-8000-000000000001/people/0192a000-0000-7000-8000-000000000002",
            "service.waiting",
            "commercial_insurance",
            "SH01-202601-0042",
        ] {
            assert!(is_code(code), "{code}");
        }
        for personal in
            ["安可晴", "An Keqing", "13900001234", "+8613900001234", "11010519900517002X", "an@example.com"]
        {
            assert!(!is_code(personal), "{personal}");
        }
    }
}
