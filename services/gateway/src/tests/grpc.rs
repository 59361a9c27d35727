//! gRPC and gRPC-Web on the same port.

use std::net::SocketAddr;

use foursight_proto::{
    customer::v1::{
        GetCustomerRequest, ResolveContactsRequest, contact_service_client::ContactServiceClient,
        customer_service_client::CustomerServiceClient,
    },
    identity::v1::{
        CreateTokenRequest, PasswordGrant, create_token_request::Grant,
        token_service_client::TokenServiceClient,
    },
};
use prost::Message as _;
use tonic::{Code, Request, transport::Channel};

use super::services::World;

async fn channel(address: SocketAddr) -> Channel {
    Channel::from_shared(format!("http://{address}")).unwrap().connect().await.unwrap()
}

fn with_token<T>(world: &World, message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.metadata_mut().insert("authorization", format!("Bearer {}", world.token).parse().unwrap());
    request.metadata_mut().insert("x-foursight-caller", "service/customer".parse().unwrap());
    request
}

#[tokio::test]
async fn a_call_is_passed_on_with_its_error_details() {
    let world = World::new(|_| {});
    let mut client = CustomerServiceClient::new(channel(world.listen().await).await);
    let get = |name: &str| GetCustomerRequest { name: name.to_owned() };
    let customer = client.get_customer(with_token(&world, get("customers/42"))).await.unwrap().into_inner();
    assert_eq!(customer.name, "customers/42");
    let seen = world.seen().unwrap();
    assert!(!seen.anonymous && !seen.headers.contains_key("x-foursight-caller"));
    assert_eq!(seen.headers["grpc-timeout"], "30000m");

    let status = client.get_customer(with_token(&world, get("customers/none"))).await.unwrap_err();
    let details = tonic_types::StatusExt::get_details_error_info(&status).unwrap();
    assert_eq!((status.code(), details.reason.as_str()), (Code::NotFound, "CUSTOMER_NOT_FOUND"));

    let status = client.get_customer(get("customers/42")).await.unwrap_err();
    let details = tonic_types::StatusExt::get_details_error_info(&status).unwrap();
    assert_eq!((status.code(), details.reason.as_str()), (Code::Unauthenticated, "TOKEN_MISSING"));
}

#[tokio::test]
async fn every_answer_says_its_trace_and_a_deadline_that_has_passed_costs_no_work() {
    let world = World::new(|_| {});
    let mut client = CustomerServiceClient::new(channel(world.listen().await).await);
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let get = |name: &str, timeout: &'static str| {
        let mut request = with_token(&world, GetCustomerRequest { name: name.to_owned() });
        let parent = format!("00-{trace}-00f067aa0ba902b7-01");
        request.metadata_mut().insert("traceparent", parent.parse().unwrap());
        request.metadata_mut().insert("grpc-timeout", timeout.parse().unwrap());
        request
    };
    let answer = client.get_customer(get("customers/42", "5S")).await.unwrap();
    assert_eq!(answer.metadata().get("trace-id").unwrap(), trace);
    let status = client.get_customer(get("customers/none", "5S")).await.unwrap_err();
    assert_eq!(status.metadata().get("trace-id").unwrap(), trace);
    world.forget();
    // By a client that does not keep the deadline itself.
    let message = [0, 0, 0, 0, 0];
    let (status, _) = raw(&world, "application/grpc", &message, "0m").await;
    assert_eq!(status, Code::DeadlineExceeded);
    assert!(world.seen().is_none());
}

/// Sends bytes as a call of `GetCustomer`, and gives the code and all that the answer says.
async fn raw(world: &World, content_type: &str, body: &[u8], timeout: &str) -> (Code, String) {
    let address = world.listen().await;
    let client = reqwest::Client::builder();
    let http2 = content_type == "application/grpc";
    let client = if http2 { client.http2_prior_knowledge() } else { client };
    let request = client
        .build()
        .unwrap()
        .post(format!("http://{address}/foursight.customer.v1.CustomerService/GetCustomer"))
        .header("content-type", content_type)
        .header("te", "trailers")
        .header("grpc-timeout", timeout)
        .header("authorization", format!("Bearer {}", world.token));
    let response = request.body(body.to_owned()).send().await.unwrap();
    let headers = response.headers().clone();
    let text = String::from_utf8_lossy(&response.bytes().await.unwrap()).into_owned();
    let status = headers.get("grpc-status").map(|status| status.to_str().unwrap().to_owned());
    let status = status.or_else(|| Some(text.split_once("grpc-status:")?.1.trim().get(..1)?.to_owned()));
    (Code::from_bytes(status.unwrap().as_bytes()), format!("{headers:?} {text}"))
}

#[tokio::test]
async fn a_message_that_cannot_be_read_is_its_senders_mistake() {
    let world = World::new(|_| {});
    // Field 1 is a text; this says that it is a number.
    let garbage = [0, 0, 0, 0, 2, 0x08, 0x01];
    for content_type in ["application/grpc", "application/grpc-web+proto"] {
        let (code, told) = raw(&world, content_type, &garbage, "5S").await;
        assert_eq!(code, Code::InvalidArgument, "{content_type}: {told}");
        assert!(told.contains("wrong%20fields:%20message"), "{told}");
    }
}

