//! Each field of a body, spoilt in every way that fits its kind.

use foursight_tests::methods::{Behavior, behaves};
use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};
use serde_json::{Value, json};

use super::{Mutation, Where};
use crate::bytes;

/// Fields whose content is nobody's business but their keeper's: any text is well formed, and only the wrong one.
const OPAQUE: [&str; 5] = ["login", "password", "refresh_token", "secret", "service"];

/// Fields that are well formed whatever text they hold, and in which a wrong one is no error: an unknown session is over.
const ANYTHING: [&str; 1] = ["refresh_token"];

/// What may be left out here although it is required elsewhere: a visitor's file is the reception's store's.
const GIVEN_OTHERWISE: [&str; 1] = ["reception.visitor.store"];

/// Fields that the method fills in itself: what a client says there counts for nothing.
const FILLED_IN: [&str; 1] = ["attempt.number"];

/// Longer than any text may be, and well below the limit of a body.
const LONG: usize = 100_000;

/// Where in the JSON something stands.
#[derive(Clone)]
struct Place {
    pointer: String,
    /// In JSON's names, as violations have it.
    path: String,
}

impl Place {
    fn root(path: &str) -> Self {
        Self { pointer: String::new(), path: path.to_owned() }
    }

    fn field(&self, field: &FieldDescriptor) -> Self {
        self.named(field.json_name())
    }

    fn named(&self, key: &str) -> Self {
        let path = if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) };
        Self { pointer: format!("{}/{key}", self.pointer), path }
    }

    fn first(&self) -> Self {
        Self { pointer: format!("{}/0", self.pointer), path: format!("{}[0]", self.path) }
    }
}

/// Every field of `message`, which stands at `root`, spoilt in `sound`; but not the field `bound`, which the path gives.
pub(super) fn spoilt(
    message: &MessageDescriptor,
    root: &str,
    bound: Option<&str>,
    sound: &Value,
) -> Vec<Mutation> {
    let mut spoilt = Spoilt { sound: sound.clone(), found: Vec::new() };
    spoilt.message(message, &Place::root(root), bound);
    spoilt.found
}

struct Spoilt {
    sound: Value,
    found: Vec<Mutation>,
}

impl Spoilt {
    fn put(&mut self, place: &Place, value: Value, what: &str) {
        self.put_expecting(place, value, what, Where::Field(place.path.clone()));
    }

    fn put_expecting(&mut self, place: &Place, value: Value, what: &str, expected: Where) {
        self.change(place, Some(value), what, expected);
    }

    fn change(&mut self, place: &Place, value: Option<Value>, what: &str, expected: Where) {
        let mut body = self.sound.clone();
        if set(&mut body, &place.pointer, value) {
            let what = format!("{}: {what}", place.path);
            self.found.push(Mutation { what, body: bytes(&body), expected });
        }
    }

    fn message(&mut self, message: &MessageDescriptor, place: &Place, bound: Option<&str>) {
        let unknown = place.named("nonsense");
        self.put(&unknown, json!(1), "a field that does not exist");
        for field in message.fields().filter(|field| Some(field.name()) != bound) {
            let here = place.field(&field);
            let there = self.sound.pointer(&here.pointer).cloned();
            let required =
                behaves(&field, Behavior::Required) && !GIVEN_OTHERWISE.contains(&here.path.as_str());
            if required && there.is_some() {
                self.change(&here, None, "left out", Where::Field(here.path.clone()));
                self.put(&here, Value::Null, "null where something is required");
            }
            // One of several that exclude each other is spoilt where it stands alone.
            let sound = self.sound.clone();
            if let Some(several) = field.containing_oneof() {
                for other in several.fields().filter(|other| *other != field) {
                    set(&mut self.sound, &place.field(&other).pointer, None);
                }
            }
            self.of_a_kind(&field, &here);
            self.sound = sound;
            match (field.kind(), &there) {
                (Kind::Message(inner), Some(Value::Object(_))) if !field.is_map() => {
                    self.message(&inner, &here, None);
                }
                (Kind::Message(inner), Some(Value::Array(list))) if !list.is_empty() => {
                    self.message(&inner, &here.first(), None);
                }
                _ => {}
            }
        }
    }

