//! What a scenario is told that does not hold, or cannot be read.

use control::rehearsal::{Rehearsal, read, rehearse};
use workflow::language::{Found, read_with};

const WORKFLOW: &str = "
on: { push: { branches: [main] } }
jobs:
  test: { runs-on: linux, steps: [{ id: unit, run: make }] }
  prod:
    needs: test
    environment: prod
    runs-on: solum
    steps:
      - { id: ask, uses: solum/approve, with: { timeout: 72h } }
      - { id: ship, uses: solum/deploy, with: { release: v2 } }
";

fn play(scenario: &str) -> Rehearsal {
    let workflow = read_with("w.yml", WORKFLOW, |_| Found::Missing).unwrap();
    rehearse(&read("a.scenario", scenario).unwrap(), &workflow)
}

#[track_caller]
fn assert_broken(scenario: &str, line: usize, message: &str) {
    let broken = play(scenario).broken.unwrap();
    assert_eq!((broken.line, broken.message.as_str()), (line, message));
}

#[track_caller]
fn assert_mistakes(scenario: &str, expected: &[&str]) {
    let mistakes = read("a.scenario", scenario).unwrap_err();
    let mistakes: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
    assert_eq!(mistakes, expected);
}

#[test]
fn an_expectation_that_does_not_hold_says_what_there_is_and_how_it_came_to_that() {
    let rehearsal =
        play("on push main\njob test fails with 3 after 2m\n\nexpect waiting approval prod");
    let broken = rehearsal.broken.unwrap();
    assert_eq!(broken.line, 4);
    assert_eq!(
        broken.message,
        "expected waiting approval prod, and nothing waits for people; the run failed"
    );
    assert_eq!(
        broken.last,
        [
            "      0s    the run begins",
            "      0s    test/unit begins",
            "      2m    test/unit failure: it ended with exit code 3",
            "      2m    test failure",
            "      2m    prod is skipped: `test`, which it needs, failed",
            "      2m    the run failed",
            "      2m  > expect waiting approval prod",
        ]
    );
}

#[test]
fn each_expectation_says_what_is_so_instead() {
    for (expectation, message) in [
        ("run succeeded", "expected run succeeded, and it is waiting"),
        ("no run", "expected that the event starts no run, and it started one"),
        ("job test failure", "expected job test failure, and it is success"),
        (
            "job tset success",
            "expected job tset, and there is no job 'tset'; did you mean 'test'?; there are test, prod",
        ),
        ("step test/unit failure because x", "expected step test/unit failure, and it is success"),
        (
            "step test/unit success because x",
            "expected step test/unit success because x, and no reason is given",
        ),
        (
            "step test/unit success on attempt 2",
            "expected step test/unit success on attempt 2, and it is attempt 1",
        ),
        (
            "step test/uint success",
            "expected step test/uint, and there is no step 'test/uint'; did you mean 'test/unit'?; so far there are test/unit, prod/ask, prod/ship",
        ),
        (
            "step test/unit outputs a=b",
            "expected that step test/unit outputs a=b, and it has no output 'a'",
        ),
        ("waiting approval test", "expected waiting approval test, and what waits is prod/ask"),
        (
            "environment prod at new release",
            "expected environment prod at new release, and nothing was deployed to it",
        ),
        (
            "environment dev at new release",
            "expected environment dev at new release, and no job of the run is for that environment",
        ),
        ("elapsed 2m", "expected that 2m have passed, and it was 0s"),
        (
            "order prod/ask, test/unit",
            "expected the order prod/ask, test/unit, and they began so: test/unit, prod/ask",
        ),
    ] {
        assert_broken(&format!("on push main\nexpect {expectation}"), 2, message);
    }
}

#[test]
fn what_people_do_is_taken_unless_the_scenario_says_that_it_is_refused() {
    let start = "on push main by alice\nexpect waiting approval prod\n";
    for (line, message) in [
        (
            "approve prod as alice",
            "alice: it was refused: alice may not decide this: whoever started the run does not count",
        ),
        ("approve prod as bob is refused", "bob: expected that it is refused, and it was taken"),
        (
            "approve prod as alice is refused because of the weather",
            "alice: expected that it is refused because of the weather, and it is because alice may not decide this: whoever started the run does not count",
        ),
        ("approve qa as bob", "there is no job, step or environment 'qa'"),
        ("again", "nothing was said before"),
        ("group x is free", "no other run holds group 'x'"),
        ("report test/x attempt 1 succeeds", "there is no step 'test/x' yet"),
    ] {
        assert_broken(&format!("{start}{line}"), 3, message);
    }
}

#[test]
fn an_outcome_that_nothing_asks_for_is_told() {
    let message = "nothing that this is about was carried out; what was: test/unit, prod/ask";
    assert_broken("on push main\njob tests fails\nexpect run waiting", 2, message);
    assert_broken("on push main\ndeploy dev fails\nexpect run waiting", 2, message);
    assert_broken("on push main\nstep test/x outputs a=b\nexpect run waiting", 2, message);
}

