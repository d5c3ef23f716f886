//! The three files together, and how their mistakes read.

use std::time::Duration;

use types::{
    Approvals, EnvironmentName, HealthCheck, Manifest, ProcessType, Promote, Strategy, Test,
};

use super::{Detected, ManifestFiles};

fn files(solum_yaml: &str, procfile: &str, app_json: &str) -> ManifestFiles {
    let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    ManifestFiles {
        solum_yaml: some(solum_yaml),
        procfile: some(procfile),
        app_json: some(app_json),
    }
}

fn manifest(solum_yaml: &str, procfile: &str, app_json: &str) -> Manifest {
    let declarations = files(solum_yaml, procfile, app_json).read().unwrap();
    declarations.resolve(&Detected::web("detected")).unwrap()
}

fn mistakes(solum_yaml: &str) -> Vec<String> {
    let files = files(solum_yaml, "", "");
    let mistakes = match files.read() {
        Ok(declarations) => declarations.resolve(&Detected::default()).unwrap_err(),
        Err(mistakes) => mistakes,
    };
    mistakes.iter().map(ToString::to_string).collect()
}

#[test]
fn nothing_at_all_is_a_whole_manifest() {
    let manifest = manifest("", "", "");
    assert_eq!(manifest.processes[&ProcessType::web()].run, "detected");
    assert_eq!(manifest.environments[0].name, EnvironmentName::dev());
    assert_eq!(manifest.test, Test::Detect);
}

#[test]
fn solum_yaml_wins_over_procfile_and_that_over_detection() {
    let both = manifest("processes: { web: first }", "web: second\nworker: w", "");
    assert_eq!(both.processes.len(), 1);
    assert_eq!(both.processes[&ProcessType::web()].run, "first");
    let procfile = manifest("", "web: second\nworker: w\nrelease: up", "");
    assert_eq!(procfile.processes[&ProcessType::web()].run, "second");
    assert_eq!(procfile.processes.len(), 2);
    assert_eq!(procfile.release.as_deref(), Some("up"));
}

#[test]
fn settings_may_stand_in_solum_yaml_and_commands_in_the_procfile() {
    let manifest = manifest("processes: { web: { scale: 3, memory: 64Mi } }", "web: ./x", "");
    let web = &manifest.processes[&ProcessType::web()];
    assert_eq!((web.run.as_str(), web.scale), ("./x", 3));
    assert_eq!(web.limits.memory_bytes, Some(64 << 20));
}

#[test]
fn app_json_fills_what_solum_yaml_leaves_open() {
    let manifest = manifest(
        "processes: { web: { run: ./x, health: { timeout: 5s } } }\nenv: { A: ours }",
        "",
        r#"{ "env": { "A": "theirs", "B": "b", "K": { "generator": "secret" } },
             "formation": { "web": { "quantity": 4 } },
             "healthchecks": { "web": [{ "type": "startup", "path": "/up" }] } }"#,
    );
    let web = &manifest.processes[&ProcessType::web()];
    assert_eq!(web.scale, 4);
    let health = HealthCheck { path: Some("/up".to_owned()), timeout: Duration::from_secs(5) };
    assert_eq!(web.health, health);
    let values: Vec<_> = manifest.env.values().collect();
    assert_eq!(values, ["ours", "b"]);
    assert_eq!(manifest.generated_env, ["K".parse().unwrap()]);
}

#[test]
fn one_environment_may_have_a_name_and_a_strategy() {
    let manifest = manifest(
        "environments: { live: { strategy: recreate, domains: [a.example.org] } }\npush: { until: live }",
        "",
        "",
    );
    assert_eq!(manifest.environments[0].strategy, Strategy::Recreate);
    assert_eq!(manifest.push.until, Some("live".parse().unwrap()));
}

#[test]
fn mistakes_come_together_each_with_its_place_and_mend() {
    let text =
        "procesess:\n  web: ./x\nprocesses:\n  web:\n    scale: two\n    memroy: 1Gi\ntest: true\n";
    assert_eq!(
        mistakes(text),
        [
            "solum.yaml:1:1: unknown key 'procesess'; did you mean 'processes'?",
            "solum.yaml:5:12: 'two' is no whole number from 0 to 1000",
            "solum.yaml:6:5: unknown key 'memroy'; did you mean 'memory'?",
            "solum.yaml:7:7: put 'true' in quotes: \"true\"",
        ]
    );
}

