//! The gateway's JSON API as the story speaks it.

use anyhow::{Context, Result, bail, ensure};
use rand::Rng;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

/// A signed-in person.
#[derive(Debug, Clone)]
pub(super) struct Person {
    /// `staff/{id}`
    pub name: String,
    /// The person's access token.
    pub token: String,
}

/// Speaks to the gateway; every request belongs to one trace.
#[derive(Debug)]
pub(super) struct Client {
    http: reqwest::Client,
    gateway: String,
    /// The trace of everything that this client asks.
    pub trace_id: String,
}

/// A JSON answer.
#[derive(Debug, Clone)]
pub struct Answer(pub Value);

impl Answer {
    /// A text field; empty when absent, as proto3 JSON leaves it out.
    pub fn text(&self, field: &str) -> String {
        self.0.get(field).and_then(Value::as_str).unwrap_or_default().to_owned()
    }

    /// A list; empty when absent.
    pub fn list(&self, field: &str) -> Vec<Self> {
        let list = self.0.get(field).and_then(Value::as_array).cloned().unwrap_or_default();
        list.into_iter().map(Self).collect()
    }
}

impl Client {
    pub(super) fn new(gateway: &str) -> Self {
        let trace_id = format!("{:032x}", rand::rng().random_range(1..=u128::MAX));
        Self { http: reqwest::Client::new(), gateway: gateway.to_owned(), trace_id }
    }

    pub(super) async fn sign_in(&self, login: &str, password: &str) -> Result<Person> {
        let body = json!({ "password": { "login": login, "password": password } });
        let (status, answer) = self.send(Method::POST, None, "/v1/tokens", Some(&body), None).await?;
        if status != StatusCode::OK {
            bail!("{login} cannot sign in: {status} {}", answer.0);
        }
        Ok(Person { name: answer.text("staff"), token: answer.text("accessToken") })
    }

    pub(super) async fn get(&self, person: &Person, path: &str) -> Result<Answer> {
        self.expect_ok(Method::GET, person, path, None, None).await
    }

    pub(super) async fn post(&self, person: &Person, path: &str, body: &Value) -> Result<Answer> {
        self.expect_ok(Method::POST, person, path, Some(body), None).await
    }

    /// Takes a step twice, as a client does that heard no answer the first time. Both answers must be the same.
    pub(super) async fn step(&self, person: &Person, path: &str, body: &Value) -> Result<Answer> {
        let key = Uuid::from_u128(rand::rng().random());
        let first = self.expect_ok(Method::POST, person, path, Some(body), Some(key)).await?;
        let again = self.expect_ok(Method::POST, person, path, Some(body), Some(key)).await?;
        ensure!(first.0 == again.0, "{path} was done twice: {} and {}", first.0, again.0);
        Ok(first)
    }

    /// Creates something; a repeated request would make nothing new.
    pub(super) async fn create(&self, person: &Person, path: &str, body: &Value) -> Result<Answer> {
        let request_id = Uuid::from_u128(rand::rng().random());
        self.post(person, &format!("{path}?requestId={request_id}"), body).await
    }

    /// The status alone, for what must be refused.
    pub(super) async fn status(&self, person: &Person, path: &str) -> Result<(StatusCode, Answer)> {
        self.send(Method::GET, Some(person), path, None, None).await
    }

    async fn expect_ok(
        &self,
        method: Method,
        person: &Person,
        path: &str,
        body: Option<&Value>,
        key: Option<Uuid>,
    ) -> Result<Answer> {
        let (status, answer) = self.send(method.clone(), Some(person), path, body, key).await?;
        if !status.is_success() {
            bail!("{method} {path} was answered with {status}: {}", answer.0);
        }
        Ok(answer)
    }

    async fn send(
        &self,
        method: Method,
        person: Option<&Person>,
        path: &str,
        body: Option<&Value>,
        key: Option<Uuid>,
    ) -> Result<(StatusCode, Answer)> {
        let span = rand::rng().random_range(1..=u64::MAX);
        let mut request = self
            .http
            .request(method, format!("{}{path}", self.gateway))
            .header("traceparent", format!("00-{}-{span:016x}-01", self.trace_id));
        if let Some(person) = person {
            request = request.bearer_auth(&person.token);
        }
        if let Some(key) = key {
            request = request.header("idempotency-key", key.to_string());
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = request.send().await.context("the gateway does not answer")?;
        let status = response.status();
        let text = response.text().await?;
        let value =
            serde_json::from_str(&text).with_context(|| format!("{path}: the answer is no JSON: {text}"))?;
        Ok((status, Answer(value)))
    }
}
