//! `ListImports`.

use foursight_access::Principal;
use foursight_kernel::{ImportId, Page, Result, StoreId, Violations};
use foursight_proto::customer::v1::{ListImportsRequest, ListImportsResponse};

use crate::{context::Context, imports::run::Run, scope};

/// Runs of the caller's stores, newest first.
///
/// # Errors
/// `STORE_OUT_OF_REACH`, wrong fields.
pub(super) async fn list(
    ctx: &Context,
    caller: &Principal,
    request: &ListImportsRequest,
) -> Result<ListImportsResponse> {
    let mut v = Violations::default();
    let store: Option<StoreId> = v.optional_name("store", &request.store);
    v.check()?;
    let page = Page::<ImportId>::parse(request)?;
    let store = scope::store_of_list(caller, store)?;
    let mut tx = ctx.db.begin_list(caller).await?;
    let rows = sqlx::query_as!(
        Run,
        "SELECT * FROM customer.imports
         WHERE ($1::uuid IS NULL OR store_id = $1) AND ($2::uuid IS NULL OR id < $2)
         ORDER BY id DESC LIMIT $3",
        store.map(StoreId::uuid),
        page.after.map(ImportId::uuid),
        page.limit,
    )
    .fetch_all(&mut *tx)
    .await?;
    let (rows, next_page_token) = page.finish(rows, Run::id)?;
    let imports = rows.iter().map(|run| run.to_proto(&ctx.keys)).collect::<Result<_>>()?;
    Ok(ListImportsResponse { imports, next_page_token })
}
