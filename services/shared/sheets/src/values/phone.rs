use super::number::is_scientific;
use super::{ValueError, plain_text};
use crate::cell::Cell;

/// A phone number as digits: without a country's code for China, with `+` and the code for any other. What a
/// spreadsheet has made of it is undone where nothing is lost (`13800138000.0`, full-width digits, blanks, dashes,
/// `+86`, `0086`), and refused where digits are gone (`1.38E+10`). Whether such a number exists is not asked here.
pub fn phone(cell: &Cell) -> Result<Option<String>, ValueError> {
    let text = match cell {
        Cell::Empty | Cell::Covered { .. } => return Ok(None),
        Cell::Text(text) => plain_text(text),
        Cell::Number(number) if number.is_integer() => number.normalize().to_string(),
        Cell::Number(_) | Cell::Moment(_) | Cell::Bool(_) => return Err(ValueError::NotAPhone),
        Cell::Fault(fault) => return Err((*fault).into()),
    };
    if text.is_empty() {
        return Ok(None);
    }
    let bare: String =
        text.chars().filter(|c| !matches!(c, ' ' | '-' | '‐' | '‑' | '–' | '—' | '(' | ')')).collect();
    if is_scientific(&bare) {
        return Err(ValueError::LostDigits);
    }
    // Only a whole number that was given decimals ends so.
    let bare = bare.split_once('.').map_or(bare.as_str(), |(whole, zeros)| {
        if !zeros.is_empty() && zeros.bytes().all(|byte| byte == b'0') { whole } else { &bare }
    });
    let (abroad, digits) = match bare.strip_prefix('+').or_else(|| bare.strip_prefix("00")) {
        Some(rest) => (true, rest),
        None => (false, bare),
    };
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(ValueError::NotAPhone);
    }
    // 86 without a mark is the country's only where a mobile number follows.
    let home = digits.strip_prefix("86").filter(|rest| abroad || is_mobile(rest));
    let number = match home {
        Some(rest) => rest.to_owned(),
        None if abroad => format!("+{digits}"),
        None => digits.to_owned(),
    };
    // E.164 has at most 15 digits; the shortest are service numbers.
    let length = number.trim_start_matches('+').len();
    if (5..=15).contains(&length) { Ok(Some(number)) } else { Err(ValueError::NotAPhone) }
}

fn is_mobile(digits: &str) -> bool {
    digits.len() == 11 && digits.starts_with('1')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rust_decimal::Decimal;

    fn of(text: &str) -> Result<Option<String>, ValueError> {
        phone(&Cell::Text(text.into()))
    }

    #[test]
    fn what_a_spreadsheet_made_of_it_is_undone() {
        for text in [
            "13800138000",
            "13800138000.0",
            "１３８００１３８０００",
            "138 0013 8000",
            "138-0013-8000",
            "+86 13800138000",
            "0086-13800138000",
            "8613800138000",
            "＋８６１３８００１３８０００",
            "\u{202d}13800138000\u{202c}",
        ] {
            assert_eq!(of(text), Ok(Some("13800138000".into())), "{text}");
        }
        assert_eq!(phone(&Cell::Number(Decimal::from(13_800_138_000_i64))), Ok(Some("13800138000".into())));
        assert_eq!(of("(021) 6123-4567"), Ok(Some("02161234567".into())));
        assert_eq!(of("+86 21 61234567"), Ok(Some("2161234567".into())));
        assert_eq!(of("+44 20 7946 0000"), Ok(Some("+442079460000".into())));
        assert_eq!(of(" "), Ok(None));
    }

    #[test]
    fn lost_digits_are_not_made_up() {
        for text in ["1.38E+10", "1.38001e10", "１．３８Ｅ＋１０"] {
            assert_eq!(of(text), Err(ValueError::LostDigits), "{text}");
        }
        for text in ["李四", "138001380.5", "1234", "1380013800013800", "13800138000/13900139000", "+"] {
            assert_eq!(of(text), Err(ValueError::NotAPhone), "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_mobile_number_survives_any_dress(rest in 0_u64..10_000_000_000, dress in 0_usize..6) {
            let number = format!("1{rest:010}");
            let text = match dress {
                0 => format!("+86{number}"),
                1 => format!("0086 {number}"),
                2 => format!("{number}.0"),
                3 => format!("{} {} {}", &number[..3], &number[3..7], &number[7..]),
                4 => format!("\u{feff}{number}\t"),
                _ => number.clone(),
            };
            prop_assert_eq!(of(&text), Ok(Some(number)));
        }

        #[test]
        fn a_phone_is_digits_and_taking_it_again_changes_nothing(text in "[+0-9Ee. -]{0,24}|\\PC{0,12}") {
            if let Ok(Some(number)) = of(&text) {
                prop_assert!(number.trim_start_matches('+').bytes().all(|byte| byte.is_ascii_digit()));
            }
        }
    }
}
