//! Files that the customer service has merged, as the others hear of it. A service that keeps rows of customers adds the statements; what
//! is told twice or in another order has no other effect.

use async_trait::async_trait;
use foursight_kernel::{CustomerId, Error, MergeId, ids::Id};
use foursight_messaging::{ConsumerSpec, HandleError, Handler, Received, Source};
use foursight_proto::customer::events::v1::{CustomersMerged, CustomersUnmerged};
use sqlx::PgConnection;
use std::sync::Arc;
use uuid::Uuid;

/// Two files that became one, or stand by themselves again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Merging {
    /// Which merge.
    pub merge: Uuid,
    /// The file that survived.
    pub survivor: Uuid,
    /// The file that was absorbed.
    pub absorbed: Uuid,
    /// Whether it was undone.
    pub undone: bool,
}

impl Merging {
    /// What an event tells of a merge; `None` when it tells something else.
    ///
    /// # Errors
    /// For good, when an id in it cannot be read.
    pub fn heard(event: &Received) -> Result<Option<Self>, HandleError> {
        let (merge, survivor, absorbed, undone) = if let Some(it) = event.decode::<CustomersMerged>()? {
            (it.merge, it.customer, it.other, false)
        } else if let Some(it) = event.decode::<CustomersUnmerged>()? {
            (it.merge, it.customer, it.other, true)
        } else {
            return Ok(None);
        };
        Ok(Some(Self {
            merge: id::<MergeId>(&merge)?,
            survivor: id::<CustomerId>(&survivor)?,
            absorbed: id::<CustomerId>(&absorbed)?,
            undone,
        }))
    }

    /// What tells of merges.
    pub fn sources() -> [Source; 2] {
        [Source::event::<CustomersMerged>(), Source::event::<CustomersUnmerged>()]
    }
}

fn id<I: Id>(name: &str) -> Result<Uuid, HandleError> {
    I::parse_name(name).map(I::uuid).map_err(|error| HandleError::Permanent(Error::internal(error)))
}

/// Lets a service's rows follow, or go back.
#[async_trait]
pub trait Follow: Send + Sync + 'static {
    /// In the event's transaction.
    ///
    /// # Errors
    /// The event comes again.
    async fn follow(&self, tx: &mut PgConnection, merging: Merging) -> Result<(), HandleError>;
}

/// The consumer by which a service's rows follow.
pub fn consumer(follow: impl Follow) -> ConsumerSpec {
    ConsumerSpec::new("customer_merges", &Merging::sources(), Arc::new(Follower(follow)))
}

struct Follower<F>(F);

#[async_trait]
impl<F: Follow> Handler for Follower<F> {
    async fn handle(&self, tx: &mut PgConnection, event: &Received) -> Result<(), HandleError> {
        match Merging::heard(event)? {
            Some(merging) => self.0.follow(tx, merging).await,
            None => Ok(()),
        }
    }
}
