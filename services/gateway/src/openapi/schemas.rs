//! Messages and enums as JSON Schema.

use std::collections::BTreeMap;

use prost_reflect::{
    DescriptorPool, EnumDescriptor, FieldDescriptor, Kind, MessageDescriptor, Value as Reflected,
};
use serde_json::{Map, Value, json};

use super::comments::Comments;
use crate::schema::{Schema, Shape};

/// `google.api.FieldBehavior`.
const REQUIRED: i32 = 2;
const OUTPUT_ONLY: i32 = 3;

/// Gathers every type that the operations speak of.
pub(super) struct Schemas<'a> {
    schema: &'a Schema,
    pub(super) comments: &'a Comments,
    made: BTreeMap<String, Value>,
    /// Of resources, the plural in a path to the singular for its id.
    singulars: BTreeMap<String, String>,
}

impl<'a> Schemas<'a> {
    pub(super) fn new(schema: &'a Schema, comments: &'a Comments) -> Self {
        let pool = foursight_proto::descriptors();
        let mut made = BTreeMap::new();
        made.insert("Problem".to_owned(), problem());
        Self { schema, comments, made, singulars: singulars(pool) }
    }

    pub(super) fn finish(self) -> BTreeMap<String, Value> {
        self.made
    }

    /// Whether a field may hold personal data, so that no query takes it.
    pub(super) fn is_personal(&self, field: &FieldDescriptor) -> bool {
        let message = self.schema.find(field.parent_message().full_name());
        let plan = message.and_then(|id| self.schema.message(id).field(field.name()));
        plan.is_some_and(|plan| plan.personal)
    }

    /// The name of the parameter that stands for an id after a collection's name.
    pub(super) fn singular(&self, collection: &str) -> String {
        self.singulars.get(collection).cloned().unwrap_or_else(|| format!("{collection}Id"))
    }

    /// A message type, or a reference to it.
    pub(super) fn message(&mut self, message: &MessageDescriptor) -> Value {
        let plan = self.schema.find(message.full_name()).map(|id| self.schema.message(id));
        match plan.map(|plan| plan.shape) {
            Some(Shape::Timestamp) => json!({"type": "string", "format": "date-time"}),
            Some(Shape::Duration) => json!({"type": "string", "pattern": r"^-?\d+(\.\d{1,9})?s$"}),
            Some(Shape::Wrapper) => match message.get_field(1) {
                Some(field) => self.single(&field),
                None => json!({}),
            },
            Some(Shape::Reflected) if message.full_name() == "google.protobuf.FieldMask" => {
                json!({"type": "string", "example": "displayName,gender"})
            }
            Some(Shape::Reflected) | None => json!({}),
            Some(Shape::Fields) => {
                let name = short(message.full_name());
                if !self.made.contains_key(&name) {
                    // Before its fields, which may lead back to it.
                    self.made.insert(name.clone(), Value::Null);
                    let mut made = self.object(message, &|_| true);
                    describe(&mut made, self.comments.of(message.full_name()));
                    self.made.insert(name.clone(), made);
                }
                reference(&name)
            }
        }
    }

    /// An object with those of a message's fields that are wanted.
    pub(super) fn object(
        &mut self,
        message: &MessageDescriptor,
        wanted: &dyn Fn(&FieldDescriptor) -> bool,
    ) -> Value {
        let (mut properties, mut required) = (Map::new(), Vec::new());
        for field in message.fields().filter(wanted) {
            let mut property = self.property(&field);
            // An optional field is alone in a oneof of its own, which protobuf has only made up.
            if let Some(oneof) = field.containing_oneof().filter(|oneof| oneof.fields().len() > 1) {
                property["x-oneof"] = json!(oneof.name());
            }
            properties.insert(field.json_name().to_owned(), property);
            if behaves(&field, REQUIRED) {
                required.push(field.json_name().to_owned());
            }
        }
        let mut object = json!({"type": "object", "properties": properties});
        if !required.is_empty() {
            object["required"] = json!(required);
        }
        object
    }

    /// A field with its comment.
    pub(super) fn property(&mut self, field: &FieldDescriptor) -> Value {
        let mut made = if field.is_map() {
            let value = match field.kind() {
                Kind::Message(entry) => self.single(&entry.map_entry_value_field()),
                _ => json!({}),
            };
            json!({"type": "object", "additionalProperties": value})
        } else if field.is_list() {
            json!({"type": "array", "items": self.single(field)})
        } else {
            self.single(field)
        };
        describe(&mut made, self.comments.of(field.full_name()));
        if behaves(field, OUTPUT_ONLY) {
            made["readOnly"] = json!(true);
        }
        made
    }

