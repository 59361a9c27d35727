//! What becomes of rows, and what is left of them for undoing.

use std::collections::HashMap;

use foursight_proto::customer::v1::ImportOutcome;
use serde_json::Value;
use uuid::Uuid;

use crate::imports::reason::{Code, Reason};

/// What a row is recorded with.
#[derive(Debug, Clone)]
pub(super) struct RowOutcome {
    pub(super) number: i64,
    pub(super) outcome: ImportOutcome,
    /// Whose it is.
    pub(super) customer: Option<Uuid>,
    /// What it is, where that is something else than a customer.
    pub(super) subject: Option<Uuid>,
    /// The odometer's reading that it added.
    pub(super) reading: Option<Uuid>,
    pub(super) reasons: Option<Value>,
    /// The version that the row made.
    pub(super) version: Option<i64>,
    /// What was before, sealed.
    pub(super) before: Option<Vec<u8>>,
}

impl RowOutcome {
    /// All of it is on file.
    pub(super) fn unchanged(number: i64, customer: Option<Uuid>) -> Self {
        Self {
            number,
            outcome: ImportOutcome::Unchanged,
            customer,
            subject: None,
            reading: None,
            reasons: None,
            version: None,
            before: None,
        }
    }

    /// Something came to be.
    pub(super) fn created(number: i64, customer: Option<Uuid>, version: Option<i64>) -> Self {
        Self { outcome: ImportOutcome::Create, version, ..Self::unchanged(number, customer) }
    }

    /// It does not fit.
    pub(super) fn conflict(number: i64, reasons: &[Reason], customer: Option<Uuid>) -> Self {
        let reasons = serde_json::to_value(reasons).ok();
        Self { outcome: ImportOutcome::Conflict, reasons, ..Self::unchanged(number, customer) }
    }

    /// It cannot be read.
    pub(super) fn error(number: i64, reasons: &[Reason]) -> Self {
        let reasons = serde_json::to_value(reasons).ok();
        Self { outcome: ImportOutcome::Error, reasons, ..Self::unchanged(number, None) }
    }

    pub(super) fn subject(self, subject: Option<Uuid>) -> Self {
        Self { subject, ..self }
    }
}

/// Another row that is about the same.
#[derive(Debug, Clone)]
pub(super) struct Twin {
    pub(super) other: i64,
    /// Whether it says the same, and stands for this one.
    pub(super) same: bool,
    /// What became of it, where an earlier batch had it.
    pub(super) outcome: Option<ImportOutcome>,
    pub(super) customer: Option<Uuid>,
    pub(super) subject: Option<Uuid>,
    pub(super) reasons: Option<Value>,
}

/// The outcomes of a batch, in their order.
#[derive(Default)]
pub(super) struct Outcomes {
    rows: Vec<RowOutcome>,
    places: HashMap<i64, usize>,
}

impl Outcomes {
    pub(super) fn push(&mut self, row: RowOutcome) {
        self.places.insert(row.number, self.rows.len());
        self.rows.push(row);
    }

    /// A row that says what another says: nothing is done again, and what was refused is refused again.
    pub(super) fn push_as(&mut self, number: i64, twin: Twin) {
        let here = self.places.get(&twin.other).and_then(|place| self.rows.get(*place));
        let outcome = here.map(|row| row.outcome).or(twin.outcome);
        let (customer, subject) =
            here.map_or((twin.customer, twin.subject), |row| (row.customer, row.subject));
        let refused = matches!(outcome, Some(ImportOutcome::Conflict | ImportOutcome::Error));
        let row = RowOutcome {
            outcome: if refused { ImportOutcome::Conflict } else { ImportOutcome::Unchanged },
            reasons: here.map_or(twin.reasons, |row| row.reasons.clone()).filter(|_| refused),
            subject,
            ..RowOutcome::unchanged(number, customer)
        };
        self.push(row);
    }

    pub(super) fn into_rows(self) -> Vec<RowOutcome> {
        self.rows
    }
}

/// A row that wrote something.
pub(super) struct Written {
    pub(super) row_number: i64,
    pub(super) outcome: i16,
    pub(super) customer_id: Option<Uuid>,
    pub(super) subject_id: Option<Uuid>,
    pub(super) reading_id: Option<Uuid>,
    pub(super) version: Option<i64>,
    pub(super) before: Option<Vec<u8>>,
}

/// Why something stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kept {
    Gone,
    Changed,
    Needed,
}

impl Kept {
    pub(super) fn reason(self) -> Reason {
        Reason::of(match self {
            Self::Gone => Code::FileGone,
            Self::Changed => Code::ChangedSince,
            Self::Needed => Code::NeededSince,
        })
    }
}

/// What became of a row: undone, or why not.
pub(super) type Undone = (i64, Result<(), Kept>);
