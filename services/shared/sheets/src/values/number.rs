use super::{ValueError, plain_text};
use crate::cell::Cell;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

/// A number, exactly. Thousands separators are read where they stand every three digits, so that `1,234.50` is one
/// and `1,23` is asked about: it may be a decimal comma.
pub fn decimal(cell: &Cell) -> Result<Option<Decimal>, ValueError> {
    match cell {
        Cell::Empty | Cell::Covered { .. } => Ok(None),
        Cell::Number(number) => Ok(Some(number.normalize())),
        Cell::Text(text) => parse(&plain_text(text)),
        Cell::Moment(_) => Err(ValueError::OtherKind("a number: format the cell as a number")),
        Cell::Bool(_) => Err(ValueError::OtherKind("a number")),
        Cell::Fault(fault) => Err((*fault).into()),
    }
}

/// A whole number; `12.0` is one.
pub fn whole(cell: &Cell) -> Result<Option<i64>, ValueError> {
    let Some(number) = decimal(cell)? else { return Ok(None) };
    if !number.is_integer() {
        return Err(ValueError::NotWhole);
    }
    number.to_i64().map(Some).ok_or(ValueError::TooLarge)
}

fn parse(text: &str) -> Result<Option<Decimal>, ValueError> {
    if text.is_empty() {
        return Ok(None);
    }
    if is_scientific(text) {
        return Err(ValueError::LostDigits);
    }
    let (negative, figures) = match text.strip_prefix(['-', '−']) {
        Some(rest) => (true, rest.trim_start()),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (whole, parts) =
        figures.split_once('.').map_or((figures, None), |(whole, parts)| (whole, Some(parts)));
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let mut groups = whole.split([',', '\'']);
    let first = groups.next().unwrap_or_default();
    let mut digits = first.to_owned();
    let mut even = true;
    for group in groups {
        even &= group.len() == 3 && (1..=3).contains(&first.len());
        digits.push_str(group);
    }
    if !is_digits(&digits) || !is_digits(first) || parts.is_some_and(|parts| !is_digits(parts)) {
        let only_figures = text.chars().all(|c| c.is_ascii_digit() || ".,'+-− ".contains(c));
        let separated = only_figures && text.chars().filter(|c| ".,'".contains(*c)).count() > 1;
        return Err(if separated { ValueError::AmbiguousNumber } else { ValueError::NotANumber });
    }
    if !even {
        return Err(ValueError::AmbiguousNumber);
    }
    if let Some(parts) = parts.filter(|parts| !parts.is_empty()) {
        digits.push('.');
        digits.push_str(parts.trim_end_matches('0'));
    }
    let number = Decimal::from_str_exact(digits.trim_end_matches('.')).map_err(|_| ValueError::TooLarge)?;
    Ok(Some(if negative { -number } else { number }.normalize()))
}

/// `1.38E+10`: what a spreadsheet leaves of a long number.
pub(super) fn is_scientific(text: &str) -> bool {
    let Some((figures, exponent)) = text.split_once(['E', 'e']) else { return false };
    let figures = figures.trim_start_matches(['+', '-']);
    let exponent = exponent.trim_start_matches(['+', '-']);
    figures.starts_with(|c: char| c.is_ascii_digit())
        && figures.chars().all(|c| c.is_ascii_digit() || c == '.')
        && !exponent.is_empty()
        && exponent.chars().all(|c| c.is_ascii_digit())
}

#[cfg(test)]
#[expect(clippy::expect_used, reason = "a test that cannot go on fails")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(text: &str) -> Result<Option<String>, ValueError> {
        decimal(&Cell::Text(text.into())).map(|number| number.map(|number| number.to_string()))
    }

    #[test]
    fn numbers_as_people_write_them() {
        for (text, number) in [
            ("12", "12"),
            (" １２３ ", "123"),
            ("1,234,567.80", "1234567.8"),
            ("１，２３４", "1234"),
            ("-0.50", "-0.5"),
            ("+7", "7"),
            ("007", "7"),
            ("−3", "-3"),
            ("12.000", "12"),
            ("1'234", "1234"),
        ] {
            assert_eq!(of(text), Ok(Some(number.into())), "{text}");
        }
        assert_eq!(of(" \u{3000}"), Ok(None));
    }

    #[test]
    fn what_cannot_be_told_is_refused() {
        for text in ["1,23", "12,34,567", "1.234,50", "1.2.3", "1234,567"] {
            assert_eq!(of(text), Err(ValueError::AmbiguousNumber), "{text}");
        }
        for text in ["abc", "12万", "-", ".", ".5", "5.", ",1", "1 2", "0x10"] {
            assert_eq!(of(text), Err(ValueError::NotANumber), "{text}");
        }
        assert_eq!(of("1.38E+10"), Err(ValueError::LostDigits));
        assert_eq!(of(&"9".repeat(40)), Err(ValueError::TooLarge));
        assert_eq!(whole(&Cell::Text("1.5".into())), Err(ValueError::NotWhole));
        assert_eq!(whole(&Cell::Text("12.0".into())), Ok(Some(12)));
        assert_eq!(whole(&Cell::Text("9223372036854775808".into())), Err(ValueError::TooLarge));
    }

    proptest! {
        #[test]
        fn a_written_number_is_read_as_itself(mantissa: i64, scale in 0_u32..10, wide: bool, grouped: bool) {
            let number = Decimal::new(mantissa, scale);
            let mut text = number.to_string();
            if grouped {
                let sign = if text.starts_with('-') { "-" } else { "" };
                let (whole, parts) = text.trim_start_matches('-').split_once('.').map_or_else(
                    || (text.trim_start_matches('-').to_owned(), String::new()),
                    |(whole, parts)| (whole.to_owned(), format!(".{parts}")),
                );
                let digits: Vec<char> = whole.chars().collect();
                let groups: Vec<String> = digits.rchunks(3).rev().map(|group| group.iter().collect()).collect();
                text = format!("{sign}{}{parts}", groups.join(","));
            }
            if wide {
                text = text.chars().map(|c| match c {
                    '0'..='9' => char::from_u32('０' as u32 + c as u32 - '0' as u32).expect("a digit"),
                    other => other,
                }).collect();
            }
            prop_assert_eq!(decimal(&Cell::Text(text)), Ok(Some(number.normalize())));
        }

        #[test]
        fn any_text_is_a_number_or_a_reason(text in "\\PC{0,30}|[0-9.,'+\\-eE ]{0,30}") {
            let _ = decimal(&Cell::Text(text.clone()));
            let _ = whole(&Cell::Text(text));
        }
    }
}
