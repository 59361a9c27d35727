//! Rows by id, for many callers at once. A question that comes while nothing is under way goes to the database at once; those
//! that come meanwhile wait for one another, and go in one statement. What a statement costs is mostly itself and not its
//! rows, so the more there is to do, the less each question costs.

use std::{collections::HashMap, fmt, future::Future, sync::Arc, time::Duration};

use batch_aint_one::{BatchError, Batcher, BatchingPolicy, Limits, Processor};
use foursight_access::Principal;
use foursight_kernel::{Error, Result};
use uuid::Uuid;

use crate::database::Within;

/// Ids in one statement, at most.
const MOST_IDS: usize = 64;

/// Statements of callers with the same reach that are under way at once: while one's rows are read here, the other is carried
/// out there.
const STATEMENTS: usize = 2;

/// Questions of callers with the same reach that may wait; more are told to come again.
const MOST_WAITING: usize = 4_096;

/// Something that is looked up by id, with a statement that takes many.
pub trait RowsById: Clone + Send + Sync + 'static {
    /// A row. A thing may have many, or none.
    type Row: Send + Sync + 'static;

    /// The rows of these ids within a reach, in any order.
    fn ask(&self, within: &Within, ids: &[Uuid]) -> impl Future<Output = Result<Vec<Self::Row>>> + Send;

    /// Whose row it is.
    fn id(row: &Self::Row) -> Uuid;
}

/// Looks up rows by id, for callers of one reach together. Nobody is shown what another reach has found. Cheap to clone.
pub struct Together<R: RowsById>(Batcher<Asking<R>>);

impl<R: RowsById> Together<R> {
    /// Has to be made within the asynchronous runtime.
    pub fn new(name: &'static str, rows: R) -> Self {
        let limits = Limits::builder()
            .max_batch_size(MOST_IDS)
            .max_key_concurrency(STATEMENTS)
            .max_key_queued_items(MOST_WAITING)
            .build();
        Self(
            Batcher::builder()
                .name(name)
                .processor(Asking(rows))
                .limits(limits)
                .batching_policy(BatchingPolicy::Immediate)
                .build(),
        )
    }

    /// The rows of one id that the caller may see: as they are after the question came, never before.
    ///
    /// # Errors
    /// `UNAVAILABLE` while the database is away, or while too many wait.
    pub async fn find(&self, caller: &Principal, id: Uuid) -> Result<Arc<[R::Row]>> {
        self.0.add(Within::of(caller), id).await.map_err(|error| match error {
            BatchError::BatchFailed(Shared(error)) => error.again(),
            BatchError::Rejected(_) => Error::unavailable(
                "OVERLOADED",
                "too much is going on here; try again",
                Duration::from_millis(500),
            ),
            other => Error::internal(other.to_string()),
        })
    }
}

impl<R: RowsById> Clone for Together<R> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<R: RowsById> fmt::Debug for Together<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Together").finish_non_exhaustive()
    }
}

#[derive(Clone)]
struct Asking<R>(R);

/// One failure, for all who waited for the statement.
#[derive(Debug, Clone)]
struct Shared(Arc<Error>);

impl fmt::Display for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<R: RowsById> Processor for Asking<R> {
    type Key = Within;
    type Input = Uuid;
    type Output = Arc<[R::Row]>;
    type Error = Shared;
    type Resources = ();

    async fn acquire_resources(&self, _: Within) -> Result<(), Shared> {
        Ok(())
    }

    async fn process(
        &self,
        within: Within,
        ids: impl Iterator<Item = Uuid> + Send,
        (): (),
    ) -> Result<Vec<Self::Output>, Shared> {
        let ids: Vec<Uuid> = ids.collect();
        let rows = self.0.ask(&within, &ids).await.map_err(|error| Shared(Arc::new(error)))?;
        let mut of: HashMap<Uuid, Vec<R::Row>> = HashMap::with_capacity(ids.len());
        for row in rows {
            of.entry(R::id(&row)).or_default().push(row);
        }
        let of: HashMap<Uuid, Self::Output> = of.into_iter().map(|(id, rows)| (id, rows.into())).collect();
        Ok(ids.iter().map(|id| of.get(id).cloned().unwrap_or_else(|| Arc::from([]))).collect())
    }
}
