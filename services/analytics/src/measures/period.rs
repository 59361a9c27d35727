//! What is asked for: which stores, which months.

use foursight_kernel::sql;
use uuid::Uuid;

use super::month::Month;

/// The stores and months of a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Period {
    /// Only these stores; all that the transaction reaches when absent. Row-level security holds either way: this lets
    /// the database go by the index of a few stores.
    pub(super) stores: Option<Vec<Uuid>>,
    pub(super) from: Month,
    pub(super) to: Month,
}

impl Period {
    /// First day of the first month, for SQL.
    pub(super) fn first(&self) -> sql::Date {
        sql::on(self.from.first_day())
    }

    /// First day of the last month, for SQL.
    pub(super) fn last(&self) -> sql::Date {
        sql::on(self.to.first_day())
    }
}
