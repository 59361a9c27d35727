//! `FindDuplicates`.

use std::collections::BTreeSet;

use foursight_access::Principal;
use foursight_kernel::{Result, Violations, sql};
use foursight_proto::customer::v1::{
    ContactKind, Customer, CustomerKind, DuplicateCandidate, FindDuplicatesRequest, FindDuplicatesResponse,
    Gender,
};
use secrecy::ExposeSecret;
use uuid::Uuid;

use crate::{
    context::Context,
    customers::{LunarBirthday, file, name_keys, new_file, search},
    duplicates::{
        near::near,
        score::LIKELY,
        traits::{self, Traits},
    },
};

/// The most candidates that help anybody at a counter.
const MOST: usize = 20;

/// The files that may be of somebody who is about to be entered, as far as the caller sees them.
///
/// # Errors
/// Every wrong field at once; `TOO_MANY_TRIES` for who told too much that is nobody's.
pub(super) async fn find(
    ctx: &Context,
    caller: &Principal,
    request: &FindDuplicatesRequest,
) -> Result<FindDuplicatesResponse> {
    let mut v = Violations::default();
    let told = traits_of(&mut v, ctx, request);
    v.check()?;
    ctx.lookups.admit(caller).await?;

    let mut tx = ctx.db.begin(caller).await?;
    let ids = near(&mut tx, &told).await?;
    let known = traits::load(&mut tx, &ids).await?;
    let missed = told.not_of(&known);
    let mut likely: Vec<(Uuid, _)> = known
        .into_iter()
        .filter_map(|(id, traits)| Some((id, told.compare(&traits)?)))
        .filter(|(_, signs)| signs.probability() >= LIKELY)
        .collect();
    likely.sort_unstable_by(|one, other| {
        other.1.probability().total_cmp(&one.1.probability()).then(other.0.cmp(&one.0))
    });
    likely.truncate(MOST);
    let ids: Vec<Uuid> = likely.iter().map(|(id, _)| *id).collect();
    let files = file::read_by_id(&mut tx, &ctx.keys, &ids).await?;
    drop(tx);
    ctx.lookups.missed(ctx, caller, "FindDuplicates", missed).await?;
    let candidate = |(id, signs): (Uuid, crate::duplicates::Signs)| DuplicateCandidate {
        customer: files.get(&id).cloned(),
        probability: signs.probability(),
        signs: signs.told().into_iter().map(Into::into).collect(),
    };
    Ok(FindDuplicatesResponse { candidates: likely.into_iter().map(candidate).collect() })
}

/// What is known so far.
fn traits_of(v: &mut Violations, ctx: &Context, request: &FindDuplicatesRequest) -> Traits {
    let today = ctx.today();
    let told = &Customer {
        kind: request.kind,
        gender: request.gender,
        birthday: request.birthday,
        national_id: request.national_id.clone(),
        ..Customer::default()
    };
    let kind: Option<CustomerKind> = v.optional_enum("kind", told.kind);
    let gender: Option<Gender> = v.optional_enum("gender", told.gender);
    let name = v.line("display_name", &request.display_name, 0..=100);
    let national_id = new_file::parse_national_id(v, "national_id", told, kind, today);
    let contacts = new_file::parse_contacts(v, "contact_points", &request.contact_points);
    let of = |kinds: &[ContactKind]| -> BTreeSet<Vec<u8>> {
        let values = contacts.iter().filter(|value| kinds.contains(&value.kind()));
        values.filter_map(|value| ctx.keys.contact_hash(value)).collect()
    };
    Traits {
        kind: kind.unwrap_or(CustomerKind::Person),
        pinyin: Traits::pinyin_of(&name),
        search_name: search::fold(&name),
        name: name_keys::plain(&name),
        gender: gender.map_or(0, sql::number),
        birthday: new_file::parse_birthday(v, "birthday", told, today),
        lunar_birthday: LunarBirthday::parse(v, "lunar_birthday", request.lunar_birthday.as_ref(), today),
        national_id: national_id.map(|number| ctx.keys.national_id_hash(number.expose_secret())),
        phones: of(&[ContactKind::Phone]),
        phone_ends: contacts.iter().filter_map(|value| ctx.keys.contact_tail_hash(value)).collect(),
        accounts: of(&[ContactKind::Email, ContactKind::Wechat]),
        vehicles: BTreeSet::new(),
    }
}
