//! Reading one customer by id through the JSON gateway, beside a bare tonic echo of the same bytes.

use std::time::Duration;

use anyhow::{Context, Result};
use foursight_proto::customer::v1::{
    Customer, GetCustomerRequest, customer_service_client::CustomerServiceClient,
};
use hyper::Method;
use tonic::metadata::MetadataValue;

use crate::{
    echo,
    http::Connection,
    load::{self, Client},
    report::Report,
    stack::Product,
};

const CLIENTS: usize = 8;

struct Reader {
    connection: Connection,
    path: String,
}

impl Client for Reader {
    async fn ask(&mut self) -> Result<()> {
        self.connection.send(Method::GET, &self.path, String::new()).await?;
        Ok(())
    }
}

pub(crate) async fn measure(product: &Product, time: Duration, report: &mut Report) -> Result<()> {
    eprintln!("· reading customers");
    let token = product.token().await?;
    let name = some_customer(product, &token).await?;
    let customer = get(product, &token, &name).await?;

    let echo = echo::Echo::start()?;
    let before = echo.measure(&customer, CLIENTS, time / 2).await?;
    let mut readers = Vec::new();
    for _ in 0..CLIENTS {
        let connection = Connection::open(&product.gateway, Some(token.clone())).await?;
        readers.push(Reader { connection, path: format!("/v1/{name}") });
    }
    let ours = load::run(readers, time).await?;
    let after = echo.measure(&customer, CLIENTS, time / 2).await?;

    let both = |figure: fn(&load::Seen) -> f64| f64::midpoint(figure(&before), figure(&after));
    let what = format!("read, {CLIENTS} clients");
    report.beside(format!("{what}: a second"), ours.per_second, both(|seen| seen.per_second), "", "≥ 0.35");
    report.beside(format!("{what}: p50"), ours.quantile(0.5), both(|seen| seen.quantile(0.5)), "ms", "");
    report.beside(format!("{what}: p99"), ours.quantile(0.99), both(|seen| seen.quantile(0.99)), "ms", "");
    Ok(())
}

async fn some_customer(product: &Product, token: &str) -> Result<String> {
    let mut connection = Connection::open(&product.gateway, Some(token.to_owned())).await?;
    let list = connection.send(Method::GET, "/v1/customers?pageSize=1", String::new()).await?;
    let list: serde_json::Value = serde_json::from_slice(&list)?;
    let name = list.pointer("/customers/0/name").and_then(serde_json::Value::as_str);
    Ok(name.context("the store has no customer")?.to_owned())
}

/// The message as it is, by gRPC.
async fn get(product: &Product, token: &str, name: &str) -> Result<Customer> {
    let channel =
        tonic::transport::Endpoint::from_shared(format!("http://{}", product.gateway))?.connect().await?;
    let mut request = tonic::Request::new(GetCustomerRequest { name: name.to_owned() });
    request.metadata_mut().insert("authorization", MetadataValue::try_from(token)?);
    Ok(CustomerServiceClient::new(channel).get_customer(request).await?.into_inner())
}
