//! Chinese number plates 号牌 by GA 36: the province, the issuing office's letter and a serial of 5; new-energy cars have a
//! serial of 6 with a letter of their own; special plates end or begin with a word's first character. Temporary plates have the
//! word 临 behind an ordinary or a short serial; where it was read in front, it is kept behind.

use rand::Rng;

const PROVINCES: &str = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼";
/// Police, driving school, trailer, consulate, test, oversize, temporary.
const LAST_WORDS: &str = "警学挂领试超临";
/// Hong Kong and Macao cross-border: issued in Guangdong only, by its office Z.
const CROSS_BORDER: &str = "港澳";
/// Emergency vehicles 应急: fire brigades, with the letters X and S.
const EMERGENCY: [char; 2] = ['应', '急'];
/// Battery-electric (D, A, B, C, E) and other new-energy cars (F, G, H, J, K).
const NEW_ENERGY: &str = "DABCEFGHJK";
/// I and O do not occur: they look like 1 and 0.
const LETTERS: &[u8; 24] = b"ABCDEFGHJKLMNPQRSTUVWXYZ";

/// A text that is no plate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a Chinese plate of 7 characters, or 8 for a new-energy car, such as 浙A12345 or 浙AD12345")]
pub(crate) struct NotAPlate;

/// Reads a plate in the form in which it is kept: upper case, without the dot and blanks.
pub(crate) fn normalize(text: &str) -> Result<String, NotAPlate> {
    let mut characters: Vec<char> = text
        .chars()
        .filter(|c| !c.is_whitespace() && !matches!(c, '·' | '•' | '.' | '-' | '・'))
        .map(|c| c.to_ascii_uppercase())
        .collect();
    if characters.first() == Some(&'临') {
        characters.rotate_left(1);
    }
    let known = is_embassy(&characters)
        || match characters.as_slice() {
            ['粤', 'Z', serial @ ..] if is_of_words(serial, CROSS_BORDER) => true,
            [province, office, serial @ ..] if PROVINCES.contains(*province) && is_letter(*office) => {
                is_ordinary(serial)
                    || is_special(serial)
                    || is_new_energy(serial)
                    || is_emergency(*office, serial)
            }
            _ => false,
        };
    if known { Ok(characters.into_iter().collect()) } else { Err(NotAPlate) }
}

/// A plate of a made-up car of a province and an office's letter; 8 characters for a new-energy car.
pub fn random(province: char, office: char, new_energy: bool, dice: &mut impl Rng) -> String {
    let mut plate = String::from_iter([province, office]);
    if new_energy {
        plate.push(if dice.random_bool(0.7) { 'D' } else { 'F' });
        plate.push_str(&format_digits(dice.random_range(0..100_000), 5));
    } else {
        // One letter among four digits: the most frequent pattern.
        let serial = format_digits(dice.random_range(0..10_000), 4);
        let letter = char::from(LETTERS[dice.random_range(0..LETTERS.len())]);
        let at = dice.random_range(0..=4);
        plate.push_str(&serial[..at]);
        plate.push(letter);
        plate.push_str(&serial[at..]);
    }
    plate
}

fn format_digits(number: u32, width: usize) -> String {
    format!("{number:0width$}")
}

fn is_letter(character: char) -> bool {
    character.is_ascii_uppercase() && !matches!(character, 'I' | 'O')
}

fn is_serial(character: char) -> bool {
    character.is_ascii_digit() || is_letter(character)
}

fn is_ordinary(serial: &[char]) -> bool {
    serial.len() == 5 && serial.iter().all(|c| is_serial(*c))
}

fn is_special(serial: &[char]) -> bool {
    is_of_words(serial, LAST_WORDS) || matches!(serial, [number @ .., '临'] if is_ordinary(number))
}

/// A serial of 4 and one of these words.
fn is_of_words(serial: &[char], words: &str) -> bool {
    matches!(serial, [number @ .., word] if number.len() == 4
        && number.iter().all(|c| is_serial(*c)) && words.contains(*word))
}

fn is_emergency(office: char, serial: &[char]) -> bool {
    matches!(serial, [number @ .., one, two] if number.len() == 4 && [*one, *two] == EMERGENCY
        && matches!(office, 'X' | 'S') && number.iter().all(char::is_ascii_digit))
}

