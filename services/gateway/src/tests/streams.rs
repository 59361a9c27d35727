//! Answers of many messages.

use bytes::Bytes;
use foursight_kernel::Error;
use foursight_proto::{customer::v1::StreamSegmentCustomersResponse, google::api::HttpBody};
use http::{HeaderValue, StatusCode, header};
use http_body_util::{BodyExt as _, StreamBody};
use prost::Message as _;
use tonic::{Code, Status, body::Body};

use super::services::World;
use crate::stream::{Form, Messages};

/// The frames of these messages, cut anywhere, and what comes after them.
fn answer(messages: &[Vec<u8>], cut: usize, end: Option<Status>) -> http::Response<Body> {
    let mut bytes = Vec::new();
    for message in messages {
        bytes.push(0);
        bytes.extend(u32::try_from(message.len()).unwrap().to_be_bytes());
        bytes.extend(message);
    }
    let mut frames: Vec<Result<http_body::Frame<Bytes>, Status>> =
        bytes.chunks(cut).map(|piece| Ok(http_body::Frame::data(Bytes::copy_from_slice(piece)))).collect();
    let status = end.unwrap_or_else(|| Status::new(Code::Ok, ""));
    let mut trailers = http::HeaderMap::new();
    status.add_header(&mut trailers).unwrap();
    frames.push(Ok(http_body::Frame::trailers(trailers)));
    let mut answer = http::Response::new(Body::new(StreamBody::new(futures::stream::iter(frames))));
    let disposition = HeaderValue::from_static("attachment; filename=\"a.csv\"");
    answer.headers_mut().insert(header::CONTENT_DISPOSITION, disposition);
    answer
}

fn file(data: &'static str) -> Vec<u8> {
    let body = HttpBody {
        content_type: "text/csv; charset=utf-8".to_owned(),
        data: data.into(),
        extensions: vec![],
    };
    body.encode_to_vec()
}

#[tokio::test]
async fn pieces_of_a_file_are_put_together_however_they_are_cut() {
    let world = World::new(|_| {});
    for cut in [1, 3, 7, 1_000] {
        let messages = [file(""), file("a,b\r\n"), file("1,2\r\n")];
        let messages = Messages::of(answer(&messages, cut, None)).unwrap();
        let answer = messages.answer(world.gateway.clone(), Form::File).await.unwrap();
        assert_eq!(answer.headers()[header::CONTENT_TYPE], "text/csv; charset=utf-8");
        assert_eq!(answer.headers()[header::CONTENT_DISPOSITION], "attachment; filename=\"a.csv\"");
        assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), "a,b\r\n1,2\r\n");
    }
}

#[tokio::test]
async fn other_messages_are_lines_of_json() {
    let world = World::new(|_| {});
    let names = |names: &[&str]| {
        let customers = names.iter().map(|name| (*name).to_owned()).collect();
        StreamSegmentCustomersResponse { customers }.encode_to_vec()
    };
    let messages = [names(&["customers/1", "customers/2"]), names(&["customers/3"])];
    let output = world.gateway.schema.find("foursight.customer.v1.StreamSegmentCustomersResponse").unwrap();
    let messages = Messages::of(answer(&messages, 5, None)).unwrap();
    let answer = messages.answer(world.gateway.clone(), Form::Lines(output)).await.unwrap();
    assert_eq!(answer.headers()[header::CONTENT_TYPE], "application/jsonl");
    let lines = answer.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(
        lines,
        "{\"customers\":[\"customers/1\",\"customers/2\"]}\n{\"customers\":[\"customers/3\"]}\n"
    );
}

#[tokio::test]
async fn what_is_refused_before_the_first_piece_is_a_problem_and_what_breaks_off_has_no_end() {
    let world = World::new(|_| {});
    let refused = || Some(Status::from(Error::failed_precondition("EXPORT_TOO_LARGE", "too many")));
    let messages = Messages::of(answer(&[], 5, refused())).unwrap();
    let status = messages.answer(world.gateway.clone(), Form::File).await.unwrap_err();
    assert_eq!(status.code(), Code::FailedPrecondition);
    let messages = Messages::of(answer(&[file("a,b\r\n")], 5, refused())).unwrap();
    let answer = messages.answer(world.gateway.clone(), Form::File).await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    assert!(answer.into_body().collect().await.is_err(), "a part is taken for the whole");
}
