//! What a run takes back when it fails later.

use anyhow::Result;
use testkit::Server;

use crate::hello;
use crate::jobs::WORKFLOW;

const SMOKED: &str = r#"
on: push
jobs:
  deliver:
    runs-on: solum
    environment: dev
    steps:
      - { id: build, uses: solum/build }
      - uses: solum/deploy
        with: { artifact: "${{ steps.build.outputs.artifact }}" }
        undo: { uses: solum/rollback }
      - uses: solum/smoke
        with: { contains: hello v1, attempts: 1 }
"#;

#[test]
fn a_deployment_that_does_not_pass_its_smoke_test_is_taken_back() -> Result<()> {
    let server = Server::start()?;
    let repository = hello::create(&server)?;
    repository.write(WORKFLOW, SMOKED)?;
    repository.commit("smoke-test what was deployed")?;
    repository.push()?.require()?;
    assert_eq!(hello::answer(&server)?, "hello v1");
    repository.edit("server.py", "hello v1", "hello v2")?;
    repository.commit("say v2")?;
    let push = repository.push()?;
    let transcript = push.transcript();
    assert!(transcript.contains("Deployed hello v2 to dev"), "{transcript}");
    assert_eq!(hello::newest_run(&server)?["status"], "failed", "{transcript}");
    assert_eq!(hello::answer(&server)?, "hello v1");
    let releases = server.solum_json(&["env", "show", "hello", "dev", "--json"])?;
    let newest = &releases["deployments"][0];
    assert_eq!((&newest["release"], &newest["state"]), (&"v1".into(), &"succeeded".into()));
    Ok(())
}
