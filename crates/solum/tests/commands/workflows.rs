use std::fs;

use crate::server::Answer;
use crate::{Bench, Said};

const CHECKS: &str = "POST /api/v1/workflow-checks";
const GOOD: &str = r#"{"name":"w","mistakes":[],"more_mistakes":0,"warnings":[]}"#;

fn bench(answers: &[(&str, Answer)]) -> Bench {
    let bench = Bench::new(answers);
    bench.repository();
    write(&bench, ".solum/workflows/b.yml", "on: push");
    write(&bench, ".solum/workflows/a.yaml", "on: [push]");
    write(&bench, ".solum/workflows/notes.md", "none");
    bench
}

fn write(bench: &Bench, path: &str, text: &str) {
    let path = bench.path().join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn bodies(bench: &Bench) -> Vec<String> {
    bench.server.asked().into_iter().map(|(_, body)| body).collect()
}

#[test]
fn every_workflow_of_the_folder_is_checked() {
    let bench = bench(&[(CHECKS, Answer::json(200, GOOD))]);
    let said = bench.solum(["workflow", "check"]);
    assert_eq!(
        (said.stdout.as_str(), said.stderr.as_str()),
        ("", "2 workflows, without a mistake\n")
    );
    said.ok();
    assert_eq!(
        bodies(&bench),
        [
            r#"{"workflow":".solum/workflows/a.yaml","files":{".solum/workflows/a.yaml":"on: [push]"}}"#,
            r#"{"workflow":".solum/workflows/b.yml","files":{".solum/workflows/b.yml":"on: push"}}"#,
        ]
    );
}

#[test]
fn mistakes_are_lines_on_stdout_and_the_status_is_1() {
    let mistakes = r#"{"name":null,"mistakes":[{"file":"a.yml","line":2,"column":3,"message":"no"},{"file":"b.yml","message":"gone"}],
        "more_mistakes":1,"warnings":[{"file":"a.yml","line":1,"column":1,"message":"hm"}]}"#;
    let bench = bench(&[(CHECKS, Answer::json(200, mistakes))]);
    let said = bench.solum(["workflow", "check", ".solum/workflows/b.yml", "--app", "shop"]);
    assert_eq!(said.status, Some(1));
    assert_eq!(said.stdout, "a.yml:2:3: no\nb.yml: gone\nand 1 more\n");
    assert_eq!(said.stderr, "warning: a.yml:1:1: hm\nerror: 3 mistakes in 1 of 1 workflow\n");
    assert!(bodies(&bench)[0].ends_with(r#","app":"shop"}"#), "{:?}", bodies(&bench));
    let json = bench.solum(["workflow", "check", ".solum/workflows/b.yml", "--json"]);
    assert_eq!(json.status, Some(1));
    let json: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(json[0]["mistakes"][0]["column"], 3);
}

#[test]
fn what_the_server_wants_too_is_sent_and_nothing_from_outside() {
    let wanted = r#"{"wanted":["shared/c.yml","shared/none.yml","../outside","/etc/hostname"],"mistakes":[],"warnings":[]}"#;
    let answer = Answer::json(200, wanted).then(Answer::json(200, GOOD));
    let bench = bench(&[(CHECKS, answer)]);
    write(&bench, "shared/c.yml", "on: workflow_call");
    fs::create_dir(bench.path().join("deep")).unwrap();
    bench.solum(["workflow", "check", ".solum/workflows/b.yml"]).ok();
    assert_eq!(
        bodies(&bench)[1],
        r#"{"workflow":".solum/workflows/b.yml","files":{"../outside":null,".solum/workflows/b.yml":"on: push","/etc/hostname":null,"shared/c.yml":"on: workflow_call","shared/none.yml":null}}"#
    );
}

#[test]
fn without_workflows_or_with_a_file_from_elsewhere_nothing_is_asked() {
    let bench = Bench::new(&[]);
    bench.repository();
    let said = bench.solum(["workflow", "check"]).fails(1);
    assert!(said.starts_with("error: there is no folder .solum/workflows here\nhint: "), "{said}");
    let said = bench.solum(["workflow", "check", "/etc/hostname"]).fails(2);
    assert!(said.contains("/etc/hostname is outside of "), "{said}");
    bench.solum(["workflow", "check", "none.yml"]).fails(1);
    assert_eq!(bench.server.asked(), []);
}

#[test]
fn a_plan_is_printed() {
    let plan = r#"{"plan":{"workflow":"w","runs":true,"why":"it runs on every push","jobs":[
        {"job":"a","needs":[],"legs":["a"],"verdict":"runs","why":"at once"}]}}"#;
    let bench = bench(&[("POST /api/v1/workflow-plans", Answer::json(200, plan))]);
    let file = ".solum/workflows/b.yml";
    let said = bench
        .solum(["workflow", "plan", file, "--event", "rollback", "--ref", "x", "--input", "a=b=c"]);
    assert_eq!(
        said.ok(),
        "w runs on this rollback: it runs on every push\n\nJOB  AFTER  ENVIRONMENT        WHY\na                        runs  at once\n"
    );
    let event = r#""event":{"name":"rollback","ref":"x","inputs":{"a":"b=c"}}}"#;
    assert!(bodies(&bench)[0].ends_with(event), "{:?}", bodies(&bench));
    bench.solum(["workflow", "plan", file, "--input", "a"]).fails(2);
    bench.solum(["workflow", "plan"]).fails(2);
}

