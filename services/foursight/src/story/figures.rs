//! The measures of the store and month, before and after.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use serde_json::Value;

use super::{Story, cast::People};

/// Numerator and denominator of each measure.
pub(super) type Figures = BTreeMap<String, (f64, f64)>;

/// What the story adds to at least: (measure, to the numerator, to the denominator).
const MOVED: [(&str, f64, f64); 5] = [
    ("measures/deliveries", 1.0, 0.0),
    ("measures/return_rate", 1.0, 1.0),
    ("measures/complaint_rate", 1.0, 2.0),
    ("measures/follow_ups_in_time", 1.0, 1.0),
    // One call, a score of 4 of 10.
    ("measures/advisor_satisfaction", 40.0, 1.0),
];

/// The store's measures of this month.
pub(super) async fn read(story: &Story, people: &People) -> Result<Figures> {
    let month = this_month();
    let path = format!("/v1/measureValues?store={}&fromMonth={month}", people.store);
    let values = story.client.get(&people.general_manager, &path).await?.list("values");
    let number = |value: &Value, field: &str| value.get(field).and_then(Value::as_f64).unwrap_or(0.0);
    Ok(values
        .into_iter()
        .map(|value| {
            (value.text("measure"), (number(&value.0, "numerator"), number(&value.0, "denominator")))
        })
        .collect())
}

/// Each measure has moved by what the story did.
pub(super) async fn have_moved(story: &Story, people: &People, before: &Figures) -> Result<()> {
    let after = story
        .wait_for("the measures move", || async {
            let now = read(story, people).await?;
            Ok(MOVED.iter().all(|(measure, _, _)| moved(before, &now, measure)).then_some(now))
        })
        .await?;
    let mut told = Vec::new();
    for (measure, _, _) in MOVED {
        let (numerator, denominator) = after.get(measure).copied().unwrap_or_default();
        ensure!(denominator > 0.0, "{measure} has nothing to divide by");
        told.push(format!("{measure} = {numerator} / {denominator}"));
    }
    story.tell("the store's measures of this month have moved", &told);
    Ok(())
}

fn moved(before: &Figures, now: &Figures, measure: &str) -> bool {
    let was = before.get(measure).copied().unwrap_or_default();
    let is = now.get(measure).copied().unwrap_or_default();
    let least = MOVED.iter().find(|(name, _, _)| *name == measure).map_or((0.0, 0.0), |(_, n, d)| (*n, *d));
    is.0 - was.0 >= least.0 && is.1 - was.1 >= least.1.min(1.0)
}

/// The month that it is at the store. The story's deliveries and calls happen now.
#[expect(clippy::disallowed_methods, reason = "the story runs outside the services, by the wall clock")]
fn this_month() -> String {
    let shanghai = jiff::tz::TimeZone::get("Asia/Shanghai").unwrap_or(jiff::tz::TimeZone::UTC);
    jiff::Timestamp::now().to_zoned(shanghai).strftime("%Y-%m").to_string()
}
