//! One value from text: what a JSON string, a query parameter or a path segment says.

use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};

use super::{
    time::{DURATION_REMEDY, TIMESTAMP_REMEDY, parse_duration, parse_timestamp},
    wire::{FIXED32, FIXED64, VARINT, nest, put_bytes, put_key, put_varint, zigzag},
};
use crate::schema::{EnumId, Kind, MessageId, Schema, Shape};

const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);

/// Where the text comes from: everything is text in a URL, but not in JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    Json,
    Url,
}

/// Writes the field with the value that the text says. The error is a violation's description.
pub(crate) fn put_text(
    schema: &Schema,
    kind: Kind,
    number: u32,
    text: &str,
    source: Source,
    out: &mut Vec<u8>,
) -> Result<(), String> {
    match kind {
        Kind::String => put_bytes(out, number, text.as_bytes()),
        Kind::Bytes => {
            let engine = if text.contains(['-', '_']) { &URL_SAFE } else { &STANDARD };
            let bytes = engine.decode(text).map_err(|_| "must be base64".to_owned())?;
            put_bytes(out, number, &bytes);
        }
        Kind::Bool => match (source, text) {
            (Source::Url, "true") => put_bool(out, number, true),
            (Source::Url, "false") => put_bool(out, number, false),
            _ => return Err(expected(schema, kind)),
        },
        Kind::Enum(id) => match (schema.enumeration(id).number(text), source) {
            (Some(value), _) => put_enum(out, number, value),
            (None, Source::Url) => {
                let value = text.parse().map_err(|_| expected(schema, kind))?;
                return put_enum_number(schema, id, number, value, out);
            }
            (None, Source::Json) => return Err(expected(schema, kind)),
        },
        Kind::Message(id) => return put_message(schema, id, number, text, source, out),
        Kind::Double | Kind::Float => {
            let value = float(text).ok_or_else(|| expected(schema, kind))?;
            return put_float(schema, kind, number, value, out);
        }
        _ => {
            let sound = !text.starts_with('+');
            let value = text.parse().ok().filter(|_| sound);
            let value = value.ok_or_else(|| match float(text) {
                Some(value) if value.fract() != 0.0 => without_decimals(schema, kind),
                _ => expected(schema, kind),
            })?;
            return put_integer(schema, kind, number, value, out);
        }
    }
    Ok(())
}

/// Of the message types only those that are one value in JSON can be said in text.
fn put_message(
    schema: &Schema,
    id: MessageId,
    number: u32,
    text: &str,
    source: Source,
    out: &mut Vec<u8>,
) -> Result<(), String> {
    let plan = schema.message(id);
    let (second, nanosecond) = match plan.shape {
        Shape::Timestamp => parse_timestamp(text)?,
        Shape::Duration => parse_duration(text)?,
        Shape::Wrapper => {
            let field = &plan.fields[0];
            return nest(out, number, |out| put_text(schema, field.kind, field.number, text, source, out));
        }
        Shape::Fields | Shape::Reflected => return Err(expected(schema, Kind::Message(id))),
    };
    nest(out, number, |out| {
        put_key(out, 1, VARINT);
        put_varint(out, second.cast_unsigned());
        put_key(out, 2, VARINT);
        put_varint(out, i64::from(nanosecond).cast_unsigned());
    });
    Ok(())
}

/// Every kind of whole number, checked against the kind's range.
pub(crate) fn put_integer(
    schema: &Schema,
    kind: Kind,
    number: u32,
    value: i128,
    out: &mut Vec<u8>,
) -> Result<(), String> {
    let range = |_| expected(schema, kind);
    match kind {
        Kind::Int32 => varint(out, number, i64::from(i32::try_from(value).map_err(range)?).cast_unsigned()),
        Kind::Int64 => varint(out, number, i64::try_from(value).map_err(range)?.cast_unsigned()),
        Kind::Uint32 => varint(out, number, u64::from(u32::try_from(value).map_err(range)?)),
        Kind::Uint64 => varint(out, number, u64::try_from(value).map_err(range)?),
        Kind::Sint32 => varint(out, number, zigzag(i64::from(i32::try_from(value).map_err(range)?))),
        Kind::Sint64 => varint(out, number, zigzag(i64::try_from(value).map_err(range)?)),
        Kind::Fixed32 => fixed32(out, number, u32::try_from(value).map_err(range)?),
        Kind::Sfixed32 => fixed32(out, number, i32::try_from(value).map_err(range)?.cast_unsigned()),
        Kind::Fixed64 => fixed64(out, number, u64::try_from(value).map_err(range)?),
        Kind::Sfixed64 => fixed64(out, number, i64::try_from(value).map_err(range)?.cast_unsigned()),
        Kind::Enum(id) => return put_enum_number(schema, id, number, value, out),
        _ => return Err(expected(schema, kind)),
    }
    Ok(())
}

