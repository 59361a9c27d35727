//! A run as it stands in its row.

use std::collections::BTreeMap;

use foursight_access::{Principal, Reach, Subject};
use foursight_kernel::{Error, ImportId, Result, StaffId, StoreId, sql, time};
use foursight_proto::customer::v1::{
    Import, ImportColumn, ImportCounts, ImportFailure, ImportState, SourceChannel,
};
use jiff::SignedDuration;
use secrecy::ExposeSecret;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    customers::{
        KeyRing, WrappedKey,
        sealing::{DataKey, FieldKind},
    },
    imports::{ImportError, columns::Column, reason::Language},
};

/// For how long the bytes stay after the last that happened with a run.
pub(super) const KEPT: SignedDuration = SignedDuration::from_hours(7 * 24);

/// What the worker does, in order. The numbers stand in `imports.step`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Reads the file through and notes who each row is.
    Read = 1,
    /// Finds the rows that lead to the same person.
    Compare = 2,
    /// Takes the rows, or says what would become of them.
    Rows = 3,
    /// Writes the file of rows that were not taken.
    Report = 4,
    /// Takes back what was done.
    Undo = 5,
}

impl Step {
    pub(super) fn of(number: i16) -> Result<Self> {
        [Self::Read, Self::Compare, Self::Rows, Self::Report, Self::Undo]
            .into_iter()
            .find(|step| *step as i16 == number)
            .ok_or_else(|| Error::internal("an import is at no known step"))
    }
}

/// Header → field, empty for a column that is passed over.
pub(super) type Mapped = BTreeMap<String, String>;

/// A row of `imports`.
#[derive(Debug, Clone)]
#[expect(dead_code, clippy::struct_field_names, reason = "the columns are those of the table")]
pub(super) struct Run {
    pub(super) id: Uuid,
    pub(super) store_id: Uuid,
    pub(super) kind: i16,
    pub(super) source: i16,
    pub(super) state: i16,
    pub(super) dry_run: bool,
    pub(super) step: i16,
    pub(super) slot: Option<i16>,
    pub(super) epoch: i64,
    pub(super) attempts: i16,
    pub(super) master_version: i32,
    pub(super) wrapped: Vec<u8>,
    pub(super) name_sealed: Vec<u8>,
    pub(super) mapping_sealed: Vec<u8>,
    pub(super) columns_sealed: Option<Vec<u8>>,
    pub(super) creator: String,
    pub(super) creator_group: bool,
    pub(super) size_bytes: i64,
    pub(super) chunks: i32,
    pub(super) total_rows: i64,
    pub(super) done_row: i64,
    pub(super) done_rows: i64,
    pub(super) created: i64,
    pub(super) updated: i64,
    pub(super) unchanged: i64,
    pub(super) conflicts: i64,
    pub(super) errors: i64,
    pub(super) clashes: i64,
    pub(super) undone: i64,
    pub(super) kept: i64,
    pub(super) failure: Option<String>,
    pub(super) failure_message: Option<String>,
    pub(super) error_bytes: i64,
    pub(super) version: i64,
    pub(super) create_time: sql::Timestamp,
    pub(super) update_time: sql::Timestamp,
    pub(super) start_time: Option<sql::Timestamp>,
    pub(super) finish_time: Option<sql::Timestamp>,
    pub(super) remove_time: Option<sql::Timestamp>,
    pub(super) request_id: Option<Uuid>,
    pub(super) request_hash: Option<Vec<u8>>,
    pub(super) language: i16,
}

/// Reads a run that the transaction's caller reaches.
///
/// # Errors
/// `IMPORT_NOT_FOUND`.
pub(super) async fn read(tx: &mut PgConnection, id: ImportId) -> Result<Run> {
    let run = sqlx::query_as!(Run, "SELECT * FROM customer.imports WHERE id = $1", id.uuid());
    Ok(run.fetch_optional(tx).await?.ok_or(ImportError::NotFound)?)
}

/// The same, locked until the transaction ends.
///
/// # Errors
/// `IMPORT_NOT_FOUND`.
pub(super) async fn lock(tx: &mut PgConnection, id: ImportId) -> Result<Run> {
    let run =
        sqlx::query_as!(Run, "SELECT * FROM customer.imports WHERE id = $1 FOR NO KEY UPDATE", id.uuid());
    Ok(run.fetch_optional(tx).await?.ok_or(ImportError::NotFound)?)
}

