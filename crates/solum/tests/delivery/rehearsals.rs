//! Workflows that are looked at before they run.

use anyhow::Result;
use testkit::{Repository, Server};

const SCENARIO: &str = "workflow deliver.yml
on push main
deploy dev fails with health_check_failed for good after 20s
expect run failed because health_check_failed
expect environment dev at previous release
";

#[test]
fn an_ejected_workflow_can_be_checked_planned_and_rehearsed() -> Result<()> {
    let server = Server::start()?;
    let repository = Repository::empty(&server)?;
    let file = ".solum/workflows/deliver.yml";
    repository.solum(&["workflow", "eject", "deliver"])?.require()?;
    repository.solum(&["workflow", "check"])?.require()?;

    let plan = repository.solum(&["workflow", "plan", file, "--json"])?.json()?;
    let jobs = plan["plan"]["jobs"].as_array().cloned().unwrap_or_default();
    let jobs: Vec<_> = jobs.iter().map(|job| (job["job"].as_str(), job["why"].as_str())).collect();
    let expected = [
        (Some("test"), Some("at once")),
        (Some("build"), Some("once `test` has succeeded")),
        (Some("deploy"), Some("once `build` has succeeded")),
        (Some("promote"), Some("its condition does not hold: github.event.following[0]")),
    ];
    assert_eq!(jobs, expected);

    repository.write(".solum/workflows/deliver.scenario", SCENARIO)?;
    let simulate = ["workflow", "simulate", ".solum/workflows/deliver.scenario"];
    let held = repository.solum(&simulate)?.require()?;
    assert!(held.stderr.contains("2 expectations hold, in 20s of virtual time"), "{}", held.stderr);
    repository.edit(".solum/workflows/deliver.scenario", "dev at previous", "dev at new")?;
    let broken = repository.solum(&simulate)?;
    assert!(broken.stdout.starts_with(
        ".solum/workflows/deliver.scenario:5: expected environment dev at new release"
    ));
    assert_eq!(broken.status.code(), Some(1));

    repository.edit(file, "uses: solum/build", "uses: solum/biuld")?;
    let checked = repository.solum(&["workflow", "check"])?;
    assert!(checked.stdout.starts_with(".solum/workflows/deliver.yml:20:"), "{}", checked.stdout);
    assert_eq!(checked.status.code(), Some(1));
    Ok(())
}
