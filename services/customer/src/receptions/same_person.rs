//! Whether the file that a phone or an id card leads to is the visitor's. Phones are recycled and shared in families, and the numbers
//! of id cards can be counted through, so that neither alone is proof: two of name, phone and id card have to agree.

/// What the id card's number says, where both the visitor told one and the file has one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum IdCard {
    Same,
    Other,
    /// One of them is missing.
    Silent,
}

impl IdCard {
    /// As the database compares: nothing when one is missing.
    pub(super) fn from_comparison(same: Option<bool>) -> Self {
        match same {
            Some(true) => Self::Same,
            Some(false) => Self::Other,
            None => Self::Silent,
        }
    }
}

/// By what a visitor is known to be who the file is of; `None` when that is not known. Another id card is another person's.
pub(super) fn confirmed_by(
    name: &str,
    name_on_file: &str,
    phone: bool,
    card: IdCard,
) -> Option<Vec<&'static str>> {
    let name = comparable(name);
    let same_name = !name.is_empty() && name == comparable(name_on_file);
    let signs = [("NAME", same_name), ("PHONE", phone), ("NATIONAL_ID", card == IdCard::Same)];
    let agreeing: Vec<_> = signs.into_iter().filter(|(_, agrees)| *agrees).map(|(sign, _)| sign).collect();
    (card != IdCard::Other && agreeing.len() >= 2).then_some(agreeing)
}

/// A name without what people write in one way or another: case, full width, blanks, dots and dashes.
pub(crate) fn comparable(name: &str) -> String {
    name.chars().map(half_width).filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// The letters and digits that Chinese keyboards also write in the width of a Chinese character.
fn half_width(character: char) -> char {
    match character {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(character) - 0xff01 + 0x21).unwrap_or(character),
        _ => character,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// As far as the name tells, of whom a phone led to.
    fn is_same(name: &str, name_on_file: &str) -> bool {
        confirmed_by(name, name_on_file, true, IdCard::Silent).is_some()
    }

    #[test]
    fn a_name_agrees_however_it_is_written() {
        for (told, on_file) in [
            ("示例一", "示例一"),
            (" 示例 一 ", "示例一"),
            ("阿依古丽·示例", "阿依古丽示例"),
            ("Anna-Maria O'Neil", "anna maria oneil"),
            ("ＤＥＭＯ Motors", "demo motors"),
        ] {
            assert!(is_same(told, on_file), "{told}");
        }
        for (told, on_file) in [("示例二", "示例一"), ("示例", "示例一"), ("·", "·"), ("", "")] {
            assert!(!is_same(told, on_file), "{told}");
        }
    }

    #[test]
    fn two_of_name_phone_and_id_card_have_to_agree() {
        let (one, other) = ("示例一", "示例二");
        assert_eq!(confirmed_by(one, one, false, IdCard::Same), Some(vec!["NAME", "NATIONAL_ID"]));
        assert_eq!(confirmed_by(one, one, true, IdCard::Silent), Some(vec!["NAME", "PHONE"]));
        // Who has a new name, or one that was written down wrong.
        assert_eq!(confirmed_by(one, other, true, IdCard::Same), Some(vec!["PHONE", "NATIONAL_ID"]));
        assert_eq!(confirmed_by(one, other, false, IdCard::Same), None);
        assert_eq!(confirmed_by(one, other, true, IdCard::Silent), None);
        assert_eq!(confirmed_by(one, one, true, IdCard::Other), None);
        assert_eq!(IdCard::from_comparison(None), IdCard::Silent);
        assert_eq!(IdCard::from_comparison(Some(false)), IdCard::Other);
    }

    proptest! {
        #[test]
        fn separators_and_case_never_make_a_difference(
            name in "[a-zA-Z示例一二三]{1,12}",
            separator in "[ ·.'-]{0,3}",
            at in 0_usize..12,
        ) {
            let mut other: Vec<char> = name.to_uppercase().chars().collect();
            let at = at.min(other.len());
            other.splice(at..at, separator.chars());
            let other: String = other.into_iter().collect();
            prop_assert!(is_same(&name, &other));
        }

        #[test]
        fn another_letter_does(name in "[a-z示例一]{1,12}", more in "[a-z示例一]{1,3}") {
            let longer = format!("{name}{more}");
            prop_assert!(!is_same(&name, &longer));
        }
    }
}
