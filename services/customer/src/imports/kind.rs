//! What differs from one kind of table to another; all else of a run is the same.
//!
//! A kind is a folder with its columns, what a row says, how a batch of rows is taken, and how they are set back; and it is one line
//! in [`KINDS`].

use std::collections::HashMap;

use async_trait::async_trait;
use foursight_kernel::{Error, Result};
use foursight_messaging::NewEvent;
use foursight_proto::customer::v1::ImportKind;
use foursight_sheets::{Row, Vocabulary};
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use sqlx::PgConnection;

use crate::{
    context::Context,
    customers::sealing::{DataKey, FieldKind},
    imports::{
        customers, deliveries,
        outcome::{RowOutcome, Twin, Undone, Written},
        points,
        reading::Reading,
        reason::{Code, Reason},
        run::Run,
        vehicles, visits,
        worker::{self, Stop, Work, lines::Line},
    },
};

/// All kinds of tables.
const KINDS: [&dyn AnyKind; 5] =
    [&customers::Customers, &vehicles::Vehicles, &deliveries::Deliveries, &visits::Visits, &points::Points];

/// A keyed hash, or another digest that tells nobody anything.
pub(super) type Hash = Vec<u8>;

/// The kind of this number.
///
/// # Errors
/// When a run has a number that no kind has.
pub(super) fn of_number(number: i16) -> Result<&'static dyn AnyKind> {
    let kind = KINDS.into_iter().find(|kind| kind.kind() as i32 == i32::from(number));
    kind.ok_or_else(|| Error::internal("an import is of no known kind"))
}

/// The kind that a request names, if tables of it are taken.
pub(super) fn of(kind: ImportKind) -> Option<&'static dyn AnyKind> {
    KINDS.into_iter().find(|one| one.kind() == kind)
}

/// A field that a table may have.
#[derive(Debug, Clone, Copy)]
pub(super) struct FieldSpec {
    /// As the API names it.
    pub(super) key: &'static str,
    /// How people and other systems call it.
    pub(super) names: &'static [&'static str],
    /// What is right in it, in Chinese.
    pub(super) rule: &'static str,
}

/// A table without any of these fields is refused.
#[derive(Debug, Clone, Copy)]
pub(super) struct Need {
    pub(super) any_of: &'static [&'static str],
    /// What the refusal calls them.
    pub(super) what: &'static str,
}

/// What is said of a kind.
pub(super) trait Described: Send + Sync {
    fn kind(&self) -> ImportKind;
    fn fields(&self) -> Vec<FieldSpec>;
    fn needs(&self) -> &'static [Need];
}

/// What one row says.
pub(super) trait Told: Send + Sync + 'static {
    /// By what it says what it is about, each with its kind (`import_keys.kind`): rows of one run that have one in common are about
    /// the same.
    fn keys(&self) -> Vec<(i16, Hash)>;
    /// Of all that it says: rows that say the same have the same.
    fn content(&self) -> i64;
}

/// What is a kind's own.
#[async_trait]
pub(super) trait Kind: Described + Copy + 'static {
    type Told: Told;

    /// Reads a row, or says all that is wrong with it.
    fn read(&self, reading: &Reading<'_>, row: &Row) -> Result<Self::Told, Vec<Reason>>;

    /// Adds to the run's keys what the rows lead to, where that is another key than they have.
    async fn lead_on(&self, _tx: &mut PgConnection, _run: &Run) -> Result<(), Stop> {
        Ok(())
    }

    /// Takes a batch of rows: decides, and writes unless it is a dry run.
    async fn take(&self, batch: &mut Batch<'_, Self::Told>) -> Result<Taken, Stop>;

    /// Sets back what rows of a run have done, the last of them first.
    async fn set_back(&self, back: &mut SetBack<'_>, rows: &[Written]) -> Result<Vec<Undone>, Stop>;
}

/// A batch of rows and the transaction that takes them.
pub(super) struct Batch<'a, T> {
    pub(super) tx: &'a mut PgConnection,
    pub(super) ctx: &'a Context,
    /// The run's own key.
    pub(super) key: &'a DataKey,
    pub(super) run: &'a Run,
    pub(super) lines: &'a [Line<T>],
    /// Rows that another row stands for, or against.
    pub(super) twins: HashMap<i64, Twin>,
    /// Whether somebody else kept us from the only row again and again.
    pub(super) given_up: bool,
    pub(super) now: Timestamp,
}

impl<T> Batch<'_, T> {
    /// What becomes of a row without looking at what it is about; nothing for one that is to be looked at.
    pub(super) fn outright(&self, line: &Line<T>) -> Option<Outright> {
        if let Err(reasons) = &line.said {
            return Some(Outright::Refused(RowOutcome::error(line.number, reasons)));
        }
        if let Some(twin) = self.twins.get(&line.number) {
            if twin.same {
                return Some(Outright::As(twin.clone()));
            }
            let reason = Reason::of(Code::RowsContradict).with(twin.other.to_string());
            return Some(Outright::Refused(RowOutcome::conflict(line.number, &[reason], None)));
        }
        let busy = || Outright::Refused(RowOutcome::conflict(line.number, &[Reason::of(Code::Busy)], None));
        self.given_up.then(busy)
    }
}

/// What becomes of a row, whatever it is about.
pub(super) enum Outright {
    Refused(RowOutcome),
    /// As the row that stands for it.
    As(Twin),
}

/// What a batch did.
#[derive(Default)]
pub(super) struct Taken {
    pub(super) outcomes: Vec<RowOutcome>,
    /// Phones and id numbers of other stores' files that were told without being their customers'.
    pub(super) tried: Vec<Hash>,
}

/// The transaction that sets rows back.
pub(super) struct SetBack<'a> {
    pub(super) tx: &'a mut PgConnection,
    pub(super) ctx: &'a Context,
    /// The run's own key.
    pub(super) key: &'a DataKey,
    pub(super) run: &'a Run,
    /// What is to be told of it.
    pub(super) events: Vec<NewEvent>,
}

impl SetBack<'_> {
    /// What was kept of how it was before.
    pub(super) fn before<T: DeserializeOwned>(&self, sealed: &[u8]) -> Result<T> {
        let before = self.key.open_bytes(FieldKind::BeforeImport, sealed)?;
        serde_json::from_slice(&before).map_err(Error::internal)
    }
}

/// A kind, whichever: its steps.
#[async_trait]
pub(super) trait AnyKind: Described {
    async fn read_through(&self, work: &Work) -> Result<(), Stop>;
    async fn compare_rows(&self, work: &Work) -> Result<(), Stop>;
    async fn take_rows(&self, work: &Work) -> Result<(), Stop>;
    async fn undo_rows(&self, work: &Work) -> Result<(), Stop>;
}

#[async_trait]
impl<K: Kind> AnyKind for K {
    async fn read_through(&self, work: &Work) -> Result<(), Stop> {
        worker::read::read(*self, work).await
    }

    async fn compare_rows(&self, work: &Work) -> Result<(), Stop> {
        worker::compare::compare(*self, work).await
    }

    async fn take_rows(&self, work: &Work) -> Result<(), Stop> {
        worker::rows::rows(*self, work).await
    }

    async fn undo_rows(&self, work: &Work) -> Result<(), Stop> {
        worker::undo::undo(*self, work).await
    }
}

/// The fields as headers are recognised by.
pub(super) fn vocabulary(fields: &[FieldSpec]) -> Vocabulary {
    fields.iter().fold(Vocabulary::new(), |all, field| all.field(field.key, field.names))
}
