//! `ListImportRows`.

use std::collections::HashMap;

use foursight_access::Principal;
use foursight_kernel::{
    CustomerId, DeliveryId, Error, ImportId, Page, PointsEntryId, Result, VehicleId, Violations, VisitId, sql,
};
use foursight_proto::customer::v1::{
    ImportKind, ImportOutcome, ImportReason, ImportRow, ListImportRowsRequest, ListImportRowsResponse,
};
use serde_json::Value;
use uuid::Uuid;

use crate::{
    context::Context,
    imports::{
        ImportError,
        kind::{self, FieldSpec},
        reason::{Language, Reason},
        run,
    },
};

struct Listed {
    row_number: i64,
    outcome: i16,
    customer_id: Option<Uuid>,
    subject_id: Option<Uuid>,
    reasons: Option<Value>,
    undone: Option<bool>,
}

/// What became of a run's rows, in their order.
///
/// # Errors
/// `IMPORT_NOT_FOUND` when there is none in the caller's stores; wrong fields.
pub(super) async fn list(
    ctx: &Context,
    caller: &Principal,
    request: &ListImportRowsRequest,
) -> Result<ListImportRowsResponse> {
    let mut v = Violations::default();
    let id: Option<ImportId> = v.name("parent", &request.parent);
    let outcome: Option<ImportOutcome> = v.optional_enum("outcome", request.outcome);
    v.check()?;
    let id = id.ok_or(ImportError::NotFound)?;
    let page = Page::<i64>::parse(request)?;
    let mut tx = ctx.db.begin_list(caller).await?;
    let run = run::read(&mut tx, id).await?;
    let in_words = InWords {
        language: run.language(),
        kind: kind::of_number(run.kind)?.kind(),
        fields: kind::of_number(run.kind)?.fields(),
    };
    let run = run.to_proto(&ctx.keys)?;
    let columns: HashMap<String, String> = run
        .columns
        .into_iter()
        .filter(|column| !column.field.is_empty())
        .map(|it| (it.field, it.header))
        .collect();
    let rows = sqlx::query_as!(
        Listed,
        "SELECT row_number, outcome, customer_id, subject_id, reasons, undone FROM customer.import_rows
         WHERE import_id = $1 AND row_number > $2 AND ($3::smallint IS NULL OR outcome = $3)
         ORDER BY row_number LIMIT $4",
        id.uuid(),
        page.after.unwrap_or_default(),
        outcome.map(sql::number),
        page.limit,
    )
    .fetch_all(&mut *tx)
    .await?;
    let (rows, next_page_token) = page.finish(rows, |row| row.row_number)?;
    let rows = rows.into_iter().map(|row| row.into_proto(&columns, &in_words)).collect::<Result<_>>()?;
    Ok(ListImportRowsResponse { rows, next_page_token })
}

/// How a run's rows are told.
struct InWords {
    language: Language,
    kind: ImportKind,
    fields: Vec<FieldSpec>,
}

impl InWords {
    fn subject(&self, id: Uuid) -> String {
        match self.kind {
            ImportKind::Vehicles => VehicleId::from(id).name(),
            ImportKind::Deliveries => DeliveryId::from(id).name(),
            ImportKind::Visits => VisitId::from(id).name(),
            ImportKind::Points => PointsEntryId::from(id).name(),
            _ => String::new(),
        }
    }
}

impl Listed {
    fn into_proto(self, columns: &HashMap<String, String>, in_words: &InWords) -> Result<ImportRow> {
        let reasons: Vec<Reason> = match self.reasons {
            None => Vec::new(),
            Some(reasons) => serde_json::from_value(reasons).map_err(Error::internal)?,
        };
        let reason = |reason: Reason| ImportReason {
            column: columns.get(&reason.field).cloned().unwrap_or_default(),
            message: reason.words(in_words.language, &in_words.fields),
            field: reason.field,
            reason: reason.code,
        };
        Ok(ImportRow {
            row: self.row_number,
            outcome: self.outcome.into(),
            reasons: reasons.into_iter().map(reason).collect(),
            customer: self.customer_id.map(|id| CustomerId::from(id).name()).unwrap_or_default(),
            undone: self.undone == Some(true),
            subject: self.subject_id.map(|id| in_words.subject(id)).unwrap_or_default(),
        })
    }
}
