//! Customers: who they are, how to reach them, what they allow.
//!
//! Numbers are well-formed and nobody's in particular; e-mail addresses lie in domains that are reserved for examples
//! (RFC 2606), so that nothing can ever reach a person.

use foursight_customer::national_id;
use foursight_kernel::{ConsentId, CustomerId};
use foursight_proto::customer::v1::{
    ConsentState, ContactKind, CustomerKind, Gender, Purpose, SourceChannel,
};
use jiff::{
    Timestamp, ToSpan,
    civil::{Date, date},
};

use super::{
    dice::{Dice, scatter},
    group::Store,
    names,
};

/// A customer.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Customer {
    pub(crate) id: CustomerId,
    pub(crate) kind: CustomerKind,
    pub(crate) display_name: String,
    pub(crate) gender: Gender,
    pub(crate) birthday: Option<Date>,
    pub(crate) national_id: Option<String>,
    pub(crate) contact_points: Vec<ContactPoint>,
    pub(crate) consents: Vec<Consent>,
    pub(crate) source: SourceChannel,
    pub(crate) create_time: Timestamp,
}

/// A way to reach a customer.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ContactPoint {
    pub(crate) kind: ContactKind,
    pub(crate) value: String,
}

/// What a customer said about being contacted.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Consent {
    pub(crate) id: ConsentId,
    pub(crate) purpose: Purpose,
    pub(crate) contact_kind: ContactKind,
    pub(crate) state: ConsentState,
    pub(crate) method: &'static str,
    pub(crate) create_time: Timestamp,
}

/// First three digits of mobile numbers that were in use for decades.
const MOBILE: [u64; 29] = [
    130, 131, 132, 133, 134, 135, 136, 137, 138, 139, 150, 151, 152, 153, 155, 156, 157, 158, 159, 180, 181,
    182, 183, 184, 185, 186, 187, 188, 189,
];
const MAIL_DOMAINS: [&str; 3] = ["example.com", "example.net", "example.org"];
const STREETS: [&str; 16] = [
    "云帆路",
    "枫桥里",
    "澄湖大道",
    "栖云街",
    "望岚路",
    "禾苑东路",
    "潮汐街",
    "青禾路",
    "榕荫路",
    "木棉湾路",
    "星屿大道",
    "陶然街",
    "听松路",
    "晚晴街",
    "鹿鸣路",
    "百川大道",
];

/// The oldest customers' first possible birthday; the youngest are 50 years younger.
const FIRST_BIRTHDAY: Date = date(1955, 1, 1);
const BIRTHDAYS: u64 = 18_262;
/// Sequence numbers of one gender on one day.
const SEQUENCES: u64 = 499;

/// A customer of a store, known since `create_time`. `index` makes numbers unique.
pub(crate) fn customer(
    dice: &mut Dice,
    seed: u64,
    index: u64,
    store: &Store,
    create_time: Timestamp,
    now: Timestamp,
) -> Customer {
    let organization = dice.chance(40);
    let gender = if dice.chance(420) { Gender::Female } else { Gender::Male };
    let (birthday, sequence) = birthday(seed, index);
    let id = dice.id(create_time);
    let display_name = if organization { names::firm(dice, store.city) } else { names::person(dice, gender) };
    // Half of the people left their id number: they bought on credit or had the car registered by the store.
    let national_id = if !organization && dice.chance(550) {
        resident_id(dice, store, birthday, sequence, gender)
    } else {
        None
    };
    let contact_points = contact_points(dice, seed, index, store);
    let consents = consents(dice, &contact_points, create_time, now);
    Customer {
        id,
        kind: if organization { CustomerKind::Organization } else { CustomerKind::Person },
        display_name,
        gender: if organization { Gender::Unspecified } else { gender },
        birthday: (!organization && (national_id.is_some() || dice.chance(400))).then_some(birthday),
        national_id,
        contact_points,
        consents,
        source: dice.weighted(&SOURCES),
        create_time,
    }
}

/// Makes a file a second one of somebody, who left another phone and no id number.
pub(crate) fn same_person(file: &mut Customer, first: &Customer) {
    file.kind = first.kind;
    file.display_name.clone_from(&first.display_name);
    file.gender = first.gender;
    file.birthday = first.birthday;
    file.national_id = None;
}

