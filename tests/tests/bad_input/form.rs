//! What HTTP itself refuses: paths, verbs and kinds of content that nobody offers.

use anyhow::{Result, ensure};
use foursight_proto::identity::v1::Role;
use foursight_tests::{api::Ask, methods::sound_body, world::on_stack};
use reqwest::Method;

use crate::with_paths;

#[test]
fn what_is_asked_for_in_a_wrong_way_is_told_what_would_be_right() -> Result<()> {
    on_stack(async |world| {
        let manager = world.api.person(Role::CrManager, &world.story.store).await?;
        let customer = world.names.of("customers");
        for (verb, path, status, reason) in [
            (Method::GET, "/v1/nothing".to_owned(), 404, "PATH_UNKNOWN"),
            (Method::GET, "/v2/customers".to_owned(), 404, "PATH_UNKNOWN"),
            (Method::GET, "/v1/customers/".to_owned(), 404, "PATH_UNKNOWN"),
            (Method::GET, format!("/v1//{customer}"), 404, "PATH_UNKNOWN"),
            (Method::GET, format!("/v1/{customer}/../../stores"), 404, "PATH_UNKNOWN"),
            (Method::GET, format!("/v1/{customer}/%2e%2e/secrets"), 404, "PATH_UNKNOWN"),
            (Method::POST, format!("/v1/{customer}:obliterate"), 404, "PATH_UNKNOWN"),
            (
                Method::GET,
                "/foursight.customer.v1.CustomerService/GetCustomer".to_owned(),
                404,
                "PATH_UNKNOWN",
            ),
            (Method::DELETE, "/v1/customers".to_owned(), 405, "METHOD_NOT_ALLOWED"),
            (Method::PUT, format!("/v1/{customer}"), 405, "METHOD_NOT_ALLOWED"),
            (Method::DELETE, format!("/v1/{customer}"), 405, "METHOD_NOT_ALLOWED"),
        ] {
            let answer = world.api.send(Ask::new(verb.clone(), path.as_str()).by(&manager)).await?;
            let told = (answer.status.as_u16(), answer.reason());
            // A client takes `..` out of a path before it asks.
            let normalised = (path.contains("..") || path.contains("%2e")) && told.0 < 500;
            ensure!(
                told == (status, reason.to_owned()) || normalised,
                "{verb} {path}: {told:?} {}",
                answer.text
            );
            if told.0 >= 400 {
                ensure!(
                    answer.content_type == "application/problem+json",
                    "{verb} {path}: {}",
                    answer.content_type
                );
            }
        }
        Ok(())
    })
}

#[test]
fn no_method_takes_anything_but_json() -> Result<()> {
    on_stack(async |world| {
        let director = world.api.person(Role::GroupDirector, "").await?;
        for (method, http) in with_paths()? {
            let (path, _) = http.fill(&world.names.of_nothing())?;
            if http.body.is_empty() {
                // A body where none belongs.
                let ask = Ask::new(http.verb.clone(), path.as_str()).by(&director);
                let answer = world.api.send(ask.bytes("application/json", "{}")).await?;
                ensure!(answer.fields() == ["body"], "{}: {} {}", method.name, answer.status, answer.text);
                continue;
            }
            let sound = sound_body(&method.name, &world.names).unwrap_or_default().to_string();
            for kind in [
                "text/plain",
                "application/xml",
                "application/x-www-form-urlencoded",
                "multipart/form-data",
                "application/json; charset=gbk",
                "application/octet-stream",
                "nonsense",
            ] {
                let ask = Ask::new(http.verb.clone(), path.as_str()).by(&director).bytes(kind, sound.clone());
                let answer = world.api.send(ask).await?;
                ensure!(
                    (answer.status.as_u16(), answer.reason().as_str()) == (415, "MEDIA_TYPE_UNSUPPORTED"),
                    "{} as {kind}: {} {}",
                    method.name,
                    answer.status,
                    answer.text
                );
            }
        }
        Ok(())
    })
}

/// Bytes that are no message of the method, by gRPC and gRPC-Web.
#[test]
fn what_is_no_protobuf_is_refused_by_grpc() -> Result<()> {
    on_stack(async |world| {
        let director = world.api.person(Role::GroupDirector, "").await?;
        for method in foursight_tests::methods::methods()? {
            for message in [&[0xff; 64][..], &[0x0a, 0x7f, 0x01], &[0x0a, 0x02, 0xc3, 0x28]] {
                for code in [
                    world.api.grpc(&method.path, Some(&director.token), message).await?,
                    world.api.grpc_web(&method.path, Some(&director.token), message).await?,
                ] {
                    let ours = matches!(
                        code,
                        tonic::Code::Internal
                            | tonic::Code::Unknown
                            | tonic::Code::DataLoss
                            | tonic::Code::Unavailable
                    );
                    ensure!(!ours, "{}: {code:?}", method.name);
                }
            }
        }
        Ok(())
    })
}
