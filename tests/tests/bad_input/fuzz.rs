//! Requests that nobody would think of, at every path: an answer each, and never one that blames us.

use std::sync::OnceLock;

use anyhow::{Context, Result, ensure};
use foursight_proto::identity::v1::Role;
use foursight_tests::{
    api::{Ask, Person, hex},
    methods::{ApiMethod, HttpRule},
    world::on_stack,
};
use proptest::{
    prelude::*,
    test_runner::{Config, TestCaseError, TestError, TestRunner},
};
use prost_reflect::{Kind, MessageDescriptor};

use crate::{untouched, with_paths};

const CASES: u32 = 400;

/// A key of a message, or of nothing.
fn keys() -> &'static Vec<String> {
    static KEYS: OnceLock<Vec<String>> = OnceLock::new();
    KEYS.get_or_init(|| {
        let mut keys = vec!["nonsense".to_owned(), String::new(), "\u{0}".to_owned(), "名".to_owned()];
        let mut todo: Vec<MessageDescriptor> =
            with_paths().unwrap_or_default().into_iter().map(|(method, _)| method.input).collect();
        let mut seen = Vec::new();
        while let Some(message) = todo.pop() {
            if seen.contains(&message.full_name().to_owned()) {
                continue;
            }
            seen.push(message.full_name().to_owned());
            for field in message.fields() {
                keys.push(field.json_name().to_owned());
                if let Kind::Message(inner) = field.kind() {
                    todo.push(inner);
                }
            }
        }
        keys.sort();
        keys.dedup();
        keys
    })
}

fn scalar() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        Just("-0".to_owned()),
        Just("1e400".to_owned()),
        Just("-1e-400".to_owned()),
        Just("99999999999999999999999".to_owned()),
        Just("\"\\ud800\"".to_owned()),
        Just("\"\\u0000\"".to_owned()),
        Just("\"NaN\"".to_owned()),
        Just("\"2026-02-30T25:61:61Z\"".to_owned()),
        Just("\"stores/00000000-0000-0000-0000-000000000000\"".to_owned()),
        any::<i64>().prop_map(|number| number.to_string()),
        any::<f64>().prop_map(|number| number.to_string()),
        "\\PC{0,20}".prop_map(|text| serde_json::Value::String(text).to_string()),
    ]
}

/// JSON with the API's own keys in places where nobody expects them.
fn json() -> impl Strategy<Value = String> {
    scalar().prop_recursive(4, 40, 6, |inner| {
        let key = proptest::sample::select(keys()).prop_map(|key| serde_json::Value::String(key).to_string());
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(|items| format!("[{}]", items.join(","))),
            proptest::collection::vec((key, inner), 0..6).prop_map(|members| {
                let members: Vec<_> =
                    members.into_iter().map(|(key, value)| format!("{key}:{value}")).collect();
                format!("{{{}}}", members.join(","))
            }),
        ]
    })
}

fn body() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        4 => json().prop_map(String::into_bytes),
        1 => proptest::collection::vec(any::<u8>(), 0..200),
        // Sound text, cut off anywhere.
        1 => (json(), any::<proptest::sample::Index>()).prop_map(|(text, end)| {
            let bytes = text.into_bytes();
            let end = end.index(bytes.len().max(1));
            bytes[..end.min(bytes.len())].to_vec()
        }),
    ]
}

fn query() -> impl Strategy<Value = String> {
    let pair = (proptest::sample::select(keys()), "[a-zA-Z0-9%/.+:-]{0,12}");
    proptest::collection::vec(pair, 0..4).prop_map(|pairs| {
        let escape = |text: &str| hex("%", text.bytes());
        pairs.iter().map(|(key, value)| format!("{}={value}", escape(key))).collect::<Vec<_>>().join("&")
    })
}

fn segment() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("00000000-0000-0000-0000-000000000000".to_owned()),
        "[a-zA-Z0-9%:.~-]{1,20}",
        proptest::collection::vec(any::<u8>(), 1..8).prop_map(|bytes| hex("%", bytes)),
    ]
}

type Sent = (usize, String, String, Vec<u8>, bool);

#[test]
fn any_request_is_answered_and_none_of_the_answers_blames_us() -> Result<()> {
    on_stack(async |world| {
        let paths = with_paths()?;
        let director = world.api.person(Role::GroupDirector, "").await?;
        let advisor = world.api.person(Role::ServiceAdvisor, &world.story.store).await?;
        let handle = tokio::runtime::Handle::current();
        let done = tokio::task::spawn_blocking(move || {
            let strategy = (0..paths.len(), segment(), query(), body(), any::<bool>());
            let config = Config {
                cases: CASES,
                failure_persistence: None,
                max_shrink_iters: 200,
                ..Config::default()
            };
            TestRunner::new(config).run(&strategy, |sent| {
                let (method, http) = &paths[sent.0];
                let person = if sent.4 { &director } else { &advisor };
                handle
                    .block_on(one(world, method, http, person, &sent))
                    .map_err(|error| TestCaseError::fail(format!("{error:#}")))
            })
        })
        .await?;
        match done {
            Ok(()) => {}
            Err(TestError::Fail(why, (place, segment, query, body, _))) => anyhow::bail!(
                "{why}; path {place}, segment {segment:?}, query {query:?}, body {:?}",
                String::from_utf8_lossy(&body)
            ),
            Err(TestError::Abort(why)) => anyhow::bail!("{why}"),
        }
        untouched::no_trouble_in_the_log(world)
    })
}

async fn one(
    world: &foursight_tests::world::World,
    method: &ApiMethod,
    http: &HttpRule,
    person: &Person,
    (_, segment, query, body, _): &Sent,
) -> Result<()> {
    let path = match http.template.split_once('=') {
        Some((before, rest)) => {
            let (collection, rest) = rest.split_once("/*}").context("a pattern with one id")?;
            let before = before.split_once('{').map_or(before, |(before, _)| before);
            format!("{before}{collection}/{segment}{rest}")
        }
        None => http.template.clone(),
    };
    let ask = Ask::new(http.verb.clone(), format!("{path}?{query}")).by(person);
    let ask = if http.body.is_empty() { ask } else { ask.bytes("application/json", body.clone()) };
    let told = ask.to_string();
    let answer = world.api.send(ask).await?;
    ensure!(!answer.status.is_server_error(), "{}: {told}: {} {}", method.name, answer.status, answer.text);
    if answer.status.as_u16() == 400 {
        ensure!(!answer.reason().is_empty(), "{told}: a refusal without a reason: {}", answer.text);
    }
    Ok(())
}
