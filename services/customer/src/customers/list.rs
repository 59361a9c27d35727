//! `ListCustomers`.

use foursight_access::Principal;
use foursight_kernel::{Error, Page, Result, StoreId, Violations};
use foursight_proto::customer::v1::{ListCustomersRequest, ListCustomersResponse};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    context::Context,
    customers::{
        birthday, file,
        finding::{Candidate, Candidates, Filter, Place, Source},
        search::Search,
    },
    regions, scope,
};

/// The most candidates that are looked at in one step.
const STEP: i64 = 500;
/// From so many candidates on a page ends, full or not: so none takes long, however few files a filter leaves.
const MOST_LOOKED_AT: i64 = 1_500;
/// How many files are counted.
const MOST_COUNTED: usize = 1_000;

/// Files of the caller's stores, newest first (by the time at which they were opened, which their ids carry); those that a name's search
/// finds, in the order of their keys.
///
/// # Errors
/// `STORE_OUT_OF_REACH` for a store that is not the caller's.
pub(crate) async fn list(
    ctx: &Context,
    caller: &Principal,
    request: &ListCustomersRequest,
) -> Result<ListCustomersResponse> {
    let Asked { source, stores, filter } = Asked::parse(ctx, caller, request, "").await?;
    let page = Page::<Place>::parse(request)?;
    let told_whole = matches!(&source, Source::Found(search) if search.is_told_whole());
    if told_whole {
        ctx.lookups.admit(caller).await?;
    }

    let mut tx = ctx.db.begin_list(caller).await?;
    let candidates = Candidates::after(&mut tx, &source, stores.as_deref(), &filter, page.after).await?;
    let wanted = usize::try_from(page.limit).unwrap_or_default();
    let mut looked = look(&mut tx, candidates, &filter, wanted, MOST_LOOKED_AT).await?;
    looked.files.truncate(wanted);
    let (files, mut next_page_token) = page.finish(looked.files, |file| file.place)?;
    if next_page_token.is_empty()
        && let Some(last) = looked.stopped_at
    {
        next_page_token = page.token(&last)?;
    }
    let (total_size, total_size_is_least) = if request.with_total_size {
        let all = Candidates::after(&mut tx, &source, stores.as_deref(), &filter, None).await?;
        count(&look(&mut tx, all, &filter, MOST_COUNTED + 1, MOST_LOOKED_AT).await?)
    } else {
        (0, false)
    };
    let ids: Vec<Uuid> = files.iter().map(|file| file.id).collect();
    let mut customers = file::read(&mut tx, &ctx.keys, &ids).await?;
    let place = |name: &str| files.iter().position(|file| name.ends_with(&file.id.to_string()));
    customers.sort_by_cached_key(|customer| place(&customer.name));
    drop(tx);
    if told_whole && customers.is_empty() {
        ctx.lookups.missed(ctx, caller, "ListCustomers", 1).await?;
    }
    birthday::tell_next(ctx, &mut customers).await;
    Ok(ListCustomersResponse { customers, next_page_token, total_size, total_size_is_least })
}

/// What a list is of.
pub(super) struct Asked {
    pub(super) source: Source,
    pub(super) stores: Option<Vec<Uuid>>,
    pub(super) filter: Filter,
}

impl Asked {
    /// Reads it; its fields stand at `at` in the request.
    ///
    /// # Errors
    /// Every wrong field at once, then `STORE_OUT_OF_REACH`.
    pub(super) async fn parse(
        ctx: &Context,
        caller: &Principal,
        request: &ListCustomersRequest,
        at: &str,
    ) -> Result<Self> {
        let mut read = Violations::default();
        let store: Option<StoreId> = read.optional_name("store", &request.store);
        let q = read.optional_text("q", &request.q, 100);
        let region = read.line("region", &request.region, 0..=50);
        let filter = Filter::parse(&mut read, request);
        let mut v = Violations::default();
        for wrong in read.into_vec() {
            v.push(format!("{at}{}", wrong.field), wrong.description);
        }
        v.check()?;
        let mut stores = scope::stores_of_list(caller, store)?;
        if !region.is_empty() {
            let of_region = regions::stores_of(&ctx.db, &region).await?;
            if of_region.is_empty() {
                let description = "is no region of the group; stores are listed with theirs";
                return Err(Error::invalid_field(format!("{at}region"), description));
            }
            stores = Some(scope::within_region(stores, of_region));
        }
        let source = match (q, filter.owner) {
            (Some(q), _) => Source::Found(Search::parse(&ctx.keys, ctx.vins, &q, ctx.today())),
            (None, Some(owner)) => Source::OfOwner(owner.uuid()),
            (None, None) => filter.label().map_or(Source::Newest, Source::Labelled),
        };
        let stores = stores.map(|stores| stores.into_iter().map(StoreId::uuid).collect());
        Ok(Self { source, stores, filter })
    }
}

/// What was found by looking.
struct Looked {
    files: Vec<Candidate>,
    /// Where nobody looked any further, though there may be more.
    stopped_at: Option<Place>,
}

/// Looks at candidates until so many files pass the filter, or so many candidates were looked at.
async fn look(
    tx: &mut PgConnection,
    mut candidates: Candidates<'_>,
    filter: &Filter,
    wanted: usize,
    most: i64,
) -> Result<Looked> {
    let mut files: Vec<Candidate> = Vec::with_capacity(wanted.min(MOST_COUNTED));
    let mut seen_to = None;
    let (mut step, mut left) = (i64::try_from(wanted).unwrap_or(STEP).min(STEP), most);
    if filter.narrows() {
        step = STEP;
    }
    loop {
        let (found, ends) = candidates.next(tx, step).await?;
        left -= step;
        seen_to = found.last().map(|last| last.place).or(seen_to);
        let fresh: Vec<Candidate> = found.into_iter().filter(|candidate| !candidate.again).collect();
        let kept = filter.keep(tx, fresh.iter().map(|file| file.id).collect()).await?;
        files.extend(fresh.into_iter().filter(|file| kept.contains(&file.id)));
        if ends || files.len() >= wanted {
            return Ok(Looked { files, stopped_at: None });
        }
        if left <= 0 {
            return Ok(Looked { files, stopped_at: seen_to });
        }
        step = STEP;
    }
}

/// How many files there are, and whether that is only known to be the least.
fn count(looked: &Looked) -> (i32, bool) {
    let more = looked.stopped_at.is_some() || looked.files.len() > MOST_COUNTED;
    (i32::try_from(looked.files.len().min(MOST_COUNTED)).unwrap_or(i32::MAX), more)
}
