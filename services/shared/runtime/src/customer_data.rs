//! What a service has of a customer, for the copy that customers may ask for: the rows of each table that an erasure would touch
//! (`erasure_migrations`), so that nothing is erased of which there is no copy, and the other way round.

use foursight_kernel::{CustomerId, Error, Result, Violations};
use foursight_proto::customer::v1::{
    CustomerDataTable, ReadCustomerDataRequest, ReadCustomerDataResponse,
    customer_data_service_server::{CustomerDataService, CustomerDataServiceServer},
};
use serde_json::Value;
use sqlx::PgConnection;
use tonic::{Request, Response, Status};

use crate::Database;

/// All rows of a customer, by table; binary columns in hexadecimal. The transaction reaches the whole group.
///
/// # Errors
/// `UNAVAILABLE` while the database is away.
pub async fn rows(tx: &mut PgConnection, customer: CustomerId) -> Result<Vec<(String, Value)>> {
    let rows = sqlx::query_as("SELECT of_table, its_row FROM copy_of($1)").bind(customer.uuid());
    Ok(rows.fetch_all(tx).await?)
}

/// The service by which the customer service asks another one for its rows.
pub fn server(db: Database) -> CustomerDataServiceServer<impl CustomerDataService> {
    CustomerDataServiceServer::new(CustomerData(db))
}

struct CustomerData(Database);

#[tonic::async_trait]
impl CustomerDataService for CustomerData {
    async fn read_customer_data(
        &self,
        request: Request<ReadCustomerDataRequest>,
    ) -> Result<Response<ReadCustomerDataResponse>, Status> {
        let caller = foursight_access::caller(&request)?;
        let mut v = Violations::default();
        let customer: Option<CustomerId> = v.name("customer", &request.into_inner().customer);
        v.check()?;
        let customer = customer.ok_or_else(|| Error::invalid_field("customer", "is required"))?;
        let mut tx = self.0.begin(&caller).await?;
        let mut tables: Vec<CustomerDataTable> = Vec::new();
        for (table, row) in rows(&mut tx, customer).await? {
            match tables.last_mut().filter(|last| last.table == table) {
                Some(last) => last.rows.push(row.to_string()),
                None => tables.push(CustomerDataTable { table, rows: vec![row.to_string()] }),
            }
        }
        Ok(Response::new(ReadCustomerDataResponse { tables }))
    }
}
