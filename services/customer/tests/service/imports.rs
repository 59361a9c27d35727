//! How a table is brought in, for the tests beside this.

use foursight_kernel::StoreId;
use foursight_proto::customer::v1::{
    AppendImportDataRequest, CreateImportRequest, GetImportRequest, Import, ImportKind, ImportOutcome,
    ImportRow, ImportState, ListCustomersRequest, ListImportRowsRequest, ReadImportErrorsRequest,
    StartImportRequest, WatchImportRequest,
};
use foursight_testkit::Caller;
use tonic::Status;

use crate::world::World;

/// A table with rows.
pub(crate) fn csv(header: &str, rows: &[&str]) -> Vec<u8> {
    format!("{header}\n{}\n", rows.join("\n")).into_bytes()
}

pub(crate) fn import(store: StoreId) -> Import {
    Import {
        kind: ImportKind::Customers.into(),
        store: store.name(),
        file_name: "客户.csv".to_owned(),
        ..Import::default()
    }
}

impl World {
    /// Brings a file in as far as the start.
    pub(crate) async fn upload(&self, caller: &Caller, import: Import, bytes: &[u8]) -> String {
        let request = CreateImportRequest { import: Some(import), request_id: String::new() };
        let name = self.imports(caller).create_import(request).await.unwrap().into_inner().name;
        let mut offset = 0;
        for piece in bytes.chunks(300_000) {
            let data = piece.to_vec().into();
            let request = AppendImportDataRequest { name: name.clone(), offset, data };
            offset = self.imports(caller).append_import_data(request).await.unwrap().into_inner().size_bytes;
        }
        name
    }

    pub(crate) async fn start_import(
        &self,
        caller: &Caller,
        name: &str,
        dry_run: bool,
    ) -> Result<Import, Status> {
        let request = StartImportRequest { name: name.to_owned(), dry_run, ..StartImportRequest::default() };
        Ok(self.imports(caller).start_import(request).await?.into_inner())
    }

    /// Follows a run to its end.
    pub(crate) async fn follow(&self, caller: &Caller, name: &str) -> Import {
        let mut etag = String::new();
        loop {
            let request = WatchImportRequest { name: name.to_owned(), etag };
            let run = self.imports(caller).watch_import(request).await.unwrap().into_inner();
            if !matches!(
                run.state(),
                ImportState::Uploading | ImportState::Checking | ImportState::Applying | ImportState::Undoing
            ) {
                return run;
            }
            etag = run.etag;
        }
    }

    /// Brings a file in, to the end.
    pub(crate) async fn bring(&self, caller: &Caller, store: StoreId, bytes: &[u8]) -> Import {
        self.bring_as(caller, store, bytes, false).await
    }

    pub(crate) async fn bring_as(
        &self,
        caller: &Caller,
        store: StoreId,
        bytes: &[u8],
        dry_run: bool,
    ) -> Import {
        let name = self.upload(caller, import(store), bytes).await;
        self.start_import(caller, &name, dry_run).await.unwrap();
        self.follow(caller, &name).await
    }

    /// Brings a table of this kind in, to the end.
    pub(crate) async fn bring_kind(
        &self,
        caller: &Caller,
        kind: ImportKind,
        bytes: &[u8],
        dry_run: bool,
    ) -> Import {
        let it = Import { kind: kind.into(), ..import(self.hangzhou) };
        let name = self.upload(caller, it, bytes).await;
        self.start_import(caller, &name, dry_run).await.unwrap();
        self.follow(caller, &name).await
    }

    pub(crate) async fn run(&self, caller: &Caller, name: &str) -> Result<Import, Status> {
        Ok(self.imports(caller).get_import(GetImportRequest { name: name.to_owned() }).await?.into_inner())
    }

    pub(crate) async fn rows(&self, caller: &Caller, run: &Import, outcome: ImportOutcome) -> Vec<ImportRow> {
        let mut rows = Vec::new();
        let mut page_token = String::new();
        loop {
            let request = ListImportRowsRequest {
                parent: run.name.clone(),
                outcome: outcome.into(),
                page_size: 0,
                page_token,
            };
            let page = self.imports(caller).list_import_rows(request).await.unwrap().into_inner();
            rows.extend(page.rows);
            if page.next_page_token.is_empty() {
                return rows;
            }
            page_token = page.next_page_token;
        }
    }

    /// The file of rows that were not taken, read piece by piece.
    pub(crate) async fn errors(&self, caller: &Caller, run: &Import) -> Vec<u8> {
        let mut bytes = Vec::new();
        while bytes.len() < usize::try_from(run.error_bytes).unwrap() {
            let offset = i64::try_from(bytes.len()).unwrap();
            let request = ReadImportErrorsRequest { name: run.name.clone(), offset };
            let piece = self.imports(caller).read_import_errors(request).await.unwrap().into_inner();
            assert!(!piece.data.is_empty() && piece.size_bytes == run.error_bytes);
            bytes.extend_from_slice(&piece.data);
        }
        bytes
    }

    /// How many files a search finds.
    pub(crate) async fn how_many_found(&self, caller: &Caller, q: &str) -> usize {
        self.stack.settled().await.unwrap();
        let request = ListCustomersRequest { q: q.to_owned(), ..ListCustomersRequest::default() };
        self.customers(caller).list_customers(request).await.unwrap().into_inner().customers.len()
    }
}

/// Created, updated, unchanged, conflicts, errors.
pub(crate) fn counts(run: &Import) -> [i64; 5] {
    let counts = run.counts.unwrap_or_default();
    [counts.created, counts.updated, counts.unchanged, counts.conflicts, counts.errors]
}

/// The reasons of rows, by their numbers.
pub(crate) fn reasons(rows: &[ImportRow]) -> Vec<(i64, String)> {
    rows.iter().flat_map(|row| row.reasons.iter().map(|reason| (row.row, reason.reason.clone()))).collect()
}

/// What is wrong with rows: their numbers, the fields and the codes.
pub(crate) fn faults(rows: &[ImportRow]) -> Vec<(i64, &str, &str)> {
    rows.iter()
        .flat_map(|row| row.reasons.iter().map(|it| (row.row, it.field.as_str(), it.reason.as_str())))
        .collect()
}
