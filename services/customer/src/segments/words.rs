//! What a tree says, in words, for people. Pure.

use foursight_proto::customer::v1::{ContactKind, CustomerKind, Purpose, SegmentWords};
use jiff::civil::Date;

use super::condition::{Condition, Days, End, Leaf, Numbers};
use crate::{
    tags::TagNames,
    words::{Pair, gender, group, source, stage, tier},
};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Language {
    Zh,
    En,
}

/// A tree in both languages. A tag that is not known stands there by its name in the API, as stores and staff do.
pub(super) fn words(tree: &Condition, tags: &TagNames) -> SegmentWords {
    SegmentWords { zh: tell(tree, tags, Language::Zh, false), en: tell(tree, tags, Language::En, false) }
}

fn tell(tree: &Condition, tags: &TagNames, language: Language, inside: bool) -> String {
    let (several, joint) = match (tree, language) {
        (Condition::All(several), Language::Zh) => (several, "，且"),
        (Condition::All(several), Language::En) => (several, ", and "),
        (Condition::Any(several), Language::Zh) => (several, "，或"),
        (Condition::Any(several), Language::En) => (several, ", or "),
        (Condition::Not(one), Language::Zh) => {
            return format!("并非（{}）", tell(one, tags, language, false));
        }
        (Condition::Not(one), Language::En) => return format!("not ({})", tell(one, tags, language, false)),
        (Condition::Is(leaf), _) => return say(leaf, tags, language),
    };
    if let [one] = several.as_slice() {
        return tell(one, tags, language, inside);
    }
    let told: Vec<String> = several.iter().map(|one| tell(one, tags, language, true)).collect();
    let told = told.join(joint);
    match (inside, language) {
        (false, _) => told,
        (true, Language::Zh) => format!("（{told}）"),
        (true, Language::En) => format!("({told})"),
    }
}

fn say(leaf: &Leaf, tags: &TagNames, language: Language) -> String {
    let (zh, en) = match leaf {
        Leaf::Stage(it) => pair("阶段为", "stage is ", stage(*it)),
        Leaf::Tag(it) => {
            let unknown = || (it.name(), it.name());
            let (zh, en) = tags.get(&it.uuid()).cloned().unwrap_or_else(unknown);
            (format!("有标签“{zh}”"), format!("has the tag “{en}”"))
        }
        Leaf::Group(it) => pair("属于", "is in the group ", group(*it)),
        Leaf::Tier(it) => pair("价值层级为 ", "value tier is ", tier(*it)),
        Leaf::Source(it) => pair("来源为", "came by ", source(*it)),
        Leaf::Advisor(it) => both("由顾问 {} 跟进", "has an open lead of {}", &it.name()),
        Leaf::Store(it) => both("由门店 {} 服务", "is served by {}", &it.name()),
        Leaf::Kind(CustomerKind::Organization) => ("是单位".to_owned(), "is an organization".to_owned()),
        Leaf::Kind(_) => ("是个人".to_owned(), "is a person".to_owned()),
        Leaf::Gender(it) => pair("性别为", "gender is ", gender(*it)),
        Leaf::OwnedModel(it) => both("拥有车型“{}”", "owns a “{}”", it),
        Leaf::IntendedModel(it) => both("意向车型“{}”", "has a “{}” in view", it),
        Leaf::BirthMonth(it) => both("生日在 {} 月", "birthday is in month {}", &it.to_string()),
        Leaf::Age(it) => range(*it, ("年龄", "岁"), ("age", " years"), plain),
        Leaf::Opened(it) => days(*it, "建档于", "file was opened"),
        Leaf::LastVisit(it) => days(*it, "最近一次进厂于", "last visit was"),
        Leaf::Visits(it) => range(*it, ("进厂次数", "次"), ("visits", ""), plain),
        Leaf::ValueFen(it) => range(*it, ("贡献金额", "元"), ("value", " yuan"), yuan),
        Leaf::CarAgeMonths(it) => range(*it, ("车龄", "个月"), ("age of a car", " months"), plain),
        Leaf::Ends(end, within) => {
            let (zh, en) = ends(*end);
            (format!("{zh}在 {within} 天内到期"), format!("{en} ends within {within} days"))
        }
        Leaf::Consent(purpose, kind) => {
            let ((zh, en), (zh_by, en_by)) = (of_purpose(*purpose), of_kind(*kind));
            (format!("同意通过{zh_by}用于{zh}"), format!("consents to {en} by {en_by}"))
        }
        Leaf::HasPhone(true) => ("有电话".to_owned(), "has a phone".to_owned()),
        Leaf::HasPhone(false) => ("没有电话".to_owned(), "has no phone".to_owned()),
        Leaf::HasVisited(true) => ("来过厂".to_owned(), "has visited a workshop".to_owned()),
        Leaf::HasVisited(false) => ("从未进厂".to_owned(), "has never visited a workshop".to_owned()),
    };
    if language == Language::Zh { zh } else { en }
}

