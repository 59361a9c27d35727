//! What steps at a run have in common: the run is locked, and a step is taken once for each request id.

use std::mem;

use foursight_access::{Principal, audit};
use foursight_kernel::{ImportId, RequestKey, Result, Violations};
use foursight_proto::customer::v1::{CancelImportRequest, Import, StartImportRequest, UndoImportRequest};
use foursight_runtime::{Tx, step};
use jiff::Timestamp;
use prost::Message;
use serde_json::Value;
use sqlx::PgConnection;

use crate::{
    context::Context,
    imports::run::{self, Run},
};

/// A request for a step at a run.
pub(super) trait RunRequest: Message {
    /// Which run.
    fn run(&self) -> &str;
    /// The caller's name for the request.
    fn request_id(&mut self) -> &mut String;
}

macro_rules! run_requests {
    ($($request:ident),* $(,)?) => {$(
        impl RunRequest for $request {
            fn run(&self) -> &str {
                &self.name
            }

            fn request_id(&mut self) -> &mut String {
                &mut self.request_id
            }
        }
    )*};
}

run_requests!(StartImportRequest, CancelImportRequest, UndoImportRequest);

/// A step that is about to be taken.
pub(super) struct RunStep {
    pub(super) run: ImportId,
    pub(super) now: Timestamp,
    method: &'static str,
    key: Option<RequestKey>,
}

impl RunStep {
    /// Reads what all steps have; `None` when the run's name is wrong, which `v` tells.
    pub(super) fn parse(
        v: &mut Violations,
        ctx: &Context,
        caller: &Principal,
        method: &'static str,
        request: &mut impl RunRequest,
    ) -> Option<Self> {
        let run = v.name("name", request.run());
        let request_id = v.request_id(&mem::take(request.request_id()));
        let key = ctx.keys.step_key(request_id, method, &caller.subject.name(), &*request);
        Some(Self { run: run?, now: ctx.now(), method, key })
    }

    /// Begins the transaction and locks the run; nothing is found when the same request has taken its step already.
    ///
    /// # Errors
    /// `IMPORT_NOT_FOUND`, `REQUEST_ID_REUSED`.
    pub(super) async fn begin(&self, ctx: &Context, caller: &Principal) -> Result<(Tx, Option<Run>)> {
        let mut tx = ctx.db.begin(caller).await?;
        let run = run::lock(&mut tx, self.run).await?;
        let is_new = step::is_new(&mut tx, self.key.as_ref(), run.store(), self.now).await?;
        Ok((tx, is_new.then_some(run)))
    }

    /// Says in the audit log who took the step.
    pub(super) async fn record(
        &self,
        tx: &mut PgConnection,
        caller: &Principal,
        run: &Run,
        detail: Value,
    ) -> Result<()> {
        let resource = &self.run.name();
        let action = audit::Action { method: self.method, resource, store: Some(run.store()), detail };
        audit::record(tx, caller, self.now, action).await
    }

    /// Commits, and answers with the run as it is then.
    pub(super) async fn end(&self, mut tx: Tx, ctx: &Context) -> Result<Import> {
        let import = run::read(&mut tx, self.run).await?.to_proto(&ctx.keys)?;
        tx.commit().await?;
        Ok(import)
    }
}