    /// What does not fit a field.
    fn of_a_kind(&mut self, field: &FieldDescriptor, here: &Place) {
        if field.is_list() {
            self.put(here, json!({}), "an object for a list");
            self.put(here, json!("text"), "a text for a list");
            self.put(here, json!([null]), "a list of nothing");
            self.put_expecting(here, json!([[]]), "a list in a list", Where::Field(here.first().path));
            return;
        }
        if field.is_map() {
            self.put(here, json!([]), "a list for a map");
            return;
        }
        let ignored = behaves(field, Behavior::OutputOnly) || FILLED_IN.contains(&here.path.as_str());
        self.put(here, json!([]), "a list for one value");
        self.put(here, json!([1, 2]), "two values for one");
        match field.kind() {
            Kind::Bool => self.put(here, json!("yes"), "a text for true or false"),
            Kind::Int32 => {
                for (value, what) in [
                    (json!("many"), "a text for a number"),
                    (json!(2_147_483_648_i64), "a number that is too large"),
                    (json!(-9_999_999_999_i64), "a number that is too small"),
                    (json!(1.5), "a fraction"),
                    (json!(1e300), "a huge number"),
                    (json!(true), "true for a number"),
                ] {
                    self.put(here, value, what);
                }
                if !ignored {
                    self.put(here, json!(-1), "a negative number");
                    // A page may be asked for that is larger than any is.
                    if field.name() != "page_size" {
                        self.put(here, json!(i32::MAX), "the largest number");
                    }
                }
            }
            Kind::Int64 => {
                self.put(here, json!("9223372036854775808"), "a number that is too large");
                self.put(here, json!("many"), "a text for a number");
            }
            Kind::Enum(_) => {
                self.put(here, json!("NO_SUCH_VALUE"), "a value that does not exist");
                self.put(here, json!(true), "true for a value");
                self.put(here, json!(4_294_967_296_i64), "a number that no value can have");
                if !ignored {
                    self.put(here, json!(999), "a number that no value has");
                    self.put(here, json!(-1), "a negative number");
                }
            }
            Kind::String => {
                self.put(here, json!(7), "a number for a text");
                self.put(here, json!(true), "true for a text");
                self.put(here, json!({ "a": 1 }), "an object for a text");
                if !ignored && !ANYTHING.contains(&field.name()) {
                    self.texts(field, here);
                }
            }
            Kind::Message(message) => self.messages(&message, here, ignored),
            _ => {}
        }
    }

    fn texts(&mut self, field: &FieldDescriptor, here: &Place) {
        for (value, what) in [
            ("a\u{0}b".to_owned(), "a NUL in a text"),
            ("\u{1b}[2J\u{7}".to_owned(), "control characters"),
            ("長".repeat(LONG / 3), "a very long text"),
        ] {
            let free = OPAQUE.contains(&field.name()) || field.name() == "etag";
            let expected = if free { Where::Somewhere } else { Where::Field(here.path.clone()) };
            self.put_expecting(here, json!(value), what, expected);
        }
    }

    fn messages(&mut self, message: &MessageDescriptor, here: &Place, ignored: bool) {
        self.put(here, json!("text"), "a text for an object");
        self.put(here, json!(7), "a number for an object");
        match message.full_name() {
            "google.protobuf.Timestamp" => {
                for instant in [
                    "yesterday",
                    "2026-02-30T00:00:00Z",
                    "2026-13-01T00:00:00Z",
                    "2026-01-01",
                    "99999-01-01T00:00:00Z",
                ] {
                    self.put(here, json!(instant), "an instant that is none");
                }
            }
            "google.type.Date" if !ignored => {
                for (year, month, day) in
                    [(2026, 2, 30), (2026, 13, 1), (2026, 0, 0), (99_999, 1, 1), (0, 5, 17)]
                {
                    let date = json!({ "year": year, "month": month, "day": day });
                    self.put(here, date, "a date that does not exist");
                }
            }
            "google.type.TimeOfDay" if !ignored => {
                for (hours, minutes) in [(25, 0), (9, 60), (-1, 0), (24, 1)] {
                    self.put(
                        here,
                        json!({ "hours": hours, "minutes": minutes }),
                        "a time that does not exist",
                    );
                }
            }
            "google.type.Money" if !ignored => {
                for (currency, units, nanos) in [
                    ("XXX", "1", 0),
                    ("CNY", "-1", 0),
                    ("CNY", "1", 1_000_000_000),
                    ("CNY", "9223372036854775807", 0),
                    ("CNY", "1", -5),
                ] {
                    let money = json!({ "currencyCode": currency, "units": units, "nanos": nanos });
                    self.put(here, money, "an amount that nobody can pay");
                }
            }
            _ => {}
        }
    }
}

/// Puts a value into a JSON document, or takes one out; false when the place does not exist.
fn set(document: &mut Value, pointer: &str, value: Option<Value>) -> bool {
    let Some((parent, key)) = pointer.rsplit_once('/') else { return false };
    let Some(parent) = document.pointer_mut(parent) else { return false };
    match (parent, value) {
        (Value::Object(object), Some(value)) => {
            object.insert(key.to_owned(), value);
            true
        }
        (Value::Object(object), None) => object.remove(key).is_some(),
        _ => false,
    }
}
