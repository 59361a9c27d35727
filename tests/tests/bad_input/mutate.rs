//! A sound request, spoilt in one place: the descriptors say what does not fit there.

use anyhow::Result;
use foursight_tests::{
    methods::{ApiMethod, Behavior, HttpRule, behaves},
    names::Names,
};
use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};
use reqwest::Method;
use serde_json::{Value, json};

use crate::bytes;

/// A request that must be refused.
pub(crate) struct Mutation {
    /// What was done to it.
    pub(crate) what: String,
    pub(crate) body: Vec<u8>,
    pub(crate) expected: Where,
}

/// What a refusal has to name.
pub(crate) enum Where {
    /// This field.
    Field(String),
    /// Nothing in particular: what is wrong with it is not its form.
    Somewhere,
}

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
    /// In the proto's names, as violations have it.
    path: String,
}

impl Place {
    fn root(path: &str) -> Self {
        Self { pointer: String::new(), path: path.to_owned() }
    }

    fn field(&self, field: &FieldDescriptor) -> Self {
        self.named(field.json_name(), field.name())
    }

    fn named(&self, key: &str, name: &str) -> Self {
        let path = if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) };
        Self { pointer: format!("{}/{key}", self.pointer), path }
    }

    fn first(&self) -> Self {
        Self { pointer: format!("{}/0", self.pointer), path: format!("{}[0]", self.path) }
    }
}

/// Every way to spoil a method's body.
pub(crate) fn body(method: &ApiMethod, http: &HttpRule, sound: &Value) -> Result<Vec<Mutation>> {
    let (message, root) = match http.body.as_str() {
        "*" => (method.input.clone(), Place::root("")),
        field => match method.input.get_field_by_name(field).map(|field| field.kind()) {
            Some(Kind::Message(message)) => (message, Place::root(field)),
            _ => anyhow::bail!("{}: the body is {field}, which is no message", method.name),
        },
    };
    let bound = http.fill_field();
    let mut spoilt = Spoilt { sound, found: Vec::new() };
    spoilt.message(&message, &root, bound.as_deref());
    spoilt.text(&root);
    Ok(spoilt.found)
}

struct Spoilt<'s> {
    sound: &'s Value,
    found: Vec<Mutation>,
}

