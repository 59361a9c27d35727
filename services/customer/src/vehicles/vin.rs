//! The vehicle identification number of ISO 3779, with the check digit that GB 16735 makes binding in China.

const LENGTH: usize = 17;
/// The check digit's own place weighs nothing.
const WEIGHTS: [u32; LENGTH] = [8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2];
const CHECK_AT: usize = 8;

/// Why a text is no VIN.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotAVin {
    /// Not 17 of the allowed characters.
    #[error("must have 17 characters: digits and letters without I, O and Q")]
    Shape,
    /// The 9th character does not fit.
    #[error("has a wrong check digit at place 9; read it again from the car")]
    Check,
}

/// Whether a VIN needs the right check digit: it does where the market's rules say so, as in China and North America. The setting
/// `customer.vin_check_digit`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct VinRule {
    pub(crate) check_digit: bool,
}

impl VinRule {
    /// Reads a VIN in the form in which it is kept: upper case, without blanks.
    pub(crate) fn read(self, text: &str) -> Result<String, NotAVin> {
        let vin: String =
            text.chars().filter(|c| !c.is_whitespace()).map(|c| c.to_ascii_uppercase()).collect();
        let check = check_digit(&vin).ok_or(NotAVin::Shape)?;
        if !self.check_digit || vin.as_bytes()[CHECK_AT] == check { Ok(vin) } else { Err(NotAVin::Check) }
    }
}

/// The same, by the rule of China.
pub(crate) fn normalize(text: &str) -> Result<String, NotAVin> {
    VinRule { check_digit: true }.read(text)
}

/// Puts the right check digit at place 9 of a text of 17 allowed characters, whatever stands there; for made-up cars.
/// `None` when the text has another length or a character that no VIN has.
pub fn with_check_digit(text: &str) -> Option<String> {
    let check = check_digit(text)?;
    let mut vin = text.to_owned();
    vin.replace_range(CHECK_AT..=CHECK_AT, char::from(check).encode_utf8(&mut [0; 4]));
    Some(vin)
}

fn check_digit(vin: &str) -> Option<u8> {
    if vin.len() != LENGTH {
        return None;
    }
    let mut sum = 0;
    for (character, weight) in vin.bytes().zip(WEIGHTS) {
        sum += value(character)? * weight;
    }
    let rest = u8::try_from(sum % 11).ok()?;
    Some(if rest == 10 { b'X' } else { b'0' + rest })
}

/// The transliteration table of ISO 3779.
fn value(character: u8) -> Option<u32> {
    Some(match character {
        b'0'..=b'9' => u32::from(character - b'0'),
        b'A' | b'J' => 1,
        b'B' | b'K' | b'S' => 2,
        b'C' | b'L' | b'T' => 3,
        b'D' | b'M' | b'U' => 4,
        b'E' | b'N' | b'V' => 5,
        b'F' | b'W' => 6,
        b'G' | b'P' | b'X' => 7,
        b'H' | b'Y' => 8,
        b'R' | b'Z' => 9,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn known_numbers_are_right() {
        // The examples that textbooks use.
        for vin in ["1M8GDM9AXKP042788", "11111111111111111", "5GZCZ43D13S812715"] {
            assert_eq!(normalize(vin).unwrap(), vin);
        }
        assert_eq!(normalize(" 1m8gdm9axkp042788 ").unwrap(), "1M8GDM9AXKP042788");
    }

    #[test]
    fn each_fault_has_its_remedy() {
        assert_eq!(normalize("1M8GDM9A1KP042788"), Err(NotAVin::Check));
        assert_eq!(normalize("1M8GDM9AXKP04278"), Err(NotAVin::Shape));
        assert_eq!(normalize("IM8GDM9AXKP042788"), Err(NotAVin::Shape));
        assert_eq!(normalize("一二三四五六七八九"), Err(NotAVin::Shape));
    }

    #[test]
    fn where_the_market_has_no_check_digit_any_will_do() {
        let rule = VinRule { check_digit: false };
        assert_eq!(rule.read(" 1m8gdm9a1kp042788"), Ok("1M8GDM9A1KP042788".to_owned()));
        assert_eq!(rule.read("1M8GDM9AXKP04278"), Err(NotAVin::Shape));
        assert_eq!(rule.read("IM8GDM9AXKP042788"), Err(NotAVin::Shape));
    }

    proptest! {
        #[test]
        fn what_was_completed_is_accepted(text in "[A-HJ-NPR-Z0-9]{17}") {
            prop_assert!(normalize(&with_check_digit(&text).unwrap()).is_ok());
        }

        #[test]
        fn one_wrong_digit_is_found(text in "[A-HJ-NPR-Z]{8}X[0-9]{8}", at in 9_usize..17, by in 1_u8..10) {
            let mut wrong = with_check_digit(&text).unwrap().into_bytes();
            wrong[at] = (wrong[at] - b'0' + by) % 10 + b'0';
            prop_assert_eq!(normalize(std::str::from_utf8(&wrong).unwrap()), Err(NotAVin::Check));
        }

        #[test]
        fn any_text_is_answered(text in "\\PC{0,30}") {
            let _ = (normalize(&text), with_check_digit(&text));
        }
    }
}
