//! Candidates for a page of customers: the newest files, an owner's, or what a search finds; and which of them a filter leaves.

mod exact;
mod filter;
mod names;
mod newest;

use foursight_kernel::{Error, Result};
use sqlx::PgConnection;
use uuid::Uuid;

pub(super) use filter::Filter;
pub(crate) use filter::first_id;

use crate::customers::search::Search;

/// Where a page ends: its phase, the last file, and at which of the file's keys, in their order. Ids and figures only: the key itself
/// is a name, and stays in the database.
pub(super) type Place = (i64, Uuid, i64);

/// Files come newest first.
const NEWEST: i64 = 0;
/// Files come in the order of the keys that the search finds.
const BY_NAME: i64 = 1;

/// A file that may stand on the page, and where it stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Candidate {
    pub(super) id: Uuid,
    pub(super) place: Place,
    /// Whether the file stood at an earlier place already.
    pub(super) again: bool,
}

/// Where candidates come from. `stores` are those of the list; `None` for the whole group.
#[derive(Debug)]
pub(super) enum Source {
    /// All files, newest first.
    Newest,
    /// Files with an open lead of this owner, newest first.
    OfOwner(Uuid),
    /// Files with this label, a tag's or a group's, newest first.
    Labelled(Uuid),
    /// What is meant by a text: first what is told by a number, newest first, then names in the order of their keys.
    Found(Search),
}

/// What comes next: so many candidates at most, fewer only at the end of the list.
#[derive(Debug)]
pub(super) struct Candidates<'a> {
    source: &'a Source,
    stores: Option<&'a [Uuid]>,
    filter: &'a Filter,
    /// After which place it goes on.
    after: Option<Place>,
    /// The same, where it is a place among names.
    after_key: Option<names::After>,
}

impl<'a> Candidates<'a> {
    /// # Errors
    /// A violation of `page_token` when the file at which the page before ended has another name meanwhile.
    pub(super) async fn after(
        tx: &mut PgConnection,
        source: &'a Source,
        stores: Option<&'a [Uuid]>,
        filter: &'a Filter,
        after: Option<Place>,
    ) -> Result<Self> {
        let after_key = match (source, after) {
            (Source::Found(search), Some((BY_NAME, id, nth))) => {
                let key = names::key_at(tx, search, id, nth).await?;
                let description =
                    "the file at which the page before ended was renamed or removed; begin again";
                Some(key.ok_or_else(|| Error::invalid_field("page_token", description))?)
            }
            _ => None,
        };
        Ok(Self { source, stores, filter, after, after_key })
    }

    /// The next candidates, and whether the list ends with them.
    pub(super) async fn next(&mut self, tx: &mut PgConnection, most: i64) -> Result<(Vec<Candidate>, bool)> {
        let after_id = self.after.map(|(_, id, _)| id);
        let found = match self.source {
            Source::Newest => newest::all(tx, self.stores, self.filter, after_id, most).await?,
            Source::OfOwner(owner) => newest::of_owner(tx, *owner, self.stores, after_id, most).await?,
            Source::Labelled(label) => {
                newest::labelled(tx, *label, self.stores, self.filter, after_id, most).await?
            }
            Source::Found(search) => return self.found(tx, search, most).await,
        };
        let found: Vec<Candidate> = found.into_iter().map(Candidate::newest).collect();
        let ends = is_short(&found, most);
        self.after = found.last().map(|last| last.place);
        Ok((found, ends))
    }

    async fn found(
        &mut self,
        tx: &mut PgConnection,
        search: &Search,
        most: i64,
    ) -> Result<(Vec<Candidate>, bool)> {
        let mut found = Vec::new();
        if self.after.is_none_or(|(phase, ..)| phase == NEWEST) {
            if search.is_exact() {
                let after = self.after.map(|(_, id, _)| id);
                let ids = exact::files(tx, search, self.stores, None, after, most).await?;
                found.extend(ids.into_iter().map(Candidate::newest));
            }
            if !is_short(&found, most) {
                self.after = found.last().map(|last| last.place);
                return Ok((found, false));
            }
        }
        let (by_name, last) = names::files(tx, search, self.stores, self.after_key.as_ref(), most).await?;
        let ends = is_short(&by_name, most);
        found.extend(by_name);
        self.after = found.last().map(|last| last.place).or(self.after);
        if let Some(last) = last {
            self.after = Some((BY_NAME, last.customer, 0));
            self.after_key = Some(last);
        }
        Ok((found, ends))
    }
}

impl Candidate {
    fn newest(id: Uuid) -> Self {
        Self { id, place: (NEWEST, id, 0), again: false }
    }
}

fn is_short(found: &[Candidate], most: i64) -> bool {
    i64::try_from(found.len()).is_ok_and(|length| length < most)
}
