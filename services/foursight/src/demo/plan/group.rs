//! The group: 12 stores in 3 regions, and the 200 people who work there.

use foursight_kernel::{StaffId, StoreId};
use foursight_proto::{
    customer::v1::Gender,
    identity::v1::{Calendar, Role},
};
use jiff::Timestamp;

use super::{
    calendar::{self, Week},
    dice::{Dice, Stream},
    names,
};

/// A store.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Store {
    pub(crate) id: StoreId,
    pub(crate) code: &'static str,
    pub(crate) display_name: String,
    pub(crate) region: &'static str,
    pub(crate) city: &'static str,
    /// What plates in that city begin with.
    pub(crate) plate: &'static str,
    /// The first six digits of the resident ids of some who were born there.
    pub(crate) district_codes: &'static [u32],
    pub(crate) week: Week,
    pub(crate) calendar: Calendar,
    /// How many of the customers it serves, in relation to the others.
    pub(crate) weight: u32,
    /// How content its customers are: shifts the scores, per mille of calls below the best.
    pub(crate) grumbling: u32,
}

/// A member of staff.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Staff {
    pub(crate) id: StaffId,
    pub(crate) login: String,
    pub(crate) display_name: String,
    pub(crate) role: Role,
    /// Where in the list of stores; `None` at headquarters.
    pub(crate) store: Option<usize>,
}

/// Stores and staff.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Group {
    /// When the group was founded: before anything else happened.
    pub(crate) founded: Timestamp,
    pub(crate) stores: Vec<Store>,
    pub(crate) staff: Vec<Staff>,
}

struct Site {
    code: &'static str,
    quarter: &'static str,
    region: &'static str,
    city: &'static str,
    plate: &'static str,
    district_codes: &'static [u32],
    week: Week,
    public_holidays: bool,
    weight: u32,
    grumbling: u32,
}

const fn site(
    (code, quarter, region, city, plate): (
        &'static str,
        &'static str,
        &'static str,
        &'static str,
        &'static str,
    ),
    district_codes: &'static [u32],
    week: Week,
    public_holidays: bool,
    weight: u32,
    grumbling: u32,
) -> Site {
    Site { code, quarter, region, city, plate, district_codes, week, public_holidays, weight, grumbling }
}

use Week::{EveryDay, LongEvenings, MondayToSaturday};

const SITES: [Site; 12] = [
    site(("SH01", "上海云帆路店", "华东", "上海", "沪A"), &[310_104, 310_115], LongEvenings, true, 14, 120),
    site(("SH02", "上海枫桥里店", "华东", "上海", "沪B"), &[310_107, 310_112], EveryDay, false, 11, 180),
    site(("HZ01", "杭州澄湖店", "华东", "杭州", "浙A"), &[330_102, 330_106], EveryDay, true, 9, 150),
    site(("NJ01", "南京栖云店", "华东", "南京", "苏A"), &[320_102, 320_106], MondayToSaturday, true, 8, 160),
    site(("BJ01", "北京望岚店", "华北", "北京", "京A"), &[110_105, 110_108], LongEvenings, true, 12, 140),
    site(("BJ02", "北京禾苑店", "华北", "北京", "京B"), &[110_106, 110_112], EveryDay, false, 9, 210),
    site(("TJ01", "天津潮汐店", "华北", "天津", "津A"), &[120_101, 120_104], MondayToSaturday, true, 6, 190),
    site(
        ("SJ01", "石家庄青禾店", "华北", "石家庄", "冀A"),
        &[130_102, 130_104],
        MondayToSaturday,
        true,
        5,
        250,
    ),
    site(("GZ01", "广州榕荫店", "华南", "广州", "粤A"), &[440_103, 440_106], LongEvenings, true, 10, 130),
    site(("GZ02", "广州木棉湾店", "华南", "广州", "粤A"), &[440_105, 440_111], EveryDay, false, 7, 170),
    site(("SZ01", "深圳星屿店", "华南", "深圳", "粤B"), &[440_304, 440_305], LongEvenings, true, 10, 110),
    site(("FS01", "佛山陶然店", "华南", "佛山", "粤E"), &[440_604, 440_605], MondayToSaturday, true, 5, 200),
];

