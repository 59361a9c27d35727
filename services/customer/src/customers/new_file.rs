//! A file that is to be opened: read from the request, then sealed.

use foursight_kernel::{ContactPointId, CustomerId, Ids, StoreId, Violations};
use foursight_proto::customer::v1::{ContactPoint, Customer, CustomerKind, Gender, SourceChannel};
use jiff::civil::{Date, date};
use secrecy::{ExposeSecret, SecretString};

use crate::{
    contacts::ContactValue,
    customers::{
        KeyRing, LunarBirthday, Profile, SealedFile,
        facts::Facts,
        sealed_file::SealedPoint,
        sealing::{FieldKind, SealingError},
    },
    national_id,
};

/// What a file holds at a time.
pub(crate) const MOST_CONTACT_POINTS: usize = 20;
const EARLIEST_BIRTHDAY: Date = date(1900, 1, 1);

/// What a request says about a customer, checked.
#[derive(Debug, Clone)]
pub(crate) struct NewFile {
    pub(crate) kind: CustomerKind,
    pub(crate) display_name: String,
    pub(crate) gender: Gender,
    pub(crate) birthday: Option<Date>,
    pub(crate) lunar_birthday: Option<LunarBirthday>,
    pub(crate) national_id: Option<SecretString>,
    pub(crate) profile: Profile,
    pub(crate) contacts: Vec<ContactValue>,
    pub(crate) store: StoreId,
    pub(crate) source: SourceChannel,
}

impl NewFile {
    /// Reads a customer at `path` of a request. With `at_store`, the file is that store's and may leave its own out.
    /// `None` when something was found wrong; then it is among the violations.
    pub(crate) fn parse(
        v: &mut Violations,
        path: &str,
        customer: &Customer,
        at_store: Option<StoreId>,
        today: Date,
    ) -> Option<Self> {
        let field = |name: &str| format!("{path}.{name}");
        let kind = v.required_enum(&field("kind"), customer.kind);
        let display_name = v.line(&field("display_name"), &customer.display_name, 1..=100);
        let gender = v.optional_enum(&field("gender"), customer.gender);
        let birthday = parse_birthday(v, &field("birthday"), customer, today);
        let lunar_birthday =
            LunarBirthday::parse(v, &field("lunar_birthday"), customer.lunar_birthday.as_ref(), today);
        let national_id = parse_national_id(v, &field("national_id"), customer, kind, today);
        let profile = Profile::parse(v, &field("profile"), customer.profile.as_ref());
        let contacts = parse_contacts(v, &field("contact_points"), &customer.contact_points);
        let store = match at_store {
            Some(store) if customer.store.is_empty() || customer.store == store.name() => Some(store),
            Some(_) => {
                v.push(field("store"), "must be the same store, or absent");
                None
            }
            None => v.name(&field("store"), &customer.store),
        };
        let source = v.required_enum(&field("source"), customer.source);
        Some(Self {
            kind: kind?,
            display_name,
            gender: gender.unwrap_or(Gender::Unspecified),
            birthday,
            lunar_birthday,
            national_id,
            profile,
            contacts,
            store: store?,
            source: source?,
        })
    }

    /// What may change later.
    pub(crate) fn facts(&self) -> Facts {
        Facts {
            display_name: self.display_name.clone(),
            gender: self.gender,
            birthday: self.birthday,
            lunar_birthday: self.lunar_birthday,
            national_id: self.national_id.clone(),
            profile: self.profile.clone(),
        }
    }

    /// Seals what is sensitive, for the file of this id.
    pub(crate) fn seal(self, keys: &KeyRing, ids: &Ids, id: CustomerId) -> Result<SealedFile, SealingError> {
        let (data_key, key) = keys.new_data_key(id)?;
        let national_id = match &self.national_id {
            None => None,
            Some(number) => {
                let number = number.expose_secret();
                Some((data_key.seal(FieldKind::NationalId, number)?, keys.national_id_hash(number)))
            }
        };
        // Ids of one instant come in no order; a file shows its contact points in the order in which they were told.
        let mut point_ids: Vec<ContactPointId> = self.contacts.iter().map(|_| ids.next()).collect();
        point_ids.sort_unstable();
        let mut points = point_ids
            .into_iter()
            .zip(&self.contacts)
            .map(|(id, value)| {
                Ok(SealedPoint {
                    id,
                    kind: value.kind() as i16,
                    sealed: data_key.seal(value.field_kind(), value.exposed())?,
                    hash: keys.contact_hash(value),
                    tail_hash: keys.contact_tail_hash(value),
                    exclusive: self.kind == CustomerKind::Person && value.field_kind() == FieldKind::Phone,
                })
            })
            .collect::<Result<Vec<_>, SealingError>>()?;
        // Two writers of the same two phones take them in the same order, and so never wait for each other in a ring.
        points.sort_unstable_by(|a, b| a.hash.cmp(&b.hash));
        Ok(SealedFile { id, key, national_id, points, facts: self })
    }
}

pub(crate) fn parse_birthday(
    v: &mut Violations,
    field: &str,
    customer: &Customer,
    today: Date,
) -> Option<Date> {
    let birthday = v.date(field, customer.birthday.as_ref());
    if birthday.is_some_and(|birthday| birthday < EARLIEST_BIRTHDAY || birthday > today) {
        v.push(field, "must not be before 1900 nor in the future");
    }
    birthday
}

