//! What a salesperson writes through the gateway: a walk-in, a lead, a delivery. Each request is sent again under its own
//! request id until somebody answers.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use foursight_customer::vehicles::vin;
use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::sync::watch;
use uuid::Uuid;

/// How long a request may be sent again.
const PATIENCE: Duration = Duration::from_mins(2);

/// Where the gateway answers; `None` while it does not.
pub(crate) type Gateway = watch::Receiver<Option<String>>;

/// Somebody who sells cars.
#[derive(Clone)]
pub(crate) struct Seller {
    pub(crate) http: reqwest::Client,
    pub(crate) gateway: Gateway,
    /// `Bearer …`
    pub(crate) authorization: String,
    /// `stores/…`
    pub(crate) store: String,
    /// Numbers customers and cars; shared by all sellers of a test.
    pub(crate) serial: Arc<AtomicU32>,
    /// What was acknowledged.
    pub(crate) sold: Arc<Mutex<Vec<Sold>>>,
}

/// What was acknowledged of a sale.
#[derive(Debug, Clone)]
pub(crate) struct Sold {
    /// The request ids and the names that they were answered with, by collection.
    pub(crate) reception: (Uuid, String),
    pub(crate) lead: (Uuid, String),
    pub(crate) delivery: (Uuid, String),
}

/// What the gateway said.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    /// Seconds, when it named them.
    pub(crate) retry_after: Option<u64>,
    pub(crate) body: Value,
}

impl Answer {
    fn text(&self, field: &str) -> Result<String> {
        let text = self.body.get(field).and_then(Value::as_str);
        Ok(text.with_context(|| format!("the answer has no {field}: {}", self.body))?.to_owned())
    }
}

impl Seller {
    /// A sale from the walk-in to the car; remembered when all of it was acknowledged.
    pub(crate) async fn sell(&self) -> Result<Sold> {
        let serial = self.serial.fetch_add(1, Ordering::SeqCst);
        let visitor = json!({
            "kind": "CUSTOMER_KIND_PERSON",
            "displayName": format!("Fault {serial}"),
            "store": self.store,
            "source": "SOURCE_CHANNEL_WALK_IN",
            "contactPoints": [{ "kind": "CONTACT_KIND_PHONE", "value": format!("138{serial:08}") }],
        });
        let reception = json!({ "store": self.store, "kind": "RECEPTION_KIND_WALK_IN", "visitor": visitor });
        let (reception_id, reception) = self.create("receptions", &reception).await?;
        let customer = reception.text("customer")?;
        let lead = json!({ "customer": customer, "store": self.store, "source": "SOURCE_CHANNEL_WALK_IN" });
        let (lead_id, lead) = self.create("leads", &lead).await?;
        let vin =
            vin::with_check_digit(&format!("LFV3A2340R3{serial:06}")).context("a VIN of 17 characters")?;
        let delivery = json!({
            "customer": customer, "store": self.store, "lead": lead.text("name")?, "vin": vin,
            "model": "远山 S7", "odometerKm": 12,
        });
        let (delivery_id, delivery) = self.create("deliveries", &delivery).await?;
        let sold = Sold {
            reception: (reception_id, reception.text("name")?),
            lead: (lead_id, lead.text("name")?),
            delivery: (delivery_id, delivery.text("name")?),
        };
        self.sold.lock().unwrap_or_else(PoisonError::into_inner).push(sold.clone());
        Ok(sold)
    }

    /// What was sold so far.
    pub(crate) fn all_sold(&self) -> Vec<Sold> {
        self.sold.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Creates something, for as long as it takes; the same request id each time.
    async fn create(&self, collection: &str, body: &Value) -> Result<(Uuid, Answer)> {
        let request_id = Uuid::from_u128(rand::random());
        let began = Instant::now();
        loop {
            let said = match self.ask(collection, request_id, body).await? {
                Some(answer) if answer.status.is_success() => return Ok((request_id, answer)),
                Some(answer) if passes_by(answer.status) => answer.body.to_string(),
                Some(answer) => bail!("{collection}: {}: {}", answer.status, answer.body),
                None => "nothing".to_owned(),
            };
            ensure!(
                began.elapsed() < PATIENCE,
                "{collection}: nobody takes it; the last that was said: {said}"
            );
            // As a client would; a killed gateway comes back elsewhere.
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// One request, once. `None` when nobody answered: then nobody knows what became of it.
    pub(crate) async fn ask(
        &self,
        collection: &str,
        request_id: Uuid,
        body: &Value,
    ) -> Result<Option<Answer>> {
        let mut gateway = self.gateway.clone();
        let here =
            gateway.wait_for(Option::is_some).await.context("there will be no gateway any more")?.clone();
        let here = here.context("a gateway")?;
        let request = self
            .http
            .post(format!("http://{here}/v1/{collection}?requestId={request_id}"))
            .header("authorization", &self.authorization)
            .json(body);
        let Ok(response) = request.send().await else { return Ok(None) };
        let status = response.status();
        let retry_after = response.headers().get("retry-after");
        let retry_after = retry_after.and_then(|value| value.to_str().ok()?.parse().ok());
        // Killed in the middle of its answer.
        let Ok(body) = response.json().await else { return Ok(None) };
        Ok(Some(Answer { status, retry_after, body }))
    }
}

/// Whether the same request may work later.
fn passes_by(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT
            | StatusCode::CONFLICT
            | StatusCode::TOO_MANY_REQUESTS
    )
}