/// The roles at headquarters with their logins.
pub(crate) const HEADQUARTERS: [(Role, &str); 3] =
    [(Role::GroupDirector, "director"), (Role::Operations, "operations"), (Role::Integrator, "integrator")];

/// Who works at a store: role, the login's second half, how many. Sixteen people.
pub(crate) const CREW: [(Role, &str, usize); 9] = [
    (Role::GeneralManager, "manager", 1),
    (Role::CrManager, "cr", 1),
    (Role::FollowUpSpecialist, "follow-up", 2),
    (Role::IntentionSpecialist, "intention", 1),
    (Role::MemberSpecialist, "member", 1),
    (Role::MarketingSpecialist, "marketing", 1),
    (Role::SalesAdvisor, "sales", 5),
    (Role::ServiceAdvisor, "service", 3),
    (Role::Supervisor, "supervisor", 1),
];

/// The login of the `number`th person of a store with a role; one alone needs no number.
pub(crate) fn login_of(code: &str, role: Role, number: usize) -> String {
    let post = CREW.iter().find(|post| post.0 == role);
    let (login, usual) = post.map_or(("staff", 2), |post| (post.1, post.2));
    let number = if usual > 1 { number.to_string() } else { String::new() };
    format!("{}.{login}{number}", code.to_lowercase())
}

/// The first stores, the largest cities', have one sales advisor more.
const LARGE_STORES: usize = 5;

impl Group {
    /// The group, as founded at that instant.
    pub(crate) fn new(seed: u64, founded: Timestamp) -> Self {
        let stores: Vec<Store> = SITES.iter().zip(store_ids()).map(|(site, id)| store(id, site)).collect();
        let mut dice = Dice::new(seed, Stream::Group, 0);
        let mut staff = Vec::new();
        for (role, login) in HEADQUARTERS {
            staff.push(member(&mut dice, founded, role, login.to_owned(), None));
        }
        for (place, store) in stores.iter().enumerate() {
            for (role, _, usual) in CREW {
                let more = usize::from(role == Role::SalesAdvisor && place < LARGE_STORES);
                for number in 1..=usual + more {
                    let login = login_of(store.code, role, number);
                    staff.push(member(&mut dice, founded, role, login, Some(place)));
                }
            }
        }
        Self { founded, stores, staff }
    }

    /// The people of a store with a role; at least one for every role of a store.
    pub(crate) fn crew(&self, store: usize, role: Role) -> Vec<StaffId> {
        let of = |staff: &&Staff| staff.store == Some(store) && staff.role == role;
        self.staff.iter().filter(of).map(|staff| staff.id).collect()
    }
}

/// The stores' ids, the same in every demo group: who signs in can be told without asking the database.
fn store_ids() -> impl Iterator<Item = StoreId> {
    let mut dice = Dice::new(0, Stream::Store, 0);
    std::iter::repeat_with(move || dice.id(Timestamp::UNIX_EPOCH))
}

/// The store with that code, if there is one.
pub(crate) fn store_of_code(code: &str) -> Option<StoreId> {
    SITES.iter().zip(store_ids()).find(|(site, _)| site.code == code).map(|(_, id)| id)
}

fn store(id: StoreId, site: &Site) -> Store {
    Store {
        id,
        code: site.code,
        display_name: format!("澄远{}", site.quarter),
        region: site.region,
        city: site.city,
        plate: site.plate,
        district_codes: site.district_codes,
        week: site.week,
        calendar: calendar::calendar(site.week, site.public_holidays),
        weight: site.weight,
        grumbling: site.grumbling,
    }
}

fn member(dice: &mut Dice, founded: Timestamp, role: Role, login: String, store: Option<usize>) -> Staff {
    let gender = if dice.chance(500) { Gender::Female } else { Gender::Male };
    // An integrator is a system of somebody else's, not a person.
    let display_name =
        if role == Role::Integrator { "DMS 接口".to_owned() } else { names::person(dice, gender) };
    Staff { id: dice.id(founded), login, display_name, role, store }
}
