//! The visitor's file: found in the whole group, or opened.

use foursight_access::Principal;
use foursight_kernel::{CustomerId, Error, Result, sql};
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
        tries::{self, Try},
    },
    receptions::{
        ReceptionError,
        same_person::{self, IdCard},
    },
};

const NOT_CONFIRMED: Try = Try { method: "FindVisitor", reason: "VISITOR_NOT_CONFIRMED" };

/// Why a visitor is not served with a file.
pub(super) enum NoFile {
    /// Somebody opened the visitor's file in this moment; the transaction is over.
    Opened,
    /// The visitor may be somebody else than the file is of. Nothing was written but a note of this try, which is to be committed.
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

/// Serves a visitor with the one file there is, which the store sees from now on and which learns what it lacked; or opens
/// one.
///
/// # Errors
/// `VISITOR_NOT_CONFIRMED` when the phone is on the file of another person, as far as name and id card tell, and
/// `TOO_MANY_TRIES` after too many of them.
pub(super) async fn find_or_open(
    tx: &mut PgConnection,
    ctx: &Context,
    caller: &Principal,
    visitor: &NewFile,
    now: Timestamp,
) -> Result<(CustomerId, VisitorOutcome), NoFile> {
    let file = visitor.clone().seal(&ctx.keys, &ctx.ids, ctx.ids.next()).map_err(Error::from)?;
    if file.may_clash() {
        tries::admit_caller(tx, caller, now).await?;
    }
    // Most visitors are new.
    let known = if open::file_of(tx, &file).await?.is_some() {
        tries::admit(tx, caller, &file.phone_hashes(), now).await?;
        confirmed(tx, caller, &file, now).await?
    } else {
        None
    };
    let Some(known) = known else {
        open::open(tx, ctx, caller, &file, now).await?;
        return Ok((file.id, VisitorOutcome { file_opened: true, ..VisitorOutcome::default() }));
    };
    stores::link(tx, known, visitor.store, now).await?;
    let Learnt { added, not_taken } = learn::learn(tx, ctx, caller, known, visitor, now).await?;
    Ok((known, VisitorOutcome { file_opened: false, added, not_taken }))
}

/// The visitor's own file among those that phones and id card lead to. `None` when none of them is: organizations share a
/// switchboard. A person's phone is the person's, so that such a file is refused, which is noted, and named to who sees it anyway.
async fn confirmed(
    tx: &mut PgConnection,
    caller: &Principal,
    visitor: &SealedFile,
    now: Timestamp,
) -> Result<Option<CustomerId>, NoFile> {
    let kind = visitor.facts.kind;
    let files = sqlx::query!(
        r#"SELECT file_id AS "id!", search_name AS "name!", same_national_id
           FROM customer.files_at_counter($1, $2, $3)"#,
        sql::number(kind),
        &visitor.phone_hashes(),
        visitor.national_id_hash(),
    )
    .fetch_all(&mut *tx)
    .await?;
    let card = |same| IdCard::from_comparison(same);
    let by_card = files.iter().find(|file| card(file.same_national_id) == IdCard::Same);
    let by_name = || {
        files.iter().find(|file| {
            same_person::is_same(&visitor.facts.display_name, &file.name, card(file.same_national_id))
        })
    };
    if let Some(file) = by_card.or_else(by_name) {
        return Ok(Some(file.id.into()));
    }
    let Some(other) = files.first().filter(|_| kind == CustomerKind::Person) else { return Ok(None) };
    let other = CustomerId::from(other.id);
    tries::failed(tx, caller, NOT_CONFIRMED, visitor.facts.store, &visitor.phone_hashes(), now).await?;
    let seen = stores::is_visible(tx, other).await?;
    Err(NoFile::NotConfirmed(ReceptionError::NotConfirmed(seen.then_some(other)).into()))
}
