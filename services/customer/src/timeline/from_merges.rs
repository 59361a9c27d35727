//! Entries from merges: one of the survivor; and one of the file that stands by itself again.

use foursight_messaging::{HandleError, Received};
use foursight_proto::customer::events::v1::{CustomersMerged, CustomersUnmerged};

use crate::timeline::entry::{Entry, Rank};

/// Of the survivor.
pub(super) fn entry(event: &Received) -> Result<Option<Entry>, HandleError> {
    if let Some(it) = event.decode::<CustomersMerged>()? {
        let details = [("customer", it.customer.clone()), ("other", it.other)];
        return Ok(Entry::of(&it.customer, "CUSTOMERS_MERGED", Rank::File, it.merge, details));
    }
    let Some(it) = event.decode::<CustomersUnmerged>()? else { return Ok(None) };
    let details = [("customer", it.customer.clone()), ("other", it.other)];
    Ok(Entry::of(&it.customer, "CUSTOMERS_UNMERGED", Rank::File, it.merge, details))
}

/// Of the file that was absorbed, once it is there again.
pub(super) fn of_other(event: &Received) -> Result<Option<Entry>, HandleError> {
    let Some(it) = event.decode::<CustomersUnmerged>()? else { return Ok(None) };
    let details = [("customer", it.customer), ("other", it.other.clone())];
    Ok(Entry::of(&it.other, "CUSTOMERS_UNMERGED", Rank::File, it.merge, details))
}
