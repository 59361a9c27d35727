//! Entries from what this service tells of where customers stand: tags, groups, value and stage.

use foursight_messaging::{HandleError, Received};
use foursight_proto::customer::{
    events::v1::{CustomerTagged, GroupChanged, StageCorrected, StageMoved, ValueTierChanged},
    v1::{CustomerGroup, LifeCycleStage, ValueTier},
};

use crate::timeline::entry::{Entry, Rank, code};

pub(super) fn entry(event: &Received) -> Result<Option<Entry>, HandleError> {
    let of = |customer: &str, kind, details: Vec<(&'static str, String)>| {
        Ok(Entry::of(customer, kind, Rank::File, customer.to_owned(), details))
    };
    if let Some(it) = event.decode::<CustomerTagged>()? {
        let details = vec![("added", it.added.join(",")), ("removed", it.removed.join(","))];
        return of(&it.customer, "CUSTOMER_TAGGED", details);
    }
    if let Some(it) = event.decode::<GroupChanged>()? {
        let group = code(it.group, CustomerGroup::as_str_name, "CUSTOMER_GROUP_");
        let kind = if it.member { "GROUP_JOINED" } else { "GROUP_LEFT" };
        return of(&it.customer, kind, vec![("group", group)]);
    }
    if let Some(it) = event.decode::<ValueTierChanged>()? {
        // That the first visit was paid is on the timeline already.
        if !it.decided && it.store.is_empty() && it.previous_tier == 0 {
            return Ok(None);
        }
        let details = vec![
            ("value_tier", tier(it.value_tier)),
            ("previous_tier", tier(it.previous_tier)),
            ("decided", it.decided.to_string()),
        ];
        return of(&it.customer, "VALUE_TIER_CHANGED", details);
    }
    if let Some(it) = event.decode::<StageCorrected>()? {
        let details = vec![("stage", stage(it.stage)), ("previous_stage", stage(it.previous_stage))];
        return of(&it.customer, "STAGE_CORRECTED", details);
    }
    if let Some(it) = event.decode::<StageMoved>()? {
        let details = vec![("stage", stage(it.stage)), ("previous_stage", stage(it.previous_stage))];
        return of(&it.customer, "STAGE_MOVED", details);
    }
    Ok(None)
}

fn tier(value: i32) -> String {
    code(value, ValueTier::as_str_name, "VALUE_TIER_")
}

fn stage(value: i32) -> String {
    code(value, LifeCycleStage::as_str_name, "LIFE_CYCLE_STAGE_")
}