#[test]
fn what_comes_later_is_said_and_never_passed_over() {
    let text = "migration: expand\nenvironments:\n  dev: { soak: 1h, strategy: { canary: {} } }\n  stage: {}\n";
    assert_eq!(
        mistakes(text),
        [
            "solum.yaml:1:1: 'migration' is not supported by this version yet",
            "solum.yaml:3:10: 'soak' is not supported by this version yet",
            "solum.yaml:3:32: 'canary' is not supported by this version yet",
        ]
    );
    let text = "environments: { dev: { strategy: blueGreen } }";
    assert_eq!(
        mistakes(text),
        ["solum.yaml:1:34: 'blueGreen' is not supported by this version yet"]
    );
}

#[test]
fn environments_follow_each_other() {
    let manifest = manifest(
        "environments:\n  dev: {}\n  stage: { after: dev, promote: automatic }\n  prod: { after: stage, scale: { web: 2 }, approvals: { count: 2, from: [role:operator, alice] } }\n\
         push: { until: stage }\nprocesses: { web: ./x }",
        "",
        "",
    );
    let [dev, stage, prod] = &manifest.environments[..] else { panic!("{manifest:?}") };
    assert_eq!((&dev.after, &prod.after), (&None, &Some(stage.name.clone())));
    assert_eq!((stage.promote, prod.promote), (Promote::Automatic, Promote::Manual));
    assert_eq!(prod.scale.values().collect::<Vec<_>>(), [&2]);
    let approvals = Approvals {
        count: 2,
        from: vec!["role:operator".to_owned(), "alice".to_owned()],
        allow_author: false,
        timeout: Approvals::DEFAULT_TIMEOUT,
    };
    assert_eq!((&stage.approvals, &prod.approvals), (&None, &Some(approvals)));
}

#[test]
fn environments_that_do_not_follow_each_other_are_mistakes() {
    assert_eq!(
        mistakes("environments: { dev: {}, prod: { after: stag } }"),
        ["solum.yaml:1:41: there is no environment 'stag'; there are: dev, prod"]
    );
    let circle = "would come after itself; one environment has to be the first, without 'after'";
    assert_eq!(
        mistakes("environments:\n  a: { after: b }\n  b: { after: a }\n  c: { after: a }\n"),
        [format!("solum.yaml:2:15: 'a' {circle}"), format!("solum.yaml:3:15: 'b' {circle}")]
    );
    assert_eq!(
        mistakes("environments: { dev: { promote: automatic } }"),
        [
            "solum.yaml:1:33: nothing is promoted to an environment that is after no other one; name it with 'after'"
        ]
    );
    assert_eq!(
        mistakes("environments: { dev: {}, prod: { after: dev } }\npush: { until: prod }"),
        [
            "solum.yaml:2:16: a push does not come to 'prod' by itself: each environment between 'dev' and it has to have \
             'promote: automatic', and it as well"
        ]
    );
}

#[test]
fn the_folder_of_workflows_is_one_of_the_repository() {
    let outline = crate::outline("workflows: ./.github/workflows/\n").unwrap();
    assert_eq!(outline.workflows.as_deref(), Some(".github/workflows"));
    assert_eq!(crate::outline("test: make\n").unwrap(), crate::Outline::default());
    assert_eq!(
        mistakes("workflows: ../elsewhere"),
        ["solum.yaml:1:12: '../elsewhere' is no directory inside the repository"]
    );
}

#[test]
fn keys_that_contradict_each_other_are_mistakes() {
    assert_eq!(
        mistakes("push: { until: prod }"),
        ["solum.yaml:1:16: there is no environment 'prod'; there are: dev"]
    );
    assert_eq!(
        mistakes("processes: { web: ./x }\nenvironments: { dev: { scale: { wbe: 2 } } }"),
        ["solum.yaml:2:33: there is no process 'wbe'; there are: web"]
    );
    assert_eq!(
        mistakes("processes: { web: { scale: 2 } }"),
        ["solum.yaml:1:14: 'web' has no 'run', and neither a Procfile nor detection has one"]
    );
    assert_eq!(
        mistakes("processes: { web: { run: x, health: { timeout: 0s } } }"),
        ["solum.yaml:1:48: an app cannot become healthy in no time"]
    );
}
