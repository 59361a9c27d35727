//! When a customer's next birthday is, by the date at the store.

use foursight_kernel::StoreId;
use foursight_proto::{customer::v1::Customer, google::r#type};
use jiff::civil::Date;

use crate::{
    context::Context,
    customers::{file::date_to_proto, lunar::LunarBirthday},
};

/// Says of each file when the next birthday is.
pub(crate) async fn tell_next(ctx: &Context, files: &mut [Customer]) {
    let now = ctx.now();
    for file in files {
        if file.birthday.is_none() && file.lunar_birthday.is_none() {
            continue;
        }
        // The store that opened the file, or one that serves the customer where that one is not the caller's to see.
        let store =
            std::iter::once(&file.store).chain(&file.stores).find_map(|name| StoreId::parse_name(name).ok());
        let Some(store) = store else { continue };
        let today = ctx.days.today(store, now).await;
        file.next_birthday = next(file, today).map(date_to_proto);
    }
}

/// The next birthday on or after a day. The lunar one counts where there is one.
fn next(file: &Customer, today: Date) -> Option<Date> {
    match &file.lunar_birthday {
        Some(lunar) => {
            let column = |number: i32| i16::try_from(number).ok();
            let leap = Some(lunar.leap_month);
            LunarBirthday::from_columns(None, column(lunar.month), leap, column(lunar.day))?.next(today)
        }
        None => next_solar(date(file.birthday.as_ref()?)?, today),
    }
}

/// Who was born on 29 February has it on the 28th in common years: the last day of the month, as the Civil Code, article 202,
/// ends a term whose day the month has not.
fn next_solar(birthday: Date, today: Date) -> Option<Date> {
    let in_year = |year: i16| {
        Date::new(year, birthday.month(), birthday.day())
            .or_else(|_| Date::new(year, birthday.month(), birthday.day() - 1))
            .ok()
    };
    let this_year = in_year(today.year()).filter(|day| *day >= today);
    this_year.or_else(|| in_year(today.year() + 1)).filter(|day| *day >= birthday)
}

fn date(told: &r#type::Date) -> Option<Date> {
    let part = |number: i32| i8::try_from(number).ok();
    Date::new(i16::try_from(told.year).ok()?, part(told.month)?, part(told.day)?).ok()
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_29th_of_february_is_kept_on_the_28th_in_common_years() {
        let born = date(2000, 2, 29);
        assert_eq!(next_solar(born, date(2027, 1, 1)), Some(date(2027, 2, 28)));
        assert_eq!(next_solar(born, date(2027, 3, 1)), Some(date(2028, 2, 29)));
        assert_eq!(next_solar(born, date(2028, 2, 29)), Some(date(2028, 2, 29)));
    }

    proptest! {
        #[test]
        fn it_is_within_a_year_and_on_the_same_day(born in 0_i32..45_000, today in 0_i32..70_000) {
            use jiff::ToSpan;
            let (born, today) = (date(1900, 1, 1) + born.days(), date(2026, 1, 1) + today.days());
            let next = next_solar(born, today).unwrap_or_default();
            prop_assert!(next >= today && next <= today + 366.days());
            prop_assert!(next.month() == born.month() && next.day() == born.day() || (next.month(), next.day(), born.day()) == (2, 28, 29));
        }
    }
}
