//! Protobuf's wire format: as much of it as two loops need.

use thiserror::Error;

pub(crate) const VARINT: u32 = 0;
pub(crate) const FIXED64: u32 = 1;
pub(crate) const DELIMITED: u32 = 2;
pub(crate) const FIXED32: u32 = 5;

/// A service answered with bytes that are not a message of its method's type.
#[derive(Debug, Error, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WireError {
    #[error("the message ends in the middle of a field")]
    Truncated,
    #[error("a field has a wire type that its declaration does not have")]
    WireType,
    #[error("a string is not UTF-8")]
    Utf8,
    #[error("messages are nested too deep")]
    Depth,
    #[error("a well-known type holds what JSON cannot say")]
    Unspeakable,
}

/// A field's value as it stands in the message.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Raw<'a> {
    Varint(u64),
    Fixed64(u64),
    Fixed32(u32),
    Delimited(&'a [u8]),
}

pub(crate) fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    loop {
        let [low, ..] = value.to_le_bytes();
        value >>= 7;
        if value == 0 {
            out.push(low & 0x7f);
            return;
        }
        out.push(low | 0x80);
    }
}

pub(crate) fn put_key(out: &mut Vec<u8>, number: u32, wire_type: u32) {
    put_varint(out, u64::from(number << 3 | wire_type));
}

pub(crate) fn put_bytes(out: &mut Vec<u8>, number: u32, bytes: &[u8]) {
    put_key(out, number, DELIMITED);
    put_varint(out, length(bytes));
    out.extend_from_slice(bytes);
}

/// Writes a field whose content is what `content` writes. The length goes before it afterwards.
pub(crate) fn nest<T>(out: &mut Vec<u8>, number: u32, content: impl FnOnce(&mut Vec<u8>) -> T) -> T {
    put_key(out, number, DELIMITED);
    let start = out.len();
    let result = content(out);
    let mut prefix = Vec::with_capacity(5);
    put_varint(&mut prefix, length(&out[start..]));
    out.splice(start..start, prefix);
    result
}

fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

pub(crate) fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)).cast_unsigned()
}

pub(crate) fn unzigzag(value: u64) -> i64 {
    (value >> 1).cast_signed() ^ -(value & 1).cast_signed()
}

pub(crate) fn take_varint(bytes: &mut &[u8]) -> Result<u64, WireError> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first().ok_or(WireError::Truncated)?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(WireError::Truncated)
}

/// The next field's number and value.
pub(crate) fn take_field<'a>(bytes: &mut &'a [u8]) -> Result<(u32, Raw<'a>), WireError> {
    let key = take_varint(bytes)?;
    let number = u32::try_from(key >> 3).map_err(|_| WireError::WireType)?;
    let raw = match key & 7 {
        0 => Raw::Varint(take_varint(bytes)?),
        1 => Raw::Fixed64(take_fixed64(bytes)?),
        2 => {
            let length = usize::try_from(take_varint(bytes)?).map_err(|_| WireError::Truncated)?;
            let (content, rest) = bytes.split_at_checked(length).ok_or(WireError::Truncated)?;
            *bytes = rest;
            Raw::Delimited(content)
        }
        5 => Raw::Fixed32(take_fixed32(bytes)?),
        _ => return Err(WireError::WireType),
    };
    Ok((number, raw))
}

/// The value that holds of a field with a text, in a message that was written here.
pub(crate) fn last_text(mut message: &[u8], wanted: u32) -> Option<&str> {
    let mut last = None;
    while !message.is_empty() {
        match take_field(&mut message).ok()? {
            (number, Raw::Delimited(text)) if number == wanted => last = std::str::from_utf8(text).ok(),
            _ => {}
        }
    }
    last
}

pub(crate) fn take_fixed64(bytes: &mut &[u8]) -> Result<u64, WireError> {
    let (content, rest) = bytes.split_first_chunk().ok_or(WireError::Truncated)?;
    *bytes = rest;
    Ok(u64::from_le_bytes(*content))
}

pub(crate) fn take_fixed32(bytes: &mut &[u8]) -> Result<u32, WireError> {
    let (content, rest) = bytes.split_first_chunk().ok_or(WireError::Truncated)?;
    *bytes = rest;
    Ok(u32::from_le_bytes(*content))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn varints_come_back(value: u64) {
            let mut bytes = Vec::new();
            put_varint(&mut bytes, value);
            prop_assert_eq!(take_varint(&mut &bytes[..]), Ok(value));
        }

        #[test]
        fn zigzag_comes_back(value: i64) {
            prop_assert_eq!(unzigzag(zigzag(value)), value);
        }
    }
}
