//! `ListCustomers`.

use foursight_access::Principal;
use foursight_kernel::{CustomerId, Page, Result, StoreId, Violations};
use foursight_proto::customer::v1::{ListCustomersRequest, ListCustomersResponse};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    context::Context,
    customers::{file, search::Search},
    scope,
};

/// Files of the caller's stores, newest first (by the time at which they were opened, which their ids carry).
///
/// # Errors
/// `STORE_OUT_OF_REACH` for a store that is not the caller's.
pub(crate) async fn list(
    ctx: &Context,
    caller: &Principal,
    request: &ListCustomersRequest,
) -> Result<ListCustomersResponse> {
    let mut v = Violations::default();
    let store: Option<StoreId> = v.optional_name("store", &request.store);
    let q = v.optional_text("q", &request.q, 100);
    v.check()?;
    let page = Page::<CustomerId>::parse(request)?;
    let stores = scope::stores_of_list(caller, store)?;
    let after = page.after.map(CustomerId::uuid);

    let mut tx = ctx.db.begin_list(caller).await?;
    let ids = match (q, stores) {
        (Some(q), _) => {
            let search = Search::parse(&ctx.keys, &q, ctx.today());
            found(&mut tx, &search, store, after, page.limit).await?
        }
        (None, Some(stores)) => of_stores(&mut tx, &stores, after, page.limit).await?,
        (None, None) => of_all(&mut tx, after, page.limit).await?,
    };
    let (ids, next_page_token) = page.finish(ids, |id| CustomerId::from(*id))?;
    let customers = file::read(&mut tx, &ctx.keys, &ids).await?;
    Ok(ListCustomersResponse { customers, next_page_token })
}

/// The newest of each store by its index, then the newest of those: row-level security alone would look at every file.
async fn of_stores(
    tx: &mut PgConnection,
    stores: &[StoreId],
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<Uuid>> {
    let stores: Vec<Uuid> = stores.iter().map(|store| store.uuid()).collect();
    let ids = sqlx::query_scalar!(
        r#"SELECT DISTINCT newest.customer_id AS "id!"
           FROM unnest($1::uuid[]) AS store (id)
           CROSS JOIN LATERAL (
               SELECT customer_id FROM customer.customer_stores
               WHERE store_id = store.id AND ($2::uuid IS NULL OR customer_id < $2)
               ORDER BY customer_id DESC LIMIT $3
           ) newest
           ORDER BY 1 DESC LIMIT $3"#,
        &stores,
        after,
        limit,
    )
    .fetch_all(tx)
    .await?;
    Ok(ids)
}

async fn of_all(tx: &mut PgConnection, after: Option<Uuid>, limit: i64) -> Result<Vec<Uuid>> {
    let ids = sqlx::query_scalar!(
        "SELECT id FROM customer.customers WHERE $1::uuid IS NULL OR id < $1 ORDER BY id DESC LIMIT $2",
        after,
        limit,
    )
    .fetch_all(tx)
    .await?;
    Ok(ids)
}

async fn found(
    tx: &mut PgConnection,
    search: &Search,
    store: Option<StoreId>,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<Uuid>> {
    let ids = sqlx::query_scalar!(
        r#"WITH found AS (
               SELECT customer_id FROM customer.contact_points
               WHERE hash = $1 AND exclusive AND end_time IS NULL
               UNION
               SELECT customer_id FROM customer.contact_points
               WHERE hash = $1 AND NOT (exclusive AND end_time IS NULL)
               UNION
               SELECT customer_id FROM customer.contact_points WHERE tail_hash = $2
               UNION
               SELECT id FROM customer.customers WHERE national_id_hash = $3
               UNION
               SELECT o.customer_id
               FROM customer.vehicle_plates p JOIN customer.vehicle_ownerships o USING (vehicle_id)
               WHERE p.plate = $4 AND p.end_time IS NULL AND o.end_time IS NULL
               UNION
               SELECT o.customer_id
               FROM customer.vehicles v JOIN customer.vehicle_ownerships o ON o.vehicle_id = v.id
               WHERE (v.vin = $5 OR v.vin_tail = $6) AND o.end_time IS NULL
               UNION
               SELECT id FROM customer.customers WHERE search_name >= $7 AND search_name < $8
           )
           SELECT f.customer_id AS "id!" FROM found f
           WHERE ($9::uuid IS NULL OR EXISTS (
                     SELECT FROM customer.customer_stores s WHERE s.customer_id = f.customer_id AND s.store_id = $9))
             AND ($10::uuid IS NULL OR f.customer_id < $10)
           ORDER BY f.customer_id DESC LIMIT $11"#,
        search.phone,
        search.phone_tail,
        search.national_id,
        search.plate,
        search.vin,
        search.vin_tail,
        search.name_from,
        search.name_to,
        store.map(StoreId::uuid),
        after,
        limit,
    )
    .fetch_all(tx)
    .await?;
    Ok(ids)
}
