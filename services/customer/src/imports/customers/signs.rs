//! Whatever two rows of one person have in common.

use aws_lc_rs::digest::{Context as Digest, SHA256};
use foursight_proto::customer::v1::CustomerKind;
use sqlx::PgConnection;

use crate::imports::{kind::Hash, run::Run, worker::Stop};

use super::told::Signs;

/// The kinds of `import_keys.kind`.
const CARD: i16 = 1;
const PHONE: i16 = 2;
const ORGANIZATION: i16 = 3;
pub(in crate::imports) const FILE: i16 = 4;

/// The keys of a row.
pub(in crate::imports) fn keys_of(signs: &Signs) -> Vec<(i16, Hash)> {
    if signs.kind == CustomerKind::Organization {
        return signs.phones.iter().map(|phone| (ORGANIZATION, organization(&signs.name, phone))).collect();
    }
    let card = signs.card.iter().map(|card| (CARD, card.clone()));
    card.chain(signs.phones.iter().map(|phone| (PHONE, phone.clone()))).collect()
}

/// An organization's name with one of its phones; that is a keyed hash already.
pub(super) fn organization(name: &str, phone: &[u8]) -> Hash {
    let mut digest = Digest::new(&SHA256);
    digest.update(phone);
    digest.update(name.as_bytes());
    digest.finish().as_ref().to_vec()
}

/// Two rows may lead to one file by different signs.
pub(in crate::imports) async fn lead_on(tx: &mut PgConnection, run: &Run) -> Result<(), Stop> {
    sqlx::query!(
        "INSERT INTO customer.import_keys (import_id, key, row_number, content, kind)
         SELECT $1, uuid_send(f.customer_id), f.row_number, f.content, $4
         FROM (
             SELECT p.customer_id, k.row_number, k.content
             FROM customer.import_keys k
             JOIN customer.contact_points p ON p.hash = k.key AND p.exclusive AND p.end_time IS NULL
             WHERE k.import_id = $1 AND k.kind = $3
             UNION
             SELECT c.id, k.row_number, k.content
             FROM customer.import_keys k JOIN customer.customers c ON c.national_id_hash = k.key
             WHERE k.import_id = $1 AND k.kind = $2
         ) f
         ON CONFLICT DO NOTHING",
        run.id,
        CARD,
        PHONE,
        FILE,
    )
    .execute(tx)
    .await?;
    Ok(())
}
