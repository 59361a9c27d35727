//! The fields that only a table of visits has, and how people and other systems call them.

use foursight_proto::customer::v1::VisitKind;
use foursight_sheets::values::plain_text;

use crate::imports::kind::FieldSpec;

pub(super) const CHECK_IN_DATE: &str = "check_in_date";
pub(super) const HAND_OVER_DATE: &str = "hand_over_date";
pub(super) const KIND: &str = "kind";
pub(super) const AMOUNT: &str = "amount";

const PAST: &str = "须为 1980 年以后、不晚于今天的日期，写成 2026-03-05；交车日期不早于进厂日期";

pub(super) const FIELDS: [FieldSpec; 4] = [
    FieldSpec {
        key: CHECK_IN_DATE,
        names: &[
            "进厂日期",
            "进厂时间",
            "来厂日期",
            "入厂日期",
            "开单日期",
            "接车日期",
            "维修日期",
            "送修日期",
            "date",
            "date in",
            "check-in",
            "check in date",
            "visit date",
            "service date",
        ],
        rule: PAST,
    },
    FieldSpec {
        key: HAND_OVER_DATE,
        names: &[
            "出厂日期",
            "出厂时间",
            "交车日期",
            "结算日期",
            "完工日期",
            "date out",
            "hand over date",
            "completed on",
        ],
        rule: PAST,
    },
    FieldSpec {
        key: KIND,
        names: &[
            "维修类型",
            "维修类别",
            "服务类型",
            "业务类型",
            "工单类型",
            "类型",
            "类别",
            "service type",
            "visit kind",
            "type",
        ],
        rule: "请填写 保养、维修、钣喷、索赔 或 年检",
    },
    FieldSpec {
        key: AMOUNT,
        names: &[
            "金额",
            "结算金额",
            "实收金额",
            "维修金额",
            "应收金额",
            "费用",
            "消费金额",
            "实收",
            "total",
            "amount paid",
            "paid",
        ],
        rule: "请填写不小于 0 的金额（元），最多两位小数",
    },
];

/// What was done, as people write it.
pub(super) fn kind(text: &str) -> Option<VisitKind> {
    let text = plain_text(text).to_lowercase();
    let by_name = VisitKind::from_str_name(&format!("VISIT_KIND_{}", text.to_uppercase()));
    by_name.filter(|kind| *kind != VisitKind::Unspecified).or(match text.as_str() {
        "保养" | "首保" | "定保" | "常规保养" | "定期保养" | "例行保养" | "大保养" | "小保养" | "service" => {
            Some(VisitKind::Maintenance)
        }
        "维修" | "一般维修" | "普通维修" | "机修" | "机电维修" | "修理" | "机电" | "检修" => {
            Some(VisitKind::Repair)
        }
        "钣喷" | "钣金" | "喷漆" | "钣金喷漆" | "事故" | "事故车" | "事故维修" | "保险事故" | "accident" => {
            Some(VisitKind::Body)
        }
        "索赔" | "三包" | "质保" | "保修" | "召回" | "保修索赔" | "claim" | "recall" => {
            Some(VisitKind::Warranty)
        }
        "年检" | "年审" | "检测" | "验车" | "免检" => Some(VisitKind::Inspection),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_known_in_both_languages() {
        assert_eq!(kind(" 首保 "), Some(VisitKind::Maintenance));
        assert_eq!(kind("Warranty"), Some(VisitKind::Warranty));
        assert_eq!(kind("事故车"), Some(VisitKind::Body));
        assert_eq!(kind("unspecified"), None);
        assert_eq!(kind("洗澡"), None);
    }
}
