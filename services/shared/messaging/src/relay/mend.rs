//! Mending a stream that lost its end.
//!
//! JetStream acknowledges before it syncs, and a NATS server can come back from a backup: the stream may then end before
//! what this outbox knows to be published, and new events may already stand in the places of the lost ones. So whenever
//! the connection was made again, the relay looks for the last event that still stands where the outbox knows it to be.
//! What comes after it is published again; event ids make that harmless. Consumers that had gone further than that
//! place are set back to it; their inboxes drop what they have handled before.
//!
//! A stream can be put back under a living connection, too, or be filled by another relay before this one looks. That shows
//! when an event is given a place where the books have another one; such an event is not marked before the stream is mended.
//! So no place is ever in the books twice, and what agrees and what does not are always two halves.

use async_nats::jetstream::{
    consumer::{self, DeliverPolicy, FromConsumer},
    stream::{RawMessageErrorKind, Stream},
};
use foursight_kernel::Result;
use futures::TryStreamExt;
use sqlx::PgConnection;
use uuid::Uuid;

use super::Relay;
use crate::bus::unavailable;

/// Compares the stream with the outbox, and takes back what the stream has lost. One relay of a service at a time.
///
/// `at_most` is a place after which the stream is known to be another than in the books.
pub(super) async fn mend(relay: &Relay, at_most: Option<i64>) -> Result<()> {
    relay.bus.ensure_streams().await?;
    let mut tx = relay.pool.begin("BEGIN").await?;
    sqlx::query("SELECT pg_advisory_xact_lock(hashtext('relay.mend'), hashtext($1))")
        .bind(relay.service)
        .execute(&mut *tx)
        .await?;
    let name = relay.bus.topology.stream(relay.service);
    let stream = relay.bus.jetstream.get_stream(name).await.map_err(unavailable)?;

    if at_most.is_none() && last_is_in_place(&mut tx, &stream).await? {
        return Ok(());
    }
    let whole_until = last_in_place(&mut tx, &stream, at_most.unwrap_or(i64::MAX)).await?;
    set_consumers_back(&stream, whole_until).await?;
    let lost = sqlx::query("UPDATE outbox SET published_at = NULL, stream_seq = NULL WHERE stream_seq > $1")
        .bind(whole_until)
        .execute(&mut *tx)
        .await?
        .rows_affected();
    tx.commit().await?;
    tracing::warn!(
        service = relay.service,
        lost,
        whole_until,
        "the stream had lost its end; it is filled again"
    );
    Ok(())
}

/// The ordinary case, in one look: the newest event that was published stands where it should.
async fn last_is_in_place(tx: &mut PgConnection, stream: &Stream) -> Result<bool> {
    let newest: Option<(i64, Uuid)> = sqlx::query_as(
        "SELECT stream_seq, id FROM outbox WHERE stream_seq IS NOT NULL ORDER BY stream_seq DESC LIMIT 1",
    )
    .fetch_optional(tx)
    .await?;
    match newest {
        None => Ok(true),
        Some((seq, id)) => stands_at(stream, seq, id).await,
    }
}

/// The last place, `at_most` at the latest, up to which stream and outbox agree; the place before the outbox' first when
/// they agree nowhere. They agree up to some place and nowhere after it, so halving finds it.
async fn last_in_place(tx: &mut PgConnection, stream: &Stream, at_most: i64) -> Result<i64> {
    let (mut low, high): (i64, i64) =
        sqlx::query_as("SELECT coalesce(min(stream_seq), 1) - 1, coalesce(max(stream_seq), 0) FROM outbox")
            .fetch_one(&mut *tx)
            .await?;
    let mut high = high.min(at_most);
    while low < high {
        let middle = low + (high - low + 1) / 2;
        let probe: Option<(i64, Uuid)> = sqlx::query_as(
            "SELECT stream_seq, id FROM outbox WHERE stream_seq > $1 AND stream_seq <= $2 ORDER BY stream_seq DESC LIMIT 1",
        )
        .bind(low)
        .bind(middle)
        .fetch_optional(&mut *tx)
        .await?;
        match probe {
            // Nothing of ours between low and middle: the answer is the same for both.
            None => low = middle,
            Some((seq, id)) if stands_at(stream, seq, id).await? => low = low.max(seq).max(middle),
            Some((seq, _)) => high = seq - 1,
        }
    }
    Ok(low)
}

async fn stands_at(stream: &Stream, seq: i64, id: Uuid) -> Result<bool> {
    match stream.get_raw_message(seq.unsigned_abs()).await {
        Ok(message) => {
            let found = message.headers.get(async_nats::header::NATS_MESSAGE_ID);
            Ok(found.is_some_and(|found| found.as_str() == id.to_string()))
        }
        Err(error) if error.kind() == RawMessageErrorKind::NoMessageFound => Ok(false),
        Err(error) => Err(unavailable(error)),
    }
}

/// Makes every consumer that had gone past `whole_until` start again after it.
async fn set_consumers_back(stream: &Stream, whole_until: i64) -> Result<()> {
    let whole_until = whole_until.unsigned_abs();
    let consumers: Vec<consumer::Info> = stream.consumers().try_collect().await.map_err(unavailable)?;
    for info in consumers {
        if info.delivered.stream_sequence <= whole_until {
            continue;
        }
        // Events before that place may wait for another try; a new consumer knows nothing of them.
        let from = whole_until.min(info.ack_floor.stream_sequence) + 1;
        let config = consumer::Config {
            deliver_policy: DeliverPolicy::ByStartSequence { start_sequence: from },
            ..info.config
        };
        let name = info.name;
        match stream.delete_consumer(&name).await {
            Ok(_) => {}
            // Another relay or the consumer itself was faster.
            Err(error) => tracing::debug!(consumer = name, %error, "the consumer was gone already"),
        }
        let config = consumer::pull::Config::try_from_consumer_config(config).map_err(unavailable)?;
        stream.create_consumer(config).await.map_err(unavailable)?;
        tracing::warn!(consumer = name, from, "the consumer was set back");
    }
    Ok(())
}
