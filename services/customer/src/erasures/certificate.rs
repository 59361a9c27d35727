//! The certificate of an erasure: what was erased where and when, as text whose bytes the seal is over.

use aws_lc_rs::digest::{SHA256, digest};
use foursight_kernel::{CustomerId, ErasureId, Error, Result};
use foursight_proto::customer::v1::ErasureGround;
use jiff::Timestamp;
use serde::Serialize;

use super::row::{AnswerRow, ErasureRow, TableCounts};

/// What is sealed. Ids, codes, counts and times only.
#[derive(Serialize)]
struct Certificate<'a> {
    erasure: String,
    customer: String,
    ground: &'static str,
    reference: &'a str,
    requester: &'a str,
    request_time: String,
    complete_time: String,
    services: Vec<Service<'a>>,
}

#[derive(Serialize)]
struct Service<'a> {
    #[serde(rename = "service")]
    name: &'a str,
    erase_time: String,
    tables: &'a [TableCounts],
}

/// The text of a certificate.
///
/// # Errors
/// `INTERNAL` when the row holds what was never written.
pub(super) fn text(row: &ErasureRow, answers: &[AnswerRow], now: Timestamp) -> Result<String> {
    let certificate = Certificate {
        erasure: ErasureId::from(row.id).name(),
        customer: CustomerId::from(row.customer_id).name(),
        ground: ErasureGround::try_from(i32::from(row.ground)).map_err(Error::internal)?.as_str_name(),
        reference: &row.reference,
        requester: &row.requester,
        request_time: row.request_time.to_jiff().to_string(),
        complete_time: now.to_string(),
        services: answers
            .iter()
            .map(|answer| Service {
                name: &answer.service,
                erase_time: answer.erase_time.to_jiff().to_string(),
                tables: &answer.tables.0,
            })
            .collect(),
    };
    serde_json::to_string(&certificate).map_err(Error::internal)
}

/// SHA-256 of the text.
pub(super) fn seal(text: &str) -> Vec<u8> {
    digest(&SHA256, text.as_bytes()).as_ref().to_vec()
}
