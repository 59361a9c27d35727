//! The visitor's file: found in the whole group, or opened.

use std::slice;

use foursight_access::Principal;
use foursight_kernel::{CustomerId, Error, Result};
use foursight_proto::customer::v1::{CustomerKind, VisitorOutcome};
use jiff::Timestamp;
use sqlx::PgConnection;

use crate::{
    context::Context,
    customers::{
        NewFile, SealedFile,
        learn::{self, Learnt},
        open::{self, OpenError},
        stores,
        told_of::{self, ToldOf},
        tries::{self, Left, Try},
    },
    receptions::{
        ReceptionError,
        same_person::{self, IdCard},
    },
};

const NOT_CONFIRMED: Try = Try { method: "FindVisitor", reason: "VISITOR_NOT_CONFIRMED" };
const NOT_TAKEN: Try = Try { method: "FindVisitor", reason: "PHONE_NOT_TAKEN" };

/// Why a visitor is not served with a file.
pub(super) enum NoFile {
    /// Somebody opened the visitor's file in this moment; the transaction is over.
    Opened,
    /// The visitor may be somebody else than the file is of, or told too many phones of others. Nothing was written but a note of
    /// these tries, which is to be committed.
    NotConfirmed(Error),
    /// Anything else.
    Other(Error),
}

impl From<Error> for NoFile {
    fn from(error: Error) -> Self {
        Self::Other(error)
    }
}

impl From<sqlx::Error> for NoFile {
    fn from(error: sqlx::Error) -> Self {
        Self::Other(error.into())
    }
}

impl From<OpenError> for NoFile {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::Clash(_) => Self::Opened,
            OpenError::TooManyTries(error) => Self::Other(error.into()),
            OpenError::Other(error) => Self::Other(error),
        }
    }
}

/// The visitor's file, and how it came to be it.
#[derive(Debug)]
pub(super) struct Served {
    pub(super) customer: CustomerId,
    pub(super) outcome: VisitorOutcome,
    /// What agreed with a file that was there, by kinds.
    pub(super) confirmed_by: Vec<&'static str>,
}

/// Serves a visitor with the one file there is, which the store sees from now on and which learns what it lacked; or opens
/// one. Phones that are on other people's files stay there, and each counts as a try.
///
/// # Errors
/// `VISITOR_NOT_CONFIRMED` when phone or id card are on the file of another person, as far as name, phone and id card tell, and
/// `TOO_MANY_TRIES` after too many of them, or when this visitor tells of more than are left.
pub(super) async fn find_or_open(
    tx: &mut PgConnection,
    ctx: &Context,
    caller: &Principal,
    visitor: &NewFile,
    now: Timestamp,
) -> Result<Served, NoFile> {
    let file = visitor.clone().seal(&ctx.keys, &ctx.ids, ctx.ids.next()).map_err(Error::from)?;
    if file.may_clash() {
        tries::admit_caller(tx, caller, now).await?;
    }
    // Most visitors are new.
    let known = if open::file_of(tx, &file).await?.is_some() {
        let left = tries::admit(tx, caller, file.told().hashes(), now).await?;
        confirmed(tx, caller, &file, left, now).await?
    } else {
        None
    };
    let Some((customer, confirmed_by)) = known else {
        open::open(tx, ctx, caller, &file, now).await?;
        let outcome = VisitorOutcome { file_opened: true, ..VisitorOutcome::default() };
        return Ok(Served { customer: file.id, outcome, confirmed_by: Vec::new() });
    };
    stores::link(tx, customer, visitor.store, now).await?;
    let Learnt { added, not_taken } = learn::learn(tx, ctx, caller, customer, visitor, now).await?;
    let outcome = VisitorOutcome { file_opened: false, added, not_taken };
    Ok(Served { customer, outcome, confirmed_by })
}

/// The visitor's own file among those that phones and id card lead to, and what says so. `None` when none of them is:
/// organizations share a switchboard. A person's phone is the person's, so that such a file is refused, which is noted, and named to
/// who sees it anyway; and so are phones of others beside the visitor's own.
async fn confirmed(
    tx: &mut PgConnection,
    caller: &Principal,
    visitor: &SealedFile,
    left: Left,
    now: Timestamp,
) -> Result<Option<(CustomerId, Vec<&'static str>)>, NoFile> {
    let store = visitor.facts.store;
    let files = told_of::files(tx, &visitor.told()).await?;
    let own = own(&files, &visitor.facts.display_name);
    if visitor.facts.kind != CustomerKind::Person {
        return Ok(own);
    }
    let Some((own, confirmed_by)) = own else {
        let Some(other) = files.first() else { return Ok(None) };
        let others: Vec<Vec<u8>> =
            files.iter().flat_map(|file| file.hashes(visitor.national_id_hash())).collect();
        tries::failed(tx, caller, NOT_CONFIRMED, store, &others, now).await?;
        left.require(others.len()).map_err(|refused| NoFile::NotConfirmed(refused.into()))?;
        let seen = stores::is_visible(tx, other.id).await?;
        return Err(NoFile::NotConfirmed(ReceptionError::NotConfirmed(seen.then_some(other.id)).into()));
    };
    let mut others = Vec::new();
    for file in files.iter().filter(|file| file.id != own) {
        // Of a file that the caller sees, the answer tells nothing new.
        if !stores::is_visible(tx, file.id).await? {
            others.extend_from_slice(&file.phones);
        }
    }
    if !others.is_empty() {
        tries::failed(tx, caller, NOT_TAKEN, store, &others, now).await?;
        // Noted all the same: else one more phone or one less would tell whether it is on file.
        left.require(others.len()).map_err(|refused| NoFile::NotConfirmed(refused.into()))?;
    }
    Ok(Some((own, confirmed_by)))
}

/// Which of the files is the visitor's. When the id card is on file, no other one is.
fn own(files: &[ToldOf], name: &str) -> Option<(CustomerId, Vec<&'static str>)> {
    let card = |file: &ToldOf| IdCard::from_comparison(file.same_card);
    let by_card = files.iter().find(|file| card(file) == IdCard::Same);
    by_card.map_or(files, slice::from_ref).iter().find_map(|file| {
        let signs = same_person::confirmed_by(name, &file.name, !file.phones.is_empty(), card(file))?;
        Some((file.id, signs))
    })
}
