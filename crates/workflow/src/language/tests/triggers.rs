//! `on:` in all its forms.

use super::*;

fn on(lines: &str) -> String {
    format!("on:{lines}\njobs: {{ j: {{ runs-on: linux, steps: [{{ run: x }}] }} }}\n")
}

#[test]
fn on_is_a_word_a_list_or_a_mapping() {
    for text in [" push", " [push, pull_request]", " { push: , workflow_dispatch: }"] {
        let triggers = good(&on(text)).triggers;
        let event = Event { name: "push".to_owned(), ..Event::default() };
        assert!(matches(&triggers, &event).runs, "{text}");
    }
}

#[test]
fn filters_become_triggers() {
    let text = on(
        "\n  push:\n    branches: [main, 'v*']\n    paths-ignore: docs/**\n  release: { types: [published] }\n  \
                   rollback:",
    );
    let triggers = good(&text).triggers;
    let patterns = vec!["main".to_owned(), "v*".to_owned()];
    let push = triggers.get("push").unwrap();
    assert_eq!(push.branches, Some(Filter { ignore: false, patterns }));
    let patterns = vec!["docs/**".to_owned()];
    assert_eq!(push.paths, Some(Filter { ignore: true, patterns }));
    assert_eq!(triggers.get("release").unwrap().types, Some(vec!["published".to_owned()]));
    assert!(triggers.get("rollback").is_some());
}

#[test]
fn unknown_events_and_those_of_github_are_told_apart() {
    assert_mistakes(&on(" psuh"), &["1:5: there is no event 'psuh'; did you mean 'push'?"]);
    assert_mistakes(
        &on(" { issues: , workflow_run: { workflows: [x] } }"),
        &[
            "1:7: GitHub has the event 'issues', Solum does not: Solum has no issues, reviews, labels or pages that it \
             could speak of",
            "1:17: GitHub has the event 'workflow_run', Solum does not: call the one workflow from the other \
             ('workflow_call'), or use 'needs'",
        ],
    );
    let refused = refused_beside(&on(" { issues: }"), &[]);
    assert_eq!(refused.not_done, ["on.issues"]);
}

#[test]
fn filters_that_contradict_themselves_are_mistakes() {
    assert_mistakes(
        &on("\n  push:\n    branches: [main]\n    branches-ignore: [dev]"),
        &[
            "4:5: 'branches' and 'branches-ignore' exclude each other: write what is to be ignored with '!' under \
           'branches'",
        ],
    );
    assert_mistakes(
        &on("\n  push: { tags: ['!v1'] }"),
        &[
            "2:11: every pattern of 'tags' excludes, so nothing fits: add one without '!', as '**', before them, or use \
           'tags-ignore'",
        ],
    );
    assert_mistakes(
        &on("\n  push: { paths: ['[a'] }"),
        &["2:19: '[a' is no pattern: a '[' is never closed"],
    );
    assert_mistakes(
        &on("\n  pull_request: { types: [open], tags: [x] }"),
        &[
            "2:27: 'pull_request' has no type 'open'; did you mean 'opened'?",
            "2:34: unknown key 'tags'; what can stand here: types, branches, branches-ignore, paths, paths-ignore",
        ],
    );
    assert_mistakes(
        &on("\n  rollback: { environments: [prod] }"),
        &["2:13: nothing can be said about 'rollback'"],
    );
}

#[test]
fn schedules_are_checked() {
    let text = on("\n  schedule: [{ cron: '0 4 * * 1', timezone: Europe/Berlin }]");
    let triggers = good(&text).triggers;
    let schedule = &triggers.get("schedule").unwrap().schedules[0];
    assert_eq!(
        (schedule.cron.as_str(), schedule.timezone.as_deref()),
        ("0 4 * * 1", Some("Europe/Berlin"))
    );
    assert_mistakes(
        &on(
            "\n  schedule: [{ cron: '61 * * * *' }, { cron: daily }, {}, { cron: '0 4 * * *', timezone: Berlin }]",
        ),
        &[
            "2:22: '61 * * * *' names no time: value must be in range 0..=59; found 61",
            "2:46: 'daily' has to be five fields: minute, hour, day of the month, month, day of the week",
            "2:55: 'cron' is missing",
            "2:90: there is no time zone 'Berlin'; use a name of the IANA database, as 'Europe/Berlin'",
        ],
    );
    assert_mistakes(
        &on(" [schedule]"),
        &["1:6: 'schedule' needs times: 'schedule: [{ cron: \"0 4 * * *\" }]'"],
    );
}

#[test]
fn inputs_of_a_dispatch_are_typed() {
    let text = on(
        "\n  workflow_dispatch:\n    inputs:\n      where: { type: choice, options: [dev, prod], default: dev }\n      \
                   dry: { type: boolean, default: true }\n      note: { description: why, required: true }",
    );
    let workflow = good(&text);
    let inputs = &workflow.definition.inputs;
    assert_eq!(inputs.len(), 3);
    assert_eq!(inputs[0].kind, InputType::Choice { options: vec!["dev".into(), "prod".into()] });
    assert!(inputs[2].required);
    assert_mistakes(
        &on(
            "\n  workflow_dispatch:\n    inputs:\n      a: { type: bool }\n      b: { type: choice }\n      \
             c: { type: number, default: many }\n      d e: {}\n      f: { options: [x], type: string }",
        ),
        &[
            "4:18: an input cannot be of type 'bool': use string, boolean, number, choice, environment",
            "5:12: a choice needs 'options': a list of texts",
            "6:35: the default of input 'c' has to be a number",
            "7:7: an input cannot be called 'd e': a letter or '_' first, then letters, digits, '_' and '-'; 100 at most",
            "8:21: 'options' belong to an input with 'type: choice'",
        ],
    );
}
