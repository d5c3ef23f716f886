use api::workflows::{Workflow, WorkflowInput};
use clap::Args;

use crate::cli::arguments::{AppArgument, JsonOption};
use crate::cli::session::Session;
use crate::cli::table::Table;
use crate::cli::{Outcome, output};

#[derive(Debug, Args)]
pub(crate) struct List {
    #[command(flatten)]
    app: AppArgument,
    /// Of this branch or tag; else of the branch that deploys
    #[arg(long = "ref", value_name = "REF")]
    reference: Option<String>,
    #[command(flatten)]
    json: JsonOption,
}

impl List {
    pub(crate) fn run(self, session: &Session) -> Outcome {
        let app = session.app(self.app.app)?;
        let workflows = session.client()?.workflows(&app, self.reference.as_deref())?;
        if self.json.json {
            return output::print_json(&workflows);
        }
        if workflows.is_empty() {
            output::say(&format!("{app} has no workflow files: what Solum brings runs."));
            return Ok(());
        }
        output::print(&render(&workflows))
    }
}

fn render(workflows: &[Workflow]) -> String {
    let mut table = Table::new(&["FILE", "NAME", "RUNS ON", "INPUTS"]);
    for workflow in workflows {
        let runs_on = match workflow.mistakes.first() {
            Some(mistake) => mistake.clone(),
            None => workflow.events.join(", "),
        };
        let inputs: Vec<_> = workflow.inputs.iter().map(input).collect();
        table.row([
            workflow.file.as_str(),
            workflow.name.as_str(),
            runs_on.as_str(),
            inputs.join(", ").as_str(),
        ]);
    }
    table.render()
}

/// `where=dev|prod`, `count=1`, `dry*` for one that has to be given.
fn input(input: &WorkflowInput) -> String {
    let (name, mark) = (&input.name, if input.required { "*" } else { "" });
    match (&input.default, input.options.as_slice()) {
        (Some(default), []) if !default.is_empty() => format!("{name}{mark}={default}"),
        (_, options) if !options.is_empty() => format!("{name}{mark}={}", options.join("|")),
        _ => format!("{name}{mark}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workflows_are_listed_with_what_they_ask_for() {
        let workflows: Vec<Workflow> = serde_json::from_value(serde_json::json!([
            { "file": "a.yml", "name": "Deliver", "events": ["push", "workflow_dispatch"], "inputs": [
                { "name": "where", "required": true, "type": "choice", "options": ["dev", "prod"] },
                { "name": "count", "required": false, "type": "number", "default": "1" },
                { "name": "note", "required": true, "type": "string" },
            ] },
            { "file": "b.yml", "name": ".solum/workflows/b.yml", "mistakes": ["b.yml:1:1: no"] },
        ]))
        .unwrap();
        assert_eq!(
            render(&workflows),
            "FILE   NAME                    RUNS ON                  INPUTS\n\
             a.yml  Deliver                 push, workflow_dispatch  where*=dev|prod, count=1, note*\n\
             b.yml  .solum/workflows/b.yml  b.yml:1:1: no\n"
        );
    }
}
