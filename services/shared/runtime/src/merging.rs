//! Files that the customer service has merged, as the others hear of it. What is told twice or in another order has no other effect.

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

/// The consumer by which the rows of a service follow, and go back. How, its migrations say: `merge_customers` and `part_customers`.
pub fn consumer() -> ConsumerSpec {
    ConsumerSpec::new("customer_merges", &Merging::sources(), Arc::new(Follower))
}

struct Follower;

#[async_trait]
impl Handler for Follower {
    async fn handle(&self, tx: &mut PgConnection, event: &Received) -> Result<(), HandleError> {
        let Some(it) = Merging::heard(event)? else { return Ok(()) };
        let statement = if it.undone {
            "SELECT part_customers($1, $2, $3)"
        } else {
            "SELECT merge_customers($1, $2, $3)"
        };
        sqlx::query(statement).bind(it.merge).bind(it.survivor).bind(it.absorbed).execute(tx).await?;
        Ok(())
    }
}
