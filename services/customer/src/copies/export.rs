//! `ExportCustomerData`: a copy of everything that is known of a customer.

use foursight_access::{Principal, audit};
use foursight_kernel::{CustomerId, Error, Result, Violations};
use foursight_proto::customer::v1::{
    ExportCustomerDataRequest, ExportCustomerDataResponse, ReadCustomerDataRequest,
    customer_data_service_client::CustomerDataServiceClient,
};
use foursight_runtime::PeerChannel;
use serde_json::json;

use super::{Known, archive, others, own};
use crate::{context::Context, customers::CustomerError, merges};

/// The largest answer of another service: years of calls and cases are far below it.
const LARGEST: usize = 32 << 20;

/// The copy as an archive. Who took it, of whom and why is in the audit log before it leaves.
///
/// # Errors
/// `CUSTOMER_NOT_FOUND`, `COPY_INCOMPLETE` while another service does not answer, and every wrong field at once.
pub(crate) async fn export(
    ctx: &Context,
    peers: &[(&'static str, PeerChannel)],
    caller: &Principal,
    request: &ExportCustomerDataRequest,
) -> Result<ExportCustomerDataResponse> {
    let mut v = Violations::default();
    let customer: Option<CustomerId> = v.name("name", &request.name);
    let reason = v.text("reason", &request.reason, 4..=200);
    v.check()?;
    let customer = customer.ok_or(CustomerError::NotFound)?;

    let mut tx = ctx.db.begin(caller).await?;
    let mut known = vec![own::read(&mut tx, ctx, customer).await?];
    let ids = merges::parts(&mut tx, customer).await?;
    // Not while a transaction waits for peers.
    tx.rollback().await?;
    for (service, channel) in peers {
        known.push(ask(service, channel, customer).await?);
    }
    others::leave_out(&mut known, &ids);
    let now = ctx.now();
    let data = archive::make(customer, now, &known)?;

    let mut tx = ctx.db.begin(caller).await?;
    let action = audit::Action {
        method: "ExportCustomerData",
        resource: &customer.name(),
        store: None,
        detail: json!({ "reason": reason }),
    };
    audit::record(&mut tx, caller, now, action).await?;
    tx.commit().await?;
    let file_name = format!("{}.zip", customer.uuid());
    Ok(ExportCustomerDataResponse { data: data.into(), file_name })
}

async fn ask(service: &'static str, channel: &PeerChannel, customer: CustomerId) -> Result<Known> {
    let mut client = CustomerDataServiceClient::new(channel.clone()).max_decoding_message_size(LARGEST);
    let answer = client.read_customer_data(ReadCustomerDataRequest { customer: customer.name() }).await;
    let answer = answer.map_err(|status| {
        let delay = std::time::Duration::from_secs(2);
        let message =
            "a part of the system does not answer now, and a copy without it would not be whole; try again";
        Error::unavailable("COPY_INCOMPLETE", message, delay).with_source(status)
    })?;
    let mut known = Known { service, tables: Vec::new() };
    for table in answer.into_inner().tables {
        let rows: Result<Vec<_>, _> = table.rows.iter().map(|row| serde_json::from_str(row)).collect();
        known.tables.push((table.table, rows.map_err(Error::internal)?));
    }
    Ok(known)
}
