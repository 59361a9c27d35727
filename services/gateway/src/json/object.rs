//! The members of a JSON object: those of a message, and those of a map.

use std::{collections::HashSet, fmt};

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, Visitor};

use super::{
    decode::Context,
    path::{Path, shortened},
    text::{Source, put_text},
    value::{Slot, Value},
    wire::nest,
};
use crate::schema::MessagePlan;

/// The members of an object that is a message.
pub(super) fn members<'de, 's, A: MapAccess<'de>>(
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
pub(super) fn entries<'de, 's, A: MapAccess<'de>>(
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
