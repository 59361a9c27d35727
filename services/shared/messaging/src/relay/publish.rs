//! Publishing a batch: all events are sent before the first acknowledgement is waited for.

use async_nats::{
    HeaderMap,
    jetstream::{context::PublishError, message::PublishMessage},
};
use foursight_kernel::{Error, Result, StoreId, sql};
use futures::TryFutureExt;
use jiff::Timestamp;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    Bus,
    bus::{TIMEOUT, unavailable},
    envelope::header,
    outbox::PastEvent,
};

/// A row of the outbox.
#[derive(Debug, sqlx::FromRow)]
pub(crate) struct OutboxRow {
    seq: i64,
    id: Uuid,
    event_type: String,
    aggregate: Uuid,
    version: i64,
    store_id: Option<Uuid>,
    at: sql::Timestamp,
    traceparent: Option<String>,
    payload: Vec<u8>,
}

impl From<PastEvent> for OutboxRow {
    fn from(PastEvent { id, at, event }: PastEvent) -> Self {
        Self {
            seq: 0,
            id,
            event_type: event.event_type,
            aggregate: event.aggregate,
            version: event.version,
            store_id: event.store.map(StoreId::uuid),
            at: sql::at(at),
            traceparent: event.traceparent,
            payload: event.payload,
        }
    }
}

/// Takes the next events; another relay skips what this one holds.
pub(super) async fn take(tx: &mut PgConnection, limit: usize) -> Result<Vec<OutboxRow>> {
    let rows = sqlx::query_as(
        "SELECT seq, id, event_type, aggregate, version, store_id, at, traceparent, payload FROM outbox
         WHERE published_at IS NULL ORDER BY seq LIMIT $1 FOR UPDATE SKIP LOCKED",
    )
    .bind(i64::try_from(limit).unwrap_or(i64::MAX))
    .fetch_all(tx)
    .await?;
    Ok(rows)
}

/// Marks rows, given as (outbox seq, stream seq), as published; or marks none, and answers the first place in the stream that
/// was given to one of them although our books have another event there: the stream has lost its end, without our having
/// noticed.
pub(super) async fn mark(
    tx: &mut PgConnection,
    published: Vec<(i64, i64)>,
    now: Timestamp,
) -> Result<Option<i64>> {
    let (seqs, stream_seqs): (Vec<i64>, Vec<i64>) = published.into_iter().unzip();
    let place = sqlx::query_scalar(
        "WITH published AS (
             SELECT * FROM unnest($1::bigint[], $2::bigint[]) AS p (seq, stream_seq)
         ), overtaken AS (
             SELECT min(o.stream_seq) AS place FROM published p
             CROSS JOIN LATERAL (
                 SELECT stream_seq FROM outbox WHERE stream_seq = p.stream_seq AND seq <> p.seq LIMIT 1
             ) o
         ), marked AS (
             UPDATE outbox SET published_at = $3, stream_seq = p.stream_seq
             FROM published p WHERE outbox.seq = p.seq AND (SELECT place FROM overtaken) IS NULL
         )
         SELECT place FROM overtaken",
    )
    .bind(seqs)
    .bind(stream_seqs)
    .bind(sql::at(now))
    .fetch_one(tx)
    .await?;
    Ok(place)
}

/// Publishes rows. Returns those that JetStream acknowledged, as (outbox seq, stream seq), and the first trouble.
pub(crate) async fn publish(
    bus: &Bus,
    service: &str,
    rows: Vec<OutboxRow>,
) -> (Vec<(i64, i64)>, Option<Error>) {
    let connection = bus.connection();
    let stream = bus.topology.stream(service);
    let source = format!("/{service}");
    let mut trouble = None;
    let mut sent = Vec::with_capacity(rows.len());
    for row in rows {
        let seq = row.seq;
        let Some(subject) = bus.topology.subject(&row.event_type, row.store_id) else {
            tracing::error!(event_type = row.event_type, "an event in the outbox is of no known type");
            continue;
        };
        // The headers first: they replace what was set before them.
        let message = PublishMessage::build()
            .headers(headers(&row, &source))
            .message_id(row.id.to_string())
            .expected_stream(&stream)
            .payload(row.payload.into());
        // Without a connection, the client takes some and then waits for one, while we hold the rows.
        match tokio::time::timeout(TIMEOUT, bus.jetstream.send_publish(subject, message)).await {
            Ok(Ok(acknowledgement)) => {
                sent.push((seq, acknowledgement.into_future().map_ok(|ack| ack.sequence)));
            }
            Ok(Err(error)) => {
                trouble = Some(unavailable(error));
                break;
            }
            Err(error) => {
                trouble = Some(unavailable(error));
                break;
            }
        }
    }
    let broken = async {
        bus.connection_other_than(connection).await;
        unavailable("the connection broke")
    };
    let (published, unacknowledged) = acknowledged(sent, broken).await;
    (published, trouble.or(unacknowledged))
}

