//! Old data comes in as somebody at a terminal brings it: `foursight import`, on a whole stack.

use anyhow::{Context, Result, ensure};
use foursight::import::{Importer, Kind, Report, Wanted};
use foursight_customer::vehicles::vin::with_check_digit;
use foursight_tests::world::on_stack;

#[test]
fn a_file_comes_in_what_was_not_taken_lies_beside_it_and_all_of_it_can_be_undone() -> Result<()> {
    on_stack(async |world| {
        let folder = world.data.join("import");
        std::fs::create_dir_all(&folder)?;
        let file = folder.join("客户.csv");
        std::fs::write(
            &file,
            "姓名,手机,性别\n云示例,18899990001,女\n海示例,18899990002,男\n天示例,1.88E+10,男\n",
        )?;
        let mut importer = Importer::sign_in(&world.up.ready, None).await?;
        let wanted = Wanted { store: Some("bj01".to_owned()), dry_run: true, ..Wanted::default() };
        let dry = importer.bring_in(Kind::Customers, &file, &wanted, &|_| {}).await?;
        ensure!((dry.rows(), dry.created, dry.errors) == (3, 2, 1), "{dry:?}");
        let wanted = Wanted { dry_run: false, ..wanted };
        let report = importer.bring_in(Kind::Customers, &file, &wanted, &|_| {}).await?;
        ensure!(report.run != dry.run && report.failure.is_empty(), "{report:?}");
        let beside = folder.join("客户.errors-2.csv");
        ensure!(report.error_file == beside.display().to_string(), "{report:?}");
        let told = std::fs::read_to_string(&beside)?;
        let line = told.lines().nth(1).context("no row came back")?;
        ensure!(line.starts_with("天示例,1.88E+10,男,") && line.contains("后几位已丢失"), "{told}");
        let line = report.to_json().to_string();
        for part in ["\"rows\":3", "\"created\":2", "\"errors\":1", "\"unchanged\":0", "\"run\":\"imports/"] {
            ensure!(line.contains(part), "{line}");
        }

        let again = importer.bring_in(Kind::Customers, &file, &wanted, &|_| {}).await?;
        let nothing_new = Report { created: 0, unchanged: 2, errors: 1, ..again.clone() };
        ensure!(again == nothing_new && again.updated == 0, "{again:?}");
        ensure!(importer.undo(&report.run, &|_| {}).await? == (2, 0), "all of it is undone");
        let anew = importer
            .bring_in(Kind::Customers, &file, &Wanted { dry_run: true, ..wanted.clone() }, &|_| {})
            .await?;
        ensure!(anew.created == 2, "{anew:?}");

        let again = importer.bring_in(Kind::Customers, &file, &wanted, &|_| {}).await?;
        ensure!(again.created == 2, "{again:?}");
        let cars = folder.join("车辆.csv");
        let vin = with_check_digit("LDC000000R0000077").context("a VIN")?;
        std::fs::write(
            &cars,
            format!(
                "车架号,车牌,车型,里程,车主,手机\n{vin},京A·77777,远山 S7,\"1,200\",云示例,18899990001\n1,,,,天示例,1\n"
            ),
        )?;
        let report = importer.bring_in(Kind::Vehicles, &cars, &wanted, &|_| {}).await?;
        ensure!((report.created, report.errors) == (1, 1) && report.failure.is_empty(), "{report:?}");
        let told = std::fs::read_to_string(folder.join("车辆.errors.csv"))?;
        ensure!(told.contains("车架号：") && told.contains("手机："), "{told}");
        let again = importer.bring_in(Kind::Vehicles, &cars, &wanted, &|_| {}).await?;
        ensure!((again.created, again.unchanged) == (0, 1), "{again:?}");
        for (kind, name, table) in [
            (Kind::Deliveries, "交车.csv", format!("车架号,交车日期\n{vin},2024-05-01\n")),
            (
                Kind::Visits,
                "维修.csv",
                format!("车架号,进厂日期,维修类型,里程,金额\n{vin},2024-06-01,保养,800,￥680\n"),
            ),
            (Kind::Points, "积分.csv", "姓名,手机,积分\n云示例,18899990001,500\n".to_owned()),
        ] {
            let file = folder.join(name);
            std::fs::write(&file, table)?;
            let report = importer.bring_in(kind, &file, &wanted, &|_| {}).await?;
            ensure!((report.created, report.rows()) == (1, 1), "{name}: {report:?}");
            let again = importer.bring_in(kind, &file, &wanted, &|_| {}).await?;
            ensure!((again.created, again.unchanged) == (0, 1), "{name}: {again:?}");
            ensure!(importer.undo(&report.run, &|_| {}).await? == (1, 0), "{name} is undone");
        }
        ensure!(importer.undo(&report.run, &|_| {}).await? == (1, 0), "the car is gone");

        let nowhere = Wanted { store: Some("ZZ99".to_owned()), ..wanted };
        let refused = importer
            .bring_in(Kind::Customers, &file, &nowhere, &|_| {})
            .await
            .err()
            .context("there is no such store")?;
        ensure!(refused.to_string().contains("there are: "), "{refused}");
        Ok(())
    })
}
