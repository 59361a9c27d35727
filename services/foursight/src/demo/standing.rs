//! What is known of the first customers besides what they bought: tags, groups, who belongs to whom, who drives which car, and what
//! stands in cars' papers; and the tags and segments of the group. From the seed, as the plan is.

use foursight_customer::bulk::{
    Batch, CustomerTagRow, MembershipRow, PapersRow, PersonRow, RelationRow, Said, SegmentRow, TagRow,
};
use foursight_kernel::{RelationId, TagId};
use foursight_proto::{
    customer::v1::{
        ConsentHeld, ContactKind, CustomerGroup, CustomerKind, LifeCycleStage, Purpose, RelationKind,
        SegmentCondition, SegmentConditions, ValueTier, VehicleRole, segment_condition::Condition,
    },
    identity::v1::Role,
};
use jiff::{Timestamp, ToSpan, civil::Date, tz};

use super::plan::{CarHistory, CustomerFile, DAY, Dice, KNOWN_WELL, Plan, Stream, later};

const TAGS: [(&str, &str); 6] = [
    ("自驾游爱好者", "Road trips"),
    ("置换意向", "Thinks of a trade-in"),
    ("对价格敏感", "Looks at prices"),
    ("喜欢新能源", "Likes electric cars"),
    ("企业用车", "Company car"),
    ("带孩子出行", "Travels with children"),
];
const INSURERS: [&str; 3] = ["示例财险", "远山保险", "云帆财险"];
/// How far before a customer somebody is looked for who belongs to them.
const NEAR: usize = 15;

/// The group's tags and segments.
pub(super) fn catalogue(plan: &Plan) -> (Vec<TagRow>, Vec<SegmentRow>) {
    let mut dice = Dice::new(plan.seed(), Stream::Catalogue, 0);
    let made = plan.group().founded;
    let tags = tags(plan).into_iter().zip(TAGS).map(|(id, (zh, en))| TagRow {
        id,
        display_name_zh: zh.to_owned(),
        display_name_en: en.to_owned(),
    });
    let marketing =
        ConsentHeld { purpose: Purpose::Marketing.into(), contact_kind: ContactKind::Phone.into() };
    let all = |conditions: Vec<Condition>| {
        let conditions = conditions.into_iter().map(|it| SegmentCondition { condition: Some(it) }).collect();
        Condition::All(SegmentConditions { conditions })
    };
    let segments = [
        ("三个月内车险到期", "续保提醒", Condition::InsuranceEndsWithinDays(90)),
        (
            "休眠车主",
            "来过店、一年没有再来",
            all(vec![Condition::Stage(LifeCycleStage::Dormant.into()), Condition::HasVisited(true)]),
        ),
        (
            "可联系的高价值客户",
            "同意电话营销的 A 类客户",
            all(vec![Condition::ValueTier(ValueTier::A.into()), Condition::Consent(marketing)]),
        ),
        ("车友会成员", "", Condition::Group(CustomerGroup::CarClub.into())),
    ];
    let segments = segments.map(|(name, description, condition)| SegmentRow {
        id: dice.id(made),
        display_name: name.to_owned(),
        description: description.to_owned(),
        condition: SegmentCondition { condition: Some(condition) },
    });
    (tags.collect(), segments.into())
}

fn tags(plan: &Plan) -> [TagId; TAGS.len()] {
    let mut dice = Dice::new(plan.seed(), Stream::Catalogue, 1);
    TAGS.map(|_| dice.id(plan.group().founded))
}

/// Adds what is known of these customers, of whom the first has that place.
pub(super) fn add(batch: &mut Batch, plan: &Plan, first: u32, files: &[CustomerFile]) {
    let catalogue = tags(plan);
    for (index, (file, place)) in files.iter().zip(first..KNOWN_WELL).enumerate() {
        let mut dice = Dice::new(plan.seed(), Stream::Standing, u64::from(place));
        let known = file.cars.first().map_or(file.customer.create_time, |car| car.delivery.deliver_time);
        let at = later(known, dice.between(DAY, 20 * DAY)).min(plan.now());
        let staff = plan
            .group()
            .staff
            .iter()
            .find(|staff| staff.store == Some(file.store) && staff.role == Role::CrManager);
        let Some(staff) = staff else { continue };
        let said = Said { store: plan.group().stores[file.store].id, staff: staff.id, at };
        let customer = file.customer.id;
        if dice.chance(333) {
            let tag = dice.between(0, 5);
            let more = dice.chance(300).then(|| (tag + dice.between(1, 5)) % 6);
            let chosen = [Some(tag), more].into_iter().flatten().filter_map(|tag| usize::try_from(tag).ok());
            batch.tags.extend(chosen.map(|tag| CustomerTagRow { customer, tag: catalogue[tag], said }));
        }
        let complained = file.cars.iter().any(|car| !car.cases.is_empty());
        let membership =
            |group, reason: &str| MembershipRow { customer, group, reason: reason.to_owned(), said };
        if complained && dice.chance(400) {
            batch.memberships.push(membership(CustomerGroup::Compensated, "交车延期，赠送保养一次"));
        } else if !file.cars.is_empty() && dice.chance(90) {
            batch.memberships.push(membership(CustomerGroup::CarClub, "本人申请入会"));
        }
        batch.papers.extend(file.cars.iter().map(|car| papers(&mut dice, car, plan.now())));
        // Each of the two is counted: so a tenth of all has somebody.
        let other = files[index.saturating_sub(NEAR)..index].iter().rev().find(|other| fits(file, other));
        let Some(other) = other.filter(|_| dice.chance(70)) else { continue };
        let said = Said { at: later(at.max(other.customer.create_time), DAY / 24).min(plan.now()), ..said };
        let id: RelationId = dice.id(said.at);
        let kind = kind(file, other);
        let (source, person) = (file.customer.source, dice.id::<RelationId>(said.at).uuid());
        batch.relations.push(RelationRow { id, customer, other: other.customer.id, kind, source, said });
        if let Some(car) = file.cars.last().filter(|car| car.delivery.deliver_time < said.at) {
            let role =
                if kind == RelationKind::ContactPerson { VehicleRole::Contact } else { VehicleRole::Driver };
            batch.people.push(PersonRow {
                id: person,
                vehicle: car.car.id,
                owner: customer,
                role,
                customer: other.customer.id,
                said,
            });
        }
    }
}

