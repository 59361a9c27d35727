//! Whether the file that a phone leads to is the visitor's. Numbers are recycled and shared in families, so a phone alone is
//! nobody's proof: the name has to agree, or the number of the id card.

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

/// Whether a visitor of this name is who the file is of. The id card outweighs the name.
pub(super) fn is_same(name: &str, name_on_file: &str, card: IdCard) -> bool {
    match card {
        IdCard::Same => true,
        IdCard::Other => false,
        IdCard::Silent => {
            let name = comparable(name);
            !name.is_empty() && name == comparable(name_on_file)
        }
    }
}

/// A name without what people write in one way or another: case, full width, blanks, dots and dashes.
fn comparable(name: &str) -> String {
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

    #[test]
    fn a_name_agrees_however_it_is_written() {
        for (told, on_file) in [
            ("示例一", "示例一"),
            (" 示例 一 ", "示例一"),
            ("阿依古丽·示例", "阿依古丽示例"),
            ("Anna-Maria O'Neil", "anna maria oneil"),
            ("ＤＥＭＯ Motors", "demo motors"),
        ] {
            assert!(is_same(told, on_file, IdCard::Silent), "{told}");
        }
        for (told, on_file) in [("示例二", "示例一"), ("示例", "示例一"), ("·", "·"), ("", "")] {
            assert!(!is_same(told, on_file, IdCard::Silent), "{told}");
        }
    }

    #[test]
    fn the_id_card_outweighs_the_name() {
        assert!(is_same("示例二", "示例一", IdCard::Same));
        assert!(!is_same("示例一", "示例一", IdCard::Other));
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
            prop_assert!(is_same(&name, &other, IdCard::Silent));
        }

        #[test]
        fn another_letter_does(name in "[a-z示例一]{1,12}", more in "[a-z示例一]{1,3}") {
            let longer = format!("{name}{more}");
            prop_assert!(!is_same(&name, &longer, IdCard::Silent));
        }
    }
}
