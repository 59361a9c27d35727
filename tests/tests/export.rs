//! Customers leave as somebody at a terminal takes them out: `foursight export`, on a whole stack.

use anyhow::{Context, Result, ensure};
use foursight::export::{Exporter, Wanted};
use foursight_proto::identity::v1::Role;
use foursight_tests::world::on_stack;

#[test]
fn a_list_of_customers_becomes_a_file_which_stays_on_record() -> Result<()> {
    on_stack(async |world| {
        let folder = world.data.join("export");
        std::fs::create_dir_all(&folder)?;
        let file = folder.join("客户.csv");
        let exporter = Exporter::sign_in(&world.up.ready, None).await?;
        let wanted = Wanted { purpose: "年度客户盘点".to_owned(), ..Wanted::default() };
        let bytes = exporter.customers(&file, &wanted, &|_| {}).await?;
        let text = std::fs::read_to_string(&file)?;
        ensure!(u64::try_from(text.len())? == bytes, "{bytes} of {}", text.len());
        let mut lines = text.lines();
        let header = lines.next().context("it has a header")?;
        ensure!(header.starts_with("\u{feff}姓名,"), "{header}");
        let rows = lines.count();
        ensure!(rows > 10 && text.contains("****"), "{rows} rows, masked");

        let director = world.api.person(Role::GroupDirector, "").await?;
        let exports = world.api.get(&director, "/v1/exports?pageSize=200").await?;
        let ours =
            exports["exports"].as_array().into_iter().flatten().find(|it| it["purpose"] == "年度客户盘点");
        let ours = ours.context("it is on record")?;
        ensure!(
            ours["rows"].as_str() == Some(rows.to_string().as_str()) && ours["complete"] == true,
            "{ours}"
        );

        let nowhere = Wanted { segment: Some(uuid::Uuid::nil().to_string()), ..wanted };
        let beside = folder.join("nobody.csv");
        let refused = exporter.customers(&beside, &nowhere, &|_| {}).await;
        ensure!(refused.is_err() && !beside.exists(), "there is no such segment, and no file");
        Ok(())
    })
}
