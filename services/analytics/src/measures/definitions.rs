//! Every measure in words: the one place where its definition is written. The SQL in the measure's own file does what is
//! said here; the service test counts it again from the events.

/// One of the measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Code {
    Deliveries,
    ReturnRate,
    ComplaintRate,
    FollowUpsInTime,
    AdvisorSatisfaction,
}

/// A measure's definition.
#[derive(Debug)]
pub(super) struct Definition {
    pub(super) code: Code,
    /// The code that the API shows.
    pub(super) id: &'static str,
    pub(super) display_name: &'static str,
    pub(super) display_name_en: &'static str,
    /// Chinese, then English.
    pub(super) words: &'static str,
    /// `count`, `ratio` (0 to 1) or `score` (0 to 100).
    pub(super) unit: &'static str,
}

/// All measures, in the order in which they are shown.
pub(super) static ALL: [Definition; 5] = [
    Definition {
        code: Code::Deliveries,
        id: "deliveries",
        display_name: "交车数",
        display_name_en: "Deliveries",
        words: "当月交付的车辆数，按交车时间归入门店当地月份。来源：VehicleDelivered。\n\
            Cars handed over in the month, by the time of hand-over in the store's time zone. Source: VehicleDelivered.",
        unit: "count",
    },
    Definition {
        code: Code::ReturnRate,
        id: "return_rate",
        display_name: "回厂率",
        display_name_en: "Return-to-workshop rate",
        words: "当月至少进厂一次的车辆数 ÷ 保有车辆数。保有车辆：截至当月末的 12 个月（含当月）内由本店交付或进过本店的车辆，\
            每辆车只计一次，按门店当地月份计算。来源：VehicleDelivered、VisitStarted。\n\
            Distinct cars that came in at least once in the month, divided by the store's retained cars: distinct cars that the \
            store delivered, or that came in there, in the 12 months that end with the month (included). By months of the \
            store's time zone. Sources: VehicleDelivered, VisitStarted.",
        unit: "ratio",
    },
    Definition {
        code: Code::ComplaintRate,
        id: "complaint_rate",
        display_name: "投诉率",
        display_name_en: "Complaint rate",
        words: "当月受理的投诉（不含抱怨、咨询、建议、表扬、救援）÷ 当月业务量（交车数 + 完成的进厂数）；默认目标低于 1%。\
            来源：CaseOpened、VehicleDelivered、VisitCompleted。\n\
            Cases of the kind complaint taken in the month (no other kinds), divided by the month's business: deliveries plus \
            visits handed back. Default target below 1%. Sources: CaseOpened, VehicleDelivered, VisitCompleted.",
        unit: "ratio",
    },
    Definition {
        code: Code::FollowUpsInTime,
        id: "follow_ups_in_time",
        display_name: "回访及时率",
        display_name_en: "Follow-ups done in time",
        words: "当月到期的回访任务中，在到期时间之前（含）联系上客户的占比；未联系上、逾期或尚未完成的不计入分子。\
            来源：CallTaskPlanned、CallTaskCompleted。\n\
            Of the follow-up calls that fall due in the month, those that reached the customer at or before the due time; \
            calls that reached nobody, came late or are still open do not count as done. \
            Sources: CallTaskPlanned, CallTaskCompleted.",
        unit: "ratio",
    },
    Definition {
        code: Code::AdvisorSatisfaction,
        id: "advisor_satisfaction",
        display_name: "顾问满意度",
        display_name_en: "Advisor satisfaction",
        words: "当月联系上客户的回访中，客户对顾问评分（1–10 分）的平均值 × 10；默认目标不低于 95。来源：CallTaskCompleted。\n\
            The mean of the scores (1 to 10) that customers gave their advisor in the follow-up calls that reached them in the \
            month, times 10. Default target 95 or more. Source: CallTaskCompleted.",
        unit: "score",
    },
];

impl Definition {
    /// `measures/{code}`.
    pub(super) fn name(&self) -> String {
        format!("measures/{}", self.id)
    }

    /// The measure of that name, if there is one.
    pub(super) fn of_name(name: &str) -> Option<&'static Self> {
        let id = name.strip_prefix("measures/")?;
        ALL.iter().find(|definition| definition.id == id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_measure_is_found_by_its_name_and_no_other() {
        for definition in &ALL {
            assert_eq!(
                Definition::of_name(&definition.name()).map(|found| found.code),
                Some(definition.code)
            );
        }
        assert!(Definition::of_name("measures/").is_none());
        assert!(Definition::of_name("deliveries").is_none());
        assert!(Definition::of_name("measures/nps").is_none());
    }

    #[test]
    fn definitions_are_complete_in_both_languages() {
        for definition in &ALL {
            let (zh, en) = definition.words.split_once('\n').unwrap_or_default();
            assert!(
                zh.contains("来源") && en.contains("Source"),
                "{} lacks a language or its source",
                definition.id
            );
            assert!(!definition.words.contains("  "), "{} is broken by line ends", definition.id);
        }
    }
}
