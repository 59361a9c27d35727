//! The gateway as clients use it: JSON, gRPC and gRPC-Web, with the demo group's sign-ins.

use std::{collections::HashMap, fmt::Write};

use anyhow::{Context, Result, ensure};
use foursight::up::ready::{Ready, User};
use foursight_proto::identity::v1::Role;
use reqwest::{Client, Method, StatusCode, header};
use serde_json::{Value, json};
use tokio::sync::Mutex;

/// A client of one stack's gateway.
#[derive(Debug)]
pub struct Api {
    http: Client,
    http2: Client,
    gateway: String,
    users: Vec<User>,
    people: Mutex<HashMap<String, Person>>,
}

/// Somebody who has signed in.
#[derive(Debug, Clone)]
pub struct Person {
    /// `staff/{id}`
    pub name: String,
    /// The access token.
    pub token: String,
    /// The refresh token.
    pub refresh: String,
}

/// A request as it goes over the wire: also what is no sound request.
#[derive(Debug, Clone)]
pub struct Ask {
    method: Method,
    path: String,
    token: Option<String>,
    content_type: Option<String>,
    body: Vec<u8>,
}

/// What came back.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The content type, empty when there is none.
    pub content_type: String,
    /// The trace id in the headers, empty when there is none.
    pub trace_id: String,
    /// The body.
    pub text: String,
}

impl Ask {
    /// A request without body, from nobody.
    pub fn new(method: Method, path: impl Into<String>) -> Self {
        Self { method, path: path.into(), token: None, content_type: None, body: Vec::new() }
    }

    /// From somebody.
    #[must_use]
    pub fn by(mut self, person: &Person) -> Self {
        self.token = Some(person.token.clone());
        self
    }

    /// With this token, whatever it is.
    #[must_use]
    pub fn token(mut self, token: impl Into<String>) -> Self {
        self.token = Some(token.into());
        self
    }

    /// With a JSON body.
    #[must_use]
    pub fn json(self, body: &Value) -> Self {
        self.bytes("application/json", body.to_string())
    }

    /// With any body.
    #[must_use]
    pub fn bytes(mut self, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        self.content_type = Some(content_type.to_owned());
        self.body = body.into();
        self
    }
}

impl std::fmt::Display for Ask {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let body: String = String::from_utf8_lossy(&self.body).chars().take(400).collect();
        let path: String = self.path.chars().take(200).collect();
        write!(f, "{} {path} {body}", self.method)
    }
}

impl Answer {
    /// The body as JSON; null when it is none.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_default()
    }

    /// A text at the top of the answer; empty when absent.
    pub fn text(&self, field: &str) -> String {
        self.json()[field].as_str().unwrap_or_default().to_owned()
    }

    /// The stable reason of a refusal.
    pub fn reason(&self) -> String {
        self.text("reason")
    }

    /// The fields that are wrong.
    pub fn fields(&self) -> Vec<String> {
        let json = self.json();
        let violations = json["violations"].as_array().map(Vec::as_slice).unwrap_or_default();
        violations.iter().filter_map(|each| each["field"].as_str()).map(str::to_owned).collect()
    }

    /// Checks that a call went well.
    ///
    /// # Errors
    /// When it did not.
    pub fn ok(self) -> Result<Self> {
        ensure!(self.status.is_success(), "answered with {}: {}", self.status, self.text);
        Ok(self)
    }
}

impl Api {
    /// A client of a stack.
    ///
    /// # Errors
    /// When no HTTP client can be made.
    pub fn new(ready: &Ready) -> Result<Self> {
        Ok(Self {
            http: Client::builder().build()?,
            http2: Client::builder().http2_prior_knowledge().build()?,
            gateway: ready.gateway.clone(),
            users: ready.users.clone(),
            people: Mutex::default(),
        })
    }

    /// The sign-ins of the demo group.
    pub fn users(&self) -> &[User] {
        &self.users
    }

    /// The stores whose people can sign in.
    pub fn stores(&self) -> Vec<String> {
        let mut stores: Vec<String> = Vec::new();
        for user in self.users.iter().filter(|user| !user.store.is_empty()) {
            if !stores.contains(&user.store) {
                stores.push(user.store.clone());
            }
        }
        stores
    }

    /// Signs in, once for each login.
    ///
    /// # Errors
    /// When that is refused.
    pub async fn sign_in(&self, user: &User) -> Result<Person> {
        let mut people = self.people.lock().await;
        if let Some(person) = people.get(&user.login) {
            return Ok(person.clone());
        }
        let person = self.enter(&user.login, &user.password).await?;
        people.insert(user.login.clone(), person.clone());
        Ok(person)
    }

    /// Signs in anew.
    ///
    /// # Errors
    /// When that is refused.
    pub async fn enter(&self, login: &str, password: &str) -> Result<Person> {
        let grant = json!({ "password": { "login": login, "password": password } });
        let answer = self.send(Ask::new(Method::POST, "/v1/tokens").json(&grant)).await?;
        let answer = answer.ok().with_context(|| format!("{login} cannot sign in"))?;
        Ok(Person {
            name: answer.text("staff"),
            token: answer.text("accessToken"),
            refresh: answer.text("refreshToken"),
        })
    }

