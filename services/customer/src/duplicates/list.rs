//! `ListDuplicates`.

use foursight_access::Principal;
use foursight_kernel::{Page, Result, Violations, sql, time};
use foursight_proto::customer::v1::{
    DuplicatePass, DuplicateState, ListDuplicatesRequest, ListDuplicatesResponse,
};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{context::Context, customers::file, duplicates::row::PairRow};

/// Pairs in one state, the likeliest first, and how the files were looked through the last time.
///
/// # Errors
/// Wrong fields.
pub(super) async fn list(
    ctx: &Context,
    caller: &Principal,
    request: &ListDuplicatesRequest,
) -> Result<ListDuplicatesResponse> {
    let mut v = Violations::default();
    let state: Option<DuplicateState> = v.optional_enum("state", request.state);
    v.check()?;
    // After a pair: its place in the order stands in the database.
    let page = Page::<Uuid>::parse(request)?;
    let mut tx = ctx.db.begin_list(caller).await?;
    let rows = sqlx::query_as!(
        PairRow,
        "SELECT d.id, d.low_id, d.high_id, d.probability, d.signs, d.state, d.find_time, d.store_id, d.staff_id, d.decide_time,
                d.reason
         FROM customer.duplicates d
         WHERE d.state = $1
           AND ($2::uuid IS NULL
                OR (d.probability, d.id) < ((SELECT a.probability FROM customer.duplicates a WHERE a.id = $2), $2))
         ORDER BY d.probability DESC, d.id DESC LIMIT $3",
        sql::number(state.unwrap_or(DuplicateState::Open)),
        page.after,
        page.limit,
    )
    .fetch_all(&mut *tx)
    .await?;
    let (rows, next_page_token) = page.finish(rows, |row| row.id)?;
    let ids: Vec<Uuid> = rows.iter().flat_map(|row| [row.low_id, row.high_id]).collect();
    let files = file::read_by_id(&mut tx, &ctx.keys, &ids).await?;
    let pass = pass(&mut tx).await?;
    let duplicates = rows.into_iter().map(|row| row.into_proto(caller, &files)).collect();
    Ok(ListDuplicatesResponse { duplicates, next_page_token, pass })
}

async fn pass(tx: &mut PgConnection) -> Result<Option<DuplicatePass>> {
    let row = sqlx::query!(
        "SELECT start_time, finish_time, compared, likely FROM customer.duplicate_pass WHERE one"
    )
    .fetch_one(tx)
    .await?;
    let at = |time: sql::Timestamp| time::to_proto(time.to_jiff());
    Ok(row.start_time.map(|start| DuplicatePass {
        start_time: Some(at(start)),
        finish_time: row.finish_time.map(at),
        compared: row.compared,
        likely: row.likely,
    }))
}
