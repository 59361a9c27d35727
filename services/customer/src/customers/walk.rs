//! A list from its first file to its last, for what takes all of it.

use foursight_access::Principal;
use foursight_kernel::Result;
use foursight_proto::customer::v1::ListCustomersRequest;
use uuid::Uuid;

use crate::{
    context::Context,
    customers::{
        finding::{Candidates, Place},
        list::Asked,
    },
};

/// A list, and how far it was read. No transaction is open between two steps.
pub(crate) struct Walk {
    asked: Asked,
    after: Option<Place>,
    over: bool,
}

impl Walk {
    /// Reads the filter of a list; its fields stand at `at` in the request.
    ///
    /// # Errors
    /// Every wrong field at once, then `STORE_OUT_OF_REACH`.
    pub(crate) async fn parse(
        ctx: &Context,
        caller: &Principal,
        request: &ListCustomersRequest,
        at: &str,
    ) -> Result<Self> {
        Ok(Self { asked: Asked::parse(ctx, caller, request, at).await?, after: None, over: false })
    }

    /// The files of the next so many places, which may be fewer, and none; `None` at the end.
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
        let Asked { source, stores, filter } = &self.asked;
        let mut candidates =
            Candidates::after(&mut tx, source, stores.as_deref(), filter, self.after).await?;
        let (found, ends) = candidates.next(&mut tx, most).await?;
        self.after = found.last().map(|last| last.place).or(self.after);
        self.over = ends;
        let fresh: Vec<Uuid> = found.iter().filter(|file| !file.again).map(|file| file.id).collect();
        let kept = filter.keep(&mut tx, fresh.clone()).await?;
        Ok(Some(fresh.into_iter().filter(|id| kept.contains(id)).collect()))
    }
}