    /// Somebody with a role at a store, or at headquarters where `store` is empty.
    ///
    /// # Errors
    /// When there is nobody, or the sign-in is refused.
    pub async fn person(&self, role: Role, store: &str) -> Result<Person> {
        let role = role_name(role);
        let user = self.users.iter().find(|user| user.role == role && user.store == store);
        self.sign_in(user.with_context(|| format!("nobody is {role} at {store:?}"))?).await
    }

    /// Sends a request.
    ///
    /// # Errors
    /// When no answer comes: the gateway answers whatever it is sent.
    pub async fn send(&self, ask: Ask) -> Result<Answer> {
        let told = ask.to_string();
        let mut request = self.http.request(ask.method, format!("{}{}", self.gateway, ask.path));
        if let Some(token) = &ask.token {
            request = request.bearer_auth(token);
        }
        if let Some(content_type) = &ask.content_type {
            request = request.header(header::CONTENT_TYPE, content_type);
        }
        if !ask.body.is_empty() {
            request = request.body(ask.body);
        }
        let response = request.send().await.with_context(|| format!("no answer to {told}"))?;
        let said = |name: header::HeaderName| {
            let value = response.headers().get(name).and_then(|value| value.to_str().ok());
            value.unwrap_or_default().to_owned()
        };
        let content_type = said(header::CONTENT_TYPE);
        let trace_id = said(header::HeaderName::from_static("trace-id"));
        let status = response.status();
        let text = response.text().await.with_context(|| format!("half an answer to {told}"))?;
        Ok(Answer { status, content_type, trace_id, text })
    }

    /// Reads something.
    ///
    /// # Errors
    /// When it is refused.
    pub async fn get(&self, person: &Person, path: &str) -> Result<Value> {
        let answer = self.send(Ask::new(Method::GET, path).by(person)).await?;
        Ok(answer.ok().with_context(|| path.to_owned())?.json())
    }

    /// Reads a whole list, page by page; `field` is the answer's list.
    ///
    /// # Errors
    /// When it is refused.
    pub async fn list(&self, person: &Person, path: &str, field: &str) -> Result<Vec<Value>> {
        let (mut all, mut token) = (Vec::new(), String::new());
        loop {
            let page = self.get(person, &format!("{path}?pageSize=200&pageToken={token}")).await?;
            all.extend(page[field].as_array().cloned().unwrap_or_default());
            match page["nextPageToken"].as_str() {
                Some(next) if !next.is_empty() => next.clone_into(&mut token),
                _ => return Ok(all),
            }
        }
    }

    /// Calls a method by gRPC with an encoded message, and gives gRPC's code.
    ///
    /// # Errors
    /// When no answer comes.
    pub async fn grpc(&self, path: &str, token: Option<&str>, message: &[u8]) -> Result<tonic::Code> {
        self.framed(&self.http2, path, token, "application/grpc", message).await
    }

    /// Calls a method by gRPC-Web over HTTP/1.1, as a browser does.
    ///
    /// # Errors
    /// When no answer comes.
    pub async fn grpc_web(&self, path: &str, token: Option<&str>, message: &[u8]) -> Result<tonic::Code> {
        self.framed(&self.http, path, token, "application/grpc-web+proto", message).await
    }

    async fn framed(
        &self,
        client: &Client,
        path: &str,
        token: Option<&str>,
        content_type: &str,
        message: &[u8],
    ) -> Result<tonic::Code> {
        let mut frame = vec![0];
        frame.extend_from_slice(&u32::try_from(message.len())?.to_be_bytes());
        frame.extend_from_slice(message);
        let mut request = client
            .post(format!("{}{path}", self.gateway))
            .header(header::CONTENT_TYPE, content_type)
            .header(header::TE, "trailers")
            .body(frame);
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        let response = request.send().await.with_context(|| format!("no answer to {path}"))?;
        ensure!(response.status().is_success(), "{path}: gRPC was answered with HTTP {}", response.status());
        // A refusal has its status in the headers; gRPC-Web may have it in the body's last frame. What reqwest does not
        // show are the trailers of a call that went well.
        if let Some(status) = response.headers().get("grpc-status") {
            return Ok(tonic::Code::from_bytes(status.as_bytes()));
        }
        let body = response.bytes().await?;
        let text = String::from_utf8_lossy(&body);
        let status = text.rsplit_once("grpc-status:").map_or("0", |(_, status)| status.trim_start());
        let digits: String = status.chars().take_while(char::is_ascii_digit).collect();
        Ok(tonic::Code::from_bytes(digits.as_bytes()))
    }
}

/// A role's name without its prefix, as the sign-ins have it.
pub fn role_name(role: Role) -> &'static str {
    role.as_str_name().trim_start_matches("ROLE_")
}

/// The role of a sign-in.
///
/// # Errors
/// When the API knows no such role.
pub fn role_of(user: &User) -> Result<Role> {
    let name = format!("ROLE_{}", user.role);
    Role::from_str_name(&name).with_context(|| format!("there is no role {name}"))
}

/// Bytes as hexadecimal digits, each byte behind a prefix: `%` escapes any text for a URL.
pub fn hex(prefix: &str, bytes: impl IntoIterator<Item = u8>) -> String {
    bytes.into_iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{prefix}{byte:02x}");
        text
    })
}
