//! What a text in the one search box may mean. It is tried as everything that it can be at once.

use jiff::civil::Date;

use crate::{
    contacts::{ContactValue, phone},
    customers::{KeyRing, name_keys},
    national_id,
    vehicles::{plate, vin::VinRule},
};
use foursight_proto::customer::v1::ContactKind;

/// What to look for; each part is found by an index of its own.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Search {
    pub(crate) phone: Option<Vec<u8>>,
    pub(crate) phone_tail: Option<Vec<u8>>,
    pub(crate) national_id: Option<Vec<u8>>,
    pub(crate) plate: Option<String>,
    pub(crate) vin: Option<String>,
    pub(crate) vin_tail: Option<String>,
    /// Ranges of keys of names, from (with) and to (without).
    pub(crate) names: Vec<(String, String)>,
}

impl Search {
    /// Reads the text.
    pub(crate) fn parse(keys: &KeyRing, vins: VinRule, text: &str, today: Date) -> Self {
        let text = text.trim();
        let is = |length: usize, allowed: fn(&u8) -> bool| {
            text.len() == length && text.bytes().all(|b| allowed(&b))
        };
        let looks_like_phone = phone::normalize(text).is_ok();
        Self {
            phone: ContactValue::parse(ContactKind::Phone, text)
                .ok()
                .filter(|_| looks_like_phone)
                .and_then(|value| keys.contact_hash(&value)),
            phone_tail: is(4, u8::is_ascii_digit).then(|| keys.tail_hash(text)),
            national_id: national_id::normalize(text, today)
                .ok()
                .map(|number| keys.national_id_hash(&number)),
            plate: plate::normalize(text).ok(),
            vin: vins.read(text).ok(),
            vin_tail: is(6, u8::is_ascii_alphanumeric).then(|| text.to_ascii_uppercase()),
            names: name_keys::ranges(text),
        }
    }

    /// Whether it is a phone or an id number of which no digit is missing.
    pub(crate) fn is_told_whole(&self) -> bool {
        self.phone.is_some() || self.national_id.is_some()
    }

    /// Whether it may be anything else than a name.
    pub(crate) fn is_exact(&self) -> bool {
        [&self.phone, &self.phone_tail, &self.national_id].into_iter().any(Option::is_some)
            || [&self.plate, &self.vin, &self.vin_tail].into_iter().any(Option::is_some)
    }
}

/// A name as it is compared at the counter: lower case, one blank for many.
pub(crate) fn fold(name: &str) -> String {
    name.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::customers::tests::ring;

    fn parse(text: &str) -> Search {
        Search::parse(&ring(), VinRule { check_digit: true }, text, date(2026, 11, 22))
    }

    #[test]
    fn a_text_is_tried_as_everything_that_it_can_be() {
        assert!(parse("13800001234").phone.is_some());
        assert_eq!(parse("13800001234").phone, parse("+86 138 0000 1234").phone);
        assert!(parse("1234").phone_tail.is_some());
        assert!(parse("11010519491231002x").national_id.is_some());
        assert_eq!(parse("浙a·12345").plate.as_deref(), Some("浙A12345"));
        assert_eq!(parse("042788").vin_tail.as_deref(), Some("042788"));
        assert_eq!(parse("1m8gdm9axkp042788").vin.as_deref(), Some("1M8GDM9AXKP042788"));
    }

    #[test]
    fn what_can_only_be_a_name_is_looked_for_among_names_alone() {
        assert!(!parse("王小明").is_exact());
        assert!(!parse("wxm").is_exact());
        assert_eq!(parse("王小明").names.len(), 1);
    }
}
