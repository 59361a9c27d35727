//! The gateway's JSON API, asked again where it says so: a run takes longer than a token or a quiet minute.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use rand::Rng;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::up::ready::{Ready, User};

/// So often something is asked for that cannot be had at the moment.
const TRIES: u32 = 60;

/// For how long a file may come.
const LONGEST: Duration = Duration::from_hours(6);

#[derive(Debug)]
pub(crate) struct Client {
    http: reqwest::Client,
    gateway: String,
    login: String,
    password: String,
    token: String,
}

impl Client {
    /// Somebody of a private stack's headquarters, who sees all files; or who is named.
    pub(crate) async fn of_headquarters(ready: &Ready, named: Option<(&str, &str)>) -> Result<Self> {
        let role = |role: &str| ready.users.iter().find(|user| user.role == role);
        let (login, password) = match (named, role("GROUP_DIRECTOR").or_else(|| role("CR_MANAGER"))) {
            (Some((login, password)), _) => (login, password),
            (None, Some(User { login, password, .. })) => (login.as_str(), password.as_str()),
            (None, None) => bail!(
                "the stack has no demo group to sign in with: name somebody with --login and --password"
            ),
        };
        Self::sign_in(&ready.gateway, login, password).await
    }

    async fn sign_in(gateway: &str, login: &str, password: &str) -> Result<Self> {
        let http = reqwest::Client::builder().timeout(Duration::from_mins(1)).build()?;
        let (gateway, login, password) = (gateway.to_owned(), login.to_owned(), password.to_owned());
        let mut client = Self { http, gateway, login, password, token: String::new() };
        client.renew().await?;
        Ok(client)
    }

    async fn renew(&mut self) -> Result<()> {
        let body = json!({ "password": { "login": self.login, "password": self.password } });
        let (status, answer) = self.ask(Method::POST, "/v1/tokens", Some(&body), false).await?;
        if status != StatusCode::OK {
            bail!("{} cannot sign in: {}", self.login, in_words(status, &answer));
        }
        answer["accessToken"].as_str().unwrap_or_default().clone_into(&mut self.token);
        Ok(())
    }

    pub(super) async fn get(&mut self, path: &str) -> Result<Value> {
        self.expect_ok(&Method::GET, path, None).await
    }

    pub(super) async fn post(&mut self, path: &str, body: &Value) -> Result<Value> {
        self.expect_ok(&Method::POST, path, Some(body)).await
    }

    /// Creates something once, however often it is asked for.
    pub(super) async fn create(&mut self, path: &str, body: &Value) -> Result<Value> {
        let request = Uuid::from_u128(rand::rng().random());
        self.post(&format!("{path}?requestId={request}"), body).await
    }

    /// What a file is answered with, once it has begun.
    pub(crate) async fn download(&self, path: &str, body: &Value) -> Result<reqwest::Response> {
        let request = self.http.post(format!("{}{path}", self.gateway)).bearer_auth(&self.token).json(body);
        // The whole of it takes as long as it takes.
        let response = request.timeout(LONGEST).send().await.context("the gateway does not answer")?;
        let status = response.status();
        if !status.is_success() {
            let answer = response.json().await.context("the gateway's answer is no JSON")?;
            bail!("{}", in_words(status, &answer));
        }
        Ok(response)
    }

    async fn expect_ok(&mut self, method: &Method, path: &str, body: Option<&Value>) -> Result<Value> {
        let mut tried = 0;
        loop {
            tried += 1;
            let answer = self.ask(method.clone(), path, body, true).await;
            let again = tried < TRIES;
            match answer {
                Ok((status, answer)) if status.is_success() => return Ok(answer),
                Ok((StatusCode::UNAUTHORIZED, _)) if tried == 1 => self.renew().await?,
                Ok((StatusCode::TOO_MANY_REQUESTS, answer))
                    if again && answer["reason"] == "RATE_LIMITED" =>
                {
                    pause(tried).await;
                }
                Ok((StatusCode::SERVICE_UNAVAILABLE | StatusCode::BAD_GATEWAY, _)) if again => {
                    pause(tried).await;
                }
                Ok((status, answer)) => bail!("{}", in_words(status, &answer)),
                Err(_) if again && tried < 10 => pause(tried).await,
                Err(error) => return Err(error),
            }
        }
    }

    async fn ask(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        signed_in: bool,
    ) -> Result<(StatusCode, Value)> {
        let mut request = self.http.request(method, format!("{}{path}", self.gateway));
        if signed_in {
            request = request.bearer_auth(&self.token);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = request.send().await.context("the gateway does not answer")?;
        let status = response.status();
        Ok((status, response.json().await.context("the gateway's answer is no JSON")?))
    }
}

async fn pause(tried: u32) {
    tokio::time::sleep(Duration::from_millis(100 * u64::from(tried.min(20)))).await;
}

/// A problem as a person reads it: what is wrong, and with what.
fn in_words(status: StatusCode, problem: &Value) -> String {
    let mut words =
        problem["detail"].as_str().or_else(|| problem["title"].as_str()).unwrap_or_default().to_owned();
    for violation in problem["violations"].as_array().into_iter().flatten() {
        let part = |name: &str| violation[name].as_str().unwrap_or_default().to_owned();
        words = format!("{words}; {} {}", part("field"), part("description"));
    }
    if words.is_empty() { format!("the gateway answered {status}") } else { words }
}
