//! What the language leaves to its caller: which labels a job may run on, what can be carried out, and which secrets there are.

use std::collections::BTreeSet;

use types::AppName;
use workflow::language::{Action, Definition, Mistake, Refused, Step, Variables, Work};

use super::WorkflowFile;
use crate::jobs::Runner;
use crate::setting_scopes::ScopeName;
use crate::{Control, Error};

/// What an expression reads when nobody set it, and the language warns of already.
const TOKEN: &str = "GITHUB_TOKEN";

/// All of it; which secrets there are can be said of an app only.
pub(crate) async fn check(
    control: &Control,
    app: Option<&AppName>,
    files: &mut [WorkflowFile],
) -> Result<(), Error> {
    abilities(files);
    events(files);
    match app {
        Some(app) => secrets(control, app, files).await,
        None => Ok(()),
    }
}

/// Verbs and inputs of the language that nothing here carries out yet, and what to do instead.
const NOT_YET: [(&str, Option<&str>, &str); 2] = [
    ("solum/hold", None, "environments cannot be held yet; leave the step out"),
    (
        "solum/deploy",
        Some("strategy"),
        "a deployment replaces all instances at once so far; leave the input out",
    ),
];

/// Refuses workflows with jobs for machines, or with verbs, that are not here.
fn abilities(files: &mut [WorkflowFile]) {
    for file in files {
        let Ok(workflow) = &file.reading else { continue };
        let mut mistakes = Vec::new();
        of_definition(&workflow.definition, &mut mistakes);
        if !mistakes.is_empty() {
            let warnings = workflow.warnings.clone();
            let not_done = Vec::new();
            file.reading = Err(Refused { mistakes, more_mistakes: 0, warnings, not_done });
        }
    }
}

/// Called workflows and actions are at most ten deep; an expression is looked at when it has a value.
fn of_definition(definition: &Definition, mistakes: &mut Vec<Mistake>) {
    for job in &definition.jobs {
        match &job.work {
            Work::Call(call) => of_definition(&call.workflow, mistakes),
            Work::Steps { runs_on, steps } => {
                for label in runs_on.labels.iter().filter(|label| !label.text.contains("${{")) {
                    if let Err(unknown) = Runner::of([label.text.as_str()]) {
                        let message = unknown.to_string();
                        mistakes.push(Mistake::new(&definition.file, label.at, message));
                    }
                }
                of_steps(&definition.file, steps, mistakes);
            }
        }
    }
}

fn of_steps(file: &str, steps: &[Step], mistakes: &mut Vec<Mistake>) {
    for step in steps {
        for action in [Some(&step.action), step.undo.as_deref()].into_iter().flatten() {
            match action {
                Action::Composite { action, .. } => of_steps(&action.file, &action.steps, mistakes),
                Action::Verb { verb, with } => mistakes.extend(not_yet(file, step, verb, with)),
                Action::Run { .. } | Action::BuiltIn { .. } | Action::JavaScript { .. } => {}
            }
        }
    }
}

fn not_yet(file: &str, step: &Step, verb: &str, with: &Variables) -> Option<Mistake> {
    NOT_YET.iter().filter(|(known, ..)| *known == verb).find_map(|(_, input, instead)| {
        let (what, at) = match input {
            None => (verb.to_owned(), step.at),
            Some(input) => {
                let (_, value) = with.iter().find(|(name, _)| name.eq_ignore_ascii_case(input))?;
                (format!("'{input}' of {verb}"), value.at)
            }
        };
        Some(Mistake::new(file, at, format!("{what} is not carried out yet: {instead}")))
    })
}

/// Events that the language has and nothing here brings about yet.
const NOTHING_STARTS: [&str; 4] = ["pull_request", "release", "deployment_status", "service"];

/// Warns of events under `on` that this version never has.
fn events(files: &mut [WorkflowFile]) {
    for file in files {
        let Ok(workflow) = &mut file.reading else { continue };
        for trigger in &workflow.triggers.events {
            if NOTHING_STARTS.contains(&trigger.event.as_str()) {
                let message =
                    format!("nothing happens here yet that would be a '{}'", trigger.event);
                workflow.warnings.push(Mistake::new(&file.path, trigger.at, message));
            }
        }
    }
}

/// Warns of secrets that expressions name and nobody has set, in the environments that there are, the app or the project.
async fn secrets(
    control: &Control,
    app: &AppName,
    files: &mut [WorkflowFile],
) -> Result<(), Error> {
    let read = |file: &WorkflowFile| file.reading.as_ref().is_ok_and(|it| !it.secrets.is_empty());
    if !files.iter().any(read) {
        return Ok(());
    }
    let known = known_secrets(control, app).await?;
    for workflow in files.iter_mut().filter_map(|file| file.reading.as_mut().ok()) {
        for used in &workflow.secrets {
            let name = used.name.to_ascii_uppercase();
            if name != TOKEN && !known.contains(&name) {
                let message = format!(
                    "there is no secret '{name}', so it is empty: solum secret set {name} --app {app}"
                );
                workflow.warnings.push(Mistake::new(&used.file, used.at, message));
            }
        }
    }
    Ok(())
}

async fn known_secrets(control: &Control, app: &AppName) -> Result<BTreeSet<String>, Error> {
    let mut scopes =
        vec![ScopeName::default(), ScopeName { app: Some(app.clone()), environment: None }];
    for view in control.environments(app).await? {
        let environment = Some(view.environment.name);
        scopes.push(ScopeName { app: Some(app.clone()), environment });
    }
    let mut names = BTreeSet::new();
    for scope in scopes {
        let secrets = control.secrets(&scope).await?;
        names.extend(secrets.into_iter().map(|secret| secret.name.as_str().to_owned()));
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use workflow::language::{Reading, Sources, read};

    use super::*;

    fn checked(text: &str) -> WorkflowFile {
        let Reading::Read(workflow) = read("w.yml", text, &Sources::default()) else {
            panic!("{text} is to be read")
        };
        let mut files = [WorkflowFile { path: "w.yml".to_owned(), reading: Ok(*workflow) }];
        abilities(&mut files);
        let [file] = files;
        file
    }

    #[test]
    fn what_cannot_be_carried_out_is_refused_with_its_place() {
        let file = checked(
            "on: push\njobs:\n  a:\n    runs-on: solum\n    environment: dev\n    steps:\n      - uses: solum/hold\n      \
             - uses: solum/deploy\n        with: { release: v1, strategy: { rolling: {} } }\n  b:\n    runs-on: windows-latest\n    \
             steps: [{ run: dir }]\n",
        );
        let refused = file.reading.unwrap_err();
        let mistakes: Vec<String> = refused.mistakes.iter().map(ToString::to_string).collect();
        assert!(
            mistakes[0].starts_with("w.yml:7:9: solum/hold is not carried out yet"),
            "{mistakes:?}"
        );
        assert!(mistakes[1].starts_with("w.yml:9:"), "{mistakes:?}");
        assert!(mistakes[2].contains("windows-latest"), "{mistakes:?}");
        assert_eq!(mistakes.len(), 3);
    }
}
