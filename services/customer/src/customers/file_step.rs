//! What steps at a file have in common: a store takes one, knowing the file as it is, once for each request id.

use std::mem;

use foursight_access::{Principal, audit};
use foursight_kernel::{CustomerId, RequestKey, Result, StoreId, Violations, sql};
use foursight_messaging::NewEvent;
use foursight_proto::customer::v1::Customer;
use foursight_runtime::{Tx, record, step};
use jiff::Timestamp;
use prost::{Message, Name};
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    context::Context,
    customers::{CustomerError, file},
};

/// A request for a step at a file.
pub(crate) trait StepRequest: Message {
    /// Which file, which store takes the step, and the etag of who has read the file.
    fn file(&self) -> (&str, &str, &str);
    /// The caller's name for the request.
    fn request_id(&mut self) -> &mut String;
}

macro_rules! step_requests {
    ($($request:ident),* $(,)?) => {$(
        impl StepRequest for foursight_proto::customer::v1::$request {
            fn file(&self) -> (&str, &str, &str) {
                (&self.name, &self.store, &self.etag)
            }

            fn request_id(&mut self) -> &mut String {
                &mut self.request_id
            }
        }
    )*};
}

step_requests!(
    TagCustomerRequest,
    UntagCustomerRequest,
    AddToGroupRequest,
    RemoveFromGroupRequest,
    SetValueTierRequest,
    CorrectStageRequest,
);

/// A step that is about to be taken.
#[derive(Debug)]
pub(crate) struct FileStep {
    pub(crate) customer: CustomerId,
    pub(crate) store: StoreId,
    pub(crate) now: Timestamp,
    method: &'static str,
    key: Option<RequestKey>,
    etag: String,
}

/// The file as the step finds it, locked until the transaction ends.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) stage: i16,
    pub(crate) tags: Vec<Uuid>,
    pub(crate) groups: Vec<i16>,
    pub(crate) value_tier: i16,
    version: i64,
}

impl FileStep {
    /// Reads what all steps have; `None` when something of it is wrong, which `v` tells.
    pub(crate) fn parse(
        v: &mut Violations,
        ctx: &Context,
        caller: &Principal,
        method: &'static str,
        request: &mut impl StepRequest,
    ) -> Option<Self> {
        let (name, store, etag) = request.file();
        let (customer, store, etag) = (v.name("name", name), v.name("store", store), etag.to_owned());
        let request_id = v.request_id(&mem::take(request.request_id()));
        let key = ctx.keys.step_key(request_id, method, &caller.subject.name(), &*request);
        Some(Self { customer: customer?, store: store?, now: ctx.now(), method, key, etag })
    }

    /// Begins the transaction and locks the file; nothing is found when the same request has taken its step already.
    ///
    /// # Errors
    /// `STORE_OUT_OF_REACH`, `CUSTOMER_NOT_FOUND`, `CUSTOMER_CHANGED`, `REQUEST_ID_REUSED`.
    pub(crate) async fn begin(&self, ctx: &Context, caller: &Principal) -> Result<(Tx, Option<Found>)> {
        ctx.staff.require_store(caller, "store", self.store).await?;
        let mut tx = ctx.db.begin(caller).await?;
        // FOR UPDATE, so that no store comes to serve the customer meanwhile: it would not be found by what changes now.
        let found = sqlx::query_as!(
            Found,
            "SELECT c.stage, c.tags, c.groups, c.value_tier, c.version FROM customer.customers c
             WHERE c.id = $1 AND c.merged_into IS NULL FOR UPDATE",
            self.customer.uuid(),
        )
        .fetch_optional(&mut *tx)
        .await?
        .ok_or(CustomerError::NotFound)?;
        if !step::is_new(&mut tx, self.key.as_ref(), self.store, self.now).await? {
            return Ok((tx, None));
        }
        if !self.etag.is_empty() && self.etag != file::etag(found.version) {
            return Err(CustomerError::Changed.into());
        }
        Ok((tx, Some(found)))
    }

    /// Writes what holds in the file from now on, the event and the audit row. The event has the file's new version, unless it has
    /// one of its own.
    ///
    /// # Errors
    /// `UNAVAILABLE` while the database is away.
    pub(crate) async fn take<E: Message + Name>(
        &self,
        tx: &mut PgConnection,
        ctx: &Context,
        caller: &Principal,
        (found, event, detail): (&Found, &E, Value),
        own_version: Option<i64>,
    ) -> Result<()> {
        let version = sqlx::query_scalar!(
            "UPDATE customer.customers c
             SET stage = $2, tags = $3, groups = $4, value_tier = $5, version = version + 1, update_time = $6
             WHERE c.id = $1 RETURNING c.version",
            self.customer.uuid(),
            found.stage,
            &found.tags,
            &found.groups,
            found.value_tier,
            sql::at(self.now) as _,
        )
        .fetch_one(&mut *tx)
        .await?;
        let action = audit::Action {
            method: self.method,
            resource: &self.customer.name(),
            store: Some(self.store),
            detail,
        };
        let event =
            NewEvent::new(event, self.customer.uuid(), own_version.unwrap_or(version), Some(self.store));
        record::change(tx, &ctx.ids, caller, self.now, event, action).await
    }

    /// Commits, and answers with the file as it is then.
    ///
    /// # Errors
    /// `UNAVAILABLE` while the database is away.
    pub(crate) async fn end(&self, tx: Tx, ctx: &Context) -> Result<Customer> {
        file::commit_and_read(tx, ctx, self.customer).await
    }
}
