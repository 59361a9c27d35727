//! `QueryMeasureValues`: the values of the caller's stores by month.

use foursight_access::{Principal, Reach};
use foursight_kernel::{Error, Violations, ids::StoreId};
use foursight_proto::analytics::v1::{MeasureValue, QueryMeasureValuesRequest, QueryMeasureValuesResponse};
use foursight_runtime::Database;
use sqlx::PgConnection;

use super::{
    Counted, advisor_satisfaction, complaint_rate,
    definitions::{ALL, Code, Definition},
    deliveries, follow_ups_in_time,
    month::Month,
    period::Period,
    return_rate,
};
use crate::rebuild;

/// The longest question: three years, so that a year can be compared with the two before it.
const MOST_MONTHS: i32 = 36;

/// A checked question.
#[derive(Debug)]
struct Question {
    store: Option<StoreId>,
    measures: Vec<&'static Definition>,
    from: Month,
    to: Month,
}

pub(super) async fn query(
    db: &Database,
    caller: &Principal,
    request: &QueryMeasureValuesRequest,
) -> Result<QueryMeasureValuesResponse, Error> {
    let question = Question::parse(request)?;
    if let Some(store) = question.store {
        caller.require_store(store)?;
    }
    let period =
        Period { stores: stores(question.store, &caller.reach), from: question.from, to: question.to };
    let mut tx = db.begin_list(caller).await?;
    let rebuild = rebuild::under_way(&mut tx).await?;
    let mut values = Vec::new();
    for definition in question.measures {
        let counted = count(&mut tx, definition.code, &period).await?;
        values.extend(counted.into_iter().map(|counted| value(definition, counted)));
    }
    tx.commit().await?;
    Ok(QueryMeasureValuesResponse { values, rebuild })
}

async fn count(tx: &mut PgConnection, code: Code, period: &Period) -> Result<Vec<Counted>, sqlx::Error> {
    match code {
        Code::Deliveries => deliveries::count(tx, period).await,
        Code::ReturnRate => return_rate::count(tx, period).await,
        Code::ComplaintRate => complaint_rate::count(tx, period).await,
        Code::FollowUpsInTime => follow_ups_in_time::count(tx, period).await,
        Code::AdvisorSatisfaction => advisor_satisfaction::count(tx, period).await,
    }
}

/// The stores to look at: the one asked for, else all of the caller's.
fn stores(asked: Option<StoreId>, reach: &Reach) -> Option<Vec<uuid::Uuid>> {
    match (asked, reach) {
        (Some(store), _) => Some(vec![store.uuid()]),
        (None, Reach::Stores(stores)) => Some(stores.iter().map(|store| store.uuid()).collect()),
        (None, Reach::Group) => None,
    }
}

fn value(definition: &Definition, counted: Counted) -> MeasureValue {
    MeasureValue {
        measure: definition.name(),
        store: StoreId::from(counted.store).name(),
        month: counted.month,
        numerator: counted.numerator,
        denominator: counted.denominator,
        value: (counted.denominator > 0.0).then(|| counted.numerator / counted.denominator),
    }
}

impl Question {
    fn parse(request: &QueryMeasureValuesRequest) -> Result<Self, Error> {
        let mut violations = Violations::default();
        let store = violations.optional_name::<StoreId>("store", &request.store);
        let measures = measures(&mut violations, &request.measures);
        let from = month(&mut violations, "from_month", &request.from_month);
        let to = if request.to_month.is_empty() {
            from
        } else {
            month(&mut violations, "to_month", &request.to_month)
        };
        if let (Some(from), Some(to)) = (from, to) {
            match from.count_to(to) {
                ..1 => violations.push("to_month", "must not be before from_month"),
                1..=MOST_MONTHS => {}
                _ => violations
                    .push("to_month", "must be at most 36 months, from_month included, after from_month"),
            }
        }
        violations.check()?;
        match (from, to) {
            (Some(from), Some(to)) => Ok(Self { store, measures, from, to }),
            _ => Err(Error::invalid_field("from_month", NO_MONTH)),
        }
    }
}

/// What a month has to be, by [`Month::parse`].
const NO_MONTH: &str =
    "must be a month from 2000-01 to 2100-12, written with four and two digits as in 2026-11";

fn month(violations: &mut Violations, field: &'static str, text: &str) -> Option<Month> {
    let month = Month::parse(text);
    if month.is_none() {
        violations.push(field, NO_MONTH);
    }
    month
}

/// The definitions asked for, each once, in their usual order; all of them when none is named.
fn measures(violations: &mut Violations, names: &[String]) -> Vec<&'static Definition> {
    for (place, name) in names.iter().enumerate() {
        if Definition::of_name(name).is_none() {
            violations.push(format!("measures[{place}]"), "must be the name of a measure, see ListMeasures");
        }
    }
    let asked = |definition: &&Definition| names.is_empty() || names.contains(&definition.name());
    ALL.iter().filter(asked).collect()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;

    fn request(from: &str, to: &str) -> QueryMeasureValuesRequest {
        QueryMeasureValuesRequest {
            from_month: from.to_owned(),
            to_month: to.to_owned(),
            ..Default::default()
        }
    }

    #[test]
    fn takes_one_month_to_three_years() {
        let one = Question::parse(&request("2026-11", "")).unwrap();
        assert_eq!((one.from, one.to), (one.from, one.from));
        assert_eq!(one.measures.len(), ALL.len());
        assert!(Question::parse(&request("2024-01", "2026-12")).is_ok());
    }

    #[test]
    fn refuses_months_that_are_none_too_many_or_backwards() {
        for (from, to) in [
            ("2026-13", ""),
            ("1999-01", ""),
            ("", ""),
            ("2026-11", "2026-00"),
            ("2026-11", "2026-10"),
            ("2023-12", "2026-12"),
        ] {
            let error = Question::parse(&request(from, to)).unwrap_err();
            assert_eq!(error.code(), tonic::Code::InvalidArgument, "{from} to {to}");
        }
        let old = Question::parse(&request("1999-01", "")).unwrap_err();
        assert!(format!("{:?}", old.violations()).contains("from 2000-01 to 2100-12"), "{old:?}");
    }

    #[test]
    fn measures_come_once_and_must_exist() {
        let mut asked = request("2026-11", "");
        asked.measures = ["measures/return_rate", "measures/deliveries", "measures/return_rate"]
            .map(str::to_owned)
            .to_vec();
        let question = Question::parse(&asked).unwrap();
        assert_eq!(question.measures.iter().map(|d| d.id).collect::<Vec<_>>(), ["deliveries", "return_rate"]);

        asked.measures.push("measures/nps".to_owned());
        assert_eq!(Question::parse(&asked).unwrap_err().code(), tonic::Code::InvalidArgument);
    }

    #[test]
    fn a_value_is_absent_while_there_is_nothing_to_divide_by() {
        let counted =
            Counted { store: uuid::Uuid::nil(), month: "2026-11".into(), numerator: 2.0, denominator: 0.0 };
        assert_eq!(value(&ALL[2], counted.clone()).value, None);
        assert_eq!(value(&ALL[2], Counted { denominator: 4.0, ..counted }).value, Some(0.5));
    }
}
