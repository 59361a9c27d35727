//! The files of the whole group that what somebody tells leads to.

use foursight_kernel::{CustomerId, Result, sql};
use foursight_proto::customer::v1::CustomerKind;
use sqlx::PgConnection;

/// What somebody tells that says who they are, by its hashes.
#[derive(Debug, Clone)]
pub(crate) struct Told {
    pub(crate) kind: CustomerKind,
    pub(crate) phones: Vec<Vec<u8>>,
    /// Of the national id.
    pub(crate) card: Option<Vec<u8>>,
}

impl Told {
    pub(crate) fn hashes(&self) -> Vec<Vec<u8>> {
        self.phones.iter().chain(&self.card).cloned().collect()
    }
}

/// A file that phones or id card lead to.
#[derive(Debug)]
pub(crate) struct ToldOf {
    pub(crate) id: CustomerId,
    /// The name on file, folded.
    pub(crate) name: String,
    /// Whether the id card is the same; absent when there is none on file, or none was told.
    pub(crate) same_card: Option<bool>,
    /// The hashes of the phones that lead to it.
    pub(crate) phones: Vec<Vec<u8>>,
}

impl ToldOf {
    /// The hashes of all that leads to it.
    pub(crate) fn hashes(&self, card: Option<&[u8]>) -> Vec<Vec<u8>> {
        let card = card.filter(|_| self.same_card == Some(true));
        self.phones.iter().cloned().chain(card.map(<[u8]>::to_vec)).collect()
    }
}

/// Whichever store opened them.
pub(crate) async fn files(tx: &mut PgConnection, told: &Told) -> Result<Vec<ToldOf>> {
    let files = sqlx::query!(
        r#"SELECT file_id AS "id!", search_name AS "name!", same_national_id, phones AS "phones!"
           FROM customer.files_told_of($1, $2, $3)"#,
        sql::number(told.kind),
        &told.phones,
        told.card,
    )
    .fetch_all(tx)
    .await?;
    let files = files.into_iter().map(|file| ToldOf {
        id: file.id.into(),
        name: file.name,
        same_card: file.same_national_id,
        phones: file.phones,
    });
    Ok(files.collect())
}
