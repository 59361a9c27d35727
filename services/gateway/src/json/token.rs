//! Single values on the wire, and single tokens of JSON.

use std::io::Write as _;

use super::wire::{Raw, WireError, take_fixed32, take_fixed64, take_varint};
use crate::schema::Kind;

pub(super) fn unpack<'b>(kind: Kind, packed: &mut &'b [u8]) -> Result<Raw<'b>, WireError> {
    Ok(match kind {
        Kind::Double | Kind::Fixed64 | Kind::Sfixed64 => Raw::Fixed64(take_fixed64(packed)?),
        Kind::Float | Kind::Fixed32 | Kind::Sfixed32 => Raw::Fixed32(take_fixed32(packed)?),
        _ => Raw::Varint(take_varint(packed)?),
    })
}

pub(super) fn is_default(raw: Raw<'_>) -> bool {
    match raw {
        Raw::Varint(value) | Raw::Fixed64(value) => value == 0,
        Raw::Fixed32(value) => value == 0,
        Raw::Delimited(bytes) => bytes.is_empty(),
    }
}

pub(super) fn default(kind: Option<Kind>, out: &mut Vec<u8>) {
    out.extend_from_slice(match kind {
        None | Some(Kind::String | Kind::Bytes) => b"\"\"",
        Some(Kind::Bool) => b"false",
        Some(Kind::Int64 | Kind::Uint64 | Kind::Sint64 | Kind::Fixed64 | Kind::Sfixed64) => b"\"0\"",
        Some(Kind::Double | Kind::Float) => b"0.0",
        Some(_) => b"0",
    });
}

/// The low 32 bits: how protobuf reads a 32-bit field.
pub(super) fn low_i32(value: u64) -> i32 {
    let [a, b, c, d, ..] = value.to_le_bytes();
    i32::from_le_bytes([a, b, c, d])
}

// In all that follows: writing to a vector does not fail, and text is always JSON.
pub(super) fn display(out: &mut Vec<u8>, value: impl std::fmt::Display) {
    let _ = write!(out, "{value}");
}

pub(super) fn quoted(out: &mut Vec<u8>, value: impl std::fmt::Display) {
    let _ = write!(out, "\"{value}\"");
}

pub(super) fn string(text: &str, out: &mut Vec<u8>) {
    let _ = serde_json::to_writer(out, text);
}

/// `value` is what is written, in its own precision; `wide` is what it is judged by.
pub(super) fn float(out: &mut Vec<u8>, wide: f64, value: impl serde::Serialize) {
    if wide.is_finite() {
        let _ = serde_json::to_writer(out, &value);
    } else if wide.is_nan() {
        quoted(out, "NaN");
    } else {
        quoted(out, if wide > 0.0 { "Infinity" } else { "-Infinity" });
    }
}
