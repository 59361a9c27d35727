//! The one layer that enforces the protos' rules: authenticate, authorise, and only then the handler.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use foursight_kernel::{Error, Result};
use foursight_proto::access::v1::Scope;
use http::{Request, Response, header::AUTHORIZATION};
use tonic::body::Body;
use tower::{Layer, Service};

use crate::{
    Principal, Reach, Subject, Verifier,
    rules::{Rule, Rules},
};

/// Paths that carry no customer's data and need no rule: the standard's own services.
const OPEN: [&str; 3] = [
    "/grpc.health.v1.Health/",
    "/grpc.reflection.v1.ServerReflection/",
    "/grpc.reflection.v1alpha.ServerReflection/",
];

/// Wraps a service's routes so that no call reaches a handler without its rule.
#[derive(Debug, Clone)]
pub struct AccessLayer {
    verifier: Arc<Verifier>,
    rules: Arc<Rules>,
}

impl AccessLayer {
    /// A layer with the rules of all our protos.
    pub fn new(verifier: Arc<Verifier>) -> Self {
        Self { verifier, rules: Arc::new(Rules::from_protos()) }
    }
}

impl<S> Layer<S> for AccessLayer {
    type Service = AccessService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        AccessService { inner, access: self.clone() }
    }
}

/// A service behind [`AccessLayer`].
#[derive(Debug, Clone)]
pub struct AccessService<S> {
    inner: S,
    access: AccessLayer,
}

impl<S, B> Service<Request<B>> for AccessService<S>
where
    S: Service<Request<B>, Response = Response<Body>> + Clone + Send + 'static,
    S::Future: Send,
    B: Send + 'static,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        // The clone that was polled ready is the one that must be called.
        let clone = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, clone);
        let access = self.access.clone();
        Box::pin(async move {
            match access.admit(request.uri().path(), bearer(&request)).await {
                Ok(Some(principal)) => {
                    request.extensions_mut().insert(principal);
                }
                Ok(None) => {
                    // Nobody else may have put a caller here.
                    request.extensions_mut().remove::<Arc<Principal>>();
                }
                Err(error) => return Ok(tonic::Status::from(error).into_http()),
            }
            inner.call(request).await
        })
    }
}

impl AccessLayer {
    /// Decides about one call: the caller, `None` where anybody may call, or why not.
    async fn admit(&self, path: &str, token: Option<&str>) -> Result<Option<Arc<Principal>>> {
        if OPEN.iter().any(|open| path.starts_with(open)) {
            return Ok(None);
        }
        let Some(rule) = self.rules.of(path) else {
            return Err(Error::permission_denied(
                "METHOD_WITHOUT_RULE",
                "there is no method of this name to call",
            ));
        };
        if rule.scope == Scope::Public {
            return Ok(None);
        }
        let token = token
            .ok_or_else(|| Error::unauthenticated("TOKEN_MISSING", "sign in first: send an access token"))?;
        let principal = self.verifier.verify(token).await?;
        authorise(rule, &principal)?;
        Ok(Some(principal))
    }
}

fn bearer<B>(request: &Request<B>) -> Option<&str> {
    let (scheme, token) = request.headers().get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token)
}

/// Whether a caller meets a rule.
fn authorise(rule: &Rule, principal: &Principal) -> Result<()> {
    let allowed = match rule.scope {
        Scope::Unspecified => false,
        Scope::Public | Scope::SignedIn => true,
        Scope::Service => matches!(principal.subject, Subject::Service(_)),
        Scope::Store => rule.opens_with(|right| principal.has(right)),
        Scope::Group => rule.opens_with(|right| principal.has(right)) && principal.reach == Reach::Group,
    };
    if allowed {
        return Ok(());
    }
    Err(Error::permission_denied("RIGHT_MISSING", "the caller's roles do not allow this")
        .with_metadata("right", rule.right.clone()))
}

#[cfg(test)]
mod tests {
    use foursight_kernel::StaffId;
    use uuid::Uuid;

    use super::*;

    fn staff(reach: Reach, rights: &[&str]) -> Principal {
        let rights = rights.iter().map(|right| (*right).to_owned()).collect();
        Principal::new(Subject::Staff(StaffId::from(Uuid::nil())), reach, rights)
    }

    fn rule(right: &str, right_in_part: &str, scope: Scope) -> Rule {
        Rule { right: right.to_owned(), right_in_part: right_in_part.to_owned(), scope }
    }

    #[test]
    fn a_part_of_a_method_needs_less() {
        let rule = rule("lead.assign", "lead.write", Scope::Store);
        for (rights, allowed) in
            [(&["lead.assign"][..], true), (&["lead.write"], true), (&["lead.read"], false), (&[], false)]
        {
            assert_eq!(
                authorise(&rule, &staff(Reach::Stores(Vec::new()), rights)).is_ok(),
                allowed,
                "{rights:?}"
            );
        }
    }

    #[test]
    fn a_group_method_needs_the_right_and_the_reach() {
        let rule = rule("directory.admin", "", Scope::Group);
        assert!(authorise(&rule, &staff(Reach::Group, &["directory.admin"])).is_ok());
        assert!(authorise(&rule, &staff(Reach::Stores(Vec::new()), &["directory.admin"])).is_err());
        assert!(authorise(&rule, &staff(Reach::Group, &["directory.read"])).is_err());
    }

    #[test]
    fn a_service_method_is_closed_to_people() {
        let rule = rule("", "", Scope::Service);
        assert!(authorise(&rule, &staff(Reach::Group, &["directory.admin"])).is_err());
        assert!(authorise(&rule, &Principal::service("notification")).is_ok());
    }
}