/// Whether somebody may belong to a customer: a person of the same store, and not the same one.
fn fits(file: &CustomerFile, other: &CustomerFile) -> bool {
    file.store == other.store
        && other.customer.kind == CustomerKind::Person
        && other.customer.display_name != file.customer.display_name
}

/// What the other one is to the customer, by how old both are and whether they are of one gender.
fn kind(file: &CustomerFile, other: &CustomerFile) -> RelationKind {
    let (customer, other) = (&file.customer, &other.customer);
    if customer.kind == CustomerKind::Organization {
        return RelationKind::ContactPerson;
    }
    let older = customer.birthday.zip(other.birthday).map(|(own, its)| own.year() - its.year());
    match older {
        Some(20..=45) => RelationKind::Parent,
        Some(-45..=-20) => RelationKind::Child,
        Some(-12..=12) | None if customer.gender != other.gender => RelationKind::Spouse,
        Some(-12..=12) => RelationKind::Sibling,
        _ => RelationKind::Relative,
    }
}

/// What the papers of a car say: insured from year to year, inspected every other one.
fn papers(dice: &mut Dice, history: &CarHistory, now: Timestamp) -> PapersRow {
    let day = |instant: Timestamp| instant.to_zoned(tz::TimeZone::fixed(tz::offset(8))).date();
    let today = day(now);
    let registered = day(history.delivery.deliver_time).saturating_add(dice.between(2, 9).days());
    // A few have not renewed it yet.
    let from = today.saturating_sub(if dice.chance(30) { 30.days() } else { 0.days() });
    PapersRow {
        vehicle: history.car.id,
        registration_date: registered.min(today),
        inspection_date: anniversary(registered, 2, today),
        warranty_end: registered.saturating_add(3.years()),
        warranty_km: 100_000,
        insurer: dice.pick(&INSURERS).to_owned(),
        insurance_end: anniversary(registered, 1, from),
    }
}

/// The first day not before `from` that is so many years, or a multiple of them, after a day.
fn anniversary(day: Date, years: i64, from: Date) -> Date {
    let mut next = day.saturating_add(years.years());
    let mut passed = years;
    while next < from && passed < 50 {
        passed += years;
        next = day.saturating_add(passed.years());
    }
    next
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use std::collections::HashSet;

    use super::*;

    fn known(seed: u64) -> (Vec<CustomerFile>, Batch) {
        let plan = Plan::new(2_000, seed, "2026-06-15T02:00:00Z".parse().unwrap());
        let files: Vec<CustomerFile> = (0..plan.customers()).map(|place| plan.customer(place)).collect();
        let mut batch = Batch::default();
        for (chunk, files) in files.chunks(500).enumerate() {
            add(&mut batch, &plan, u32::try_from(chunk * 500).unwrap(), files);
        }
        (files, batch)
    }

    #[test]
    fn a_third_has_tags_a_tenth_belongs_to_somebody_and_some_have_two_files() {
        let (files, batch) = known(1);
        let tagged: HashSet<_> = batch.tags.iter().map(|row| row.customer).collect();
        assert!((560..780).contains(&tagged.len()), "{} have tags", tagged.len());
        let related: HashSet<_> = batch.relations.iter().flat_map(|row| [row.customer, row.other]).collect();
        assert!((140..320).contains(&related.len()), "{} belong to somebody", related.len());
        assert!(batch.people.len() > 40 && batch.memberships.len() > 90);
        let cars = files.iter().map(|file| file.cars.len()).sum::<usize>();
        assert_eq!(batch.papers.len(), cars);
        let second = (199..2_000).step_by(200).filter(|place| {
            let (one, its) = (&files[*place].customer, files[*place].store);
            files[place - 60..*place].iter().any(|other| {
                (&other.customer.display_name, other.customer.birthday, other.store)
                    == (&one.display_name, one.birthday, its)
            })
        });
        assert!(second.count() >= 8);
        let (_, again) = known(1);
        assert_eq!(format!("{batch:?}"), format!("{again:?}"));
    }

    #[test]
    fn nobody_has_a_tag_twice_or_belongs_to_another_store_s_customer() {
        let (files, batch) = known(7);
        let mut once = HashSet::new();
        assert!(batch.tags.iter().all(|row| once.insert((row.customer, row.tag.uuid()))));
        let mut once = HashSet::new();
        assert!(batch.memberships.iter().all(|row| once.insert(row.customer)));
        let file = |id| files.iter().find(|file| file.customer.id == id).unwrap();
        for row in &batch.relations {
            let (own, other) = (file(row.customer), file(row.other));
            assert!(own.store == other.store && other.customer.kind == CustomerKind::Person);
            assert!(row.said.at >= own.customer.create_time && row.said.at >= other.customer.create_time);
        }
        for row in &batch.papers {
            assert!(row.registration_date < row.inspection_date && row.registration_date < row.insurance_end);
        }
        let (tags, segments) = catalogue(&Plan::new(1, 7, "2026-06-15T02:00:00Z".parse().unwrap()));
        assert_eq!((tags.len(), segments.len()), (6, 4));
    }
}
