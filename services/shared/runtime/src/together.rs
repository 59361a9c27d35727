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

/// How long a statement may take. Those who wait for it have their own deadlines, but it is nobody's alone, so none of them ends it.
const PATIENCE: Duration = Duration::from_secs(5);

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
            BatchError::Rejected(_) => Error::overloaded(),
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
        let rows = tokio::time::timeout(PATIENCE, self.0.ask(&within, &ids)).await;
        let rows = rows.unwrap_or_else(|_| Err(Error::database_away()));
        let rows = rows.map_err(|error| Shared(Arc::new(error)))?;
        let mut of: HashMap<Uuid, Vec<R::Row>> = HashMap::with_capacity(ids.len());
        for row in rows {
            of.entry(R::id(&row)).or_default().push(row);
        }
        let of: HashMap<Uuid, Self::Output> = of.into_iter().map(|(id, rows)| (id, rows.into())).collect();
        Ok(ids.iter().map(|id| of.get(id).cloned().unwrap_or_else(|| Arc::from([]))).collect())
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// Hangs at first, then answers each id with itself.
    #[derive(Clone, Default)]
    struct Hanging(Arc<AtomicUsize>);

    impl RowsById for Hanging {
        type Row = Uuid;

        async fn ask(&self, _: &Within, ids: &[Uuid]) -> Result<Vec<Uuid>> {
            if self.0.fetch_add(1, Ordering::Relaxed) < STATEMENTS {
                std::future::pending::<()>().await;
            }
            Ok(ids.to_vec())
        }

        fn id(row: &Uuid) -> Uuid {
            *row
        }
    }

    #[tokio::test(start_paused = true)]
    async fn statements_that_hang_are_given_up_and_others_go_on() {
        let hanging = Hanging::default();
        let (together, caller) = (Together::new("hanging", hanging.clone()), Principal::service("customer"));
        let id = Uuid::from_u128;
        let first = tokio::spawn({
            let (together, caller) = (together.clone(), caller.clone());
            async move { together.find(&caller, id(1)).await }
        });
        while hanging.0.load(Ordering::Relaxed) == 0 {
            tokio::task::yield_now().await;
        }
        let second = tokio::spawn({
            let (together, caller) = (together.clone(), caller.clone());
            async move { together.find(&caller, id(2)).await }
        });
        while hanging.0.load(Ordering::Relaxed) == 1 {
            tokio::task::yield_now().await;
        }
        // These wait for a place, and go together.
        let (third, fourth) = tokio::join!(together.find(&caller, id(3)), together.find(&caller, id(4)));
        assert_eq!((&*third.unwrap(), &*fourth.unwrap()), (&[id(3)][..], &[id(4)][..]));
        assert_eq!(hanging.0.load(Ordering::Relaxed), STATEMENTS + 1);
        for given_up in [first, second] {
            assert_eq!(given_up.await.unwrap().unwrap_err().reason(), "DATABASE_AWAY");
        }
    }
}