/// A number with a fraction, or a whole one where the kind has no fractions.
pub(crate) fn put_float(
    schema: &Schema,
    kind: Kind,
    number: u32,
    value: f64,
    out: &mut Vec<u8>,
) -> Result<(), String> {
    match kind {
        Kind::Double => fixed64(out, number, value.to_bits()),
        Kind::Float => {
            #[expect(
                clippy::cast_possible_truncation,
                reason = "rounding is meant; too large is refused below"
            )]
            let narrow = value as f32;
            if narrow.is_infinite() && value.is_finite() {
                return Err("is too large for a number of 32 bits".to_owned());
            }
            fixed32(out, number, narrow.to_bits());
        }
        _ if value.fract() == 0.0 && value.abs() < 1e30 => {
            let whole = format!("{value:.0}").parse().map_err(|_| expected(schema, kind))?;
            return put_integer(schema, kind, number, whole, out);
        }
        _ if value.fract() != 0.0 => return Err(without_decimals(schema, kind)),
        _ => return Err(expected(schema, kind)),
    }
    Ok(())
}

/// What a number with decimals must be where the kind has none.
fn without_decimals(schema: &Schema, kind: Kind) -> String {
    match kind {
        Kind::Bool | Kind::String | Kind::Bytes | Kind::Enum(_) | Kind::Message(_) => expected(schema, kind),
        _ => format!("{}, without decimals", expected(schema, kind)),
    }
}

pub(crate) fn put_bool(out: &mut Vec<u8>, number: u32, value: bool) {
    varint(out, number, u64::from(value));
}

fn put_enum(out: &mut Vec<u8>, number: u32, value: i32) {
    varint(out, number, i64::from(value).cast_unsigned());
}

fn put_enum_number(
    schema: &Schema,
    id: EnumId,
    number: u32,
    value: i128,
    out: &mut Vec<u8>,
) -> Result<(), String> {
    let known = i32::try_from(value).ok().filter(|value| schema.enumeration(id).name(*value).is_some());
    put_enum(out, number, known.ok_or_else(|| expected(schema, Kind::Enum(id)))?);
    Ok(())
}

fn varint(out: &mut Vec<u8>, number: u32, value: u64) {
    put_key(out, number, VARINT);
    put_varint(out, value);
}

fn fixed32(out: &mut Vec<u8>, number: u32, bits: u32) {
    put_key(out, number, FIXED32);
    out.extend_from_slice(&bits.to_le_bytes());
}

fn fixed64(out: &mut Vec<u8>, number: u32, bits: u64) {
    put_key(out, number, FIXED64);
    out.extend_from_slice(&bits.to_le_bytes());
}

/// Rust reads more spellings than JSON has (`inf`, `nan`, `1.`).
fn float(text: &str) -> Option<f64> {
    match text {
        "NaN" => Some(f64::NAN),
        "Infinity" => Some(f64::INFINITY),
        "-Infinity" => Some(f64::NEG_INFINITY),
        _ => {
            let plain =
                text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'-' | b'+' | b'e' | b'E'));
            let value: f64 = text.parse().ok()?;
            (plain && value.is_finite() && !text.starts_with('+')).then_some(value)
        }
    }
}

/// What a value of the kind must be, for people.
pub(crate) fn expected(schema: &Schema, kind: Kind) -> String {
    match kind {
        Kind::Double | Kind::Float => "must be a number".to_owned(),
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => whole(i32::MIN, i32::MAX),
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => whole(i64::MIN, i64::MAX),
        Kind::Uint32 | Kind::Fixed32 => whole(u32::MIN, u32::MAX),
        Kind::Uint64 | Kind::Fixed64 => whole(u64::MIN, u64::MAX),
        Kind::Bool => "must be true or false".to_owned(),
        Kind::String => "must be a string".to_owned(),
        Kind::Bytes => "must be a string of base64".to_owned(),
        Kind::Enum(id) => format!("must be one of {}", schema.enumeration(id).choices),
        Kind::Message(id) => {
            let plan = schema.message(id);
            match plan.shape {
                Shape::Timestamp => TIMESTAMP_REMEDY.to_owned(),
                Shape::Duration => DURATION_REMEDY.to_owned(),
                Shape::Wrapper => expected(schema, plan.fields[0].kind),
                Shape::Fields => format!("must be an object; its fields: {}", plan.choices()),
                Shape::Reflected => format!("must be the JSON form of {}", plan.descriptor.full_name()),
            }
        }
    }
}

fn whole(least: impl std::fmt::Display, most: impl std::fmt::Display) -> String {
    format!("must be a whole number from {least} to {most}")
}
