//! Which column is which field.

mod recognise;

pub use recognise::{Recognised, Unknown};

use crate::values::plain_text;
use std::collections::BTreeMap;

/// A field that a table may have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// How the caller calls it.
    pub key: String,
    /// How people call it, in Chinese and in English; the first is the one that is told.
    pub names: Vec<String>,
    /// Whether a table without it is refused.
    pub required: bool,
}

/// The fields that a kind of table has, with all their names.
#[derive(Clone, Debug, Default)]
pub struct Vocabulary {
    fields: Vec<Field>,
    /// Bare name → the field's place.
    names: BTreeMap<String, usize>,
}

/// What a person said about columns, which goes before what is recognised: header → field, or `None` for a column
/// that is to be passed over.
pub type Mapping = BTreeMap<String, Option<String>>;

impl Vocabulary {
    /// An empty one.
    pub fn new() -> Self {
        Self::default()
    }

    /// With a field that may be absent. The key is a name, too.
    #[must_use]
    pub fn field(self, key: &str, names: &[&str]) -> Self {
        self.with(key, names, false)
    }

    /// With a field that a table must have.
    #[must_use]
    pub fn required(self, key: &str, names: &[&str]) -> Self {
        self.with(key, names, true)
    }

    fn with(mut self, key: &str, names: &[&str], required: bool) -> Self {
        let place = self.fields.len();
        for name in names.iter().chain([&key]) {
            // A name that two fields have stays with the first.
            self.names.entry(bare(name)).or_insert(place);
        }
        let names = names.iter().map(|name| (*name).to_owned()).collect();
        self.fields.push(Field { key: key.to_owned(), names, required });
        self
    }

    /// The fields, in the order in which they were named.
    pub fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// Says which column is which. See [`Recognised`] for what may be wrong.
    pub fn recognise(&self, header: &[String], mapping: &Mapping) -> Recognised {
        recognise::recognise(self, header, mapping)
    }

    fn named(&self, header: &str) -> Option<&Field> {
        self.names.get(&bare(header)).and_then(|place| self.fields.get(*place))
    }

    fn keyed(&self, key: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.key == key)
    }
}

/// A name without what people and templates put around it: case, width, blanks, punctuation, `*`, and remarks in
/// brackets (`手机号（必填）`).
fn bare(name: &str) -> String {
    let plain = plain_text(name).to_lowercase();
    let mut name = String::with_capacity(plain.len());
    let mut depth = 0_u32;
    for c in plain.chars() {
        match c {
            '(' | '[' | '【' | '〔' => depth += 1,
            ')' | ']' | '】' | '〕' => depth = depth.saturating_sub(1),
            _ if depth == 0 && c.is_alphanumeric() => name.push(c),
            _ => {}
        }
    }
    if name.is_empty() {
        // A name that is all brackets is its own.
        name = plain.chars().filter(|c| c.is_alphanumeric()).collect();
    }
    for remark in ["必填项", "选填项", "必填", "选填"] {
        if let Some(rest) = name.strip_suffix(remark).filter(|rest| !rest.is_empty()) {
            return rest.to_owned();
        }
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_are_the_same_in_any_dress() {
        for dressed in [
            "手机号",
            " 手机号（必填）",
            "*手机号",
            "手机号：",
            "【手机号】",
            "手 机 号*",
            "手机号(11位)[选填]",
            "手机号必填",
        ] {
            assert_eq!(bare(dressed), "手机号", "{dressed}");
        }
        assert_eq!(bare("Phone Number"), bare("ｐｈｏｎｅ＿ｎｕｍｂｅｒ"));
        assert_eq!(bare("必填"), "必填");
    }

    proptest! {
        #[test]
        fn a_bare_name_is_bare(name in "\\PC{0,20}") {
            let once = bare(&name);
            prop_assert!(once.chars().all(char::is_alphanumeric));
        }
    }
}
