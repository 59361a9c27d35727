//! The files of the whole group that what somebody tells leads to.

use foursight_kernel::{CustomerId, Result, sql};
use sqlx::PgConnection;

use crate::customers::SealedFile;

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
    pub(crate) fn hashes(&self, told: &SealedFile) -> Vec<Vec<u8>> {
        let card = told.national_id_hash().filter(|_| self.same_card == Some(true));
        self.phones.iter().cloned().chain(card.map(<[u8]>::to_vec)).collect()
    }
}

/// Whichever store opened them.
pub(crate) async fn files(tx: &mut PgConnection, told: &SealedFile) -> Result<Vec<ToldOf>> {
    let files = sqlx::query!(
        r#"SELECT file_id AS "id!", search_name AS "name!", same_national_id, phones AS "phones!"
           FROM customer.files_told_of($1, $2, $3)"#,
        sql::number(told.facts.kind),
        &told.phone_hashes(),
        told.national_id_hash(),
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
