//! Phone numbers in one form, E.164: `+8613800001234`. A number without a country code is Chinese.

use phonenumber::country::Id::CN;

/// A text that is no phone number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a phone number; one from abroad needs its country code, such as +49")]
pub(crate) struct NotAPhone;

/// Reads a number, however it is written.
pub(crate) fn normalize(text: &str) -> Result<String, NotAPhone> {
    if text.chars().count() > 40 {
        return Err(NotAPhone);
    }
    let dense: String = text
        .chars()
        .filter(|c| !c.is_whitespace() && !matches!(c, '-' | '(' | ')' | '.' | '（' | '）'))
        .collect();
    if let Some(mobile) = chinese_mobile(&dense) {
        return Ok(format!("+86{mobile}"));
    }
    let number = phonenumber::parse(Some(CN), text).map_err(|_| NotAPhone)?;
    if !phonenumber::is_valid(&number) || number.extension().is_some() {
        return Err(NotAPhone);
    }
    Ok(number.format().mode(phonenumber::Mode::E164).to_string())
}

/// The last 4 digits: what a customer says at the counter.
pub(crate) fn tail(e164: &str) -> &str {
    e164.get(e164.len().saturating_sub(4)..).unwrap_or_default()
}

/// Nearly every number of ours is a Chinese mobile one, and 11 digits from 13 to 19 need no table: an import of a million
/// would spend its time in the general parser's regular expressions.
fn chinese_mobile(dense: &str) -> Option<&str> {
    let national = ["+86", "0086", "86"]
        .iter()
        .find_map(|prefix| dense.strip_prefix(prefix).filter(|rest| rest.len() == 11))
        .unwrap_or(dense);
    let bytes = national.as_bytes();
    (bytes.len() == 11
        && bytes.iter().all(u8::is_ascii_digit)
        && bytes[0] == b'1'
        && (b'3'..=b'9').contains(&bytes[1]))
    .then_some(national)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_same_number_has_one_form() {
        for written in
            ["13800001234", "138 0000 1234", "+86 138-0000-1234", "008613800001234", "8613800001234"]
        {
            assert_eq!(normalize(written).unwrap(), "+8613800001234", "{written}");
        }
        assert_eq!(normalize("021-61234567").unwrap(), "+862161234567");
        assert_eq!(normalize("+49 30 901820").unwrap(), "+4930901820");
        assert_eq!(tail("+8613800001234"), "1234");
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for written in ["", "1380000123", "123", "hello", "+", "12345678901", "+86", "１３８"] {
            assert_eq!(normalize(written), Err(NotAPhone), "{written}");
        }
    }

    proptest! {
        #[test]
        fn a_form_reads_back_as_itself(text in "(\\+?[0-9 -]{5,18})|(1[3-9][0-9]{9})") {
            if let Ok(form) = normalize(&text) {
                prop_assert!(form.starts_with('+') && form[1..].bytes().all(|b| b.is_ascii_digit()));
                prop_assert_eq!(normalize(&form), Ok(form.clone()));
            }
        }

        #[test]
        fn any_text_is_answered(text in "\\PC{0,60}") {
            let _ = normalize(&text);
        }
    }
}
