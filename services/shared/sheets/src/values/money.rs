use super::{ValueError, decimal, plain_text};
use crate::cell::Cell;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

/// An amount in the currency's smallest unit: fen with two decimals, yen with none. A currency's mark or name at
/// either end is passed over; that it is the right one is the caller's to know.
pub fn minor_units(cell: &Cell, decimals: u32) -> Result<Option<i64>, ValueError> {
    let amount = match cell {
        Cell::Text(text) => decimal(&Cell::Text(bare(&plain_text(text)).to_owned()))?,
        other => decimal(other)?,
    };
    let Some(amount) = amount else { return Ok(None) };
    if amount.scale() > decimals {
        return Err(ValueError::TooManyDecimals(decimals));
    }
    let factor = Decimal::from(10_u64.checked_pow(decimals).ok_or(ValueError::TooLarge)?);
    let minor = amount.checked_mul(factor).and_then(|minor| minor.to_i64());
    minor.map(Some).ok_or(ValueError::TooLarge)
}

fn bare(text: &str) -> &str {
    let text = text.trim_start_matches(['¥', '￥', '$', '€']);
    let text = ["人民币", "RMB", "CNY"].iter().find_map(|mark| text.strip_prefix(mark)).unwrap_or(text);
    ["元", "RMB", "CNY"].iter().find_map(|mark| text.strip_suffix(mark)).unwrap_or(text).trim()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(text: &str) -> Result<Option<i64>, ValueError> {
        minor_units(&Cell::Text(text.into()), 2)
    }

    #[test]
    fn amounts_become_fen() {
        for (text, fen) in [
            ("￥1,280.50", 128_050),
            ("1280.5元", 128_050),
            ("RMB 12", 1_200),
            ("-3.07", -307),
            ("１２．５０", 1_250),
        ] {
            assert_eq!(of(text), Ok(Some(fen)), "{text}");
        }
        assert_eq!(of(""), Ok(None));
        assert_eq!(of("1.005"), Err(ValueError::TooManyDecimals(2)));
        assert_eq!(of("1.500"), Ok(Some(150)));
        assert_eq!(of("12万"), Err(ValueError::NotANumber));
        assert_eq!(of("99999999999999999999"), Err(ValueError::TooLarge));
        assert_eq!(minor_units(&Cell::Number(Decimal::from(500)), 0), Ok(Some(500)));
    }

    proptest! {
        #[test]
        fn what_is_written_with_its_decimals_is_the_same_amount(fen: i64) {
            prop_assert_eq!(of(&Decimal::new(fen, 2).to_string()), Ok(Some(fen)));
        }
    }
}
