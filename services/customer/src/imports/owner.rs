//! Whose car, delivery or visit a row is: by the same signs as a row of customers says who it is, or by the file's id. Only files
//! that who imports sees count: a row brings nobody's file to a store; an import of customers does, by its own rules.

use std::collections::HashSet;

use foursight_kernel::CustomerId;
use foursight_proto::customer::v1::{ContactKind, CustomerKind};
use foursight_sheets::values;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    contacts::ContactValue,
    imports::{
        customers::{
            lookup::{self, Files},
            rules::{self, Who},
            signs,
            told::Signs,
        },
        kind::{FieldSpec, Hash},
        outcome::RowOutcome,
        reading::{Reader, digest_of},
        reason::{Code, Reason},
        run::Run,
        worker::Stop,
    },
    national_id,
    receptions::same_person::comparable,
};

const CUSTOMER: &str = "customer";
pub(super) const NAME: &str = "owner_name";
const PHONE: &str = "owner_phone";
const CARD: &str = "owner_national_id";

/// All of them.
pub(super) const KEYS: [&str; 4] = [CUSTOMER, NAME, PHONE, CARD];

/// The columns that say it.
pub(super) const FIELDS: [FieldSpec; 4] = [
    FieldSpec {
        key: CUSTOMER,
        names: &["客户id", "客户编号", "档案编号", "customer id"],
        rule: "请填写客户档案的编号（customers/…），或改填姓名和电话",
    },
    FieldSpec {
        key: NAME,
        names: &[
            "车主",
            "车主姓名",
            "客户",
            "客户姓名",
            "客户名称",
            "姓名",
            "车主名称",
            "owner",
            "owner name",
            "customer name",
            "name",
        ],
        rule: "请填写车主姓名或单位名称",
    },
    FieldSpec {
        key: PHONE,
        names: &[
            "手机",
            "手机号",
            "手机号码",
            "车主手机",
            "车主电话",
            "客户手机",
            "联系电话",
            "电话",
            "联系方式",
            "phone",
            "mobile",
            "owner phone",
            "phone number",
            "tel",
        ],
        rule: "请填写 11 位手机号或带区号的电话",
    },
    FieldSpec {
        key: CARD,
        names: &[
            "身份证",
            "身份证号",
            "身份证号码",
            "车主身份证号",
            "证件号",
            "证件号码",
            "id number",
            "id card",
            "national id",
        ],
        rule: "身份证号须为 18 位且校验码正确",
    },
];

/// By what a row says whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Owner {
    File(CustomerId),
    Signs(Signs),
}

impl Owner {
    /// Reads it; nothing when the row does not say it.
    pub(super) fn read(it: &mut Reader<'_>) -> Option<Self> {
        let id = it.ruled(CUSTOMER, |text| {
            let name =
                if text.starts_with("customers/") { text.to_owned() } else { format!("customers/{text}") };
            CustomerId::parse_name(&name)
        });
        let name = it.line(NAME, 100);
        let phone = it.read(PHONE, values::phone).and_then(|phone| {
            let read = ContactValue::parse(ContactKind::Phone, &phone);
            read.map_err(|rule| it.refuse(PHONE, rule.to_owned())).ok()
        });
        let today = it.reading.today;
        let card = it.ruled(CARD, |text| national_id::normalize(text, today));
        if let Some(id) = id {
            return Some(Self::File(id));
        }
        if card.is_none() && (name.is_some() != phone.is_some()) {
            let missing = if name.is_some() { PHONE } else { NAME };
            if !it.is_wrong(CARD) {
                it.require(missing, false);
            }
            return None;
        }
        let keys = it.reading.keys;
        let phones: Vec<_> = phone.iter().filter_map(|phone| keys.contact_hash(phone)).collect();
        let card = card.map(|card| keys.national_id_hash(&card));
        if phones.is_empty() && card.is_none() {
            return None;
        }
        let name = comparable(&name.unwrap_or_default());
        Some(Self::Signs(Signs { kind: CustomerKind::Person, name, card, phones }))
    }

