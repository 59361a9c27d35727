//! Percent-encoding in paths and queries.

use std::borrow::Cow;

/// Decodes `%XX`, and `+` as a space where forms say so. The error is for a violation's description.
pub(crate) fn decode(text: &str, plus_is_space: bool) -> Result<Cow<'_, str>, &'static str> {
    if !text.contains(['%', '+']) {
        return Ok(Cow::Borrowed(text));
    }
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'+' if plus_is_space => b' ',
            b'%' => {
                let (Some(high), Some(low)) = (hex(bytes.next()), hex(bytes.next())) else {
                    return Err("has a `%` that two hexadecimal digits do not follow; write `%25` for the sign itself");
                };
                high << 4 | low
            }
            other => other,
        });
    }
    String::from_utf8(decoded).map(Cow::Owned).map_err(|_| "is not UTF-8 once decoded")
}

fn hex(digit: Option<u8>) -> Option<u8> {
    let value = char::from(digit?).to_digit(16)?;
    u8::try_from(value).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_what_is_encoded_and_refuses_the_rest() {
        assert_eq!(decode("a%2Fb+c", true).as_deref(), Ok("a/b c"));
        assert_eq!(decode("a+b", false).as_deref(), Ok("a+b"));
        assert_eq!(decode("%E5%B0%8F", false).as_deref(), Ok("小"));
        for wrong in ["%", "%4", "%zz", "%FF"] {
            assert!(decode(wrong, false).is_err(), "{wrong}");
        }
    }
}
