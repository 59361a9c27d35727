//! Checks of a request's fields that collect every violation, so that nobody mends a form one error at a time.

use std::{collections::BTreeSet, ops::RangeInclusive};

use jiff::Timestamp;
use uuid::Uuid;

use crate::{Error, Result, ids::Id, time};

/// One field that is wrong, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The field's path from the request's root, in the proto's spelling: `customer.contact_points[0].value`.
    pub field: String,
    /// What is wrong and what would be right; lowercase, without a full stop, without the value.
    pub description: String,
}

/// Collects violations. Each check gives what it could read, so that all fields are looked at before [`Self::check`].
#[derive(Debug, Clone, Default)]
pub struct Violations {
    found: Vec<Violation>,
}

impl Violations {
    /// Adds a violation.
    pub fn push(&mut self, field: impl Into<String>, description: impl Into<String>) {
        self.found.push(Violation { field: field.into(), description: description.into() });
    }

    /// Whether nothing was found wrong so far.
    pub fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// What was found.
    pub fn into_vec(self) -> Vec<Violation> {
        self.found
    }

    /// Ends the checks.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` with every violation, when there is one.
    pub fn check(self) -> Result<()> {
        if self.found.is_empty() { Ok(()) } else { Err(Error::invalid(self)) }
    }

    /// A text of so many characters after trimming, without control characters (line breaks and tabs are fine).
    pub fn text(&mut self, field: &str, value: &str, characters: RangeInclusive<usize>) -> String {
        let text = value.trim();
        let count = text.chars().count();
        if count == 0 && *characters.start() > 0 {
            self.push(field, "is required");
        } else if !characters.contains(&count) {
            self.push(field, format!("must have {} to {} characters", characters.start(), characters.end()));
        } else if text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
            self.push(field, "must not contain control characters");
        }
        text.to_owned()
    }

    /// A text of one line, for names and the like: without line breaks and tabs, and without what nobody sees (spaces of no
    /// width, changes of the writing direction), by which two names could look alike or hide something.
    pub fn line(&mut self, field: &str, value: &str, characters: RangeInclusive<usize>) -> String {
        const INVISIBLE: [RangeInclusive<char>; 5] = [
            '\u{ad}'..='\u{ad}',
            '\u{200b}'..='\u{200f}',
            '\u{2028}'..='\u{202e}',
            '\u{2060}'..='\u{206f}',
            '\u{feff}'..='\u{feff}',
        ];
        let line = self.text(field, value, characters);
        if line.contains(['\n', '\r', '\t']) {
            self.push(field, "must be one line without tabs");
        } else if line.chars().any(|c| INVISIBLE.iter().any(|range| range.contains(&c))) {
            self.push(field, "must not contain invisible characters");
        }
        line
    }

    /// A text that may be absent; `None` when empty.
    pub fn optional_text(&mut self, field: &str, value: &str, most: usize) -> Option<String> {
        let text = self.text(field, value, 0..=most);
        (!text.is_empty()).then_some(text)
    }

    /// A resource name that must be there.
    pub fn name<I: Id>(&mut self, field: &str, value: &str) -> Option<I> {
        if value.is_empty() {
            self.push(field, format!("is required: the name of one of {}", I::COLLECTION));
            return None;
        }
        self.optional_name(field, value)
    }

    /// A resource name that may be absent.
    pub fn optional_name<I: Id>(&mut self, field: &str, value: &str) -> Option<I> {
        if value.is_empty() {
            return None;
        }
        match I::parse_name(value) {
            Ok(id) => Some(id),
            Err(error) => {
                self.push(field, error.to_string());
                None
            }
        }
    }

    /// An enum value that must be there: neither unknown nor `…_UNSPECIFIED`.
    pub fn required_enum<E: TryFrom<i32> + Into<i32> + Copy>(
        &mut self,
        field: &str,
        value: i32,
    ) -> Option<E> {
        if value == 0 {
            self.push(field, "is required");
            return None;
        }
        self.optional_enum(field, value)
    }

    /// An enum value that may be absent (`None` for `…_UNSPECIFIED`) but must be known.
    pub fn optional_enum<E: TryFrom<i32> + Into<i32> + Copy>(
        &mut self,
        field: &str,
        value: i32,
    ) -> Option<E> {
        if value == 0 {
            return None;
        }
        let known = E::try_from(value).ok();
        if known.is_none() {
            self.push(field, "is not one of the values that the API names");
        }
        known
    }

    /// An instant that may be absent.
    pub fn timestamp(&mut self, field: &str, value: Option<&prost_types::Timestamp>) -> Option<Timestamp> {
        let value = value?;
        let instant = time::from_proto(value);
        if instant.is_none() {
            self.push(field, "must be an instant between the years 1 and 9999");
        }
        instant
    }

    /// A date that may be absent.
    pub fn date(
        &mut self,
        field: &str,
        value: Option<&foursight_proto::google::r#type::Date>,
    ) -> Option<jiff::civil::Date> {
        let value = value?;
        let part = |number: i32| i8::try_from(number).ok();
        let date = i16::try_from(value.year)
            .ok()
            .zip(part(value.month).zip(part(value.day)))
            .and_then(|(year, (month, day))| jiff::civil::Date::new(year, month, day).ok());
        if date.is_none() {
            self.push(field, "must be a date that exists, with year, month and day");
        }
        date
    }

    /// The id by which a repeated request is known, if the caller gave one.
    pub fn request_id(&mut self, value: &str) -> Option<Uuid> {
        if value.is_empty() {
            return None;
        }
        let id = Uuid::try_parse(value).ok();
        if id.is_none() {
            self.push("request_id", "must be a UUID");
        }
        id
    }

    /// A whole number within bounds.
    pub fn number(&mut self, field: &str, value: i32, bounds: RangeInclusive<i32>) -> i32 {
        if !bounds.contains(&value) {
            self.push(field, format!("must be from {} to {}", bounds.start(), bounds.end()));
        }
        value
    }

    /// A list that is not too long.
    pub fn at_most<T>(&mut self, field: &str, values: &[T], most: usize) {
        if values.len() > most {
            self.push(field, format!("must have at most {most} entries"));
        }
    }

    /// The distinct fields found wrong, for tests and logs.
    pub fn fields(&self) -> BTreeSet<&str> {
        self.found.iter().map(|violation| violation.field.as_str()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_hides_nothing() {
        for wrong in ["示例\n一", "示例\t一", "示\u{200b}例", "示\u{202e}例", "\u{feff}示例", "示\0例", " "]
        {
            let mut v = Violations::default();
            v.line("name", wrong, 1..=10);
            assert_eq!(v.fields().into_iter().collect::<Vec<_>>(), ["name"], "{wrong:?}");
        }
        let mut v = Violations::default();
        assert_eq!(v.line("name", " 欧阳·示例 O'Neil-李 ", 1..=20), "欧阳·示例 O'Neil-李");
        assert!(v.is_empty());
    }
}
