//! What is to be taken out, checked.

use foursight_access::Principal;
use foursight_kernel::{Error, Result, SegmentId, StoreId, Violations, time};
use foursight_proto::customer::v1::{
    ExportCustomersRequest, ExportFormat, ExportLanguage, ListCustomersRequest,
};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::ExportError;
use crate::{
    context::Context,
    customers::{Shown, Walk},
    scope,
    segments::Members,
};

/// An export that is about to begin.
pub(super) struct Wanted {
    pub(super) format: ExportFormat,
    pub(super) chinese: bool,
    pub(super) shown: Shown,
    pub(super) purpose: String,
    pub(super) reason: String,
    pub(super) store: Option<StoreId>,
    pub(super) segment: Option<SegmentId>,
    pub(super) filter: Value,
}

/// Whose files they are.
pub(super) enum Source {
    List(Box<Walk>),
    Segment(Members),
}

impl Source {
    /// The next files; `None` at the end.
    ///
    /// # Errors
    /// `UNAVAILABLE` while the database is away.
    pub(super) async fn next(
        &mut self,
        ctx: &Context,
        caller: &Principal,
        most: i64,
    ) -> Result<Option<Vec<Uuid>>> {
        match self {
            Self::List(walk) => walk.next(ctx, caller, most).await,
            Self::Segment(members) => members.next(ctx, caller, most).await,
        }
    }
}

/// Reads a request.
///
/// # Errors
/// `RIGHT_MISSING` for whole values without the right, `SEGMENT_NOT_FOUND`, `STORE_OUT_OF_REACH`, and every wrong field at once.
pub(super) async fn read(
    ctx: &Context,
    caller: &Principal,
    request: &ExportCustomersRequest,
) -> Result<(Wanted, Source)> {
    let mut v = Violations::default();
    let format = v.required_enum("format", request.format);
    let language: Option<ExportLanguage> = v.optional_enum("language", request.language);
    let purpose = v.line("purpose", &request.purpose, 4..=200);
    let segment: Option<SegmentId> = v.optional_name("segment", &request.segment);
    let store: Option<StoreId> = v.optional_name("store", &request.store);
    let reason = if request.unmasked {
        v.line("reason", &request.reason, 4..=200)
    } else {
        if !request.reason.is_empty() {
            v.push("reason", "must be absent where nothing is unmasked");
        }
        String::new()
    };
    if request.customers.is_some() && !request.segment.is_empty() {
        v.push("customers", "must be absent where a segment is named");
    }
    if !request.store.is_empty() && request.segment.is_empty() {
        v.push("store", "must be absent without a segment: a list has a store of its own");
    }
    let list = request.customers.clone().unwrap_or_default();
    let list =
        ListCustomersRequest { page_size: 0, page_token: String::new(), with_total_size: false, ..list };
    v.check()?;
    let Some(format) = format else { return Err(Error::invalid_field("format", "is required")) };
    if request.unmasked && !caller.has("customer.reveal") {
        return Err(ExportError::MayNotReveal.into());
    }
    let (source, asked) = if let Some(segment) = segment {
        (Source::Segment(Members::of(ctx, caller, segment, store).await?), store)
    } else {
        let walk = Walk::parse(ctx, caller, &list, "customers.").await?;
        (Source::List(Box::new(walk)), StoreId::parse_name(&list.store).ok())
    };
    let wanted = Wanted {
        format,
        chinese: language != Some(ExportLanguage::En),
        shown: if request.unmasked { Shown::Whole } else { Shown::Masked },
        purpose,
        reason,
        store: scope::store_of_list(caller, asked)?,
        segment,
        filter: codes(&list),
    };
    Ok((wanted, source))
}

/// A list's filters as codes, ids and times. Of texts only that there are any: they may be a name or a number.
fn codes(list: &ListCustomersRequest) -> Value {
    let mut codes = Map::new();
    let mut note = |name: &str, value: Value| codes.insert(name.to_owned(), value);
    for (name, code) in [
        ("stage", list.stage),
        ("source", list.source),
        ("group", list.group),
        ("value_tier", list.value_tier),
    ] {
        if code != 0 {
            note(name, json!(code));
        }
    }
    for (name, id) in [("store", &list.store), ("owner", &list.owner), ("tag", &list.tag)] {
        if !id.is_empty() {
            note(name, json!(id));
        }
    }
    for (name, at) in [
        ("created_from", &list.created_from),
        ("created_before", &list.created_before),
        ("visited_from", &list.visited_from),
        ("visited_before", &list.visited_before),
    ] {
        if let Some(at) = at.as_ref().and_then(time::from_proto) {
            note(name, json!(at));
        }
    }
    for (name, text) in [("q", &list.q), ("model", &list.model)] {
        if !text.is_empty() {
            note(name, json!(true));
        }
    }
    Value::Object(codes)
}