/// Small cars: the letter, a letter or digit, 4 digits. Large cars: 5 digits, the letter.
fn is_new_energy(serial: &[char]) -> bool {
    let digits = |part: &[char]| part.iter().all(char::is_ascii_digit);
    match serial {
        [kind, second, rest @ ..] if rest.len() == 4 && NEW_ENERGY.contains(*kind) => {
            is_serial(*second) && digits(rest)
        }
        [rest @ .., kind] if rest.len() == 5 && NEW_ENERGY.contains(*kind) => digits(rest),
        _ => false,
    }
}

/// Embassies 使 have 6 digits, before or behind the word.
fn is_embassy(plate: &[char]) -> bool {
    let (['使', digits @ ..] | [digits @ .., '使']) = plate else { return false };
    digits.len() == 6 && digits.iter().all(char::is_ascii_digit)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use proptest::prelude::*;
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn plates_as_they_hang_on_cars_are_read() {
        for (written, kept) in [
            ("浙A·12345", "浙A12345"),
            ("沪b 8K888", "沪B8K888"),
            ("粤B·D12345", "粤BD12345"),
            ("京A·F1234学", ""),
            ("京A1234警", "京A1234警"),
            ("粤Z1234港", "粤Z1234港"),
            ("粤Z1A34澳", "粤Z1A34澳"),
            ("沪A0023领", "沪A0023领"),
            ("使224016", "使224016"),
            ("224016使", "224016使"),
            ("苏E12345F", "苏E12345F"),
            ("京A1234挂", "京A1234挂"),
            ("粤B·F12345", "粤BF12345"),
            ("浙a·1234学", "浙A1234学"),
            ("苏E12345D", "苏E12345D"),
            ("沪A·12345临", "沪A12345临"),
            ("临 沪A12345", "沪A12345临"),
            ("京A0001临", "京A0001临"),
            ("京X1234应急", "京X1234应急"),
            ("京A1234应急", ""),
            ("沪A1234港", ""),
            ("粤A1234澳", ""),
            ("粤Z1234", ""),
            ("粤Z12345港", ""),
            ("临临沪A1234", ""),
            ("沪AD12345临", ""),
            ("使22401", ""),
            ("京A1234警警", ""),
            ("京AI2345", ""),
            ("台A12345", ""),
            ("京A1234", ""),
            ("京A123456", ""),
            ("", ""),
        ] {
            assert_eq!(normalize(written).unwrap_or_default(), kept, "{written}");
        }
    }

    /// A plate of each kind, as it is kept, of invented numbers.
    fn plates() -> impl Strategy<Value = String> {
        let office = "[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼][A-HJ-NP-Z]";
        let behind = |serial: &'static str| (office, serial).prop_map(|(office, serial)| office + &serial);
        prop_oneof![
            behind("[0-9A-HJ-NP-Z]{5}"),
            behind("[DABCEFGHJK][0-9A-HJ-NP-Z][0-9]{4}"),
            behind("[0-9]{5}[DABCEFGHJK]"),
            behind("[0-9A-HJ-NP-Z]{4}[警学挂领试超临]"),
            behind("[0-9A-HJ-NP-Z]{5}临"),
            "粤Z[0-9A-HJ-NP-Z]{4}[港澳]",
            "[京沪浙][XS][0-9]{4}应急",
            "使[0-9]{6}",
            "[0-9]{6}使",
        ]
    }

    proptest! {
        #[test]
        fn a_plate_of_each_kind_is_read_however_it_was_written(plate in plates(), dot in "[·• .-]?", small: bool) {
            let mut written: String = plate.chars().take(2).collect();
            written.push_str(&dot);
            written.extend(plate.chars().skip(2));
            let written = if small { written.to_lowercase() } else { written };
            prop_assert_eq!(normalize(&written), Ok(plate));
        }

        #[test]
        fn made_up_plates_are_read_as_they_are(seed: u64, new_energy: bool) {
            let mut dice = rand_chacha::ChaCha8Rng::seed_from_u64(seed);
            let plate = random('浙', 'A', new_energy, &mut dice);
            prop_assert_eq!(normalize(&plate).unwrap(), plate.clone());
            prop_assert_eq!(plate.chars().count(), if new_energy { 8 } else { 7 });
        }

        #[test]
        fn a_kept_plate_has_7_or_8_characters_and_reads_back(text in "[京浙使A-Z0-9· 学D]{0,10}") {
            if let Ok(plate) = normalize(&text) {
                prop_assert!((7..=8).contains(&plate.chars().count()));
                prop_assert_eq!(normalize(&plate), Ok(plate));
            }
        }

        #[test]
        fn any_text_is_answered(text in "\\PC{0,30}") {
            let _ = normalize(&text);
        }
    }
}
