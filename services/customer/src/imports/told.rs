//! What one row of customers says, checked by the rules by which the API checks.

use aws_lc_rs::digest::{SHA256, digest};
use foursight_kernel::{StoreId, Violations};
use foursight_proto::customer::v1::{
    ContactKind, ContactPoint, Customer, CustomerKind, Gender, Profile, SourceChannel,
};
use foursight_sheets::{
    Cell, Row,
    values::{self, ValueError},
};
use jiff::civil::Date;
use prost::Message;
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};

use crate::{
    customers::{KeyRing, NewFile, facts::Field as Fact, sealing::FieldKind},
    imports::{columns::Columns, fields::Field, words},
    receptions::same_person::comparable,
};

/// Why a row is not taken, or not undone. Kept in clear: no value, no name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Reason {
    /// The field's key; empty for the row as a whole.
    #[serde(rename = "f")]
    pub(super) field: String,
    #[serde(rename = "c")]
    pub(super) code: String,
    #[serde(rename = "m")]
    pub(super) message: String,
}

impl Reason {
    pub(super) fn of(field: Option<Field>, code: &str, message: impl Into<String>) -> Self {
        let field = field.map_or_else(String::new, |field| field.key().to_owned());
        Self { field, code: code.to_owned(), message: message.into() }
    }
}

/// A keyed hash.
pub(super) type Hash = Vec<u8>;

/// By what a row says who it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Signs {
    pub(super) kind: CustomerKind,
    /// Comparable: without what people write in one way or another.
    pub(super) name: String,
    pub(super) card: Option<Hash>,
    pub(super) phones: Vec<Hash>,
}

/// A row that can be taken.
#[derive(Debug, Clone)]
pub(super) struct Told {
    pub(super) file: NewFile,
    pub(super) signs: Signs,
    /// Of all that it says: rows that say the same have the same.
    pub(super) content: i64,
}

/// How rows are read.
pub(super) struct Reading<'a> {
    pub(super) columns: &'a Columns,
    pub(super) keys: &'a KeyRing,
    pub(super) store: StoreId,
    pub(super) source: SourceChannel,
    pub(super) today: Date,
}

/// One field at a time, with everything that is wrong.
struct Reader<'a> {
    reading: &'a Reading<'a>,
    row: &'a Row,
    wrong: Vec<Reason>,
}

impl Reader<'_> {
    fn read<T>(
        &mut self,
        field: Field,
        of: impl FnOnce(&Cell) -> Result<Option<T>, ValueError>,
    ) -> Option<T> {
        match of(self.reading.columns.cell(self.row, field)) {
            Ok(value) => value,
            Err(error) => {
                self.wrong.push(Reason::of(Some(field), code_of(error), error.to_string()));
                None
            }
        }
    }

    fn text(&mut self, field: Field, most: usize) -> Option<String> {
        self.read(field, |cell| values::text(cell, most))
    }

    fn word<T>(&mut self, field: Field, of: impl FnOnce(&str) -> Option<T>, help: &str) -> Option<T> {
        let text = self.text(field, 100)?;
        let word = of(&text);
        if word.is_none() {
            self.wrong.push(Reason::of(Some(field), "WORD_UNKNOWN", help));
        }
        word
    }
}

/// Reads a row, or says all that is wrong with it.
pub(super) fn read(reading: &Reading<'_>, row: &Row) -> Result<Told, Vec<Reason>> {
    let mut it = Reader { reading, row, wrong: Vec::new() };
    for problem in &row.problems {
        it.wrong.push(Reason::of(None, "ROW_UNEVEN", problem.to_string()));
    }
    let (customer, points) = customer(&mut it);
    let mut v = Violations::default();
    let file = NewFile::parse(&mut v, "row", &customer, Some(reading.store), reading.today);
    for violation in v.into_vec() {
        let field = field_of(&violation.field, &points);
        // What could not be read is told already.
        if !it.wrong.iter().any(|known| Some(known.field.as_str()) == field.map(Field::key)) {
            it.wrong.push(Reason::of(field, "VALUE_WRONG", violation.description));
        }
    }
    let mut wrong = it.wrong;
    let Some(file) = file.filter(|_| wrong.is_empty()) else { return Err(wrong) };
    let signs = signs(reading.keys, &file);
    let known = match signs.kind {
        CustomerKind::Organization => !signs.phones.is_empty() && !signs.name.is_empty(),
        _ => !signs.phones.is_empty() || signs.card.is_some(),
    };
    if !known {
        let message = "nothing says who this is: fill in a phone, or a person's id number";
        wrong.push(Reason::of(None, "NOBODY", message));
        return Err(wrong);
    }
    let content = content(&file);
    Ok(Told { file, signs, content })
}