#[test]
fn an_event_that_starts_nothing_is_told_where_it_stands() {
    let message = "the event does not start the workflow: branch 'x' fits none of main";
    assert_broken("on push x\n\nexpect run succeeded", 1, message);
    let message = "the event does not start the workflow: it runs on push, not on rollback";
    assert_broken("on rollback prod\nexpect run succeeded", 1, message);
    assert!(play("on push x\nexpect no run").broken.is_none());
}

#[test]
fn a_scenario_ends_however_long_its_run_would_go_on() {
    assert_broken(
        "on push main\nexpect waiting approval prod\nafter 366d approve as bob",
        3,
        "bob: it was refused: the run has ended: it failed",
    );
    let years = "after 366d\n".repeat(11);
    let text = format!("on push main\n{years}expect run failed");
    assert_broken(&text, 12, "a rehearsal takes ten years at most");
}

#[test]
fn mistakes_are_told_all_at_once_with_their_places() {
    assert_mistakes(
        "on push main\n\
         job test suceeds\n\
         expct run succeeded\n\
         after soon cancel\n\
         after 1m job test succeeds\n\
         analysis prod at 5% says regressed\n\
         expect run done\n\
         approve prod as\n\
         step unit succeeds\n\
         on push x\n\
         var A=b\n\
         cancel as alice now\n\
         expect environment prod at other release\n",
        &[
            "a.scenario:2:17: how it ends (succeeds, fails, never ends) is missing at the end of the line",
            "a.scenario:3:1: no line begins with 'expct'; did you mean 'expect'?",
            "a.scenario:4:7: 'soon' is no duration: write '10s', '5m', '72h'",
            "a.scenario:5:1: this has no time of its own: 'after' and 'by' are for what people and other runs do, and for 'expect'",
            "a.scenario:6:1: 'analysis' is about policies and canaries of environments, which Solum does not have yet: \
             what a scenario can state is how jobs and steps end",
            "a.scenario:7:12: a run is queued, running, waiting, succeeded, failed or cancelled, not 'done'",
            "a.scenario:8:16: a name is missing at the end of the line",
            "a.scenario:9:6: write a step with its job: 'JOB/unit'",
            "a.scenario:10:1: a scenario is about one run: write another file for another event",
            "a.scenario:11:1: the run has begun: what it begins with stands before 'on'",
            "a.scenario:12:17: 'now' cannot stand here",
            "a.scenario:13:28: it is at previous or at new, not 'other'",
        ],
    );
}

#[test]
fn a_scenario_begins_something_and_expects_something() {
    assert_mistakes(
        "# nothing",
        &["a.scenario: nothing begins: write 'on EVENT', as in 'on push main'"],
    );
    assert_mistakes(
        "on push main",
        &["a.scenario: it expects nothing: say what is to come true, as in 'expect run succeeded'"],
    );
    assert_mistakes(
        "expect run succeeded\non watch",
        &[
            "a.scenario:1:1: nothing has begun yet: write 'on EVENT' first",
            "a.scenario:2:4: GitHub has the event 'watch', Solum does not: it is about GitHub's own",
        ],
    );
    assert_mistakes(
        "on puhs main",
        &["a.scenario:1:4: there is no event 'puhs'; did you mean 'push'?"],
    );
}

#[test]
fn a_scenario_is_bounded() {
    let lines = "expect run waiting\n".repeat(1_000);
    assert_mistakes(
        &format!("on push main\n{lines}"),
        &["a.scenario:1000:1: a scenario has at most 1000 lines that say something"],
    );
    let text = "#".repeat(65 << 10);
    assert_mistakes(&text, &["a.scenario: the scenario is larger than 64 KiB"]);
}

#[test]
fn a_large_run_tells_no_endless_story_and_cannot_be_tried_again_for_ever() {
    let versions: Vec<String> = (0..200).map(|version| version.to_string()).collect();
    let steps = "{ run: make }, ".repeat(10);
    let text = format!(
        "on: push\njobs: {{ a: {{ runs-on: linux, strategy: {{ matrix: {{ version: [{}] }} }}, steps: [{steps}] }} }}",
        versions.join(", ")
    );
    let workflow = read_with("w.yml", &text, |_| Found::Missing).unwrap();
    let play = |scenario: &str| rehearse(&read("a.scenario", scenario).unwrap(), &workflow);
    let once = play("on push main\nexpect run succeeded");
    assert_eq!((once.broken, once.story.len()), (None, 2_001));
    assert!(once.story[2_000].ends_with(" lines more"), "{}", once.story[2_000]);
    let again = "retry\nexpect run succeeded\n".repeat(10);
    let broken = play(&format!("on push main\nexpect run succeeded\n{again}")).broken.unwrap();
    let message = "the rehearsal has more than 20000 records: make the scenario shorter";
    assert_eq!(broken.message, message);
}
