//! Roles and methods: what the table of rights allows, and nothing else.

use anyhow::{Context, Result, ensure};
use foursight_access::rights::rights_of;
use foursight_proto::access::v1::Scope;
use foursight_tests::{
    api::{Ask, role_of},
    methods::{ApiMethod, methods},
    world::on_stack,
};
use futures::{StreamExt, TryStreamExt};
use reqwest::StatusCode;
use serde_json::json;

/// Calls under way at once.
const AT_ONCE: usize = 8;

#[test]
fn every_method_says_who_may_call_it() -> Result<()> {
    for method in methods()? {
        let rule = method.rule.as_ref().with_context(|| format!("{} has no access rule", method.path))?;
        ensure!(rule.scope != Scope::Unspecified, "{} has a rule without a scope", method.path);
        let by_right = matches!(rule.scope, Scope::Store | Scope::Group);
        ensure!(by_right != rule.right.is_empty(), "{}: a right belongs to STORE and GROUP", method.path);
        // What is for people is there for people in every form.
        ensure!(
            (rule.scope == Scope::Service) == method.http.is_none(),
            "{}: only what is for services has no JSON form",
            method.path
        );
    }
    Ok(())
}

/// Every role at both stores and at headquarters, with requests that name nothing there is, so that what is allowed does no
/// harm either.
#[test]
fn a_role_may_call_what_its_rights_say_and_nothing_else() -> Result<()> {
    on_stack(async |world| {
        let nothing = world.names.of_nothing();
        let by_right: Vec<ApiMethod> = methods()?.into_iter().filter(|m| !m.right().is_empty()).collect();
        let mut calls = Vec::new();
        for user in world.api.users() {
            let person = world.api.sign_in(user).await?;
            let rights = rights_of(role_of(user)?);
            for method in &by_right {
                let http = method.http.as_ref().context("a method by right has a path")?;
                let rule = method.rule.as_ref().context("a method by right has a rule")?;
                let allowed = rule.opens_with(|right| rights.contains(&right))
                    && (method.scope() == Scope::Store || user.store.is_empty());
                let ask = http.ask(&nothing, &json!({}))?.by(&person);
                calls.push((user, method, ask, person.token.clone(), allowed));
            }
        }
        ensure!(calls.len() > 700, "only {} combinations of role and method", calls.len());
        futures::stream::iter(calls)
            .map(Ok)
            .try_for_each_concurrent(AT_ONCE, async |(user, method, ask, token, allowed)| {
                let answer = world.api.send(ask).await?;
                let refused = answer.reason() == "RIGHT_MISSING";
                ensure!(
                    refused != allowed,
                    "{} ({}) calls {}, which needs {}: {} {}",
                    user.login,
                    user.role,
                    method.name,
                    method.right(),
                    answer.status,
                    answer.text
                );
                if refused {
                    ensure!(answer.status == StatusCode::FORBIDDEN, "{}: {}", method.name, answer.status);
                    let named = answer.json()["metadata"]["right"] == method.right();
                    ensure!(named, "the refusal does not name the right: {}", answer.text);
                }
                // The same rule by gRPC. An empty message is a request, too.
                let code = world.api.grpc(&method.path, Some(&token), &[]).await?;
                let missing = code == tonic::Code::PermissionDenied;
                ensure!(missing != allowed, "{} calls {} by gRPC: {code:?}", user.login, method.name);
                Ok(())
            })
            .await
    })
}

#[test]
fn nobody_calls_anything_without_a_token_unless_it_is_public() -> Result<()> {
    on_stack(async |world| {
        let nothing = world.names.of_nothing();
        for method in methods()? {
            let public = method.scope() == Scope::Public;
            if let Some(http) = &method.http {
                let answer = world.api.send(http.ask(&nothing, &json!({}))?).await?;
                let refused = answer.status == StatusCode::UNAUTHORIZED && answer.reason() == "TOKEN_MISSING";
                ensure!(refused != public, "{} by JSON: {} {}", method.name, answer.status, answer.text);
            }
            let closed = method.scope() == Scope::Service;
            let expected = if closed { tonic::Code::PermissionDenied } else { tonic::Code::Unauthenticated };
            for (form, code) in [
                ("gRPC", world.api.grpc(&method.path, None, &[]).await?),
                ("gRPC-Web", world.api.grpc_web(&method.path, None, &[]).await?),
            ] {
                // A public method looks at its empty request and may find it wrong, which is another code.
                ensure!((code == expected) != public, "{} by {form}: {code:?}", method.name);
            }
        }
        Ok(())
    })
}

/// Not even with a service's own token, should one get out.
#[test]
fn what_is_for_services_is_closed_to_the_outside() -> Result<()> {
    on_stack(async |world| {
        let director = world.api.person(foursight_proto::identity::v1::Role::GroupDirector, "").await?;
        let service = service_token(world).await?;
        let internal: Vec<ApiMethod> =
            methods()?.into_iter().filter(|m| m.scope() == Scope::Service).collect();
        ensure!(!internal.is_empty(), "there is a method for services");
        for method in internal {
            for (who, token) in [("the director", director.token.as_str()), ("a service", service.as_str())] {
                let post =
                    Ask::new(reqwest::Method::POST, method.path.as_str()).token(token).json(&json!({}));
                let answer = world.api.send(post).await?;
                ensure!(answer.status == StatusCode::NOT_FOUND, "{} by JSON: {}", method.name, answer.status);
                for code in [
                    world.api.grpc(&method.path, Some(token), &[]).await?,
                    world.api.grpc_web(&method.path, Some(token), &[]).await?,
                ] {
                    ensure!(code == tonic::Code::PermissionDenied, "{who} calls {}: {code:?}", method.name);
                }
            }
        }
        Ok(())
    })
}

async fn service_token(world: &foursight_tests::world::World) -> Result<String> {
    use secrecy::ExposeSecret;
    let secret = world.settings()?.service_secret("notification")?;
    let grant = json!({ "service": { "service": "notification", "secret": secret.expose_secret() } });
    let answer = world.api.send(Ask::new(reqwest::Method::POST, "/v1/tokens").json(&grant)).await?;
    Ok(answer.ok()?.text("accessToken"))
}
