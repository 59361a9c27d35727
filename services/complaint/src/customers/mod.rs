//! What becomes of customers, as the customer service tells it.

pub(crate) mod erased;
