//! What files are compared by.

use std::collections::{BTreeSet, HashMap};

use foursight_kernel::{Error, Result, sql};
use foursight_proto::customer::v1::CustomerKind;
use jiff::civil::Date;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    customers::{LunarBirthday, name_keys},
    duplicates::score::{Name, Phone, Signs},
};

/// Of one file, or of somebody who has none yet. Numbers and addresses as keyed hashes.
#[derive(Debug, Clone)]
pub(crate) struct Traits {
    pub(crate) kind: CustomerKind,
    /// Without what people write differently.
    pub(crate) name: String,
    /// As it is searched.
    pub(crate) search_name: String,
    /// In each usual reading.
    pub(crate) pinyin: BTreeSet<String>,
    /// 0 when it is not known.
    pub(crate) gender: i16,
    pub(crate) birthday: Option<Date>,
    pub(crate) lunar_birthday: Option<LunarBirthday>,
    pub(crate) national_id: Option<Vec<u8>>,
    /// Those of before among them.
    pub(crate) phones: BTreeSet<Vec<u8>>,
    pub(crate) phone_ends: BTreeSet<Vec<u8>>,
    pub(crate) accounts: BTreeSet<Vec<u8>>,
    pub(crate) vehicles: BTreeSet<Uuid>,
}

impl Traits {
    /// What two have in common, the same from either side; nothing between a person and an organization.
    pub(crate) fn compare(&self, other: &Self) -> Option<Signs> {
        let signs = Signs::between(self.kind, other.kind)?;
        let name = if self.name == other.name && !self.name.is_empty() {
            Name::Same
        } else if self.pinyin.is_disjoint(&other.pinyin) {
            Name::Other
        } else {
            Name::SamePinyin
        };
        let phone = if !self.phones.is_disjoint(&other.phones) {
            Phone::Same
        } else if self.phone_ends.is_disjoint(&other.phone_ends) {
            Phone::Other
        } else {
            Phone::SameEnd
        };
        Some(Signs {
            name,
            birthday: self.same_birthday(other),
            gender: (self.gender != 0 && other.gender != 0).then_some(self.gender == other.gender),
            national_id: self
                .national_id
                .as_ref()
                .zip(other.national_id.as_ref())
                .map(|(one, two)| one == two),
            phone,
            account: !self.accounts.is_disjoint(&other.accounts),
            vehicle: !self.vehicles.is_disjoint(&other.vehicles),
            ..signs
        })
    }

    /// By the calendar that both are known by.
    fn same_birthday(&self, other: &Self) -> Option<bool> {
        if let Some((one, two)) = self.birthday.zip(other.birthday) {
            return Some(one == two);
        }
        let (one, two) = self.lunar_birthday.zip(other.lunar_birthday)?;
        Some(one == two)
    }

    /// How many of its phones, accounts and id numbers are of none of these files.
    pub(crate) fn not_of(&self, files: &HashMap<Uuid, Self>) -> usize {
        let known = |of: fn(&Self) -> &BTreeSet<Vec<u8>>| -> BTreeSet<&Vec<u8>> {
            files.values().flat_map(of).collect()
        };
        let (phones, accounts) = (known(|file| &file.phones), known(|file| &file.accounts));
        let ids: BTreeSet<&Vec<u8>> = files.values().filter_map(|file| file.national_id.as_ref()).collect();
        self.phones.iter().filter(|phone| !phones.contains(phone)).count()
            + self.accounts.iter().filter(|account| !accounts.contains(account)).count()
            + self.national_id.iter().filter(|id| !ids.contains(id)).count()
    }

    /// The pinyin of a name in each usual reading, as files are found by it.
    pub(crate) fn pinyin_of(name: &str) -> BTreeSet<String> {
        name_keys::pinyin_of(name).into_iter().collect()
    }
}

struct Row {
    id: Uuid,
    kind: i16,
    display_name: String,
    search_name: String,
    gender: i16,
    birthday: Option<sql::Date>,
    lunar_year: Option<i16>,
    lunar_month: Option<i16>,
    lunar_leap: Option<bool>,
    lunar_day: Option<i16>,
    national_id_hash: Option<Vec<u8>>,
    phones: Option<Vec<Vec<u8>>>,
    phone_ends: Option<Vec<Vec<u8>>>,
    accounts: Option<Vec<Vec<u8>>>,
    vehicles: Option<Vec<Uuid>>,
}

/// Those of these files that the transaction's caller sees. Files that were absorbed are left out.
pub(crate) async fn load(tx: &mut PgConnection, ids: &[Uuid]) -> Result<HashMap<Uuid, Traits>> {
    let rows = sqlx::query_as!(
        Row,
        "SELECT c.id, c.kind, c.display_name, c.search_name, c.gender, c.birthday, c.lunar_year, c.lunar_month, c.lunar_leap,
                c.lunar_day, c.national_id_hash, p.phones, p.phone_ends, p.accounts, o.vehicles
         FROM customer.customers c
         LEFT JOIN LATERAL (
             SELECT array_agg(x.hash) FILTER (WHERE x.kind = 1) AS phones,
                    array_agg(x.tail_hash) FILTER (WHERE x.tail_hash IS NOT NULL) AS phone_ends,
                    array_agg(x.hash) FILTER (WHERE x.kind IN (2, 3)) AS accounts
             FROM customer.contact_points x WHERE x.customer_id = c.id AND x.hash IS NOT NULL
         ) p ON true
         LEFT JOIN LATERAL (
             SELECT array_agg(x.vehicle_id) AS vehicles FROM customer.vehicle_ownerships x WHERE x.customer_id = c.id
         ) o ON true
         WHERE c.id = ANY ($1) AND c.merged_into IS NULL",
        ids,
    )
    .fetch_all(tx)
    .await?;
    rows.into_iter().map(|row| Ok((row.id, row.traits()?))).collect()
}

impl Row {
    fn traits(self) -> Result<Traits> {
        let set = |hashes: Option<Vec<Vec<u8>>>| hashes.unwrap_or_default().into_iter().collect();
        Ok(Traits {
            kind: CustomerKind::try_from(i32::from(self.kind)).map_err(Error::internal)?,
            pinyin: Traits::pinyin_of(&self.display_name),
            name: name_keys::plain(&self.display_name),
            search_name: self.search_name,
            gender: self.gender,
            birthday: self.birthday.map(sql::Date::to_jiff),
            lunar_birthday: LunarBirthday::from_columns(
                self.lunar_year,
                self.lunar_month,
                self.lunar_leap,
                self.lunar_day,
            ),
            national_id: self.national_id_hash,
            phones: set(self.phones),
            phone_ends: set(self.phone_ends),
            accounts: set(self.accounts),
            vehicles: self.vehicles.unwrap_or_default().into_iter().collect(),
        })
    }
}
