//! Bodies that are no sound JSON, or not of the sound request's shape.

use serde_json::{Value, json};

use super::{Mutation, Where};
use crate::bytes;

/// Every such body, made of `sound`, which stands at `root` of the request.
pub(super) fn spoilt(root: &str, sound: &Value) -> Vec<Mutation> {
    let text = bytes(sound);
    let body = || Where::Field(if root.is_empty() { "body" } else { root }.to_owned());
    let mut found = Vec::new();
    let mut add = |what: &str, body: Vec<u8>, expected: Where| {
        found.push(Mutation { what: what.to_owned(), body, expected });
    };
    add("a text for a body", br#""text""#.to_vec(), body());
    add("a list for a body", b"[]".to_vec(), body());
    // Where the body is one field, null leaves it out.
    add("null for a body", b"null".to_vec(), Where::Somewhere);
    add("a number for a body", b"1e3".to_vec(), body());
    add("a body that is no JSON", b"<xml/>".to_vec(), body());
    add("a body and more", [text.as_slice(), b" {}"].concat(), body());
    let ends_inside = if text.len() > 2 { Where::Somewhere } else { body() };
    add("a body that ends too soon", text[..text.len() - 1].to_vec(), ends_inside);
    add("a very deep body", "[".repeat(200_000).into_bytes(), body());
    add("a deep object", r#"{"nonsense":"#.repeat(50_000).into_bytes(), Where::Somewhere);
    add("bytes that are no text", vec![0xff, 0xfe, 0x00], body());
    add("a body over the limit", vec![b' '; 1_100_000], Where::Somewhere);
    found.extend(twice(root, sound));
    found.extend(broken_text(root, sound));
    found
}

/// The first field, for a second time.
fn twice(root: &str, sound: &Value) -> Option<Mutation> {
    let (key, value) = sound.as_object()?.iter().next()?;
    let text = sound.to_string();
    let body = format!("{},{}:{value}}}", &text[..text.len() - 1], json!(key));
    Some(of_field(root, key, "twice", body.into_bytes()))
}

/// A byte that is no UTF-8, in the first text there is.
fn broken_text(root: &str, sound: &Value) -> Option<Mutation> {
    let (key, _) = sound.as_object()?.iter().find(|(_, value)| value.is_string())?;
    let mut body = sound.clone();
    body[key] = json!("BROKEN");
    let text = body.to_string();
    let (before, after) = text.split_once("BROKEN")?;
    let body = [before.as_bytes(), &[0xc3, 0x28], after.as_bytes()].concat();
    Some(of_field(root, key, "broken UTF-8", body))
}

fn of_field(root: &str, key: &str, what: &str, body: Vec<u8>) -> Mutation {
    let path = if root.is_empty() { key.to_owned() } else { format!("{root}.{key}") };
    Mutation { what: format!("{path}: {what}"), body, expected: Where::Field(path) }
}
