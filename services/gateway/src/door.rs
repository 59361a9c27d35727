//! What every call passes before it goes to a service, in whichever form it came.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::Arc,
};

use axum::extract::ConnectInfo;
use foursight_access::Verifier;
use foursight_kernel::{Error, Result};
use foursight_proto::identity::v1::{CreateTokenRequest, create_token_request::Grant};
use foursight_runtime::edge::CLIENT_NETWORK;
use http::{Extensions, HeaderMap, HeaderName, HeaderValue, header};
use prost::Message as _;

use crate::{
    limits::{Limits, network},
    routes::{MethodInfo, Scope},
};

/// Signing in is limited more tightly than all else.
const SIGN_IN: &str = "/foursight.identity.v1.TokenService/CreateToken";

/// Headers with this beginning are between the group's own services.
const INTERNAL: &str = "x-foursight-";

/// Decides who comes in, and how often.
#[derive(Debug)]
pub(crate) struct Door {
    pub(crate) verifier: Arc<Verifier>,
    pub(crate) limits: Limits,
    pub(crate) trusted_proxies: usize,
}

/// Whether a method is the one that signs in.
pub(crate) fn is_sign_in(method: &MethodInfo) -> bool {
    method.grpc_path.path() == SIGN_IN
}

impl Door {
    /// Counts the call for its address and its account, and takes from the headers what a client must not send. After
    /// this an `authorization` header is one that was verified.
    ///
    /// # Errors
    /// `UNAUTHENTICATED` for a token that is missing or not valid, `RESOURCE_EXHAUSTED` for too many calls, `PERMISSION_DENIED`
    /// for a method that is closed to the outside.
    pub(crate) async fn admit(
        &self,
        method: &MethodInfo,
        client: IpAddr,
        headers: &mut HeaderMap,
    ) -> Result<()> {
        self.limits.address(client).await?;
        remove_internal(headers);
        match method.scope {
            Scope::Closed => Err(closed()),
            // Nobody needs to be known there, and an old token must not keep anybody from signing in.
            Scope::Public => {
                headers.remove(header::AUTHORIZATION);
                Ok(())
            }
            Scope::Token => {
                // Said here, before anything is read or passed on.
                let token = bearer(headers)?.ok_or_else(missing)?;
                let caller = self.verifier.verify(token).await?;
                self.limits.account(&caller.subject.name()).await
            }
        }
    }

    /// Counts a sign-in for its address and its login, and tells the service which network it comes from; `message` is the
    /// request.
    ///
    /// # Errors
    /// `RESOURCE_EXHAUSTED` for too many of them.
    pub(crate) async fn admit_sign_in(
        &self,
        client: IpAddr,
        headers: &mut HeaderMap,
        message: &[u8],
    ) -> Result<()> {
        if let Ok(network) = HeaderValue::from_str(&network(client).to_string()) {
            headers.insert(CLIENT_NETWORK, network);
        }
        // What is no request has no login, and is refused by the service.
        let request = CreateTokenRequest::decode(message).unwrap_or_default();
        let login = match &request.grant {
            Some(Grant::Password(password)) => Some(password.login.as_str()),
            Some(Grant::Service(service)) => Some(service.service.as_str()),
            Some(Grant::Refresh(_)) | None => None,
        };
        self.limits.sign_in(client, login).await
    }

    /// Where the client is: the connection's address, or what the nearest proxies of ours say.
    pub(crate) fn client(&self, headers: &HeaderMap, extensions: &Extensions) -> IpAddr {
        let forwarded = self.trusted_proxies.checked_sub(1).and_then(|from_the_right| {
            let entries = headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok());
            let entries: Vec<&str> = entries.flat_map(|value| value.split(',')).collect();
            entries.iter().rev().nth(from_the_right)?.trim().parse().ok()
        });
        forwarded
            .or_else(|| extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(address)| address.ip()))
            .unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED))
    }
}

fn missing() -> Error {
    Error::unauthenticated("TOKEN_MISSING", "sign in first: send an access token")
}

fn closed() -> Error {
    Error::permission_denied("METHOD_INTERNAL", "this method is for the group's own services")
}

fn remove_internal(headers: &mut HeaderMap) {
    let internal: Vec<HeaderName> =
        headers.keys().filter(|name| name.as_str().starts_with(INTERNAL)).cloned().collect();
    for name in internal {
        headers.remove(name);
    }
}

/// The one token of the headers.
fn bearer(headers: &HeaderMap) -> Result<Option<&str>> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let token = match (values.next(), values.next()) {
        (None, _) => return Ok(None),
        (Some(only), None) => only.to_str().ok().and_then(|value| value.split_once(' ')),
        (Some(_), Some(_)) => None,
    };
    let token =
        token.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")).map(|(_, token)| token.trim());
    match token {
        Some(token) if !token.is_empty() => Ok(Some(token)),
        _ => Err(Error::unauthenticated("TOKEN_INVALID", "send one header `authorization: Bearer …`")),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn only_a_single_bearer_token_is_one() {
        let mut headers = HeaderMap::new();
        assert!(bearer(&headers).unwrap().is_none());
        headers.insert(header::AUTHORIZATION, HeaderValue::from_static("bearer abc"));
        assert_eq!(bearer(&headers).unwrap(), Some("abc"));
        headers.append(header::AUTHORIZATION, HeaderValue::from_static("Bearer def"));
        assert!(bearer(&headers).is_err());
        headers.insert(header::AUTHORIZATION, HeaderValue::from_static("Basic abc"));
        assert!(bearer(&headers).is_err());
    }

    #[test]
    fn what_only_services_may_say_is_taken_away() {
        let mut headers = HeaderMap::new();
        headers.insert("x-foursight-caller", HeaderValue::from_static("service/customer"));
        headers.insert("x-request-id", HeaderValue::from_static("7"));
        remove_internal(&mut headers);
        assert_eq!(headers.keys().map(HeaderName::as_str).collect::<Vec<_>>(), ["x-request-id"]);
    }
}
