//! A frugal HTTP client: one connection, kept, one request at a time.

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Method, Request, client::conn::http1};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

pub(crate) struct Connection {
    sender: http1::SendRequest<Full<Bytes>>,
    token: Option<String>,
}

impl Connection {
    pub(crate) async fn open(address: &str, token: Option<String>) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        // Ends with the sender.
        tokio::spawn(connection);
        Ok(Self { sender, token })
    }

    /// The body of a good answer.
    pub(crate) async fn send(&mut self, method: Method, path: &str, body: String) -> Result<Bytes> {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", "foursight")
            .header("content-type", "application/json");
        if let Some(token) = &self.token {
            request = request.header("authorization", token);
        }
        let request = request.body(Full::new(Bytes::from(body)))?;
        self.sender.ready().await?;
        let response = self.sender.send_request(request).await?;
        let status = response.status();
        let body = response.into_body().collect().await?.to_bytes();
        ensure!(status.is_success(), "{path} was answered with {status}: {}", String::from_utf8_lossy(&body));
        Ok(body)
    }

    /// Somebody's token, as the header has it.
    pub(crate) async fn sign_in(address: &str, login: &str, password: &str) -> Result<String> {
        let body = serde_json::json!({ "password": { "login": login, "password": password } });
        let answer =
            Self::open(address, None).await?.send(Method::POST, "/v1/tokens", body.to_string()).await?;
        let answer: Value = serde_json::from_slice(&answer)?;
        let token = answer.get("accessToken").and_then(Value::as_str).context("no token came")?;
        Ok(format!("Bearer {token}"))
    }
}
