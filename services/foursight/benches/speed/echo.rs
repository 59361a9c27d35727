//! The raw thing of a read: a tonic server, in a process of its own, that answers with what it was asked.

use std::{
    convert::Infallible,
    future::{Ready, ready},
    io::{BufRead, BufReader, Write},
    process::{Child, Command, Stdio},
    task::{Context as TaskContext, Poll},
    time::Duration,
};

use anyhow::{Context, Result};
use foursight_proto::customer::v1::Customer;
use futures::{FutureExt, future::BoxFuture};
use http::{Request, Response};
use tonic::{
    Status,
    body::Body,
    client::Grpc,
    server::{NamedService, UnaryService},
    transport::{Channel, Endpoint, Server, server::TcpIncoming},
};
use tonic_prost::ProstCodec;

use crate::load::{self, Client, Seen};

/// Answers until it is killed. The first line of standard output is its address.
pub(crate) async fn serve() -> Result<()> {
    let incoming = TcpIncoming::bind("127.0.0.1:0".parse()?)?.with_nodelay(Some(true));
    let address = incoming.local_addr()?;
    writeln!(std::io::stdout(), "{address}")?;
    Server::builder().add_service(EchoService).serve_with_incoming(incoming).await?;
    Ok(())
}

#[derive(Debug, Clone, Copy)]
struct EchoService;

impl NamedService for EchoService {
    const NAME: &'static str = "bench.Echo";
}

impl UnaryService<Customer> for EchoService {
    type Response = Customer;
    type Future = Ready<Result<tonic::Response<Customer>, Status>>;

    fn call(&mut self, request: tonic::Request<Customer>) -> Self::Future {
        ready(Ok(tonic::Response::new(request.into_inner())))
    }
}

impl tower::Service<Request<Body>> for EchoService {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut TaskContext<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let mut grpc = tonic::server::Grpc::new(ProstCodec::<Customer, Customer>::default());
        async move { Ok(grpc.unary(Self, request).await) }.boxed()
    }
}

/// The server, while it lives.
pub(crate) struct Echo {
    process: Child,
    address: String,
}

impl Echo {
    pub(crate) fn start() -> Result<Self> {
        let mut process = Command::new(std::env::current_exe()?)
            .arg("--echo")
            .stdout(Stdio::piped())
            .stdin(Stdio::null())
            .spawn()?;
        let output = process.stdout.take().context("the echo has no output")?;
        let mut address = String::new();
        BufReader::new(output).read_line(&mut address)?;
        Ok(Self { process, address: address.trim().to_owned() })
    }

    /// Each client has a connection of its own, as the gateway's clients have.
    pub(crate) async fn measure(&self, message: &Customer, clients: usize, time: Duration) -> Result<Seen> {
        let mut callers = Vec::new();
        for _ in 0..clients {
            let channel = Endpoint::from_shared(format!("http://{}", self.address))?.connect().await?;
            callers.push(Caller { grpc: Grpc::new(channel), message: message.clone() });
        }
        load::run(callers, time).await
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

struct Caller {
    grpc: Grpc<Channel>,
    message: Customer,
}

impl Client for Caller {
    async fn ask(&mut self) -> Result<()> {
        self.grpc.ready().await?;
        let path = http::uri::PathAndQuery::from_static("/bench.Echo/Echo");
        let codec = ProstCodec::<Customer, Customer>::default();
        self.grpc.unary(tonic::Request::new(self.message.clone()), path, codec).await?;
        Ok(())
    }
}
