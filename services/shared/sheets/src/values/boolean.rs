use super::{ValueError, plain_text};
use crate::cell::Cell;
use rust_decimal::Decimal;

/// Yes or no, in the words that people use in tables.
pub fn yes_no(cell: &Cell) -> Result<Option<bool>, ValueError> {
    match cell {
        Cell::Empty | Cell::Covered { .. } => Ok(None),
        Cell::Bool(yes) => Ok(Some(*yes)),
        Cell::Number(number) if *number == Decimal::ONE => Ok(Some(true)),
        Cell::Number(number) if number.is_zero() => Ok(Some(false)),
        Cell::Text(text) => match plain_text(text).to_lowercase().as_str() {
            "" => Ok(None),
            "是" | "有" | "对" | "y" | "yes" | "t" | "true" | "1" | "√" | "✓" | "✔" => {
                Ok(Some(true))
            }
            "否" | "无" | "没有" | "不是" | "n" | "no" | "f" | "false" | "0" | "×" | "✗" | "✘" => {
                Ok(Some(false))
            }
            _ => Err(ValueError::NeitherYesNorNo),
        },
        Cell::Number(_) | Cell::Moment(_) => Err(ValueError::NeitherYesNorNo),
        Cell::Fault(fault) => Err((*fault).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(text: &str) -> Result<Option<bool>, ValueError> {
        yes_no(&Cell::Text(text.into()))
    }

    #[test]
    fn yes_and_no_in_peoples_words() {
        for yes in ["是", " 有 ", "Y", "ｙｅｓ", "TRUE", "1", "１"] {
            assert_eq!(of(yes), Ok(Some(true)), "{yes}");
        }
        for no in ["否", "无", "n", "No", "False", "0"] {
            assert_eq!(of(no), Ok(Some(false)), "{no}");
        }
        assert_eq!(of("\u{200b} "), Ok(None));
        assert_eq!(yes_no(&Cell::Number(Decimal::ONE)), Ok(Some(true)));
        assert_eq!(yes_no(&Cell::Number(Decimal::TWO)), Err(ValueError::NeitherYesNorNo));
    }

    proptest! {
        #[test]
        fn nothing_else_is_taken_for_an_answer(text in "[2-9a-eg-mo-su-xz]{1,8}") {
            prop_assert_eq!(of(&text), Err(ValueError::NeitherYesNorNo));
        }
    }
}
