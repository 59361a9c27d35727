//! What people write into columns that hold one of a few things.

use foursight_proto::customer::v1::{CustomerKind, Gender, LunarDate, SourceChannel};
use foursight_sheets::values::plain_text;

fn plain(text: &str) -> String {
    plain_text(text).to_lowercase()
}

pub(super) fn gender(text: &str) -> Option<Gender> {
    match plain(text).as_str() {
        "男" | "男性" | "先生" | "m" | "male" | "mr" | "mr." | "man" => Some(Gender::Male),
        "女" | "女性" | "女士" | "小姐" | "f" | "female" | "ms" | "ms." | "mrs" | "mrs." | "woman" => {
            Some(Gender::Female)
        }
        "未知" | "保密" | "不详" | "unknown" => Some(Gender::Unspecified),
        _ => None,
    }
}

pub(super) fn kind(text: &str) -> Option<CustomerKind> {
    match plain(text).as_str() {
        "个人" | "私人" | "自然人" | "个人客户" | "person" | "individual" | "private" => {
            Some(CustomerKind::Person)
        }
        "单位" | "公司" | "企业" | "机构" | "集团" | "单位客户" | "企业客户" | "公司客户" | "大客户"
        | "政府" | "organization" | "organisation" | "company" | "business" | "corporate" => {
            Some(CustomerKind::Organization)
        }
        _ => None,
    }
}

pub(super) fn source(text: &str) -> Option<SourceChannel> {
    let text = plain(text);
    let by_name = SourceChannel::from_str_name(&format!(
        "SOURCE_CHANNEL_{}",
        text.to_uppercase().replace([' ', '-'], "_").trim_start_matches("SOURCE_CHANNEL_")
    ));
    by_name.filter(|source| *source != SourceChannel::Unspecified).or(match text.as_str() {
        "来店" | "到店" | "进店" | "展厅" | "自然到店" | "自然进店" | "门店" | "walk in" | "showroom" => {
            Some(SourceChannel::WalkIn)
        }
        "来电" | "电话" | "呼入" | "热线" | "电话咨询" | "phone" => Some(SourceChannel::Call),
        "网站" | "官网" | "网络" | "线上" | "互联网" | "website" | "online" => {
            Some(SourceChannel::Web)
        }
        "社交媒体" | "社交" | "微信" | "公众号" | "微博" | "小红书" | "social" => {
            Some(SourceChannel::SocialMedia)
        }
        "垂直媒体" | "垂媒" | "垂直平台" | "汽车之家" | "易车" | "懂车帝" | "太平洋汽车" => {
            Some(SourceChannel::VerticalPlatform)
        }
        "短视频" | "抖音" | "快手" | "视频号" | "直播" | "douyin" => {
            Some(SourceChannel::ShortVideo)
        }
        "车展" | "展会" | "巡展" | "外展" => Some(SourceChannel::AutoShow),
        "社群" | "社区" | "车友会" | "俱乐部" => Some(SourceChannel::Community),
        "合作" | "合作伙伴" | "异业合作" | "二网" | "经销商" => Some(SourceChannel::Partner),
        "转介绍" | "介绍" | "推荐" | "老客户介绍" | "老带新" | "朋友介绍" => {
            Some(SourceChannel::Referral)
        }
        "导入" | "历史数据" | "旧系统" | "系统导入" => Some(SourceChannel::Import),
        _ => None,
    })
}

/// `四月廿三`, `闰四月初一`, `1990年四月廿三`, `4-23`, `1990-4-23`, each perhaps behind `农历`.
pub(super) fn lunar(text: &str) -> Option<LunarDate> {
    let text = plain(text);
    let text = text.trim_start_matches("农历").trim_start_matches("阴历").trim();
    let (year, rest) = match text.split_once('年') {
        Some((year, rest)) => (year.trim().parse().ok()?, rest.trim()),
        None => (0, text),
    };
    let (leap_month, rest) = rest.strip_prefix('闰').map_or((false, rest), |rest| (true, rest));
    if let Some((month, day)) = rest.split_once('月') {
        return Some(LunarDate { year, month: lunar_month(month)?, leap_month, day: lunar_day(day)? });
    }
    let parts: Option<Vec<i32>> = rest.split(['-', '/', '.']).map(|part| part.trim().parse().ok()).collect();
    match parts?.as_slice() {
        [month, day] => Some(LunarDate { year, month: *month, leap_month, day: *day }),
        [of, month, day] if year == 0 => Some(LunarDate { year: *of, month: *month, leap_month, day: *day }),
        _ => None,
    }
}

fn lunar_month(text: &str) -> Option<i32> {
    const MONTHS: [&str; 12] = ["正", "二", "三", "四", "五", "六", "七", "八", "九", "十", "冬", "腊"];
    let text = text.trim();
    let named = MONTHS.iter().position(|month| *month == text).and_then(|at| i32::try_from(at + 1).ok());
    named.or(match text {
        "一" => Some(1),
        "十一" => Some(11),
        "十二" => Some(12),
        _ => text.parse().ok(),
    })
}

fn lunar_day(text: &str) -> Option<i32> {
    const DIGITS: &str = "一二三四五六七八九十";
    let text = text.trim().trim_end_matches(['日', '号']);
    let digit =
        |c: char| DIGITS.chars().position(|digit| digit == c).and_then(|at| i32::try_from(at + 1).ok());
    let of: Vec<char> = text.chars().collect();
    match of.as_slice() {
        ['初', last] => digit(*last),
        ['十', last] => digit(*last).filter(|last| *last < 10).map(|last| 10 + last),
        ['廿', last] => digit(*last).filter(|last| *last < 10).map(|last| 20 + last),
        ['二', '十'] => Some(20),
        ['三', '十'] => Some(30),
        ['二', '十', last] => digit(*last).filter(|last| *last < 10).map(|last| 20 + last),
        _ => text.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lunar_days_as_people_write_them() {
        let of = |text| lunar(text).map(|date| (date.year, date.month, date.leap_month, date.day));
        for (text, date) in [
            ("四月廿三", (0, 4, false, 23)),
            ("农历闰四月初一", (0, 4, true, 1)),
            ("1990年腊月三十", (1990, 12, false, 30)),
            ("正月十五", (0, 1, false, 15)),
            ("1990-4-23", (1990, 4, false, 23)),
            ("8/15", (0, 8, false, 15)),
            ("十一月初十", (0, 11, false, 10)),
        ] {
            assert_eq!(of(text), Some(date), "{text}");
        }
        for text in ["", "四月", "春天", "十月十十", "1990年1990-4-23"] {
            assert_eq!(of(text), None, "{text}");
        }
    }

    #[test]
    fn words_are_known_in_both_languages() {
        assert_eq!(gender(" 女士 "), Some(Gender::Female));
        assert_eq!(gender("M"), Some(Gender::Male));
        assert_eq!(gender("x"), None);
        assert_eq!(kind("企业"), Some(CustomerKind::Organization));
        assert_eq!(source("转介绍"), Some(SourceChannel::Referral));
        assert_eq!(source("Walk-in"), Some(SourceChannel::WalkIn));
        assert_eq!(source("SOURCE_CHANNEL_AUTO_SHOW"), Some(SourceChannel::AutoShow));
        assert_eq!(source("unspecified"), None);
    }
}
