//! What the language leaves to its caller: which labels a job may run on, and which secrets there are.

use std::collections::BTreeSet;

use types::AppName;
use workflow::language::{Definition, Mistake, Refused, Work};

use super::WorkflowFile;
use crate::jobs::Runner;
use crate::setting_scopes::ScopeName;
use crate::{Control, Error};

/// What an expression reads when nobody set it, and the language warns of already.
const TOKEN: &str = "GITHUB_TOKEN";

/// Refuses workflows with jobs for machines that are not here.
pub(crate) fn labels(files: &mut [WorkflowFile]) {
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

/// Called workflows are at most ten deep; an expression is looked at when it has a value.
fn of_definition(definition: &Definition, mistakes: &mut Vec<Mistake>) {
    for job in &definition.jobs {
        match &job.work {
            Work::Call(call) => of_definition(&call.workflow, mistakes),
            Work::Steps { runs_on, .. } => {
                for label in runs_on.labels.iter().filter(|label| !label.text.contains("${{")) {
                    if let Err(unknown) = Runner::of([label.text.as_str()]) {
                        let message = unknown.to_string();
                        mistakes.push(Mistake::new(&definition.file, label.at, message));
                    }
                }
            }
        }
    }
}

/// Warns of secrets that expressions name and nobody has set, in the environments that there are, the app or the project.
pub(crate) async fn secrets(
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
