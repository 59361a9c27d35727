//! The Chinese resident id number 公民身份号码 of GB 11643-1999: 6 digits of the place of first registration, 8 of the date
//! of birth, 3 of order, and a check character by ISO 7064 MOD 11-2.

use jiff::civil::Date;

const LENGTH: usize = 18;
const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
const CHECK_CHARACTERS: [u8; 11] = *b"10X98765432";

/// Why a text is no resident id number. Never says the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotANationalId {
    /// Not 17 digits and a digit or X.
    #[error("must have 17 digits and a check character, which is a digit or X")]
    Shape,
    /// Digits 7 to 14 are no date of birth.
    #[error("must contain a date of birth that exists and is not in the future")]
    Birth,
    /// The last character does not fit.
    #[error("has a wrong check character; read it again from the card")]
    Check,
}

/// Reads a number in the form in which it is kept: upper case, without blanks.
pub(crate) fn normalize(text: &str, today: Date) -> Result<String, NotANationalId> {
    let number: String =
        text.chars().filter(|c| !c.is_whitespace()).map(|c| c.to_ascii_uppercase()).collect();
    let bytes = number.as_bytes();
    if bytes.len() != LENGTH || bytes[0] == b'0' || !bytes[..17].iter().all(u8::is_ascii_digit) {
        return Err(NotANationalId::Shape);
    }
    if !bytes[17].is_ascii_digit() && bytes[17] != b'X' {
        return Err(NotANationalId::Shape);
    }
    if birth(bytes).is_none_or(|birth| birth > today || birth.year() < 1850) {
        return Err(NotANationalId::Birth);
    }
    if check_character(&bytes[..17]) != Some(bytes[17]) {
        return Err(NotANationalId::Check);
    }
    Ok(number)
}

/// Completes the first 17 digits by their check character; for made-up people. `None` unless they are 17 digits.
pub fn with_check_digit(first_17: &str) -> Option<String> {
    let check = check_character(first_17.as_bytes())?;
    Some(format!("{first_17}{}", char::from(check)))
}

fn birth(number: &[u8]) -> Option<Date> {
    let part = |range: std::ops::Range<usize>| {
        number[range].iter().fold(0_i16, |sum, digit| sum * 10 + i16::from(digit - b'0'))
    };
    Date::new(part(6..10), i8::try_from(part(10..12)).ok()?, i8::try_from(part(12..14)).ok()?).ok()
}

fn check_character(first_17: &[u8]) -> Option<u8> {
    if first_17.len() != WEIGHTS.len() || !first_17.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let sum: u32 = first_17.iter().zip(WEIGHTS).map(|(digit, weight)| u32::from(digit - b'0') * weight).sum();
    CHECK_CHARACTERS.get(usize::try_from(sum % 11).ok()?).copied()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use jiff::civil::date;
    use proptest::prelude::*;

    use super::*;

    const TODAY: Date = date(2026, 11, 22);

    #[test]
    fn the_standard_s_own_examples_are_right() {
        // GB 11643-1999, annex: a man of Chaoyang born on 31 December 1949, and a woman of Guangzhou born in 1880.
        assert_eq!(with_check_digit("11010519491231002").unwrap(), "11010519491231002X");
        assert_eq!(with_check_digit("44052418800101001").unwrap(), "440524188001010014");
        assert_eq!(normalize(" 110105 19491231 002x", TODAY).unwrap(), "11010519491231002X");
    }

    #[test]
    fn each_fault_has_its_remedy() {
        assert_eq!(normalize("1101051949123100", TODAY), Err(NotANationalId::Shape));
        assert_eq!(normalize("110105194912310021", TODAY), Err(NotANationalId::Check));
        let thirtieth_of_february = with_check_digit("11010519900230002").unwrap();
        assert_eq!(normalize(&thirtieth_of_february, TODAY), Err(NotANationalId::Birth));
        let unborn = with_check_digit("11010520270101002").unwrap();
        assert_eq!(normalize(&unborn, TODAY), Err(NotANationalId::Birth));
    }

    prop_compose! {
        fn first_17()(place in 110_000_u32..660_000, year in 1900_i16..2026, month in 1_u8..=12, day in 1_u8..=28, order in 0_u32..1000)
            -> String {
            format!("{place}{year}{month:02}{day:02}{order:03}")
        }
    }

    proptest! {
        #[test]
        fn what_was_completed_is_accepted(first in first_17()) {
            prop_assert!(normalize(&with_check_digit(&first).unwrap(), TODAY).is_ok());
        }

        // What the check character is for: MOD 11-2 finds every single wrong digit and every swap of two neighbours.
        #[test]
        fn one_wrong_digit_is_found(first in first_17(), at in 0_usize..17, by in 1_u8..10) {
            let mut wrong = with_check_digit(&first).unwrap().into_bytes();
            wrong[at] = (wrong[at] - b'0' + by) % 10 + b'0';
            prop_assert!(normalize(std::str::from_utf8(&wrong).unwrap(), TODAY).is_err());
        }

        #[test]
        fn a_swap_of_neighbours_is_found(first in first_17(), at in 0_usize..16) {
            let mut wrong = with_check_digit(&first).unwrap().into_bytes();
            prop_assume!(wrong[at] != wrong[at + 1]);
            wrong.swap(at, at + 1);
            prop_assert!(normalize(std::str::from_utf8(&wrong).unwrap(), TODAY).is_err());
        }

        #[test]
        fn any_text_is_answered(text in "\\PC{0,30}") {
            let _ = normalize(&text, TODAY);
        }
    }
}
