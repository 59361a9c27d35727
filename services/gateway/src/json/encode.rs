//! Protobuf bytes to canonical JSON, straight into the answer's buffer.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use prost_reflect::DynamicMessage;

use super::{
    time::{write_duration, write_timestamp},
    token::{default, display, float, is_default, low_i32, quoted, string, unpack},
    wire::{Raw, WireError, take_field, unzigzag},
};
use crate::schema::{Cardinality, FieldPlan, Kind, MessageId, MessagePlan, Schema, Shape};

/// Protobuf's own bound.
const MAX_DEPTH: usize = 100;

/// Appends the message as JSON. Default values and unknown fields are left out, enums are names.
pub(crate) fn encode(
    schema: &Schema,
    id: MessageId,
    bytes: &[u8],
    out: &mut Vec<u8>,
) -> Result<(), WireError> {
    Encoder { schema, found: Vec::with_capacity(32), depth: 0 }.message(id, bytes, out)
}

struct Encoder<'s, 'b> {
    schema: &'s Schema,
    /// Fields of the messages that are being written, the innermost one's at the end.
    found: Vec<(usize, Raw<'b>)>,
    depth: usize,
}

impl<'b> Encoder<'_, 'b> {
    fn message(&mut self, id: MessageId, bytes: &'b [u8], out: &mut Vec<u8>) -> Result<(), WireError> {
        if self.depth == MAX_DEPTH {
            return Err(WireError::Depth);
        }
        self.depth += 1;
        let start = self.found.len();
        let written = self.written(id, bytes, out);
        self.found.truncate(start);
        self.depth -= 1;
        written
    }

    fn written(&mut self, id: MessageId, bytes: &'b [u8], out: &mut Vec<u8>) -> Result<(), WireError> {
        let schema = self.schema;
        let plan = schema.message(id);
        if plan.shape == Shape::Reflected {
            return reflected(plan, bytes, out);
        }
        let start = self.found.len();
        self.scan(plan, bytes)?;
        match plan.shape {
            Shape::Timestamp | Shape::Duration => self.time(plan.shape, start, out),
            Shape::Wrapper => {
                if let Some((field, raw)) = self.found[start..].last().copied() {
                    return self.value(plan.fields[field].kind, raw, out);
                }
                default(plan.fields.first().map(|field| field.kind), out);
                Ok(())
            }
            Shape::Fields | Shape::Reflected => self.members(plan, start, out),
        }
    }

    /// Finds the fields, and puts them in the order of their numbers if they are not.
    fn scan(&mut self, plan: &MessagePlan, mut bytes: &'b [u8]) -> Result<(), WireError> {
        let start = self.found.len();
        while !bytes.is_empty() {
            let (number, raw) = take_field(&mut bytes)?;
            if let Some(field) = plan.index_of_number(number) {
                self.found.push((field, raw));
            }
        }
        if !self.found[start..].is_sorted_by_key(|(field, _)| *field) {
            self.found[start..].sort_by_key(|(field, _)| *field);
        }
        Ok(())
    }

    fn members(&mut self, plan: &MessagePlan, start: usize, out: &mut Vec<u8>) -> Result<(), WireError> {
        out.push(b'{');
        let end = self.found.len();
        let mut next = start;
        let mut empty = true;
        let mut oneofs = vec![None; plan.oneofs.len()];
        for (field, _) in &self.found[start..end] {
            if let Some(oneof) = plan.fields[*field].oneof {
                oneofs[oneof] = Some(*field);
            }
        }
        while next < end {
            let (index, _) = self.found[next];
            let first = next;
            while next < end && self.found[next].0 == index {
                next += 1;
            }
            let field = &plan.fields[index];
            if field.oneof.is_some_and(|oneof| oneofs[oneof] != Some(index)) {
                continue;
            }
            let before = out.len();
            if !empty {
                out.push(b',');
            }
            string(&field.json_name, out);
            out.push(b':');
            let value = out.len();
            self.field(field, first, next, out)?;
            if out.len() == value {
                out.truncate(before);
            } else {
                empty = false;
            }
        }
        out.push(b'}');
        Ok(())
    }

    /// Writes nothing for a default value.
    fn field(
        &mut self,
        field: &FieldPlan,
        first: usize,
        end: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), WireError> {
        match (field.cardinality, field.kind) {
            (Cardinality::Single, Kind::Message(id)) if end - first > 1 => self.merged(id, first, end, out),
            (Cardinality::Single, kind) => match self.found[end - 1].1 {
                raw if !field.presence && is_default(raw) => Ok(()),
                raw => self.value(kind, raw, out),
            },
            (Cardinality::Map, Kind::Message(entry)) => self.map(entry, first, end, out),
            (_, kind) => {
                let start = out.len();
                out.push(b'[');
                for index in first..end {
                    match (kind, self.found[index].1) {
                        (Kind::Message(_) | Kind::String | Kind::Bytes, raw) => {
                            self.element(kind, raw, start, out)?;
                        }
                        (_, Raw::Delimited(mut packed)) => {
                            while !packed.is_empty() {
                                let raw = unpack(kind, &mut packed)?;
                                self.element(kind, raw, start, out)?;
                            }
                        }
                        (_, raw) => self.element(kind, raw, start, out)?,
                    }
                }
                out.push(b']');
                if out.len() == start + 2 {
                    out.truncate(start);
                }
                Ok(())
            }
        }
    }

