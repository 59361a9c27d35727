use super::{ValueError, shown};
use crate::cell::Cell;
use rust_decimal::Decimal;
use unicode_normalization::UnicodeNormalization;

/// Text for a field of at most so many characters: blanks around it go, line breaks become `\n`, full-width letters
/// and digits become plain ones, and what nobody sees (zero-width and control characters, marks of direction) is
/// taken out. Chinese punctuation stays. A number that is too long for a spreadsheet, like an id card's, is refused:
/// its last digits are not what was typed.
pub fn text(cell: &Cell, most: usize) -> Result<Option<String>, ValueError> {
    let text = match cell {
        Cell::Fault(fault) => return Err((*fault).into()),
        Cell::Number(number) if number.abs() >= Decimal::from(1_000_000_000_000_000_i64) => {
            return Err(ValueError::LostDigits);
        }
        Cell::Text(text) => clean(text),
        other => shown(other),
    };
    if text.chars().count() > most {
        return Err(ValueError::TooLong(most));
    }
    Ok((!text.is_empty()).then_some(text))
}

fn clean(text: &str) -> String {
    let lines = text.replace("\r\n", "\n").replace('\r', "\n");
    let narrow = lines.chars().filter(|c| !is_unseen(*c)).map(|c| match c {
        'Ａ'..='Ｚ' | 'ａ'..='ｚ' | '０'..='９' => c.nfkc().next().unwrap_or(c),
        '\t' | '\u{a0}' | '\u{3000}' => ' ',
        _ => c,
    });
    narrow.nfc().collect::<String>().trim().to_owned()
}

/// Text to be compared or taken apart: compatibility forms become plain ones (NFKC), what nobody sees goes, and runs
/// of blanks become one.
pub fn plain_text(text: &str) -> String {
    if text.is_ascii() && !text.bytes().any(|byte| byte.is_ascii_control() || byte == b' ') {
        return text.to_owned();
    }
    let mut plain = String::with_capacity(text.len());
    // A form may become one that has a blank in it, so blanks are looked at afterwards.
    for c in text.chars().filter(|c| !is_unseen(*c)).nfkc() {
        if !c.is_whitespace() {
            plain.push(c);
        } else if !plain.ends_with(' ') && !plain.is_empty() {
            plain.push(' ');
        }
    }
    plain.truncate(plain.trim_end().len());
    plain
}

/// Characters that stand in a text without being seen.
fn is_unseen(c: char) -> bool {
    (c.is_control() && !matches!(c, '\n' | '\t' | '\r'))
        || matches!(
            c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
        )
}

#[cfg(test)]
#[expect(clippy::expect_used, reason = "a test that cannot go on fails")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(input: &str) -> Option<String> {
        text(&Cell::Text(input.into()), 40).expect("text")
    }

    #[test]
    fn text_is_what_a_person_sees() {
        assert_eq!(of("\u{feff} 李\u{200b}四\u{3000}").as_deref(), Some("李四"));
        assert_eq!(of("沪Ａ１２３４５").as_deref(), Some("沪A12345"));
        assert_eq!(of("备注，（急）\r\n明天").as_deref(), Some("备注，（急）\n明天"));
        assert_eq!(of("a\0b\u{7}").as_deref(), Some("ab"));
        assert_eq!(of(" \u{200b}\t"), None);
        assert_eq!(text(&Cell::Text("李四".into()), 1), Err(ValueError::TooLong(1)));
        assert_eq!(text(&Cell::Number(Decimal::new(10, 1)), 9), Ok(Some("1".into())));
        assert_eq!(
            text(&Cell::Number(Decimal::from(310_101_199_001_011_200_i64)), 18),
            Err(ValueError::LostDigits)
        );
    }

    proptest! {
        #[test]
        fn cleaning_a_clean_text_changes_nothing(input in "\\PC{0,40}|[\\x00-\\x7f\u{200b}\u{3000}Ａ１é]{0,40}") {
            let once = clean(&input);
            prop_assert_eq!(clean(&once), once.clone());
            let plain = plain_text(&input);
            prop_assert_eq!(plain_text(&plain), plain);
        }
    }
}
