//! What all requests for a page of a list have in common.

use prost::Name;

/// A request for one page of a list. Every message with `page_size` and `page_token` is one.
pub trait ListRequest: Name + Clone {
    /// How many rows the page should have at most; 0 leaves it to the service.
    fn page_size(&self) -> i32;

    /// Where the page begins; empty for the first.
    fn page_token(&self) -> &str;

    /// The same list's first page of the usual size. What is left of the request is the list's filter.
    #[must_use]
    fn first_page(self) -> Self;
}

include!(concat!(env!("OUT_DIR"), "/lists.rs"));
