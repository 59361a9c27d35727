//! `WatchImport`.

use std::time::{Duration, Instant};

use foursight_access::Principal;
use foursight_kernel::{ImportId, Result, Violations};
use foursight_proto::customer::v1::{Import, WatchImportRequest};

use crate::{
    context::Context,
    imports::{ImportError, run},
};

/// As long as an answer waits for news. A call's deadline, unless it says its own, is some seconds later.
const LONGEST: Duration = Duration::from_secs(25);
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// The run as soon as it is another than the etag tells. The gateway transcodes no streams, and a look by an index costs little.
///
/// # Errors
/// `IMPORT_NOT_FOUND` when there is none in the caller's stores.
pub(super) async fn watch(ctx: &Context, caller: &Principal, request: &WatchImportRequest) -> Result<Import> {
    let mut v = Violations::default();
    let id: Option<ImportId> = v.name("name", &request.name);
    let etag = v.text("etag", &request.etag, 0..=40);
    v.check()?;
    let id = id.ok_or(ImportError::NotFound)?;
    let begin = Instant::now();
    let longest = foursight_runtime::deadline::left()
        .map_or(LONGEST, |left| LONGEST.min(left.saturating_sub(2 * LOOK_EVERY)));
    loop {
        let mut tx = ctx.db.begin(caller).await?;
        let run = run::read(&mut tx, id).await?;
        // Nobody keeps a connection while nothing happens.
        tx.rollback().await?;
        if run.version.to_string() != etag || begin.elapsed() >= longest {
            return run.to_proto(&ctx.keys);
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