    /// What two rows of one customer have in common.
    pub(super) fn keys(&self) -> Vec<(i16, Hash)> {
        match self {
            Self::File(id) => vec![(signs::FILE, id.uuid().as_bytes().to_vec())],
            Self::Signs(signs) => signs::keys_of(signs),
        }
    }

    /// Of all that it says.
    fn digest(&self) -> Vec<u8> {
        match self {
            Self::File(id) => id.uuid().as_bytes().to_vec(),
            Self::Signs(signs) => {
                let signs_of = signs.card.iter().chain(&signs.phones).flatten().copied();
                signs.name.bytes().chain([0]).chain(signs_of).collect()
            }
        }
    }

    fn signs(&self) -> Option<&Signs> {
        match self {
            Self::File(_) => None,
            Self::Signs(signs) => Some(signs),
        }
    }
}

/// Rows may lead to one file by different signs.
pub(super) async fn lead_on(tx: &mut PgConnection, run: &Run) -> Result<(), Stop> {
    signs::lead_on(tx, run).await
}

/// The files that a batch's rows lead to.
pub(super) struct Owners {
    files: Files,
    there: HashSet<Uuid>,
}

impl Owners {
    /// Looks the files up that these lead to.
    pub(super) async fn find<'a>(
        tx: &mut PgConnection,
        run: &Run,
        owners: impl Iterator<Item = &'a Owner> + Clone,
    ) -> Result<Self, Stop> {
        let all: Vec<Signs> = owners.clone().filter_map(Owner::signs).cloned().collect();
        let files = lookup::found(tx, run, &all).await?;
        let ids = owners.filter_map(|owner| match owner {
            Owner::File(id) => Some(id.uuid()),
            Owner::Signs(_) => None,
        });
        let ids: Vec<Uuid> = ids.collect();
        let there = sqlx::query_scalar!(
            "SELECT c.id FROM customer.customers c
             WHERE c.id = ANY ($1) AND c.merged_into IS NULL
               AND ($2 OR EXISTS (SELECT FROM customer.customer_stores s WHERE s.customer_id = c.id AND s.store_id = $3))",
            &ids,
            run.creator_group,
            run.store_id,
        )
        .fetch_all(tx)
        .await?;
        Ok(Self { files, there: there.into_iter().collect() })
    }

    /// Whose it is.
    ///
    /// # Errors
    /// Why that cannot be told, with a file that stands against it.
    pub(super) fn of(&self, owner: &Owner) -> Result<Uuid, (Reason, Option<Uuid>)> {
        let unknown = || (Reason::of(Code::OwnerUnknown), None);
        let signs = match owner {
            Owner::File(id) => return self.there.get(&id.uuid()).copied().ok_or_else(unknown),
            Owner::Signs(signs) => signs,
        };
        let mut found = self.files.led_to_by(signs);
        found.retain(|file| file.seen);
        let organization = Signs { kind: CustomerKind::Organization, ..signs.clone() };
        match (rules::who(signs, &found), rules::who(&organization, &found)) {
            (Who::Of(id), _) | (Who::New, Who::Of(id)) => Ok(id.uuid()),
            (Who::Unclear(clash), _) | (Who::New, Who::Unclear(clash)) => {
                Err((Reason::of(clash.why.code()), clash.seen.map(CustomerId::uuid)))
            }
            (Who::New, Who::New) => Err(unknown()),
        }
    }
}

/// A digest of all that a row says, whose it is among it.
pub(super) fn content_of(said: impl Into<Vec<u8>>, owner: Option<&Owner>) -> i64 {
    let mut said = said.into();
    said.extend(owner.iter().flat_map(|owner| owner.digest()));
    digest_of(&said)
}

/// The row of which it is not clear whose it is.
pub(super) fn refused(number: i64, (reason, seen): (Reason, Option<Uuid>)) -> RowOutcome {
    if is_unknown(&reason) {
        RowOutcome::error(number, &[reason])
    } else {
        RowOutcome::conflict(number, &[reason], seen)
    }
}

/// Whether the refusal is that nobody is on file: then it is the row that is wrong.
pub(super) fn is_unknown(reason: &Reason) -> bool {
    reason.code == Code::OwnerUnknown.name()
}
