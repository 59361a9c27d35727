//! Tables of customers.

mod change;
mod fields;
pub(super) mod lookup;
mod plan;
pub(super) mod rules;
mod set_back;
pub(super) mod signs;
mod take;
pub(super) mod told;
mod undo;
mod words;
mod write;
mod write_changes;

use async_trait::async_trait;
use foursight_kernel::sql;
use foursight_proto::customer::v1::{ImportKind, ImportOutcome};
use foursight_sheets::Row;
use sqlx::PgConnection;

use crate::imports::{
    kind::{self, Batch, Described, FieldSpec, Hash, Kind, Need, SetBack, Taken},
    outcome::{Undone, Written},
    reading::Reading,
    reason::Reason,
    run::Run,
    worker::Stop,
};

/// Tables of customers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Customers;

impl Described for Customers {
    fn kind(&self) -> ImportKind {
        ImportKind::Customers
    }

    fn fields(&self) -> Vec<FieldSpec> {
        fields::Field::ALL.map(fields::Field::spec).to_vec()
    }

    fn needs(&self) -> &'static [Need] {
        &[
            Need { any_of: &["name"], what: "name (姓名)" },
            Need {
                any_of: &["phone", "phone_2", "national_id"],
                what: "phone or national id (手机号, 身份证号)",
            },
        ]
    }
}

impl kind::Told for told::Told {
    fn keys(&self) -> Vec<(i16, Hash)> {
        signs::keys_of(&self.signs)
    }

    fn content(&self) -> i64 {
        self.content
    }
}

#[async_trait]
impl Kind for Customers {
    type Told = told::Told;

    fn read(&self, reading: &Reading<'_>, row: &Row) -> Result<told::Told, Vec<Reason>> {
        told::read(reading, row)
    }

    async fn lead_on(&self, tx: &mut PgConnection, run: &Run) -> Result<(), Stop> {
        signs::lead_on(tx, run).await
    }

    async fn take(&self, batch: &mut Batch<'_, told::Told>) -> Result<Taken, Stop> {
        take::take(batch).await
    }

    async fn set_back(&self, back: &mut SetBack<'_>, rows: &[Written]) -> Result<Vec<Undone>, Stop> {
        let mut undone = undo::removals(back, rows).await?;
        for row in rows.iter().filter(|row| row.outcome == sql::number(ImportOutcome::Update)) {
            undone.push((row.row_number, set_back::set_back(back, row).await?));
        }
        Ok(undone)
    }
}
