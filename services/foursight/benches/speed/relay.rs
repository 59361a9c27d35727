//! The relay, from a full outbox to an empty one, beside a bare pipelined publish of the same messages.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use async_nats::jetstream::{
    context::PublishAckFuture,
    message::{PublishMessage, StreamMessage},
};
use foursight_customer::CustomerRole;
use foursight_database::{Limits, Pool};
use foursight_kernel::SystemClock;
use foursight_messaging::relay::{Relay, Wake};
use foursight_runtime::{Role, migrate};
use futures::{StreamExt, TryStreamExt};
use secrecy::{ExposeSecret, SecretString};
use sqlx::{ConnectOptions, PgPool, postgres::PgConnectOptions};
use tokio_util::sync::CancellationToken;

use crate::{
    report::Report,
    stack::{self, Stack},
};

/// How many events are published.
const EVENTS: i64 = 50_000;

/// How many acknowledgements the bare publisher lets be under way, as many as the relay does.
const UNDER_WAY: usize = 1_000;

pub(crate) async fn measure(stack: &Stack, report: &mut Report) -> Result<()> {
    eprintln!("· relaying {EVENTS} events");
    let options = fresh_outbox(stack).await?;
    let pool = PgPool::connect_with(options.clone()).await?;
    let limits = Limits { connections: 4, wait: Duration::from_secs(3) };
    let settings = &stack.prepared.settings;
    let bus = stack::connect(settings, "bench").await?;
    bus.ensure_streams().await?;
    let stop = CancellationToken::new();
    let relay = Relay {
        service: "customer",
        pool: Pool::new(options, limits)?,
        bus: bus.clone(),
        clock: std::sync::Arc::new(SystemClock),
        wake: Wake::default(),
    };
    let begin = Instant::now();
    let running = tokio::spawn(relay.run(stop.clone()));
    while !last_is_published(&pool).await? {
        ensure!(begin.elapsed() < Duration::from_mins(2), "the relay does not come to an end");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let ours = begin.elapsed();
    stop.cancel();
    running.await?;
    pool.close().await;

    let raw = publish_bare(stack).await?;
    let per_second = |time: Duration| EVENTS as f64 / time.as_secs_f64();
    report.beside("relay: events a second", per_second(ours), per_second(raw), "", "≥ 0.4");
    Ok(())
}

/// A database with the customer service's schema, and an outbox full of an event as the service writes it.
async fn fresh_outbox(stack: &Stack) -> Result<PgConnectOptions> {
    sqlx::raw_sql("CREATE DATABASE relay").execute(&stack.owner).await?;
    let url = stack.prepared.settings.service("customer").database_url.context("customer has no database")?;
    let options: PgConnectOptions = url.expose_secret().parse()?;
    let address = options.to_url_lossy();
    let password = SecretString::from(address.password().unwrap_or_default().to_owned());
    let migrator = CustomerRole.migrator().context("customer has no schema")?;
    let schema = migrate::Schema { service: "customer", migrator, password };
    let owner_url = stack.prepared.servers.postgres_url("relay");
    migrate::migrate(&owner_url, &[schema]).await?;

    let (event_type, payload): (String, Vec<u8>) = sqlx::query_as(
        "SELECT event_type, payload FROM customer.outbox WHERE event_type LIKE '%CustomerCreated' ORDER BY seq DESC LIMIT 1",
    )
    .fetch_one(&stack.owner)
    .await?;
    let options = options.database("relay").options([("search_path", "customer,public")]);
    let pool = PgPool::connect_with(options.clone()).await?;
    sqlx::query(
        "INSERT INTO outbox (id, event_type, aggregate, version, store_id, at, traceparent, payload)
         SELECT gen_random_uuid(), $1, gen_random_uuid(), 1, gen_random_uuid(), now(),
                '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01', $2 FROM generate_series(1, $3)",
    )
    .bind(event_type)
    .bind(payload)
    .bind(EVENTS)
    .execute(&pool)
    .await?;
    let owner = PgPool::connect(&owner_url).await?;
    sqlx::query("VACUUM ANALYZE customer.outbox").execute(&owner).await?;
    owner.close().await;
    pool.close().await;
    Ok(options)
}

async fn last_is_published(pool: &PgPool) -> Result<bool> {
    let last = "SELECT published_at IS NOT NULL FROM outbox ORDER BY seq DESC LIMIT 1";
    Ok(sqlx::query_scalar(last).fetch_one(pool).await?)
}

/// Publishes what the relay has published once more, to a stream of another name.
async fn publish_bare(stack: &Stack) -> Result<Duration> {
    let settings = &stack.prepared.settings;
    let address: async_nats::ServerAddr = settings.nats.url.expose_secret().parse()?;
    let options = async_nats::ConnectOptions::with_user_and_password(
        address.username().unwrap_or_default().to_owned(),
        address.password().unwrap_or_default().to_owned(),
    );
    let jetstream = async_nats::jetstream::new(options.connect(address).await?);
    let stream = jetstream.get_stream("bench_customer").await?;
    let messages: Vec<StreamMessage> = {
        let stream = &stream;
        let places = futures::stream::iter(1..=EVENTS.unsigned_abs());
        let read = places.map(|place| async move { stream.get_raw_message(place).await }).buffered(64);
        read.try_collect::<Vec<_>>().await?
    };
    let topology = foursight_messaging::topology::Topology::new("bare", 1);
    jetstream.create_stream(topology.stream_config("customer")).await?;

    let begin = Instant::now();
    let (sent, acknowledgements) = tokio::sync::mpsc::channel::<PublishAckFuture>(UNDER_WAY);
    let acknowledged = tokio::spawn(async move {
        let mut acknowledgements = acknowledgements;
        let mut count = 0;
        while let Some(acknowledgement) = acknowledgements.recv().await {
            acknowledgement.await?;
            count += 1;
        }
        anyhow::Ok(count)
    });
    for message in messages {
        let subject = message.subject.replacen("bench.", "bare.", 1);
        let mut headers = message.headers;
        headers.insert(async_nats::header::NATS_EXPECTED_STREAM, "bare_customer");
        let publish = PublishMessage::build().headers(headers).payload(message.payload);
        if sent.send(jetstream.send_publish(subject, publish).await?).await.is_err() {
            // An acknowledgement failed, and says why.
            break;
        }
    }
    drop(sent);
    let count: i64 = acknowledged.await??;
    ensure!(count == EVENTS, "{count} of {EVENTS} events were published");
    Ok(begin.elapsed())
}
