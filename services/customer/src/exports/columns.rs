//! The columns of an export, and a file as one row of them. Pure.

use foursight_kernel::{TagId, time};
use foursight_proto::customer::v1::{
    ContactKind, Customer, CustomerGroup, CustomerKind, Gender, LifeCycleStage, LunarDate, SourceChannel,
    ValueTier,
};
use foursight_sheets::Cell;
use jiff::{civil, tz::TimeZone};

use crate::{
    tags::TagNames,
    words::{self, Pair},
};

/// The columns, in Chinese and in English. Those that an import knows have the names by which it knows them.
const COLUMNS: [Pair; 18] = [
    ("姓名", "Name"),
    ("客户类型", "Kind"),
    ("性别", "Gender"),
    ("手机号", "Phone"),
    ("身份证号", "National id"),
    ("出生日期", "Birthday"),
    ("农历生日", "Lunar birthday"),
    ("邮箱", "E-mail"),
    ("微信号", "WeChat"),
    ("地址", "Address"),
    ("职业", "Occupation"),
    ("意向车型", "Intended models"),
    ("阶段", "Stage"),
    ("来源", "Source"),
    ("价值层级", "Value tier"),
    ("分组", "Groups"),
    ("标签", "Tags"),
    ("建档时间", "File opened"),
];

/// How files become rows.
pub(super) struct Columns {
    pub(super) chinese: bool,
    pub(super) zone: TimeZone,
    pub(super) tags: TagNames,
}

impl Columns {
    /// The first row.
    pub(super) fn header(&self) -> Vec<&'static str> {
        COLUMNS
            .into_iter()
            .map(|column| self.said(column))
            .chain([self.said(("客户编号", "Customer"))])
            .collect()
    }

    /// A file's row. What has several values has them in one cell.
    pub(super) fn row(&self, file: &Customer) -> Vec<Cell> {
        let profile = file.profile.clone().unwrap_or_default();
        let kind = match file.kind() {
            CustomerKind::Organization => ("单位", "Organization"),
            CustomerKind::Person | CustomerKind::Unspecified => ("个人", "Person"),
        };
        let gender = match file.gender() {
            Gender::Unspecified => ("", ""),
            gender => words::gender(gender),
        };
        let tier = match file.value_tier() {
            ValueTier::Unspecified => ("", ""),
            tier => words::tier(tier),
        };
        let groups = file.groups.iter().filter_map(|group| CustomerGroup::try_from(*group).ok());
        let known = |tag| self.tags.get(&TagId::parse_name(tag).ok()?.uuid());
        let tags = file.tags.iter().map(|tag| match known(tag) {
            Some((zh, en)) => (if self.chinese { zh } else { en }).as_str(),
            None => tag.as_str(),
        });
        let source = SourceChannel::try_from(file.source).unwrap_or_default();
        let stage = LifeCycleStage::try_from(file.stage).unwrap_or_default();
        vec![
            text(&file.display_name),
            text(self.said(kind)),
            text(self.said(gender)),
            self.points(file, ContactKind::Phone),
            text(&file.national_id),
            day(file),
            file.lunar_birthday.as_ref().map_or(Cell::Empty, lunar),
            self.points(file, ContactKind::Email),
            self.points(file, ContactKind::Wechat),
            self.points(file, ContactKind::Address),
            text(&profile.occupation),
            self.several(profile.intended_models.iter().map(String::as_str)),
            text(self.said(words::stage(stage))),
            text(self.said(words::source(source))),
            text(self.said(tier)),
            self.several(groups.map(|group| self.said(words::group(group)))),
            self.several(tags),
            self.opened(file),
            text(&file.name),
        ]
    }

    fn said<'a>(&self, (zh, en): (&'a str, &'a str)) -> &'a str {
        if self.chinese { zh } else { en }
    }

    fn several<'a>(&self, values: impl Iterator<Item = &'a str>) -> Cell {
        let joint = self.said(("、", "; "));
        text(&values.collect::<Vec<_>>().join(joint))
    }

    /// The ways to reach the customer that hold.
    fn points(&self, file: &Customer, kind: ContactKind) -> Cell {
        let hold =
            file.contact_points.iter().filter(|point| point.kind() == kind && point.end_time.is_none());
        self.several(hold.map(|point| point.value.as_str()))
    }

    fn opened(&self, file: &Customer) -> Cell {
        let at = file.create_time.as_ref().and_then(time::from_proto);
        at.map_or(Cell::Empty, |at| {
            let at = at.to_zoned(self.zone.clone()).datetime();
            Cell::Moment(at.with().subsec_nanosecond(0).build().unwrap_or(at))
        })
    }
}

fn text(text: &str) -> Cell {
    Cell::from(text)
}

fn day(file: &Customer) -> Cell {
    let part = |number: i32| i8::try_from(number).ok();
    let day = file.birthday.as_ref().and_then(|day| {
        civil::Date::new(i16::try_from(day.year).ok()?, part(day.month)?, part(day.day)?).ok()
    });
    day.map_or(Cell::Empty, |day| Cell::Moment(day.at(0, 0, 0, 0)))
}

/// As an import reads it.
fn lunar(lunar: &LunarDate) -> Cell {
    let year = if lunar.year > 0 { format!("{}-", lunar.year) } else { String::new() };
    let leap = if lunar.leap_month { "闰" } else { "" };
    Cell::Text(format!("{year}{leap}{}-{}", lunar.month, lunar.day))
}

#[cfg(test)]
mod tests {
    use foursight_proto::customer::v1::ContactPoint;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_file_is_a_row_under_its_header_in_the_language_that_was_asked_for() {
        let point = |value: &str, end: bool| ContactPoint {
            kind: ContactKind::Phone.into(),
            value: value.to_owned(),
            end_time: end.then(Default::default),
            ..ContactPoint::default()
        };
        let golf = TagId::from(Uuid::from_u128(1));
        let file = Customer {
            name: "customers/1".to_owned(),
            display_name: "=1+1".to_owned(),
            kind: CustomerKind::Person.into(),
            gender: Gender::Female.into(),
            stage: LifeCycleStage::Service.into(),
            source: SourceChannel::WalkIn.into(),
            contact_points: vec![
                point("138****1234", false),
                point("138****0000", true),
                point("139****1", false),
            ],
            groups: vec![1, 2],
            tags: vec![golf.name(), "tags/2".to_owned()],
            ..Customer::default()
        };
        let row = |chinese| {
            let tags = TagNames::from([(golf.uuid(), ("高尔夫".to_owned(), "Golf".to_owned()))]);
            let columns = Columns { chinese, zone: TimeZone::UTC, tags };
            let cells = columns.header().into_iter().zip(columns.row(&file));
            let told = |cell: Cell| match cell {
                Cell::Text(text) => text,
                _ => String::new(),
            };
            cells.map(|(name, cell)| format!("{name}={}", told(cell))).collect::<Vec<_>>().join("|")
        };
        assert_eq!(
            row(true),
            "姓名==1+1|客户类型=个人|性别=女|手机号=138****1234、139****1|身份证号=|出生日期=|农历生日=|邮箱=|微信号=|地址=|\
             职业=|意向车型=|阶段=售后|来源=来店|价值层级=|分组=保有客户、车友会|标签=高尔夫、tags/2|建档时间=|客户编号=customers/1"
        );
        assert!(
            row(false).contains("|Phone=138****1234; 139****1|")
                && row(false).contains("|Tags=Golf; tags/2|")
        );
    }
}
