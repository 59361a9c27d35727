//! One JSON value, written as the field that it is for.

use std::{collections::HashSet, fmt};

use prost::Message as _;
use prost_reflect::DynamicMessage;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::{
    decode::Context,
    path::{Path, shortened},
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

/// The members of an object that is a message.
fn members<'de, 's, A: MapAccess<'de>>(
    context: &mut Context<'s>,
    plan: &'s MessagePlan,
    path: &Path<'_>,
    out: &mut Vec<u8>,
    mut object: A,
) -> Result<(), A::Error> {
    let mut seen = vec![false; plan.fields.len()];
    let mut chosen = vec![false; plan.oneofs.len()];
    let mut last: Option<&str> = None;
    loop {
        // What follows a value and is neither a comma nor the end belongs to that value: a text without quotes, for example.
        let read = object.next_key_seed(Key(plan)).inspect_err(|error| match last {
            Some(last) if error.to_string().starts_with("expected `,`") => {
                context.broken(&Path::Field(path, last));
            }
            _ => context.broken(path),
        });
        let Some(key) = read? else { break };
        last = None;
        let index = match key {
            Ok(index) => index,
            Err(unknown) => {
                let description = format!("is not a field here; there are: {}", plan.choices());
                context.refuse(&Path::Field(path, &unknown), description);
                object.next_value::<IgnoredAny>()?;
                continue;
            }
        };
        let field = &plan.fields[index];
        last = Some(&field.json_name);
        let path = Path::Field(path, &field.json_name);
        if std::mem::replace(&mut seen[index], true) {
            context.refuse(&path, "is given twice; give it once");
            object.next_value::<IgnoredAny>()?;
            continue;
        }
        let before = out.len();
        let value = Value { context, slot: Slot::Field(field), path: &path, out };
        if let Err(error) = object.next_value_seed(value) {
            context.broken(&path);
            return Err(error);
        }
        // Nothing is written for null, which chooses nothing.
        if let Some(oneof) = field.oneof.filter(|_| out.len() > before)
            && std::mem::replace(&mut chosen[oneof], true)
        {
            context.refuse(
                &path,
                format!("excludes what is given already: only one of `{}`", plan.oneofs[oneof]),
            );
        }
    }
    Ok(())
}

/// The members of an object that is a map.
fn entries<'de, 's, A: MapAccess<'de>>(
    context: &mut Context<'s>,
    entry: &'s MessagePlan,
    number: u32,
    path: &Path<'_>,
    out: &mut Vec<u8>,
    mut object: A,
) -> Result<(), A::Error> {
    let [key_field, value_field] = &entry.fields[..] else {
        return Err(A::Error::custom("a map without entries"));
    };
    let mut seen = HashSet::new();
    while let Some(key) = object.next_key::<String>().inspect_err(|_| context.broken(path))? {
        let path = Path::Field(path, &key);
        let schema = context.schema;
        nest(out, number, |out| {
            if let Err(description) =
                put_text(schema, key_field.kind, key_field.number, &key, Source::Url, out)
            {
                context.refuse(&path, format!("has a key that {description}"));
            }
            let value = Value { context, slot: Slot::Element(value_field), path: &path, out };
            object.next_value_seed(value).inspect_err(|_| context.broken(&path))
        })?;
        if seen.contains(&key) {
            context.refuse(&path, "is given twice; give it once");
        }
        seen.insert(key);
    }
    Ok(())
}

/// A member's name, looked up as it is read. An unknown one comes back as text.
struct Key<'s>(&'s MessagePlan);

impl<'de> DeserializeSeed<'de> for Key<'_> {
    type Value = Result<usize, String>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Key<'_> {
    type Value = Result<usize, String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a field's name")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Self::Value, E> {
        Ok(self.0.field_index(name).ok_or_else(|| shortened(name)))
    }
}