#[test]
fn a_workflow_with_mistakes_has_no_plan() {
    let mistakes = r#"{"mistakes":[{"file":"b.yml","line":1,"column":1,"message":"no"}]}"#;
    let bench = bench(&[("POST /api/v1/workflow-plans", Answer::json(200, mistakes))]);
    let said = bench.solum(["workflow", "plan", ".solum/workflows/b.yml"]);
    assert_eq!((said.status, said.stdout.as_str()), (Some(1), "b.yml:1:1: no\n"));
    assert_eq!(said.stderr, "error: .solum/workflows/b.yml has mistakes, and so no plan\n");
}

fn simulated(answer: &str, arguments: &[&str]) -> (Said, Vec<String>) {
    let bench = bench(&[("POST /api/v1/workflow-simulations", Answer::json(200, answer))]);
    write(&bench, "a.scenario", "on push main");
    let arguments = [&["workflow", "simulate"], arguments].concat();
    let mut command = bench.program(env!("CARGO_BIN_EXE_solum"), arguments);
    command.env("SOLUM_URL", bench.server.url()).env("SOLUM_TOKEN", "solum_token");
    (Said::from(command.output().unwrap()), bodies(&bench))
}

#[test]
fn a_scenario_that_holds_says_so() {
    let held = r#"{"rehearsal":{"held":2,"elapsed_ms":7530000,"story":["one","two"]}}"#;
    let (said, bodies) = simulated(held, &["a.scenario", "--workflow", ".solum/workflows/b.yml"]);
    assert_eq!(said.stderr, "a.scenario: 2 expectations hold, in 2h5m of virtual time\n");
    assert_eq!(said.ok(), "");
    assert_eq!(
        bodies,
        [
            r#"{"scenario":"a.scenario","workflow":".solum/workflows/b.yml","files":{".solum/workflows/b.yml":"on: push","a.scenario":"on push main"}}"#
        ]
    );
    let (said, _) = simulated(held, &["a.scenario", "--story"]);
    assert_eq!(said.ok(), "one\ntwo\n");
}

#[test]
fn a_scenario_that_does_not_hold_says_where_and_what_there_is() {
    let broken = r#"{"rehearsal":{"held":2,"elapsed_ms":0,"story":["one","two"],
        "broken":{"line":7,"message":"expected run succeeded, and it failed","last":["  0s  two"]}}}"#;
    let (said, _) = simulated(broken, &["a.scenario", "a.scenario"]);
    assert_eq!(said.status, Some(1));
    let one = "a.scenario:7: expected run succeeded, and it failed\n  0s  two\n";
    assert_eq!(said.stdout, [one, one].concat());
    assert_eq!(said.stderr, "error: 2 of 2 scenarios do not hold\n");
    let (said, _) = simulated(
        r#"{"mistakes":[{"file":"a.scenario","line":1,"column":4,"message":"no"}]}"#,
        &["a.scenario"],
    );
    assert_eq!((said.status, said.stdout.as_str()), (Some(1), "a.scenario:1:4: no\n"));
}

#[test]
fn a_workflow_is_ejected_but_never_over_what_is_there() {
    let workflow = r#"{"name":"rollback","event":"rollback","text":"name: rollback\n"}"#;
    let bench = bench(&[("GET /api/v1/workflows/built-in/rollback", Answer::json(200, workflow))]);
    let said = bench.solum(["workflow", "eject", "rollback"]);
    assert!(said.stderr.starts_with("rollback is in .solum/workflows/rollback.yml\n"), "{said:?}");
    assert!(said.stderr.contains("it is what happens on 'rollback'"), "{said:?}");
    said.ok();
    let path = bench.path().join(".solum/workflows/rollback.yml");
    assert_eq!(fs::read_to_string(&path).unwrap(), "name: rollback\n");
    fs::write(&path, "mine").unwrap();
    let said = bench.solum(["workflow", "eject", "rollback"]).fails(1);
    assert!(said.contains("rollback.yml is there already\nhint: "), "{said}");
    assert_eq!(fs::read_to_string(&path).unwrap(), "mine");
    bench.solum(["workflow", "eject", "rollback", "--output", "other.yml"]).ok();
    assert_eq!(fs::read_to_string(bench.path().join("other.yml")).unwrap(), "name: rollback\n");
    bench.solum(["workflow", "eject", "../x"]).fails(2);
}
