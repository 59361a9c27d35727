//! What staff see of a sensitive fact: enough to recognise it with the customer on the phone, not enough to use it.

use crate::contacts::ContactValue;
use crate::customers::sealing::FieldKind;

const HIDDEN: char = '*';

/// The masked form of a fact in its kept form.
pub(crate) fn mask(kind: FieldKind, value: &str) -> String {
    match kind {
        FieldKind::Phone => phone(value),
        FieldKind::Email => email(value),
        FieldKind::Wechat => wechat(value),
        FieldKind::Address => address(value),
        FieldKind::NationalId => national_id(value),
        // Nothing that is shown as a text.
        _ => HIDDEN.to_string(),
    }
}

/// The masked form of a contact value that was just read.
pub(crate) fn mask_contact(value: &ContactValue) -> String {
    mask(value.field_kind(), value.exposed())
}

/// A Chinese mobile number keeps its first 3 and last 4 digits; any other number its country code's plus and its last 4,
/// and never more than half of its digits.
fn phone(e164: &str) -> String {
    let digits = e164.trim_start_matches('+');
    if let Some(mobile) = digits.strip_prefix("86").filter(|rest| rest.len() == 11 && rest.starts_with('1')) {
        return format!("{}****{}", &mobile[..3], &mobile[7..]);
    }
    let tail = digits.len().saturating_sub(4.min(digits.len() / 2));
    format!("+****{}", digits.get(tail..).unwrap_or_default())
}

/// The first character and the domain.
fn email(address: &str) -> String {
    match address.rsplit_once('@') {
        Some((local, domain)) => format!("{}***@{domain}", head(local, 1)),
        None => "***".to_owned(),
    }
}

/// The first character of an id of 6 or more.
fn wechat(id: &str) -> String {
    let shown = usize::from(id.chars().count() >= 6);
    format!("{}***", head(id, shown))
}

/// The province and city as a rule: 6 characters, and never more than a third.
fn address(address: &str) -> String {
    format!("{}***", head(address, 6.min(address.chars().count() / 3)))
}

/// The first and the last character. More would be too much: next to a date of birth on the same screen, three digits of
/// the place and the last four leave a hundred numbers to try.
fn national_id(number: &str) -> String {
    let count = number.chars().count();
    if count < 3 {
        return HIDDEN.to_string().repeat(count);
    }
    let last = number.chars().next_back().unwrap_or(HIDDEN);
    format!("{}{}{last}", head(number, 1), HIDDEN.to_string().repeat(count - 2))
}

fn head(text: &str, characters: usize) -> String {
    text.chars().take(characters).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn each_kind_is_masked_in_its_way() {
        for (kind, value, masked) in [
            (FieldKind::Phone, "+8613800001234", "138****1234"),
            (FieldKind::Phone, "+862160001234", "+****1234"),
            (FieldKind::Phone, "+4930123456", "+****3456"),
            (FieldKind::Email, "wei.demo@example.com", "w***@example.com"),
            (FieldKind::Wechat, "wei_demo", "w***"),
            (FieldKind::Wechat, "wei", "***"),
            (FieldKind::Address, "浙江省杭州市示例路一百二十三号四单元", "浙江省杭州市***"),
            (FieldKind::NationalId, "11010519491231002X", "1****************X"),
        ] {
            assert_eq!(mask(kind, value), masked);
        }
    }

    /// How many characters of the value still stand in the mask, at its two ends.
    fn shown(mask: &str) -> usize {
        mask.chars().filter(|c| !matches!(c, '*' | '+')).count()
    }

    proptest! {
        #[test]
        fn a_phone_never_shows_more_than_7_digits_nor_two_thirds(number in "\\+[1-9][0-9]{6,14}") {
            let masked = mask(FieldKind::Phone, &number);
            prop_assert!(shown(&masked) <= 7);
            prop_assert!(shown(&masked) * 3 <= (number.len() - 1) * 2);
            prop_assert!(masked.contains("****"));
        }

        #[test]
        fn an_email_never_shows_more_than_one_character_of_the_person(local in "[a-z0-9.+_-]{1,40}", domain in "[a-z]{1,9}\\.cn") {
            let masked = mask(FieldKind::Email, &format!("{local}@{domain}"));
            prop_assert_eq!(masked, format!("{}***@{domain}", &local[..1]));
        }

        #[test]
        fn a_wechat_id_never_shows_more_than_one_character(id in "[a-zA-Z0-9_-]{1,64}") {
            prop_assert!(shown(&mask(FieldKind::Wechat, &id)) - usize::from(id.contains('*')) <= 1);
        }

        #[test]
        fn an_address_never_shows_more_than_6_characters_nor_a_third(address in "[\u{4e00}-\u{9fa5}0-9]{1,200}") {
            let masked = mask(FieldKind::Address, &address);
            prop_assert!(shown(&masked) <= 6 && shown(&masked) * 3 <= address.chars().count());
        }

        #[test]
        fn a_national_id_never_shows_its_date_of_birth(number in "[1-9][0-9]{16}[0-9X]") {
            let masked = mask(FieldKind::NationalId, &number);
            prop_assert_eq!(shown(&masked), 2);
            prop_assert_eq!(masked.len(), 18);
        }
    }
}