impl Spoilt<'_> {
    fn put(&mut self, place: &Place, value: Value, what: &str) {
        self.put_expecting(place, value, what, Where::Field(place.path.clone()));
    }

    fn put_expecting(&mut self, place: &Place, value: Value, what: &str, expected: Where) {
        let mut body = self.sound.clone();
        if set(&mut body, &place.pointer, Some(value)) {
            self.found.push(Mutation {
                what: format!("{}: {what}", place.path),
                body: bytes(&body),
                expected,
            });
        }
    }

    fn message(&mut self, message: &MessageDescriptor, place: &Place, bound: Option<&str>) {
        let unknown = place.named("nonsense", "nonsense");
        self.put(&unknown, json!(1), "a field that does not exist");
        for field in message.fields().filter(|field| Some(field.name()) != bound) {
            let here = place.field(&field);
            let there = self.sound.pointer(&here.pointer).cloned();
            let required =
                behaves(&field, Behavior::Required) && !GIVEN_OTHERWISE.contains(&here.path.as_str());
            if required && there.is_some() {
                let mut body = self.sound.clone();
                set(&mut body, &here.pointer, None);
                let expected = Where::Field(here.path.clone());
                self.found.push(Mutation {
                    what: format!("{}: left out", here.path),
                    body: bytes(&body),
                    expected,
                });
                self.put(&here, Value::Null, "null where something is required");
            }
            self.of_a_kind(&field, &here);
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
            self.put_expecting(here, json!([null]), "a list of nothing", Where::Field(here.path.clone()));
            let element = here.first();
            let mut body = self.sound.clone();
            if set(&mut body, &here.pointer, Some(json!([[]]))) {
                let expected = Where::Field(element.path.clone());
                self.found.push(Mutation {
                    what: format!("{}: a list in a list", here.path),
                    body: bytes(&body),
                    expected,
                });
            }
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
                    self.put(here, json!(i32::MAX), "the largest number");
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

    /// What is no sound JSON, or not of the sound request's shape.
    fn text(&mut self, root: &Place) {
        let sound = bytes(self.sound);
        let body = |path: &str| if path.is_empty() { "body".to_owned() } else { path.to_owned() };
        let mut add = |what: &str, bytes: Vec<u8>, expected: String| {
            let expected = if expected.is_empty() { Where::Somewhere } else { Where::Field(expected) };
            self.found.push(Mutation { what: what.to_owned(), body: bytes, expected });
        };
        for (what, text) in [("a text", r#""text""#), ("a list", "[]"), ("null", "null"), ("a number", "1e3")]
        {
            // Where the body is one field, null leaves it out.
            let expected = if text == "null" { String::new() } else { body(&root.path) };
            add(&format!("{what} for a body"), text.into(), expected);
        }
        add("a body that is no JSON", b"<xml/>".to_vec(), body(&root.path));
        add("a body and more", [sound.as_slice(), b" {}"].concat(), body(&root.path));
        add(
            "a body that ends too soon",
            sound[..sound.len() - 1].to_vec(),
            if sound.len() > 2 { String::new() } else { body(&root.path) },
        );
        add("a very deep body", "[".repeat(200_000).into_bytes(), body(&root.path));
        add("a deep object", r#"{"nonsense":"#.repeat(50_000).into_bytes(), String::new());
        add("bytes that are no text", vec![0xff, 0xfe, 0x00], body(&root.path));
        add("a body over the limit", vec![b' '; 1_100_000], String::new());
        let text = String::from_utf8_lossy(&sound).into_owned();
        let Some((key, value)) = self.sound.as_object().and_then(|object| object.iter().next()) else {
            return;
        };
        let again = format!("{},{}:{}}}", &text[..text.len() - 1], json!(key), value);
        let name = snake(key);
        let place = if root.path.is_empty() { name } else { format!("{}.{name}", root.path) };
        self.found.push(Mutation {
            what: format!("{place}: twice"),
            body: again.into_bytes(),
            expected: Where::Field(place.clone()),
        });
        // A byte that is no UTF-8, in the first text there is.
        if let Some((key, _)) =
            self.sound.as_object().and_then(|object| object.iter().find(|(_, value)| value.is_string()))
        {
            let mut body = self.sound.clone();
            body[key] = json!("BROKEN");
            let (before, after) = body
                .to_string()
                .split_once("BROKEN")
                .map(|(a, b)| (a.to_owned(), b.to_owned()))
                .unwrap_or_default();
            let broken = [before.as_bytes(), &[0xc3, 0x28], after.as_bytes()].concat();
            let name = snake(key);
            let place = if root.path.is_empty() { name } else { format!("{}.{name}", root.path) };
            self.found.push(Mutation {
                what: format!("{place}: broken UTF-8"),
                body: broken,
                expected: Where::Field(place),
            });
        }
    }
}

/// Every way to spoil what a method takes from the path and the query.
pub(crate) fn url(method: &ApiMethod, http: &HttpRule, names: &Names) -> Result<Vec<(String, Mutation)>> {
    let (path, bound) = http.fill(names)?;
    let mut found = Vec::new();
    let mut add = |path: String, what: String, expected: Where| {
        found.push((path, Mutation { what, body: Vec::new(), expected }));
    };
    let in_query = |field: &FieldDescriptor| {
        http.body != "*" && Some(field.name()) != bound.as_deref() && field.name() != http.body
    };
    // What must be there besides, unless it is what is spoilt.
    let sound: Vec<(&str, String)> = match method.name.as_str() {
        "QueryMeasureValues" => vec![("fromMonth", "2026-01".to_owned())],
        "ListVehicles" => vec![("customer", names.of("customers").to_owned())],
        _ => Vec::new(),
    };
    let base_without = |spoilt: &str| {
        let rest = sound.iter().filter(|(name, _)| *name != spoilt);
        rest.fold(format!("{path}?"), |base, (name, value)| format!("{base}{name}={value}&"))
    };
    let base = base_without("");
    add(
        format!("{base}nonsense=1"),
        "a parameter that does not exist".to_owned(),
        Where::Field("nonsense".to_owned()),
    );
    for field in method.input.fields().filter(in_query) {
        let name = field.json_name().to_owned();
        let base = base_without(&name);
        let wrong: &[(&str, &str)] = match field.kind() {
            Kind::Int32 => &[
                ("many", "a text for a number"),
                ("99999999999", "too large"),
                ("-1", "negative"),
                ("1.5", "a fraction"),
                ("", "nothing"),
            ],
            Kind::Bool => &[("yes", "a text for true or false"), ("2", "a number for true or false")],
            Kind::Enum(_) => &[
                ("NO_SUCH_VALUE", "a value that does not exist"),
                ("999", "a number that no value has"),
                ("-1", "a negative number"),
            ],
            Kind::String => &[
                ("a%00b", "a NUL in a text"),
                ("%ff%fe", "bytes that are no text"),
                ("%1b%07", "control characters"),
                ("%zz", "a wrong escape"),
            ],
            _ => &[],
        };
        for (value, what) in wrong {
            add(
                format!("{base}{name}={value}"),
                format!("{name}: {what}"),
                Where::Field(field.name().to_owned()),
            );
        }
        if field.kind() == Kind::String {
            let long = "x".repeat(5_000);
            add(
                format!("{base}{name}={long}"),
                format!("{name}: a very long text"),
                Where::Field(field.name().to_owned()),
            );
        }
        if !field.is_list() && wrong.len() > 1 {
            add(
                format!("{base}{name}=1&{name}=1"),
                format!("{name}: twice"),
                Where::Field(field.name().to_owned()),
            );
        }
        if behaves(&field, Behavior::Required) {
            add(path.clone(), format!("{name}: left out"), Where::Field(field.name().to_owned()));
        }
    }
    if let Some(field) = bound {
        for (id, what) in [
            ("42", "an id that is none"),
            ("00000000-0000-0000-0000-00000000000g", "an id with a wrong letter"),
            ("%00", "a NUL"),
            ("%ff", "a byte that is no text"),
            ("%E2%80%AE", "a character that turns the text around"),
            ("'; DROP TABLE customer.leads; --", "another language"),
        ] {
            let collection = http
                .template
                .split_once('=')
                .map_or("", |(_, rest)| rest.split('/').next().unwrap_or_default());
            let spoilt =
                path.replace(names.of(collection), &format!("{collection}/{}", id.replace(' ', "%20")));
            add(spoilt, format!("{field}: {what}"), Where::Field(field.clone()));
        }
        let long = path.replace('/', &format!("/{}", "x".repeat(4_000)));
        add(long, "a path over the limit".to_owned(), Where::Somewhere);
    }
    if http.verb == Method::GET {
        add(format!("{base}{}", "q=1&".repeat(3_000)), "a query over the limit".to_owned(), Where::Somewhere);
    }
    Ok(found)
}

/// The field that the path gives.
trait Bound {
    fn fill_field(&self) -> Option<String>;
}

impl Bound for HttpRule {
    fn fill_field(&self) -> Option<String> {
        let (_, variable) = self.template.split_once('{')?;
        variable.split_once('=').map(|(field, _)| field.to_owned())
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

/// `displayName` as the proto has it.
fn snake(name: &str) -> String {
    let mut snake = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
    }
    snake
}
