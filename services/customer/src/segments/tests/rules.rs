//! What is refused, and what trees are told as.

use foursight_kernel::Violations;
use foursight_proto::{
    customer::v1::{
        ConsentHeld, ContactKind, DayRange, NumberRange, Purpose, SegmentCondition, SegmentConditions,
        segment_condition::Condition as It,
    },
    google::r#type::Date,
};
use uuid::Uuid;

use crate::{
    segments::{
        condition::{self, Condition},
        words::words,
    },
    tags::TagNames,
};

fn is(it: It) -> SegmentCondition {
    SegmentCondition { condition: Some(it) }
}

fn all(conditions: Vec<SegmentCondition>) -> SegmentCondition {
    is(It::All(SegmentConditions { conditions }))
}

fn any(conditions: Vec<SegmentCondition>) -> SegmentCondition {
    is(It::Any(SegmentConditions { conditions }))
}

fn not(one: SegmentCondition) -> SegmentCondition {
    is(It::Not(Box::new(one)))
}

fn numbers(min: Option<i64>, max: Option<i64>) -> NumberRange {
    NumberRange { min, max }
}

fn read(tree: &SegmentCondition) -> Result<Condition, Vec<String>> {
    let mut v = Violations::default();
    let condition = condition::parse(&mut v, "condition", Some(tree));
    let wrong: Vec<String> = v.into_vec().into_iter().map(|violation| violation.field).collect();
    condition.filter(|_| wrong.is_empty()).ok_or(wrong)
}

#[test]
fn every_wrong_place_is_named_by_its_path() {
    let tree = all(vec![
        is(It::Tag("tags/1".to_owned())),
        any(vec![is(It::Stage(0)), is(It::Age(numbers(Some(30), Some(20)))), SegmentCondition::default()]),
        not(is(It::Visits(NumberRange::default()))),
        is(It::Opened(DayRange {
            last_days: 7,
            from: Some(Date { year: 2026, month: 1, day: 1 }),
            to: None,
        })),
        is(It::LastVisit(DayRange::default())),
        is(It::BirthdayMonth(13)),
        is(It::Consent(ConsentHeld { purpose: Purpose::Marketing.into(), contact_kind: 0 })),
        is(It::OwnedModel(String::new())),
        is(It::WarrantyEndsWithinDays(-1)),
        all(Vec::new()),
        is(It::LastVisit(DayRange {
            from: Some(Date { year: 99, month: 2, day: 30 }),
            ..DayRange::default()
        })),
    ]);
    let at = |place: usize, rest: &str| format!("condition.all.conditions[{place}]{rest}");
    assert_eq!(
        read(&tree).unwrap_err(),
        [
            at(0, ".tag"),
            at(1, ".any.conditions[0].stage"),
            at(1, ".any.conditions[1].age.max"),
            at(1, ".any.conditions[2]"),
            at(2, ".not.visits"),
            at(3, ".opened.last_days"),
            at(4, ".last_visit"),
            at(5, ".birthday_month"),
            at(6, ".consent.contact_kind"),
            at(7, ".owned_model"),
            at(8, ".warranty_ends_within_days"),
            at(9, ".all.conditions"),
            at(10, ".last_visit.from"),
        ]
    );
}

#[test]
fn a_tree_has_so_many_levels_and_conditions_and_no_more() {
    let mut tree = is(It::HasPhone(true));
    for _ in 0..5 {
        tree = not(tree);
    }
    assert!(read(&tree).is_ok());
    assert_eq!(read(&not(tree)).unwrap_err(), [format!("condition{}", ".not".repeat(6))]);
    let full = |count| all(vec![is(It::HasPhone(true)); count]);
    assert!(read(&full(49)).is_ok());
    assert_eq!(read(&full(200)).unwrap_err(), ["condition.all.conditions[49]"], "told once");
}

#[test]
fn a_tree_is_told_in_two_languages() {
    let tag = Uuid::from_u128(7);
    let names = TagNames::from([(tag, ("自驾游".to_owned(), "Road trips".to_owned()))]);
    let day = |year, month, day| Some(Date { year, month, day });
    let telling = |tree: &SegmentCondition| {
        let words = words(&read(tree).unwrap(), &names);
        (words.zh, words.en)
    };
    let tree = all(vec![
        is(It::Stage(4)),
        any(vec![
            is(It::Tag(format!("tags/{tag}"))),
            is(It::ValueFen(numbers(Some(1_000_050), None))),
            all(vec![is(It::Age(numbers(Some(30), Some(40)))), is(It::Gender(1))]),
        ]),
        not(is(It::LastVisit(DayRange { last_days: 180, ..DayRange::default() }))),
        is(It::Consent(ConsentHeld {
            purpose: Purpose::Marketing.into(),
            contact_kind: ContactKind::Phone.into(),
        })),
        is(It::WarrantyEndsWithinDays(60)),
    ]);
    let (zh, en) = telling(&tree);
    assert_eq!(
        zh,
        "阶段为售后，且（有标签“自驾游”，或贡献金额至少 10000.50 元，或（年龄为 30 至 40 岁，且性别为女）），\
         且并非（最近一次进厂于最近 180 天内），且同意通过电话用于营销，且质保在 60 天内到期"
    );
    assert_eq!(
        en,
        "stage is service, and (has the tag “Road trips”, or value is at least 10000.50 yuan, or (age is 30 to 40 years, and \
         gender is female)), and not (last visit was within the last 180 days), and consents to marketing by phone, and a \
         warranty ends within 60 days"
    );
    let opened = DayRange { last_days: 0, from: day(2026, 1, 1), to: day(2026, 6, 30) };
    let unknown = format!("tags/{}", Uuid::from_u128(8));
    for (one, zh, en) in [
        (
            is(It::Opened(opened)),
            "建档于 2026-01-01 至 2026-06-30",
            "file was opened from 2026-01-01 to 2026-06-30",
        ),
        (is(It::Visits(numbers(None, Some(2)))), "进厂次数至多 2 次", "visits is at most 2"),
        (is(It::HasVisited(false)), "从未进厂", "has never visited a workshop"),
        (is(It::OwnedModel("远山 S7".to_owned())), "拥有车型“远山 S7”", "owns a “远山 S7”"),
        (all(vec![is(It::BirthdayMonth(5))]), "生日在 5 月", "birthday is in month 5"),
    ] {
        assert_eq!(telling(&one), (zh.to_owned(), en.to_owned()));
    }
    assert!(telling(&is(It::Tag(unknown.clone()))).0.contains(&unknown));
}
