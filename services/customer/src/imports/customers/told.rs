//! What one row of customers says, checked by the rules by which the API checks.

use foursight_kernel::Violations;
use foursight_proto::customer::v1::{ContactKind, ContactPoint, Customer, CustomerKind, Gender, Profile};
use foursight_sheets::{Row, values};
use prost::Message;
use secrecy::ExposeSecret;

use crate::{
    customers::{KeyRing, NewFile, facts::Field as Fact, sealing::FieldKind},
    imports::{
        customers::{fields::Field, words},
        kind::Hash,
        reading::{Reader, Reading, digest_of},
        reason::{Code, Reason},
    },
    receptions::same_person::comparable,
};

/// By what a row says who it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::imports) struct Signs {
    pub(in crate::imports) kind: CustomerKind,
    /// Comparable: without what people write in one way or another.
    pub(in crate::imports) name: String,
    pub(in crate::imports) card: Option<Hash>,
    pub(in crate::imports) phones: Vec<Hash>,
}

/// A row that can be taken.
#[derive(Debug, Clone)]
pub(in crate::imports) struct Told {
    pub(super) file: NewFile,
    pub(super) signs: Signs,
    /// Of all that it says: rows that say the same have the same.
    pub(super) content: i64,
}

/// Reads a row, or says all that is wrong with it.
pub(super) fn read(reading: &Reading<'_>, row: &Row) -> Result<Told, Vec<Reason>> {
    let mut it = Reader::of(reading, row);
    let (customer, points) = customer(&mut it);
    let mut v = Violations::default();
    let file = NewFile::parse(&mut v, "row", &customer, Some(reading.store), reading.today);
    for violation in v.into_vec() {
        let field = field_of(&violation.field, &points);
        // What could not be read is told already.
        match field {
            Some(field) if it.is_wrong(field.key()) => {}
            Some(field) => it.refuse(field.key(), violation.description),
            None => it.wrong.push(Reason::of(Code::ValueWrong).with(violation.description)),
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
        wrong.push(Reason::of(Code::Nobody));
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
        kind: it.word(Field::Kind.key(), words::kind, KINDS).unwrap_or(CustomerKind::Person).into(),
        display_name: it.text(Field::Name.key(), 100).unwrap_or_default().replace('\n', " "),
        gender: it.word(Field::Gender.key(), words::gender, GENDERS).unwrap_or(Gender::Unspecified).into(),
        birthday: it.read(Field::Birthday.key(), values::date).map(crate::customers::date_to_proto),
        lunar_birthday: it.word(Field::LunarBirthday.key(), words::lunar, LUNAR),
        national_id: it.text(Field::NationalId.key(), 40).unwrap_or_default(),
        source: it.word(Field::Source.key(), words::source, SOURCES).unwrap_or(it.reading.source).into(),
        ..Customer::default()
    };
    let profile = Profile {
        occupation: it.text(Field::Occupation.key(), 100).unwrap_or_default().replace('\n', " "),
        intended_models: models(it.text(Field::IntendedModels.key(), 1000)),
        ..Profile::default()
    };
    customer.profile = (profile != Profile::default()).then_some(profile);
    let mut points = Vec::new();
    for (field, kind) in POINTS {
        let value = match kind {
            ContactKind::Phone => it.read(field.key(), values::phone),
            _ => it.text(field.key(), 254).map(|text| text.replace('\n', " ")),
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
    digest_of(&said.encode_to_vec())
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

/// The facts that a row says, of those that may change.
pub(super) fn facts_told(told: &Told) -> Vec<Fact> {
    let facts = told.file.facts();
    Fact::ALL.into_iter().filter(|fact| facts.has(*fact)).collect()
}