#[tokio::test]
async fn a_message_that_is_not_framed_as_one_is_its_senders_mistake() {
    let world = World::new(|_| {});
    for (framed, wrong) in [
        (&[][..], "nothing"),
        (&[0, 0, 0], "half a head"),
        (&[0, 0, 0, 0, 9, 0x0a, 0x01], "less than the head says"),
        (&[7, 0, 0, 0, 0], "neither compressed nor not"),
        (&[1, 0, 0, 0, 1, 0], "compressed, and nobody says how"),
    ] {
        for content_type in ["application/grpc", "application/grpc-web+proto"] {
            let (code, told) = raw(&world, content_type, framed, "5S").await;
            assert_eq!(code, Code::InvalidArgument, "{wrong} by {content_type}: {told}");
            assert!(told.contains("wrong%20fields:%20message"), "{wrong} by {content_type}: {told}");
        }
    }
}

#[tokio::test]
async fn internal_and_unknown_methods_and_bad_tokens_are_refused_here() {
    let world = World::new(|_| {});
    let channel = channel(world.listen().await).await;
    let mut contacts = ContactServiceClient::new(channel.clone());
    let status =
        contacts.resolve_contacts(with_token(&world, ResolveContactsRequest::default())).await.unwrap_err();
    assert_eq!(status.code(), Code::PermissionDenied);

    let mut customers = CustomerServiceClient::new(channel);
    let mut request = Request::new(GetCustomerRequest::default());
    request.metadata_mut().insert("authorization", "Bearer nonsense".parse().unwrap());
    assert_eq!(customers.get_customer(request).await.unwrap_err().code(), Code::Unauthenticated);
    assert!(world.seen().is_none());
}

#[tokio::test]
async fn a_message_over_the_limit_is_refused() {
    let world = World::new(|settings| settings.grpc_body_limit = 1_000);
    let mut client = CustomerServiceClient::new(channel(world.listen().await).await);
    let request = GetCustomerRequest { name: "x".repeat(50_000) };
    let status = client.get_customer(with_token(&world, request)).await.unwrap_err();
    assert_eq!(status.code(), Code::ResourceExhausted, "{status}");
}

#[tokio::test]
async fn sign_ins_are_limited_here_too() {
    let world = World::new(|_| {});
    let mut client = TokenServiceClient::new(channel(world.listen().await).await);
    let password = PasswordGrant { login: "lin".to_owned(), password: "x".to_owned() };
    let request = CreateTokenRequest { grant: Some(Grant::Password(password)) };
    for _ in 0..3 {
        client.create_token(request.clone()).await.unwrap();
    }
    assert_eq!(client.create_token(request).await.unwrap_err().code(), Code::ResourceExhausted);
}

#[tokio::test]
async fn a_browser_calls_by_grpc_web_over_http_1() {
    let world = World::new(|_| {});
    let address = world.listen().await;
    let message = GetCustomerRequest { name: "customers/42".to_owned() }.encode_to_vec();
    let mut framed = vec![0];
    framed.extend_from_slice(&u32::try_from(message.len()).unwrap().to_be_bytes());
    framed.extend_from_slice(&message);
    let response = reqwest::Client::builder()
        .http1_only()
        .build()
        .unwrap()
        .post(format!("http://{address}/foursight.customer.v1.CustomerService/GetCustomer"))
        .header("content-type", "application/grpc-web+proto")
        .header("authorization", format!("Bearer {}", world.token))
        .body(framed)
        .send()
        .await
        .unwrap();
    assert_eq!(response.headers()["content-type"], "application/grpc-web+proto");
    let body = response.bytes().await.unwrap();
    let text = String::from_utf8_lossy(&body);
    assert!(text.contains("customers/42") && text.contains("grpc-status:0"), "{text}");
}

#[tokio::test]
async fn reflection_answers_here() {
    use tonic_reflection::pb::v1::{
        ServerReflectionRequest, server_reflection_client::ServerReflectionClient,
        server_reflection_request::MessageRequest, server_reflection_response::MessageResponse,
    };
    let world = World::new(|_| {});
    let channel = channel(world.listen().await).await;
    let request = ServerReflectionRequest {
        host: String::new(),
        message_request: Some(MessageRequest::ListServices(String::new())),
    };
    let mut answers = ServerReflectionClient::new(channel)
        .server_reflection_info(futures::stream::iter([request]))
        .await
        .unwrap()
        .into_inner();
    let answer = answers.message().await.unwrap().unwrap();
    let Some(MessageResponse::ListServicesResponse(services)) = answer.message_response else {
        panic!("{answer:?}")
    };
    assert!(services.service.iter().any(|service| service.name == "foursight.complaint.v1.CaseService"));
}