const SOURCES: [(SourceChannel, u32); 10] = [
    (SourceChannel::WalkIn, 38),
    (SourceChannel::VerticalPlatform, 16),
    (SourceChannel::ShortVideo, 11),
    (SourceChannel::Call, 8),
    (SourceChannel::Web, 7),
    (SourceChannel::Referral, 9),
    (SourceChannel::AutoShow, 4),
    (SourceChannel::SocialMedia, 4),
    (SourceChannel::Community, 2),
    (SourceChannel::Partner, 1),
];

/// Birthday and sequence number: no two customers have both in common.
fn birthday(seed: u64, index: u64) -> (Date, u64) {
    let place = scatter(index, seed, BIRTHDAYS * SEQUENCES);
    let days = i64::try_from(place % BIRTHDAYS).unwrap_or(0);
    (FIRST_BIRTHDAY.saturating_add(days.days()), place / BIRTHDAYS)
}

/// A resident id number (GB 11643): district, birthday, sequence (odd for men, even for women), check digit.
fn resident_id(
    dice: &mut Dice,
    store: &Store,
    birthday: Date,
    sequence: u64,
    gender: Gender,
) -> Option<String> {
    let district = dice.pick(store.district_codes);
    let sequence = sequence * 2 + if gender == Gender::Female { 2 } else { 1 };
    let digits = format!("{district}{}{sequence:03}", birthday.strftime("%Y%m%d"));
    national_id::with_check_digit(&digits)
}

fn contact_points(dice: &mut Dice, seed: u64, index: u64, store: &Store) -> Vec<ContactPoint> {
    let mut points = Vec::with_capacity(4);
    let mut add = |kind, value| points.push(ContactPoint { kind, value });
    add(ContactKind::Phone, mobile(seed, index * 2));
    if dice.chance(80) {
        add(ContactKind::Phone, mobile(seed, index * 2 + 1));
    }
    if dice.chance(350) {
        let domain = dice.pick(&MAIL_DOMAINS);
        add(ContactKind::Email, format!("chezhu{:06}@{domain}", scatter(index, seed, 900_000)));
    }
    if dice.chance(550) {
        add(ContactKind::Wechat, format!("wxid_cy{:08}", scatter(index, seed, 100_000_000)));
    }
    if dice.chance(600) {
        let (street, house) = (dice.pick(&STREETS), dice.between(1, 699));
        let (block, floor, door) = (dice.between(1, 28), dice.between(1, 33), dice.between(1, 4));
        add(ContactKind::Address, format!("{}市{street}{house}号{block}幢{floor}{door:02}室", store.city));
    }
    points
}

fn mobile(seed: u64, number: u64) -> String {
    const SUBSCRIBERS: u64 = 100_000_000;
    let place = scatter(number, seed, MOBILE.len() as u64 * SUBSCRIBERS);
    let first = usize::try_from(place / SUBSCRIBERS).unwrap_or(0);
    format!("{}{:08}", MOBILE[first], place % SUBSCRIBERS)
}

/// How many of a thousand customers agree, for each purpose.
const AGREEMENT: [(Purpose, u32); 4] =
    [(Purpose::Service, 970), (Purpose::Survey, 850), (Purpose::Marketing, 680), (Purpose::Profiling, 560)];

fn consents(
    dice: &mut Dice,
    points: &[ContactPoint],
    create_time: Timestamp,
    now: Timestamp,
) -> Vec<Consent> {
    let mut consents = Vec::new();
    for kind in [ContactKind::Phone, ContactKind::Email, ContactKind::Wechat] {
        if !points.iter().any(|point| point.kind == kind) {
            continue;
        }
        for (purpose, agreement) in AGREEMENT {
            if !dice.chance(agreement) {
                continue;
            }
            consents.push(consent(dice, purpose, kind, ConsentState::Given, "paper form", create_time));
            // Some think better of it, weeks or months later.
            let later = create_time.saturating_add((dice.between(20, 400) * 24).hours()).unwrap_or(now);
            if purpose != Purpose::Service && dice.chance(40) && later < now {
                consents.push(consent(dice, purpose, kind, ConsentState::Withdrawn, "counter", later));
            }
        }
    }
    consents
}

fn consent(
    dice: &mut Dice,
    purpose: Purpose,
    contact_kind: ContactKind,
    state: ConsentState,
    method: &'static str,
    create_time: Timestamp,
) -> Consent {
    Consent { id: dice.id(create_time), purpose, contact_kind, state, method, create_time }
}
