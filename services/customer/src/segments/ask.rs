//! Whose customers a question is about, which day it is there, and the questions themselves.

use foursight_access::Principal;
use foursight_kernel::{Result, SegmentId, StoreId};
use sqlx::{PgConnection, Postgres, QueryBuilder};
use uuid::Uuid;

use super::{
    compile::{Asking, Scope, statement},
    condition::Condition,
    row,
};
use crate::{context::Context, scope};

/// What a caller asks about: the store that is named, as far as the segment reaches.
///
/// # Errors
/// `STORE_OUT_OF_REACH` for a store that is not the caller's.
pub(super) async fn asking(
    ctx: &Context,
    caller: &Principal,
    segment: Option<StoreId>,
    named: Option<StoreId>,
) -> Result<Asking> {
    let stores = match (segment, named) {
        // A store's segment has nobody of another one.
        (Some(segment), Some(named)) if segment != named => {
            caller.require_store(named)?;
            Some(Vec::new())
        }
        (segment, named) => scope::stores_of_list(caller, named.or(segment))?,
    };
    let now = ctx.now();
    let zone = match segment.or(named) {
        Some(store) => ctx.days.zone(store).await,
        None => crate::store_days::usual(),
    };
    let scope = match stores {
        None => Scope::Group,
        Some(stores) => match stores.as_slice() {
            [one] => Scope::Store(one.uuid()),
            _ => Scope::Stores(stores.into_iter().map(StoreId::uuid).collect()),
        },
    };
    Ok(Asking { scope, today: now.to_zoned(zone.clone()).date(), zone })
}

/// How many customers there are.
///
/// # Errors
/// `UNAVAILABLE` while the database is away.
pub(super) async fn count(tx: &mut PgConnection, tree: &Condition, asking: &Asking) -> Result<i64> {
    let mut question = statement("SELECT count(*)", tree, asking);
    Ok(question.build_query_scalar().persistent(false).fetch_one(tx).await?)
}

/// The newest of them, before one: so many at most.
///
/// # Errors
/// `UNAVAILABLE` while the database is away.
pub(super) async fn ids(
    tx: &mut PgConnection,
    tree: &Condition,
    asking: &Asking,
    before: Option<Uuid>,
    most: i64,
) -> Result<Vec<Uuid>> {
    let mut question: QueryBuilder<Postgres> = statement("SELECT f.customer_id", tree, asking);
    if let Some(before) = before {
        question.push(" AND f.customer_id < ").push_bind(before);
    }
    question.push(" ORDER BY f.customer_id DESC LIMIT ").push_bind(most);
    Ok(question.build_query_scalar().persistent(false).fetch_all(tx).await?)
}

/// A segment's customers from the first to the last, newest files first, for what takes all of them. No transaction is open between
/// two steps.
pub(crate) struct Members {
    tree: Condition,
    asking: Asking,
    before: Option<Uuid>,
    over: bool,
}

impl Members {
    /// Reads the segment.
    ///
    /// # Errors
    /// `SEGMENT_NOT_FOUND`, `STORE_OUT_OF_REACH`.
    pub(crate) async fn of(
        ctx: &Context,
        caller: &Principal,
        segment: SegmentId,
        store: Option<StoreId>,
    ) -> Result<Self> {
        let mut tx = ctx.db.begin_list(caller).await?;
        let segment = row::read(&mut tx, caller, segment).await?;
        drop(tx);
        let asking = asking(ctx, caller, segment.store(), store).await?;
        Ok(Self { tree: segment.condition()?, asking, before: None, over: false })
    }

    /// How many there are.
    ///
    /// # Errors
    /// `UNAVAILABLE` while the database is away.
    pub(crate) async fn count(&self, ctx: &Context, caller: &Principal) -> Result<i64> {
        count(&mut *ctx.db.begin_list(caller).await?, &self.tree, &self.asking).await
    }

    /// The next so many; `None` at the end.
    ///
    /// # Errors
    /// `UNAVAILABLE` while the database is away.
    pub(crate) async fn next(
        &mut self,
        ctx: &Context,
        caller: &Principal,
        most: i64,
    ) -> Result<Option<Vec<Uuid>>> {
        if self.over {
            return Ok(None);
        }
        let mut tx = ctx.db.begin_list(caller).await?;
        let ids = ids(&mut tx, &self.tree, &self.asking, self.before, most).await?;
        self.before = ids.last().copied().or(self.before);
        self.over = i64::try_from(ids.len()).is_ok_and(|found| found < most);
        Ok(Some(ids))
    }
}