    fn single(&mut self, field: &FieldDescriptor) -> Value {
        match field.kind() {
            Kind::Double => json!({"type": "number", "format": "double"}),
            Kind::Float => json!({"type": "number", "format": "float"}),
            Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => json!({"type": "integer", "format": "int32"}),
            Kind::Uint32 | Kind::Fixed32 => json!({"type": "integer", "format": "int64", "minimum": 0}),
            Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => json!({"type": "string", "format": "int64"}),
            Kind::Uint64 | Kind::Fixed64 => json!({"type": "string", "format": "uint64"}),
            Kind::Bool => json!({"type": "boolean"}),
            Kind::String => json!({"type": "string"}),
            Kind::Bytes => json!({"type": "string", "contentEncoding": "base64"}),
            Kind::Enum(enumeration) => self.enumeration(&enumeration),
            Kind::Message(message) => self.message(&message),
        }
    }

    /// Without the value for "unspecified", which is never written.
    fn enumeration(&mut self, enumeration: &EnumDescriptor) -> Value {
        let name = short(enumeration.full_name());
        if !self.made.contains_key(&name) {
            let values: Vec<_> = enumeration.values().filter(|value| value.number() != 0).collect();
            let names: Vec<&str> = values.iter().map(prost_reflect::EnumValueDescriptor::name).collect();
            let mut made = json!({"type": "string", "enum": names});
            let mut text = self.comments.of(enumeration.full_name()).to_owned();
            for value in &values {
                let comment = self.comments.of(value.full_name());
                if !comment.is_empty() {
                    text = format!("{text}\n\n`{}`: {comment}", value.name());
                }
            }
            describe(&mut made, text.trim());
            self.made.insert(name.clone(), made);
        }
        reference(&name)
    }
}

/// `foursight.customer.v1.Customer` is `customer.v1.Customer` here.
fn short(full_name: &str) -> String {
    full_name.strip_prefix("foursight.").unwrap_or(full_name).to_owned()
}

fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

fn describe(made: &mut Value, comment: &str) {
    if !comment.is_empty() {
        made["description"] = json!(comment);
    }
}

pub(super) fn is_required(field: &FieldDescriptor) -> bool {
    behaves(field, REQUIRED)
}

fn behaves(field: &FieldDescriptor, behavior: i32) -> bool {
    let Some(extension) = foursight_proto::descriptors().get_extension_by_name("google.api.field_behavior")
    else {
        return false;
    };
    let options = field.options();
    match options.get_extension(&extension).as_ref() {
        Reflected::List(behaviors) => behaviors.iter().any(|value| value.as_enum_number() == Some(behavior)),
        _ => false,
    }
}

fn singulars(pool: &DescriptorPool) -> BTreeMap<String, String> {
    let Some(extension) = pool.get_extension_by_name("google.api.resource") else { return BTreeMap::new() };
    let resources = pool.all_messages().filter_map(|message| {
        let options = message.options();
        let resource =
            options.has_extension(&extension).then(|| options.get_extension(&extension).into_owned())?;
        let resource = resource.as_message()?.clone();
        let text = |field| Some(resource.get_field_by_name(field)?.as_str()?.to_owned());
        Some((text("plural")?, text("singular")?))
    });
    resources.collect()
}

fn problem() -> Value {
    json!({
        "type": "object",
        "description": "Problem details as RFC 9457 has them.",
        "required": ["type", "title", "status", "code"],
        "properties": {
            "type": {"type": "string", "description": "Names the reason; `about:blank` when the code says everything."},
            "title": {"type": "string"},
            "status": {"type": "integer", "description": "The HTTP status."},
            "detail": {"type": "string", "description": "This problem, for people."},
            "code": {"type": "string", "description": "The name in `google.rpc.Code`."},
            "reason": {"type": "string", "description": "Stable; what a client may branch on."},
            "violations": {"type": "array", "description": "The fields that are wrong.", "items": {
                "type": "object",
                "required": ["field", "description"],
                "properties": {
                    "field": {"type": "string", "description": "The field's path in the request, in JSON's spelling; `header.…` for a header, `body` for the body as a whole."},
                    "description": {"type": "string", "description": "What is wrong and what would be right."},
                },
            }},
            "metadata": {"type": "object", "additionalProperties": {"type": "string"}},
            "retryAfter": {"type": "integer", "description": "Seconds after which the same request may work."},
            "traceId": {"type": "string", "description": "Finds the request in traces and logs; the header `trace-id` has it, too."},
        },
    })
}