fn pair(zh: &str, en: &str, (its_zh, its_en): Pair) -> (String, String) {
    (format!("{zh}{its_zh}"), format!("{en}{its_en}"))
}

fn both(zh: &str, en: &str, it: &str) -> (String, String) {
    (zh.replacen("{}", it, 1), en.replacen("{}", it, 1))
}

fn range(it: Numbers, zh: Pair, en: Pair, number: fn(i64) -> String) -> (String, String) {
    let ((zh, zh_unit), (en, en_unit)) = (zh, en);
    match (it.min.map(number), it.max.map(number)) {
        (Some(min), Some(max)) if min == max => {
            (format!("{zh}为 {min} {zh_unit}"), format!("{en} is {min}{en_unit}"))
        }
        (Some(min), Some(max)) => {
            (format!("{zh}为 {min} 至 {max} {zh_unit}"), format!("{en} is {min} to {max}{en_unit}"))
        }
        (Some(min), None) => {
            (format!("{zh}至少 {min} {zh_unit}"), format!("{en} is at least {min}{en_unit}"))
        }
        (None, max) => {
            let max = max.unwrap_or_default();
            (format!("{zh}至多 {max} {zh_unit}"), format!("{en} is at most {max}{en_unit}"))
        }
    }
}

fn plain(number: i64) -> String {
    number.to_string()
}

fn yuan(fen: i64) -> String {
    match fen % 100 {
        0 => (fen / 100).to_string(),
        rest => format!("{}.{rest:02}", fen / 100),
    }
}

fn days(it: Days, zh: &str, en: &str) -> (String, String) {
    let day = |day: Date| day.to_string();
    match it {
        Days::Last(1) => (format!("{zh}今天"), format!("{en} today")),
        Days::Last(count) => (format!("{zh}最近 {count} 天内"), format!("{en} within the last {count} days")),
        Days::Between(Some(from), Some(to)) => {
            let (from, to) = (day(from), day(to));
            (format!("{zh} {from} 至 {to}"), format!("{en} from {from} to {to}"))
        }
        Days::Between(Some(from), None) => {
            let from = day(from);
            (format!("{zh} {from} 或之后"), format!("{en} on {from} or later"))
        }
        Days::Between(None, to) => {
            let to = to.map(day).unwrap_or_default();
            (format!("{zh} {to} 或之前"), format!("{en} on {to} or earlier"))
        }
    }
}

fn ends(it: End) -> Pair {
    match it {
        End::Warranty => ("质保", "a warranty"),
        End::Insurance => ("保险", "an insurance"),
        End::Inspection => ("年检", "the inspection"),
    }
}

fn of_purpose(it: Purpose) -> Pair {
    match it {
        Purpose::Unspecified => ("未定", "unspecified"),
        Purpose::Service => ("服务", "service"),
        Purpose::Marketing => ("营销", "marketing"),
        Purpose::Survey => ("调查", "surveys"),
        Purpose::Profiling => ("画像", "profiling"),
        Purpose::Sharing => ("共享", "sharing"),
    }
}

fn of_kind(it: ContactKind) -> Pair {
    match it {
        ContactKind::Unspecified => ("未定", "unspecified"),
        ContactKind::Phone => ("电话", "phone"),
        ContactKind::Email => ("邮件", "e-mail"),
        ContactKind::Wechat => ("微信", "WeChat"),
        ContactKind::Address => ("信函", "letter"),
    }
}
