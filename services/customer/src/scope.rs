//! How a list uses the caller's reach. Row-level security holds in any case; a single store is also an index's first column.

use foursight_access::{Principal, Reach};
use foursight_kernel::{Result, StoreId};
use uuid::Uuid;

/// The store that a list is of: the one asked for, else the only one that the caller has.
///
/// # Errors
/// `STORE_OUT_OF_REACH` for a store that is not the caller's.
pub(crate) fn store_of_list(caller: &Principal, asked: Option<StoreId>) -> Result<Option<StoreId>> {
    if let Some(store) = asked {
        caller.require_store(store)?;
        return Ok(Some(store));
    }
    Ok(match &caller.reach {
        Reach::Stores(stores) if stores.len() == 1 => stores.first().copied(),
        Reach::Stores(_) | Reach::Group => None,
    })
}

/// The stores that a list is of: the one asked for, else all of the caller's; `None` when that is the whole group.
///
/// # Errors
/// `STORE_OUT_OF_REACH` for a store that is not the caller's.
pub(crate) fn stores_of_list(caller: &Principal, asked: Option<StoreId>) -> Result<Option<Vec<StoreId>>> {
    if let Some(store) = asked {
        caller.require_store(store)?;
        return Ok(Some(vec![store]));
    }
    Ok(match &caller.reach {
        Reach::Stores(stores) => Some(stores.clone()),
        Reach::Group => None,
    })
}

/// Those of a list's stores that are of a region, too.
pub(crate) fn within_region(stores: Option<Vec<StoreId>>, region: Vec<StoreId>) -> Vec<StoreId> {
    match stores {
        None => region,
        Some(stores) => stores.into_iter().filter(|store| region.contains(store)).collect(),
    }
}

/// The name of a store that the caller reaches; another store's id is not the caller's business.
pub(crate) fn store_within(caller: &Principal, store: Option<Uuid>) -> String {
    let store = store.map(StoreId::from).filter(|store| caller.reaches(*store));
    store.map(StoreId::name).unwrap_or_default()
}