/// The row as a request would have it, and which field each contact point stands in.
fn customer(it: &mut Reader<'_>) -> (Customer, Vec<Field>) {
    const KINDS: &str = "write 个人 or 单位, person or organization";
    const GENDERS: &str = "write 男 or 女, male or female";
    const SOURCES: &str = "this is no channel that is known: write 来店, 来电, 网站, 社交媒体, 垂直媒体, 短视频, 车展, 社群, 合作, 转介绍 or 导入, or leave it blank";
    const LUNAR: &str = "this is no lunar day: write it like 四月廿三, 闰四月初一 or 1990-4-23";
    const POINTS: [(Field, ContactKind); 5] = [
        (Field::Phone, ContactKind::Phone),
        (Field::Phone2, ContactKind::Phone),
        (Field::Email, ContactKind::Email),
        (Field::Wechat, ContactKind::Wechat),
        (Field::Address, ContactKind::Address),
    ];
    let mut customer = Customer {
        kind: it.word(Field::Kind, words::kind, KINDS).unwrap_or(CustomerKind::Person).into(),
        display_name: it.text(Field::Name, 100).unwrap_or_default().replace('\n', " "),
        gender: it.word(Field::Gender, words::gender, GENDERS).unwrap_or(Gender::Unspecified).into(),
        birthday: it.read(Field::Birthday, values::date).map(crate::customers::date_to_proto),
        lunar_birthday: it.word(Field::LunarBirthday, words::lunar, LUNAR),
        national_id: it.text(Field::NationalId, 40).unwrap_or_default(),
        source: it.word(Field::Source, words::source, SOURCES).unwrap_or(it.reading.source).into(),
        ..Customer::default()
    };
    let profile = Profile {
        occupation: it.text(Field::Occupation, 100).unwrap_or_default().replace('\n', " "),
        intended_models: models(it.text(Field::IntendedModels, 1000)),
        ..Profile::default()
    };
    customer.profile = (profile != Profile::default()).then_some(profile);
    let mut points = Vec::new();
    for (field, kind) in POINTS {
        let value = match kind {
            ContactKind::Phone => it.read(field, values::phone),
            _ => it.text(field, 254).map(|text| text.replace('\n', " ")),
        };
        let Some(value) = value else { continue };
        // Many tables have the same number in two columns.
        if !customer.contact_points.iter().any(|point| point.kind == i32::from(kind) && point.value == value)
        {
            customer.contact_points.push(ContactPoint {
                kind: kind.into(),
                value,
                ..ContactPoint::default()
            });
            points.push(field);
        }
    }
    (customer, points)
}

fn models(text: Option<String>) -> Vec<String> {
    let text = text.unwrap_or_default();
    let mut models: Vec<String> = Vec::new();
    for model in
        text.split(['、', ',', '，', ';', '；', '\n']).map(str::trim).filter(|model| !model.is_empty())
    {
        if !models.iter().any(|known| known == model) {
            models.push(model.to_owned());
        }
    }
    models
}

fn signs(keys: &KeyRing, file: &NewFile) -> Signs {
    let phones = file.contacts.iter().filter(|point| point.field_kind() == FieldKind::Phone);
    let mut phones: Vec<Hash> = phones.filter_map(|phone| keys.contact_hash(phone)).collect();
    phones.sort_unstable();
    phones.dedup();
    let card = file.national_id.as_ref().map(|number| keys.national_id_hash(number.expose_secret()));
    Signs { kind: file.kind, name: comparable(&file.display_name), card, phones }
}

/// A digest of what a row says in the form in which it is kept, whatever the order of its columns.
fn content(file: &NewFile) -> i64 {
    let facts = file.facts();
    let mut points: Vec<ContactPoint> = file
        .contacts
        .iter()
        .map(|point| ContactPoint {
            kind: point.kind().into(),
            value: point.search_form().unwrap_or_else(|| point.exposed().to_owned()),
            ..ContactPoint::default()
        })
        .collect();
    points.sort_unstable_by(|a, b| (a.kind, &a.value).cmp(&(b.kind, &b.value)));
    let said = Customer {
        kind: file.kind.into(),
        source: file.source.into(),
        contact_points: points,
        ..facts.all()
    };
    let mut bytes = [0; 8];
    bytes.iter_mut().zip(digest(&SHA256, &said.encode_to_vec()).as_ref()).for_each(|(to, from)| *to = *from);
    i64::from_be_bytes(bytes)
}

/// Which column a violation is about.
fn field_of(path: &str, points: &[Field]) -> Option<Field> {
    let path = path.strip_prefix("row.")?;
    if let Some(rest) = path.strip_prefix("contact_points[") {
        let index: usize = rest.split_once(']')?.0.parse().ok()?;
        return points.get(index).copied();
    }
    match path.split(['.', '[']).next()? {
        "display_name" => Some(Field::Name),
        "profile" if path.contains("intended_models") => Some(Field::IntendedModels),
        "profile" => Some(Field::Occupation),
        head => Field::of_key(head),
    }
}

fn code_of(error: ValueError) -> &'static str {
    match error {
        ValueError::LostDigits => "DIGITS_LOST",
        ValueError::NotADate | ValueError::AmbiguousDate | ValueError::NoSuchDay => "NO_DATE",
        ValueError::NotAPhone => "NO_PHONE",
        ValueError::TooLong(_) => "TOO_LONG",
        ValueError::Fault(_) => "CELL_HAS_NO_VALUE",
        _ => "VALUE_WRONG",
    }
}

/// The facts that a row says, of those that may change.
pub(super) fn facts_told(told: &Told) -> Vec<Fact> {
    let facts = told.file.facts();
    Fact::ALL.into_iter().filter(|fact| facts.has(*fact)).collect()
}
