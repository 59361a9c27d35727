//! Chinese number plates 号牌 by GA 36: the province, the issuing office's letter and a serial of 5; new-energy cars have a
//! serial of 6 with a letter of their own; special plates end or begin with a word's first character.

use rand::Rng;

const PROVINCES: &str = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼";
/// Police, driving school, Hong Kong and Macao cross-border, trailer, consulate, test, oversize.
const LAST_WORDS: &str = "警学港澳挂领试超";
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
    let characters: Vec<char> = text
        .chars()
        .filter(|c| !c.is_whitespace() && !matches!(c, '·' | '•' | '.' | '-' | '・'))
        .map(|c| c.to_ascii_uppercase())
        .collect();
    let known = is_embassy(&characters)
        || match characters.as_slice() {
            [province, office, serial @ ..] if PROVINCES.contains(*province) && is_letter(*office) => {
                is_ordinary(serial) || is_special(serial) || is_new_energy(serial)
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
    matches!(serial, [number @ .., word] if number.len() == 4
        && number.iter().all(|c| is_serial(*c)) && LAST_WORDS.contains(*word))
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
            ("京AI2345", ""),
            ("台A12345", ""),
            ("京A1234", ""),
            ("京A123456", ""),
            ("", ""),
        ] {
            assert_eq!(normalize(written).unwrap_or_default(), kept, "{written}");
        }
    }

    proptest! {
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
