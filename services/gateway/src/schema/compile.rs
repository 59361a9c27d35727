//! From a descriptor pool to the tables.

use std::collections::HashMap;

use prost_reflect::{
    Cardinality as ReflectedCardinality, DescriptorPool, EnumDescriptor, ExtensionDescriptor,
    FieldDescriptor, Kind as ReflectedKind, MessageDescriptor,
};

use super::{Cardinality, EnumId, EnumPlan, FieldPlan, Kind, MessageId, MessagePlan, Schema, Shape};

type Places<T> = HashMap<String, T>;

impl Schema {
    /// Compiles every type in the pool; done once, at start-up.
    pub(crate) fn compile(pool: &DescriptorPool) -> Self {
        let messages: Places<MessageId> = pool
            .all_messages()
            .enumerate()
            .map(|(index, message)| (message.full_name().to_owned(), MessageId(index)))
            .collect();
        let enums: Places<EnumId> = pool
            .all_enums()
            .enumerate()
            .map(|(index, enumeration)| (enumeration.full_name().to_owned(), EnumId(index)))
            .collect();
        Self {
            messages: {
                let personal = pool.get_extension_by_name("foursight.access.v1.personal");
                let plan = |message| message_plan(message, personal.as_ref(), &messages, &enums);
                pool.all_messages().map(plan).collect()
            },
            enums: pool.all_enums().map(|enumeration| enum_plan(&enumeration)).collect(),
            by_name: messages,
        }
    }
}

fn message_plan(
    message: MessageDescriptor,
    personal: Option<&ExtensionDescriptor>,
    messages: &Places<MessageId>,
    enums: &Places<EnumId>,
) -> MessagePlan {
    let mut fields: Vec<FieldPlan> =
        message.fields().filter_map(|field| field_plan(&field, personal, messages, enums)).collect();
    fields.sort_by_key(|field| field.number);
    let mut names = HashMap::new();
    for (index, field) in fields.iter().enumerate() {
        names.insert(field.name.clone(), index);
        names.insert(field.json_name.clone(), index);
    }
    MessagePlan {
        shape: shape(message.full_name()),
        fields,
        names,
        oneofs: message.oneofs().map(|oneof| oneof.name().into()).collect(),
        descriptor: message,
    }
}

fn shape(full_name: &str) -> Shape {
    let Some(name) = full_name.strip_prefix("google.protobuf.") else { return Shape::Fields };
    match name {
        "Timestamp" => Shape::Timestamp,
        "Duration" => Shape::Duration,
        "DoubleValue" | "FloatValue" | "Int64Value" | "UInt64Value" | "Int32Value" | "UInt32Value"
        | "BoolValue" | "StringValue" | "BytesValue" => Shape::Wrapper,
        "Any" | "Struct" | "Value" | "ListValue" | "FieldMask" => Shape::Reflected,
        _ => Shape::Fields,
    }
}

/// None for a type outside of the pool, which a pool that decoded does not have.
fn field_plan(
    field: &FieldDescriptor,
    personal: Option<&ExtensionDescriptor>,
    messages: &Places<MessageId>,
    enums: &Places<EnumId>,
) -> Option<FieldPlan> {
    let kind = match field.kind() {
        ReflectedKind::Double => Kind::Double,
        ReflectedKind::Float => Kind::Float,
        ReflectedKind::Int32 => Kind::Int32,
        ReflectedKind::Int64 => Kind::Int64,
        ReflectedKind::Uint32 => Kind::Uint32,
        ReflectedKind::Uint64 => Kind::Uint64,
        ReflectedKind::Sint32 => Kind::Sint32,
        ReflectedKind::Sint64 => Kind::Sint64,
        ReflectedKind::Fixed32 => Kind::Fixed32,
        ReflectedKind::Fixed64 => Kind::Fixed64,
        ReflectedKind::Sfixed32 => Kind::Sfixed32,
        ReflectedKind::Sfixed64 => Kind::Sfixed64,
        ReflectedKind::Bool => Kind::Bool,
        ReflectedKind::String => Kind::String,
        ReflectedKind::Bytes => Kind::Bytes,
        ReflectedKind::Enum(enumeration) => Kind::Enum(*enums.get(enumeration.full_name())?),
        ReflectedKind::Message(message) => Kind::Message(*messages.get(message.full_name())?),
    };
    let cardinality = match field.cardinality() {
        _ if field.is_map() => Cardinality::Map,
        ReflectedCardinality::Repeated => Cardinality::Repeated,
        ReflectedCardinality::Optional | ReflectedCardinality::Required => Cardinality::Single,
    };
    let oneof = field.containing_oneof().and_then(|oneof| {
        field.parent_message().oneofs().position(|candidate| candidate.name() == oneof.name())
    });
    Some(FieldPlan {
        number: field.number(),
        name: field.name().into(),
        json_name: field.json_name().into(),
        kind,
        cardinality,
        presence: field.supports_presence(),
        personal: personal
            .is_some_and(|personal| field.options().get_extension(personal).as_bool() == Some(true)),
        oneof,
    })
}

fn enum_plan(enumeration: &EnumDescriptor) -> EnumPlan {
    let choices: Vec<String> = enumeration
        .values()
        .filter(|value| value.number() != 0)
        .map(|value| value.name().to_owned())
        .collect();
    let mut by_number: HashMap<i32, Box<str>> = HashMap::new();
    for value in enumeration.values() {
        // Of aliases the first is the name.
        by_number.entry(value.number()).or_insert_with(|| value.name().into());
    }
    EnumPlan {
        by_name: enumeration.values().map(|value| (value.name().into(), value.number())).collect(),
        by_number,
        choices: choices.join(", "),
    }
}
