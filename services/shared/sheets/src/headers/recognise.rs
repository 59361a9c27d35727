use super::{Field, Mapping, Vocabulary, bare};
use crate::cell::{Cell, Row};
use crate::fingerprint::Fingerprint;

/// How alike a name must be to be suggested, from 0 to 1: of two characters one may differ, `手机` is enough for
/// `手机号`.
const ALIKE: f64 = 0.5;

/// What a table's columns are, and what about them needs a person.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recognised {
    /// The field's key for each column; `None` for one that is passed over.
    pub columns: Vec<Option<String>>,
    /// Columns that are no field's. They are passed over.
    pub unknown: Vec<Unknown>,
    /// Fields that several columns claim, with those columns, from 0. The first column counts.
    pub doubled: Vec<(String, Vec<usize>)>,
    /// Required fields that no column has.
    pub missing: Vec<String>,
    /// What a mapping names that is not there: headers of no column, keys of no field.
    pub stray: Vec<String>,
}

/// A column whose name nobody knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unknown {
    /// From 0.
    pub column: usize,
    /// As it stands in the file.
    pub header: String,
    /// The key of the field whose name is nearest, if one is near and no other column has it.
    pub suggestion: Option<String>,
}

impl Recognised {
    /// Whether rows can be read without asking anybody: nothing required is missing, nothing is doubled, and the
    /// mapping fits.
    pub fn is_ready(&self) -> bool {
        self.missing.is_empty() && self.doubled.is_empty() && self.stray.is_empty()
    }

    /// A row's cells with their fields' keys.
    pub fn cells<'a>(&'a self, row: &'a Row) -> impl Iterator<Item = (&'a str, &'a Cell)> {
        self.columns.iter().zip(&row.cells).filter_map(|(key, cell)| Some((key.as_deref()?, cell)))
    }

    /// A field's cell; an absent column is a blank one.
    pub fn cell<'a>(&self, row: &'a Row, key: &str) -> &'a Cell {
        let column = self.columns.iter().position(|column| column.as_deref() == Some(key));
        column.and_then(|column| row.cells.get(column)).unwrap_or(&Cell::Empty)
    }

    /// The row's content over the fields that are read: see [`Fingerprint`].
    pub fn fingerprint(&self, row: &Row) -> Fingerprint {
        Fingerprint::of(self.cells(row))
    }
}

pub(super) fn recognise(vocabulary: &Vocabulary, header: &[String], mapping: &Mapping) -> Recognised {
    let mut found = Recognised::default();
    let mut claims: Vec<(&Field, Vec<usize>)> = Vec::new();
    let mut mapped = Vec::new();
    for (column, name) in header.iter().enumerate() {
        let said = mapping.iter().find(|(said, _)| *said == name || bare(said) == bare(name));
        let field = match said {
            Some((said, None)) => {
                mapped.push(said);
                found.columns.push(None);
                continue;
            }
            Some((said, Some(key))) => {
                mapped.push(said);
                vocabulary.keyed(key)
            }
            None => vocabulary.named(name),
        };
        let taken = field.and_then(|field| claims.iter_mut().find(|(other, _)| other.key == field.key));
        match (field, taken) {
            (Some(_), Some((_, columns))) => {
                columns.push(column);
                found.columns.push(None);
            }
            (Some(field), None) => {
                claims.push((field, vec![column]));
                found.columns.push(Some(field.key.clone()));
            }
            (None, _) => {
                found.columns.push(None);
                // A column without a name asks for nothing.
                if !bare(name).is_empty() {
                    found.unknown.push(Unknown { column, header: name.clone(), suggestion: None });
                }
            }
        }
    }
    let free = |field: &&Field| !claims.iter().any(|(claimed, _)| claimed.key == field.key);
    for unknown in &mut found.unknown {
        unknown.suggestion = nearest(&unknown.header, vocabulary.fields().iter().filter(free));
    }
    found.missing = vocabulary.fields().iter().filter(free).filter(|field| field.required).map(key).collect();
    found.doubled = claims
        .into_iter()
        .filter(|(_, columns)| columns.len() > 1)
        .map(|(field, at)| (key(field), at))
        .collect();
    for (said, key) in mapping {
        if !mapped.contains(&said) {
            found.stray.push(said.clone());
        }
        found.stray.extend(key.iter().filter(|key| vocabulary.keyed(key).is_none()).cloned());
    }
    found
}

fn key(field: &Field) -> String {
    field.key.clone()
}

fn nearest<'a>(header: &str, fields: impl Iterator<Item = &'a Field>) -> Option<String> {
    // Nobody's slip of the pen is that long, and comparing takes the product of both lengths.
    let header: String = bare(header).chars().take(40).collect();
    fields
        .map(|field| {
            let alike = field.names.iter().chain([&field.key]);
            let alike = alike.map(|name| strsim::normalized_damerau_levenshtein(&header, &bare(name)));
            (alike.fold(0.0, f64::max), field)
        })
        .filter(|(alike, _)| *alike >= ALIKE)
        // Of those that are equally alike, the first.
        .reduce(|best, other| if other.0 > best.0 { other } else { best })
        .map(|(_, field)| field.key.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vocabulary() -> Vocabulary {
        Vocabulary::new()
            .required("name", &["姓名", "客户姓名", "Name"])
            .required("phone", &["手机号", "电话", "Mobile"])
            .field("plate", &["车牌号", "Plate"])
    }

    fn header(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn headers_are_found_in_any_order_and_dress() {
        let found =
            vocabulary().recognise(&header(&["车牌号", "MOBILE*", "客户姓名（必填）", ""]), &Mapping::new());
        let columns: Vec<_> = found.columns.iter().map(|key| key.as_deref()).collect();
        assert_eq!(columns, [Some("plate"), Some("phone"), Some("name"), None]);
        assert!(found.is_ready());
        assert!(found.unknown.is_empty());
    }

    #[test]
    fn what_needs_a_person_is_told() {
        let found = vocabulary().recognise(&header(&["姓名", "Name", "手机", "星座"]), &Mapping::new());
        assert!(!found.is_ready());
        assert_eq!(found.doubled, [("name".to_owned(), vec![0, 1])]);
        assert_eq!(found.missing, ["phone"]);
        let told: Vec<_> = found.unknown.iter().map(|one| (one.column, one.suggestion.as_deref())).collect();
        assert_eq!(told, [(2, Some("phone")), (3, None)]);
    }

    #[test]
    fn what_a_person_said_goes_before_what_is_recognised() {
        let mapping = Mapping::from([("手机".into(), Some("phone".into())), ("Name".into(), None)]);
        let found = vocabulary().recognise(&header(&["姓名", "Name", "手机"]), &mapping);
        assert!(found.is_ready(), "{found:?}");
        assert_eq!(found.columns[2].as_deref(), Some("phone"));
        let mapping = Mapping::from([("座机".into(), Some("fax".into()))]);
        let found = vocabulary().recognise(&header(&["姓名", "电话"]), &mapping);
        assert_eq!(found.stray, ["座机", "fax"]);
    }
}
