//! What a service says for people, in the words of a JSON caller.

use std::collections::{HashMap, HashSet};

use crate::schema::{Kind, MessageId, Schema};

/// The fields of a request, of the messages in it too, that JSON names otherwise than the proto: `deliver_time` is `deliverTime`.
pub(crate) struct Words<'s>(HashMap<&'s str, &'s str>);

impl<'s> Words<'s> {
    /// Gathered when a service has refused: what is said rarely need not be at hand.
    pub(crate) fn of(schema: &'s Schema, request: MessageId) -> Self {
        let (mut words, mut seen, mut todo) = (HashMap::new(), HashSet::from([request]), vec![request]);
        while let Some(message) = todo.pop() {
            for field in &schema.message(message).fields {
                if field.name != field.json_name {
                    words.insert(&*field.name, &*field.json_name);
                }
                if let Kind::Message(inner) = field.kind
                    && seen.insert(inner)
                {
                    todo.push(inner);
                }
            }
        }
        Self(words)
    }

    /// The text with these fields as JSON names them, alone or in a path. A right, such as `call_task.write`, stays as it is: its
    /// parts are no fields.
    pub(crate) fn in_json(&self, text: &str) -> String {
        let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '[' | ']');
        let mut said = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(start) = rest.find(is_word) {
            let word = &rest[start..];
            let word = &word[..word.find(|c| !is_word(c)).unwrap_or(word.len())];
            said.push_str(&rest[..start]);
            said.push_str(&self.word(word));
            rest = &rest[start + word.len()..];
        }
        said.push_str(rest);
        said
    }

    fn word(&self, word: &str) -> String {
        // The end of a sentence belongs to no name.
        let name = word.trim_end_matches('.');
        let pieces: Vec<&str> = name.split('.').collect();
        let piece_in_json = |piece: &&str| {
            let (name, place) = piece.split_at(piece.find('[').unwrap_or(piece.len()));
            self.0.get(name).map(|json| format!("{json}{place}"))
        };
        let Some(last) = pieces.last().and_then(piece_in_json) else { return word.to_owned() };
        let before = pieces[..pieces.len() - 1]
            .iter()
            .map(|piece| piece_in_json(piece).unwrap_or_else(|| (*piece).to_owned()));
        let mut said: Vec<String> = before.collect();
        said.push(last);
        format!("{}{}", said.join("."), &word[name.len()..])
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn fields_are_said_as_json_names_them_and_nothing_else_is_changed() {
        let schema = Schema::compile(foursight_proto::descriptors());
        let request = schema.find("foursight.customer.v1.CreateDeliveryRequest").unwrap();
        let words = Words::of(&schema, request);
        for (said, in_json) in [
            ("correct deliver_time", "correct deliverTime"),
            ("tell the true deliver_time.", "tell the true deliverTime."),
            ("delivery.deliver_time, or odometer_km", "delivery.deliverTime, or odometerKm"),
            ("with the right call_task.write", "with the right call_task.write"),
            ("not_a_field of deliveries/0197_x", "not_a_field of deliveries/0197_x"),
            ("看 deliver_time。", "看 deliverTime。"),
            ("", ""),
        ] {
            assert_eq!(words.in_json(said), in_json);
        }
    }
}