pub(crate) fn parse_national_id(
    v: &mut Violations,
    field: &str,
    customer: &Customer,
    kind: Option<CustomerKind>,
    today: Date,
) -> Option<SecretString> {
    if customer.national_id.trim().is_empty() {
        return None;
    }
    if kind == Some(CustomerKind::Organization) {
        v.push(field, "is for persons; an organization has none");
        return None;
    }
    match national_id::normalize(&customer.national_id, today) {
        Ok(number) => Some(number.into()),
        Err(error) => {
            v.push(field, error.to_string());
            None
        }
    }
}

pub(crate) fn parse_contacts(v: &mut Violations, field: &str, points: &[ContactPoint]) -> Vec<ContactValue> {
    v.at_most(field, points, MOST_CONTACT_POINTS);
    let mut values: Vec<ContactValue> = Vec::with_capacity(points.len().min(MOST_CONTACT_POINTS));
    for (index, point) in points.iter().take(MOST_CONTACT_POINTS).enumerate() {
        let Some(kind) = v.required_enum(&format!("{field}[{index}].kind"), point.kind) else { continue };
        let at = format!("{field}[{index}].value");
        match ContactValue::parse(kind, &point.value) {
            Err(description) => v.push(at, description),
            Ok(value) => {
                let repeats = values.iter().any(|earlier| {
                    earlier.kind() == kind
                        && earlier.search_form() == value.search_form()
                        && earlier.search_form().is_some()
                });
                if repeats {
                    v.push(at, "repeats an earlier contact point");
                } else {
                    values.push(value);
                }
            }
        }
    }
    values
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use foursight_kernel::TestClock;
    use foursight_proto::customer::v1::ContactKind;
    use jiff::Timestamp;
    use uuid::Uuid;

    use super::*;
    use crate::customers::{file, tests::ring};

    const TODAY: Date = date(2026, 11, 22);

    fn point(kind: ContactKind, value: &str) -> ContactPoint {
        ContactPoint { kind: kind.into(), value: value.to_owned(), ..ContactPoint::default() }
    }

    fn customer() -> Customer {
        Customer {
            kind: CustomerKind::Person.into(),
            display_name: " 示例一 ".to_owned(),
            contact_points: vec![
                point(ContactKind::Phone, "138 0000 1234"),
                point(ContactKind::Email, "one@example.com"),
            ],
            national_id: "11010519491231002x".to_owned(),
            store: StoreId::from(Uuid::from_u128(5)).name(),
            source: SourceChannel::WalkIn.into(),
            ..Customer::default()
        }
    }

    fn parse(customer: &Customer) -> Result<NewFile, Vec<String>> {
        let mut v = Violations::default();
        let file = NewFile::parse(&mut v, "customer", customer, None, TODAY);
        if v.is_empty() {
            Ok(file.unwrap())
        } else {
            Err(v.fields().into_iter().map(str::to_owned).collect())
        }
    }

    #[test]
    fn every_violation_is_told_at_once() {
        let wrong = Customer {
            kind: 9,
            display_name: String::new(),
            birthday: Some(file::date_to_proto(date(1899, 12, 31))),
            national_id: "11010519491231002".to_owned(),
            contact_points: vec![
                point(ContactKind::Phone, "12"),
                point(ContactKind::Unspecified, "x"),
                point(ContactKind::Phone, "13800001234"),
                point(ContactKind::Phone, "+86 138 0000 1234"),
            ],
            store: "stores/1".to_owned(),
            ..Customer::default()
        };
        assert_eq!(
            parse(&wrong).unwrap_err(),
            [
                "customer.birthday",
                "customer.contact_points[0].value",
                "customer.contact_points[1].kind",
                "customer.contact_points[3].value",
                "customer.display_name",
                "customer.kind",
                "customer.national_id",
                "customer.source",
                "customer.store",
            ]
        );
    }

    #[test]
    fn an_organization_has_no_national_id() {
        let wrong = Customer { kind: CustomerKind::Organization.into(), ..customer() };
        assert_eq!(parse(&wrong).unwrap_err(), ["customer.national_id"]);
    }

    #[test]
    fn a_file_of_a_reception_is_the_reception_s_store_s() {
        let store = StoreId::from(Uuid::from_u128(6));
        let mut v = Violations::default();
        NewFile::parse(&mut v, "reception.visitor", &customer(), Some(store), TODAY);
        assert_eq!(v.fields().into_iter().collect::<Vec<_>>(), ["reception.visitor.store"]);
    }

    #[test]
    fn a_sealed_file_shows_nothing_whole() {
        let clock = TestClock::at(Timestamp::UNIX_EPOCH);
        let ids = Ids::new(clock);
        let file = parse(&customer()).unwrap().seal(&ring(), &ids, ids.next()).unwrap();
        let shown = file.to_proto(Timestamp::UNIX_EPOCH);
        assert_eq!(shown.display_name, "示例一");
        assert_eq!(shown.national_id, "1****************X");
        assert_eq!(shown.contact_points[0].value, "138****1234");
        assert_eq!(shown.contact_points[1].value, "o***@example.com");
        let printed = format!("{file:?}");
        assert!(!printed.contains("13800001234") && !printed.contains("19491231"));
    }
}
