//! One JSON value, written as the field that it is for.

use std::fmt;

use prost::Message as _;
use prost_reflect::DynamicMessage;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::{
    decode::Context,
    object::{entries, members},
    path::Path,
    text::{Source, expected, put_bool, put_float, put_integer, put_text},
    wire::{nest, put_bytes},
};
use crate::schema::{Cardinality, FieldPlan, Kind, MessageId, MessagePlan, Schema, Shape};

/// A value to come. Reading it fails only where the text is not JSON; what is merely wrong goes to the violations.
pub(crate) struct Value<'a, 's> {
    pub(crate) context: &'a mut Context<'s>,
    pub(crate) slot: Slot<'s>,
    pub(crate) path: &'a Path<'a>,
    pub(crate) out: &'a mut Vec<u8>,
}

/// What the value is for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Slot<'s> {
    /// The request itself: its fields are not nested.
    Request(MessageId),
    Field(&'s FieldPlan),
    /// An element of a repeated field, or a value of a map.
    Element(&'s FieldPlan),
}

type Put<'s> = Result<(&'s Schema, Kind, u32), String>;

impl<'s> Value<'_, 's> {
    /// The kind and number under which a single value is written here.
    fn single(&self) -> Put<'s> {
        let schema = self.context.schema;
        match self.slot {
            Slot::Request(id) => Err(expected(schema, Kind::Message(id))),
            Slot::Field(field) => match field.cardinality {
                Cardinality::Single => Ok((schema, field.kind, field.number)),
                Cardinality::Repeated => Err("must be a list".to_owned()),
                Cardinality::Map => Err("must be an object of keys and values".to_owned()),
            },
            Slot::Element(field) => Ok((schema, field.kind, field.number)),
        }
    }

    /// Writes a value that is one JSON token. A wrapper's value stands one message deeper.
    fn put(self, write: impl FnOnce(&Schema, Kind, u32, &mut Vec<u8>) -> Result<(), String>) {
        let written = self.single().and_then(|(schema, kind, number)| match wrapped(schema, kind) {
            Some(field) => nest(self.out, number, |out| write(schema, field.kind, field.number, out)),
            None => write(schema, kind, number, self.out),
        });
        if let Err(description) = written {
            self.context.refuse(self.path, description);
        }
    }

    /// What stands here must be something else.
    fn misplaced(self) {
        let description = match self.single() {
            Ok((schema, kind, _)) => expected(schema, kind),
            Err(description) => description,
        };
        self.context.refuse(self.path, description);
    }

    fn reflected(&self) -> Option<(&'s MessagePlan, u32)> {
        let (schema, Kind::Message(id), number) = self.single().ok()? else { return None };
        let plan = schema.message(id);
        (plan.shape == Shape::Reflected).then_some((plan, number))
    }
}

/// The only field of a wrapper type.
fn wrapped(schema: &Schema, kind: Kind) -> Option<&FieldPlan> {
    let Kind::Message(id) = kind else { return None };
    let plan = schema.message(id);
    if plan.shape == Shape::Wrapper { plan.fields.first() } else { None }
}

impl<'de> DeserializeSeed<'de> for Value<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        let Some((plan, number)) = self.reflected() else { return deserializer.deserialize_any(self) };
        let message = DynamicMessage::deserialize(plan.descriptor.clone(), deserializer)?;
        put_bytes(self.out, number, &message.encode_to_vec());
        Ok(())
    }
}

impl<'de> Visitor<'de> for Value<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    /// Null is absence, except where something must stand.
    fn visit_unit<E: Error>(self) -> Result<(), E> {
        match self.slot {
            Slot::Field(_) => {}
            Slot::Request(_) | Slot::Element(_) => self.misplaced(),
        }
        Ok(())
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<(), E> {
        self.put(|schema, kind, number, out| match kind {
            Kind::Bool => {
                put_bool(out, number, value);
                Ok(())
            }
            _ => Err(expected(schema, kind)),
        });
        Ok(())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<(), E> {
        self.put(|schema, kind, number, out| integer(schema, kind, number, value.into(), out));
        Ok(())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<(), E> {
        self.put(|schema, kind, number, out| integer(schema, kind, number, value.into(), out));
        Ok(())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<(), E> {
        self.put(|schema, kind, number, out| put_float(schema, kind, number, value, out));
        Ok(())
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<(), E> {
        self.put(|schema, kind, number, out| put_text(schema, kind, number, value, Source::Json, out));
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        match self.slot {
            Slot::Field(field) if field.cardinality == Cardinality::Repeated => {
                for index in 0.. {
                    let path = Path::Index(self.path, index);
                    let element = Value {
                        context: self.context,
                        slot: Slot::Element(field),
                        path: &path,
                        out: self.out,
                    };
                    match list.next_element_seed(element) {
                        Ok(Some(())) => {}
                        Ok(None) => break,
                        Err(error) => {
                            self.context.broken(&path);
                            return Err(error);
                        }
                    }
                }
                Ok(())
            }
            _ => {
                self.misplaced();
                while list.next_element::<IgnoredAny>()?.is_some() {}
                Ok(())
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<(), A::Error> {
        let schema = self.context.schema;
        match self.slot {
            Slot::Request(id) => members(self.context, schema.message(id), self.path, self.out, object),
            Slot::Field(FieldPlan {
                cardinality: Cardinality::Map,
                kind: Kind::Message(entry),
                number,
                ..
            }) => entries(self.context, schema.message(*entry), *number, self.path, self.out, object),
            Slot::Field(FieldPlan {
                cardinality: Cardinality::Single,
                kind: Kind::Message(id),
                number,
                ..
            })
            | Slot::Element(FieldPlan { kind: Kind::Message(id), number, .. })
                if schema.message(*id).shape == Shape::Fields =>
            {
                let (context, path) = (self.context, self.path);
                nest(self.out, *number, |out| members(context, schema.message(*id), path, out, object))
            }
            _ => {
                self.misplaced();
                while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(())
            }
        }
    }
}

fn integer(schema: &Schema, kind: Kind, number: u32, value: i128, out: &mut Vec<u8>) -> Result<(), String> {
    match kind {
        #[expect(clippy::cast_precision_loss, reason = "a double is what the field holds")]
        Kind::Double | Kind::Float => put_float(schema, kind, number, value as f64, out),
        _ => put_integer(schema, kind, number, value, out),
    }
}
