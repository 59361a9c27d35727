//! What somebody at a terminal is told who asks for what cannot be had now.

use std::{
    net::TcpListener,
    process::{Command, Output},
};

use anyhow::{Context, Result, ensure};

fn foursight(arguments: &[&str]) -> Result<Output> {
    let mut program = Command::new(env!("CARGO_BIN_EXE_foursight"));
    // Wherever the tests run, no other stack is meant.
    program.env_remove("FOURSIGHT_CONFIG");
    program.args(arguments).output().context("the program cannot be run")
}

#[test]
fn who_looks_at_a_stack_that_does_not_run_is_told_how_to_start_it_in_one_line() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let data = folder.path().display().to_string();
    for looking in [
        &["audit"][..],
        &["dead-letters", "list"],
        &["import", "customers", "客户.csv"],
        &["import", "undo", "imports/0"],
    ] {
        let output = foursight(&[looking, &["--data", &data]].concat())?;
        let told = String::from_utf8(output.stderr)?;
        let wanted = format!("error: nothing runs on {data}: start it with `foursight up --data {data}`\n");
        ensure!(told == wanted && !output.status.success(), "{looking:?}: {told:?}");
    }
    Ok(())
}

#[test]
fn ports_that_are_taken_are_named_before_anything_starts() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let data = folder.path().join("data");
    let data = data.to_str().context("a path in Unicode")?;
    // A base whose first and fifth port, the API's and the one for nats, are somebody else's.
    let (base, _api, _nats) = (20_000..30_000)
        .find_map(|base| {
            Some((
                base,
                TcpListener::bind(("127.0.0.1", base)).ok()?,
                TcpListener::bind(("127.0.0.1", base + 4)).ok()?,
            ))
        })
        .context("no free ports")?;
    let output = foursight(&["up", "--customers", "0", "--data", data, "--port-base", &base.to_string()])?;
    let told = String::from_utf8(output.stderr)?;
    ensure!(!output.status.success(), "{told}");
    for wanted in
        [format!("{base} (for the API)"), format!("{} (for nats)", base + 4), "`--port-base`".to_owned()]
    {
        ensure!(told.contains(&wanted), "{wanted}: {told}");
    }
    ensure!(!told.contains(&format!("{} (for postgres)", base + 3)), "{told}");
    ensure!(told.lines().count() == 1, "{told}");
    Ok(())
}