    fn element(
        &mut self,
        kind: Kind,
        raw: Raw<'b>,
        start: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), WireError> {
        if out.len() > start + 1 {
            out.push(b',');
        }
        self.value(kind, raw, out)
    }

    /// A message that came in several pieces is their merger: their bytes one after the other.
    fn merged(&self, id: MessageId, first: usize, end: usize, out: &mut Vec<u8>) -> Result<(), WireError> {
        let mut bytes = Vec::new();
        for (_, raw) in &self.found[first..end] {
            let Raw::Delimited(piece) = raw else { return Err(WireError::WireType) };
            bytes.extend_from_slice(piece);
        }
        Encoder { schema: self.schema, found: Vec::new(), depth: self.depth }.message(id, &bytes, out)
    }

    fn map(
        &mut self,
        entry: MessageId,
        first: usize,
        end: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), WireError> {
        let schema = self.schema;
        let [key_field, value_field] = &schema.message(entry).fields[..] else {
            return Err(WireError::WireType);
        };
        out.push(b'{');
        for index in first..end {
            let Raw::Delimited(mut bytes) = self.found[index].1 else { return Err(WireError::WireType) };
            let (mut key, mut value) = (None, None);
            while !bytes.is_empty() {
                match take_field(&mut bytes)? {
                    (1, raw) => key = Some(raw),
                    (2, raw) => value = Some(raw),
                    _ => {}
                }
            }
            if index > first {
                out.push(b',');
            }
            let start = out.len();
            match key {
                Some(raw) => self.value(key_field.kind, raw, out)?,
                None => default(Some(key_field.kind), out),
            }
            // Keys are strings in JSON, whatever they are in the proto.
            if out.get(start) != Some(&b'"') {
                out.insert(start, b'"');
                out.push(b'"');
            }
            out.push(b':');
            match (value, value_field.kind) {
                (Some(raw), kind) => self.value(kind, raw, out)?,
                (None, Kind::Message(id)) => self.message(id, &[], out)?,
                (None, kind) => self.absent(kind, out),
            }
        }
        out.push(b'}');
        Ok(())
    }

    fn absent(&self, kind: Kind, out: &mut Vec<u8>) {
        match kind {
            Kind::Enum(id) => self.enumeration(id, 0, out),
            _ => default(Some(kind), out),
        }
    }

    fn value(&mut self, kind: Kind, raw: Raw<'b>, out: &mut Vec<u8>) -> Result<(), WireError> {
        match (kind, raw) {
            (Kind::String, Raw::Delimited(bytes)) => {
                string(std::str::from_utf8(bytes).map_err(|_| WireError::Utf8)?, out);
            }
            (Kind::Message(id), Raw::Delimited(bytes)) => return self.message(id, bytes, out),
            (Kind::Enum(id), Raw::Varint(value)) => self.enumeration(id, low_i32(value), out),
            (Kind::Bool, Raw::Varint(value)) => {
                out.extend_from_slice(if value == 0 { b"false" } else { b"true" });
            }
            (Kind::Int32, Raw::Varint(value)) => display(out, low_i32(value)),
            (Kind::Uint32, Raw::Varint(value)) => display(out, low_i32(value).cast_unsigned()),
            (Kind::Sint32, Raw::Varint(value)) => display(out, unzigzag(value)),
            (Kind::Fixed32, Raw::Fixed32(value)) => display(out, value),
            (Kind::Sfixed32, Raw::Fixed32(value)) => display(out, value.cast_signed()),
            (Kind::Int64, Raw::Varint(value)) | (Kind::Sfixed64, Raw::Fixed64(value)) => {
                quoted(out, value.cast_signed());
            }
            (Kind::Uint64, Raw::Varint(value)) | (Kind::Fixed64, Raw::Fixed64(value)) => quoted(out, value),
            (Kind::Sint64, Raw::Varint(value)) => quoted(out, unzigzag(value)),
            (Kind::Double, Raw::Fixed64(bits)) => float(out, f64::from_bits(bits), f64::from_bits(bits)),
            (Kind::Float, Raw::Fixed32(bits)) => {
                float(out, f32::from_bits(bits).into(), f32::from_bits(bits));
            }
            (Kind::Bytes, Raw::Delimited(bytes)) => quoted(out, BASE64_STANDARD.encode(bytes)),
            _ => return Err(WireError::WireType),
        }
        Ok(())
    }

    fn enumeration(&self, id: crate::schema::EnumId, number: i32, out: &mut Vec<u8>) {
        match self.schema.enumeration(id).name(number) {
            Some(name) => quoted(out, name),
            None => display(out, number),
        }
    }

    fn time(&self, shape: Shape, start: usize, out: &mut Vec<u8>) -> Result<(), WireError> {
        let (mut second, mut nanosecond) = (0, 0);
        for (field, raw) in &self.found[start..] {
            match (field, raw) {
                (0, Raw::Varint(value)) => second = value.cast_signed(),
                (_, Raw::Varint(value)) => nanosecond = low_i32(*value),
                _ => return Err(WireError::WireType),
            }
        }
        let written = match shape {
            Shape::Timestamp => write_timestamp(out, second, nanosecond),
            _ => write_duration(out, second, nanosecond),
        };
        if written { Ok(()) } else { Err(WireError::Unspeakable) }
    }
}

fn reflected(plan: &MessagePlan, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), WireError> {
    let message = DynamicMessage::decode(plan.descriptor.clone(), bytes).map_err(|_| WireError::Truncated)?;
    serde_json::to_writer(out, &message).map_err(|_| WireError::Unspeakable)
}
