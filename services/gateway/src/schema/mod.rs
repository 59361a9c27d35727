//! The descriptors, compiled once into flat tables.
//!
//! Requests and answers are converted with these tables alone: no descriptor is looked up by name and nothing is
//! locked or counted while a request runs.

mod compile;

use std::collections::HashMap;

use prost_reflect::MessageDescriptor;

/// Every message and enum that the API can carry.
#[derive(Debug)]
pub(crate) struct Schema {
    messages: Vec<MessagePlan>,
    enums: Vec<EnumPlan>,
    by_name: HashMap<String, MessageId>,
}

/// A message's place in the [`Schema`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct MessageId(usize);

/// An enum's place in the [`Schema`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct EnumId(usize);

/// One message type.
#[derive(Debug)]
pub(crate) struct MessagePlan {
    pub(crate) descriptor: MessageDescriptor,
    pub(crate) shape: Shape,
    /// By ascending number.
    pub(crate) fields: Vec<FieldPlan>,
    /// The proto's name and the JSON name of each field, to its index in `fields`.
    names: HashMap<Box<str>, usize>,
    pub(crate) oneofs: Vec<Box<str>>,
}

/// How a message looks in canonical JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// An object with a member for each field.
    Fields,
    /// A string as RFC 3339 has it.
    Timestamp,
    /// A string of seconds, `1.5s`.
    Duration,
    /// The value of the only field.
    Wrapper,
    /// What is rare enough to be left to `prost-reflect`: `Any`, `Struct`, `Value`, `ListValue`, `FieldMask`.
    Reflected,
}

/// One field.
#[derive(Debug)]
pub(crate) struct FieldPlan {
    pub(crate) number: u32,
    /// The proto's name: what routes use.
    pub(crate) name: Box<str>,
    /// The name in JSON, lowerCamelCase: what violations use.
    pub(crate) json_name: Box<str>,
    pub(crate) kind: Kind,
    pub(crate) cardinality: Cardinality,
    /// Whether absence differs from the default value.
    pub(crate) presence: bool,
    /// Whether it may hold personal data, so that no URL carries it.
    pub(crate) personal: bool,
    /// The oneof that it belongs to, in [`MessagePlan::oneofs`].
    pub(crate) oneof: Option<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cardinality {
    Single,
    Repeated,
    /// The field's kind is the entry message.
    Map,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Double,
    Float,
    Int32,
    Int64,
    Uint32,
    Uint64,
    Sint32,
    Sint64,
    Fixed32,
    Fixed64,
    Sfixed32,
    Sfixed64,
    Bool,
    String,
    Bytes,
    Enum(EnumId),
    Message(MessageId),
}

/// One enum type.
#[derive(Debug)]
pub(crate) struct EnumPlan {
    by_name: HashMap<Box<str>, i32>,
    by_number: HashMap<i32, Box<str>>,
    /// The names as they stand in the proto, without the one for "unspecified".
    pub(crate) choices: String,
}

impl Schema {
    pub(crate) fn message(&self, id: MessageId) -> &MessagePlan {
        &self.messages[id.0]
    }

    pub(crate) fn enumeration(&self, id: EnumId) -> &EnumPlan {
        &self.enums[id.0]
    }

    /// For start-up; a request holds ids.
    pub(crate) fn find(&self, full_name: &str) -> Option<MessageId> {
        self.by_name.get(full_name).copied()
    }
}

impl MessagePlan {
    /// By the proto's name or the JSON name.
    pub(crate) fn field_index(&self, name: &str) -> Option<usize> {
        self.names.get(name).copied()
    }

    /// By the proto's name or the JSON name.
    pub(crate) fn field(&self, name: &str) -> Option<&FieldPlan> {
        self.field_index(name).map(|index| &self.fields[index])
    }

    pub(crate) fn index_of_number(&self, number: u32) -> Option<usize> {
        self.fields.binary_search_by_key(&number, |field| field.number).ok()
    }

    /// The JSON names, for the remedy in a violation.
    pub(crate) fn choices(&self) -> String {
        let names: Vec<&str> = self.fields.iter().map(|field| &*field.json_name).collect();
        if names.is_empty() { "there are none".to_owned() } else { names.join(", ") }
    }
}

impl EnumPlan {
    pub(crate) fn number(&self, name: &str) -> Option<i32> {
        self.by_name.get(name).copied()
    }

    pub(crate) fn name(&self, number: i32) -> Option<&str> {
        self.by_number.get(&number).map(|name| &**name)
    }
}