/// Waits for the acknowledgements of what was sent. One wait for all: what was under way when a connection broke is never
/// acknowledged, and each that is missing would cost the whole time again.
async fn acknowledged(
    sent: Vec<(i64, impl Future<Output = Result<u64, PublishError>>)>,
    broken: impl Future<Output = Error>,
) -> (Vec<(i64, i64)>, Option<Error>) {
    let mut given_up = std::pin::pin!(async {
        tokio::select! {
            error = broken => error,
            () = tokio::time::sleep(TIMEOUT) => unavailable("no acknowledgement came"),
        }
    });
    let mut trouble = None;
    let mut published = Vec::with_capacity(sent.len());
    for (seq, acknowledgement) in sent {
        tokio::select! {
            // What has come is taken, whatever became of the connection.
            biased;
            acknowledged = acknowledgement => match acknowledged {
                Ok(place) => published.push((seq, i64::try_from(place).unwrap_or(i64::MAX))),
                Err(error) => {
                    trouble.get_or_insert_with(|| unavailable(error));
                }
            },
            error = &mut given_up => {
                trouble.get_or_insert(error);
                break;
            }
        }
    }
    (published, trouble)
}

fn headers(row: &OutboxRow, source: &str) -> HeaderMap {
    let at: Timestamp = row.at.to_jiff();
    let mut headers = HeaderMap::new();
    headers.insert(header::ID, row.id.to_string());
    headers.insert(header::TYPE, row.event_type.as_str());
    headers.insert(header::SOURCE, source);
    headers.insert(header::SPEC_VERSION, "1.0");
    headers.insert(header::TIME, at.to_string());
    headers.insert(header::AGGREGATE, row.aggregate.to_string());
    headers.insert(header::VERSION, row.version.to_string());
    if let Some(store) = row.store_id {
        headers.insert(header::STORE, store.to_string());
    }
    if let Some(traceparent) = &row.traceparent {
        headers.insert(header::TRACEPARENT, traceparent.as_str());
    }
    headers
}

#[cfg(test)]
mod tests {
    use std::{future, time::Duration};

    use futures::{FutureExt, future::BoxFuture};
    use tokio::time::Instant;

    use super::*;

    type Acknowledgement = BoxFuture<'static, Result<u64, PublishError>>;

    /// Two that came, and as many as a batch may have that never will.
    fn sent() -> Vec<(i64, Acknowledgement)> {
        let never = (3..1_000).map(|seq| (seq, future::pending().boxed()));
        [(1, 11), (2, 12)]
            .map(|(seq, place)| (seq, future::ready(Ok(place)).boxed()))
            .into_iter()
            .chain(never)
            .collect()
    }

    #[tokio::test(start_paused = true)]
    async fn acknowledgements_that_never_come_are_waited_for_once() {
        let began = Instant::now();
        let (published, trouble) = acknowledged(sent(), future::pending()).await;
        assert_eq!(published, [(1, 11), (2, 12)]);
        assert_eq!(trouble.map(|error| error.reason()), Some("EVENTS_AWAY"));
        assert_eq!(began.elapsed().as_secs(), TIMEOUT.as_secs());
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_waited_for_once_the_connection_broke() {
        let began = Instant::now();
        let broken = tokio::time::sleep(Duration::from_secs(1)).map(|()| unavailable("it broke"));
        let (published, trouble) = acknowledged(sent(), broken).await;
        assert_eq!(published, [(1, 11), (2, 12)]);
        assert!(trouble.is_some());
        assert_eq!(began.elapsed().as_secs(), 1);
    }
}