impl Run {
    pub(super) fn id(&self) -> ImportId {
        self.id.into()
    }

    pub(super) fn store(&self) -> StoreId {
        self.store_id.into()
    }

    pub(super) fn state(&self) -> Result<ImportState> {
        ImportState::try_from(i32::from(self.state)).map_err(Error::internal)
    }

    pub(super) fn source(&self) -> Result<SourceChannel> {
        SourceChannel::try_from(i32::from(self.source)).map_err(Error::internal)
    }

    /// What its people read.
    pub(super) fn language(&self) -> Language {
        Language::of_number(self.language)
    }

    /// The key under which the run's bytes are sealed.
    pub(super) fn key(&self, keys: &KeyRing) -> Result<DataKey> {
        let key = WrappedKey { master_version: self.master_version, wrapped: self.wrapped.clone() };
        Ok(keys.unwrap(self.id(), &key)?)
    }

    /// What people said about columns.
    pub(super) fn mapping(&self, key: &DataKey) -> Result<Mapped> {
        let mapping = key.open(FieldKind::ImportMapping, &self.mapping_sealed)?;
        serde_json::from_str(mapping.expose_secret()).map_err(Error::internal)
    }

    /// Whether rows of it were written.
    pub(super) fn has_written(&self) -> bool {
        !self.dry_run
            && (self.step > Step::Rows as i16 || (self.step == Step::Rows as i16 && self.done_rows > 0))
    }

    /// Who began it, as far as that person reaches.
    pub(super) fn creator(&self) -> Principal {
        let subject = match StaffId::parse_name(&self.creator) {
            Ok(staff) => Subject::Staff(staff),
            Err(_) => Subject::Service(self.creator.trim_start_matches("service/").to_owned()),
        };
        let reach = if self.creator_group { Reach::Group } else { Reach::Stores(vec![self.store()]) };
        Principal::new(subject, reach, Vec::new())
    }

    /// In the API's form.
    pub(super) fn to_proto(&self, keys: &KeyRing) -> Result<Import> {
        let key = self.key(keys)?;
        let columns: Vec<Column> = match &self.columns_sealed {
            None => Vec::new(),
            Some(sealed) => {
                let columns = key.open(FieldKind::ImportColumns, sealed)?;
                serde_json::from_str(columns.expose_secret()).map_err(Error::internal)?
            }
        };
        let columns = columns.into_iter().map(|column| ImportColumn {
            header: column.header,
            field: column.field,
            suggestion: column.suggestion,
        });
        let at = |time: &Option<sql::Timestamp>| time.as_ref().map(|time| time::to_proto(time.to_jiff()));
        let reason = self.failure.clone();
        let failure = reason.map(|reason| ImportFailure {
            reason,
            message: self.failure_message.clone().unwrap_or_default(),
        });
        let expire = (self.remove_time.is_none()).then(|| self.update_time.to_jiff() + KEPT);
        Ok(Import {
            name: self.id().name(),
            kind: self.kind.into(),
            store: self.store().name(),
            source: self.source.into(),
            file_name: key.open(FieldKind::ImportName, &self.name_sealed)?.expose_secret().to_owned(),
            mapping: self.mapping(&key)?,
            state: self.state.into(),
            dry_run: self.dry_run,
            size_bytes: self.size_bytes,
            columns: columns.collect(),
            total_rows: self.total_rows,
            done_rows: self.done_rows,
            counts: Some(ImportCounts {
                created: self.created,
                updated: self.updated,
                unchanged: self.unchanged,
                conflicts: self.conflicts,
                errors: self.errors,
            }),
            failure,
            error_bytes: self.error_bytes,
            undone_rows: self.undone,
            kept_rows: self.kept,
            creator: self.creator.clone(),
            create_time: Some(time::to_proto(self.create_time.to_jiff())),
            start_time: at(&self.start_time),
            finish_time: at(&self.finish_time),
            expire_time: expire.map(time::to_proto),
            etag: self.version.to_string(),
            language: self.language().tag().to_owned(),
        })
    }
}

/// Seals what was said about columns.
pub(super) fn seal_mapping(key: &DataKey, mapping: &Mapped) -> Result<Vec<u8>> {
    let text = serde_json::to_string(mapping).map_err(Error::internal)?;
    Ok(key.seal(FieldKind::ImportMapping, &text)?)
}
