//! An erasure that is interrupted goes on, and ends right.

use anyhow::{Context, Result, ensure};
use foursight_proto::{
    customer::v1::{
        Erasure, ErasureGround, ErasureState, GetErasureRequest, PreviewErasureRequest,
        RequestErasureRequest, privacy_service_client::PrivacyServiceClient,
    },
    identity::v1::Role,
};
use foursight_testkit::{Caller, CallerChannel};

use crate::world::{World, until};

fn privacy(world: &World, director: &Caller) -> PrivacyServiceClient<CallerChannel> {
    PrivacyServiceClient::new(world.stack.channel("customer", director))
}

async fn state(world: &World, director: &Caller, name: &str) -> Result<Erasure> {
    let request = GetErasureRequest { name: name.to_owned() };
    Ok(privacy(world, director).get_erasure(request).await?.into_inner())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erasure_goes_on_after_every_interruption_and_ends_right() -> Result<()> {
    let world = World::after(2).await?;
    let director = world.stack.headquarters(&[Role::GroupDirector])?;
    let query = "SELECT 'customers/' || id FROM customer.customers ORDER BY id LIMIT 1";
    let customer: String = sqlx::query_scalar(query).fetch_one(&world.ledger.owner).await?;

    // Nobody hears of it now.
    world.servers.local.kill_nats().await?;
    let preview = PreviewErasureRequest { name: customer.clone() };
    let etag = privacy(&world, &director).preview_erasure(preview).await?.into_inner().etag;
    let request = RequestErasureRequest {
        name: customer.clone(),
        ground: ErasureGround::CustomerRequest.into(),
        etag,
        ..RequestErasureRequest::default()
    };
    let erasure = privacy(&world, &director).request_erasure(request).await?.into_inner();
    ensure!(erasure.state() == ErasureState::Running && erasure.waiting_for.len() == 3, "{erasure:?}");
    let name = erasure.name;
    let keys = "SELECT count(*) FROM customer.customer_keys k JOIN customer.erasures e ON e.customer_id = k.customer_id";
    let left: i64 = sqlx::query_scalar(keys).fetch_one(&world.ledger.owner).await?;
    ensure!(left == 0, "the key is there after the answer");

    // The roles end, and the servers, before anybody has heard of it.
    let world = world
        .restart_after(async |servers, _| {
            servers.local.stop_postgres().await?;
            servers.local.start_postgres().await?;
            Ok(servers.local.start_nats().await?)
        })
        .await?;
    // Killed again while the answers flow.
    world.servers.local.kill_nats().await?;
    world.servers.local.start_nats().await?;
    let mut last = String::new();
    until("the erasure is over", async || {
        let now = state(&world, &director, &name).await;
        last = format!("{now:?}");
        Ok(now.is_ok_and(|now| now.state() == ErasureState::Completed))
    })
    .await
    .context(last)?;
    let done = state(&world, &director, &name).await?;
    ensure!(done.answers.len() == 4 && done.waiting_for.is_empty(), "{done:?}");
    let id = customer.strip_prefix("customers/").context("a customer")?;
    for table in ["customer.timeline_entries", "customer.contact_points", "notification.messages"] {
        let query = format!("SELECT count(*) = 0 FROM {table} WHERE customer_id = '{id}'");
        world.until(&query).await?;
    }
    world.stack.settled().await?;
    // Each service has done it once, and says so once.
    let answers = "SELECT count(*) FROM customer.erasure_answers";
    let answers: i64 = sqlx::query_scalar(answers).fetch_one(&world.ledger.owner).await?;
    ensure!(answers == 4, "{answers} answers");
    let sealed = "SELECT count(*) FROM customer.audit WHERE method = 'CompleteErasure'";
    let sealed: i64 = sqlx::query_scalar(sealed).fetch_one(&world.ledger.owner).await?;
    ensure!(sealed == 1, "sealed {sealed} times");
    world.end().await;
    Ok(())
}
