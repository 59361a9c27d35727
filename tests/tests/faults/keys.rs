//! Master keys that change.

use anyhow::{Context, Result, ensure};
use foursight::{
    keys::{MasterKeyUse, in_use},
    up::{add_master_key, drop_master_key, layout::Layout},
};
use foursight_proto::identity::v1::Role;
use foursight_runtime::Settings;
use foursight_testkit::Farewell;
use foursight_tests::{
    api::{Api, Ask},
    fresh_folder, up,
    world::until,
};
use reqwest::Method;
use serde_json::json;

/// What an old key has sealed is sealed by the new one while everybody works, and then nobody needs the old one.
#[tokio::test(flavor = "multi_thread")]
async fn a_master_key_is_followed_by_another() -> Result<()> {
    let data = fresh_folder();
    let layout = Layout::new(&data);
    let _farewell = Farewell::watch(&data, &layout.servers())?;

    let running = up(data.clone(), 40).await?;
    let (customer, phone) = first_phone(&Api::new(&running.ready)?).await?;
    running.stop().await?;
    ensure!(add_master_key(&data)? == 2, "the second key has the version 2");

    // A start that is stopped right away: it goes on where it was.
    up(data.clone(), 40).await?.stop().await?;
    let running = up(data.clone(), 40).await?;
    let settings = Settings::load(Some(&layout.configuration()), "")?;
    until("the old key is not needed any more", async || {
        let keys = in_use(&settings).await?;
        Ok(keys.iter().find(|key| key.version == 1).is_some_and(MasterKeyUse::is_idle))
    })
    .await?;
    let new = in_use(&settings).await?.into_iter().find(|key| key.version == 2).context("the new key")?;
    ensure!(new.sealing && new.data_keys >= 40 && new.signing_keys > 0, "{new:?}");
    running.stop().await?;

    drop_master_key(&data, 1)?;
    let running = up(data.clone(), 40).await?;
    let again = first_phone(&Api::new(&running.ready)?).await?;
    ensure!(again == (customer, phone), "the same customer's phone is another one");
    running.stop().await
}

/// A customer and their whole phone.
async fn first_phone(api: &Api) -> Result<(String, String)> {
    let manager = api.person(Role::CrManager, api.stores().first().context("no store")?).await?;
    let list = api.get(&manager, "/v1/customers?pageSize=1").await?;
    let customer = list["customers"][0]["name"].as_str().context("no customer")?.to_owned();
    let point = list["customers"][0]["contactPoints"][0]["name"].as_str().context("no phone")?;
    let body = json!({ "field": "SENSITIVE_FIELD_CONTACT_POINT", "contactPoint": point, "reason": "looks whether it opens" });
    let ask = Ask::new(Method::POST, format!("/v1/{customer}:reveal")).by(&manager).json(&body);
    let phone = api.send(ask).await?.ok()?.text("value");
    Ok((customer, phone))
}
