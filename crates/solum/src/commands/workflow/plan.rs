use std::path::PathBuf;

use api::workflow_plans::{
    Plan as Planned, PlanVerdict, PlanWorkflow, PlannedEvent, PlannedJob, WorkflowPlan,
};
use clap::Args;

use super::check::line;
use crate::cli::arguments::JsonOption;
use crate::cli::failure::Failure;
use crate::cli::session::Session;
use crate::cli::table::Table;
use crate::cli::tree::Tree;
use crate::cli::{Outcome, output};

#[derive(Debug, Args)]
pub(crate) struct Plan {
    /// The workflow
    file: PathBuf,
    /// What happens
    #[arg(long, value_name = "EVENT", default_value = "push")]
    event: String,
    /// Which kind of it, as in `opened` of a `pull_request`
    #[arg(long = "type", value_name = "TYPE")]
    activity: Option<String>,
    /// The branch, or the whole name of a tag: `refs/tags/v1`; `main` if not said
    #[arg(long = "ref", value_name = "REF")]
    reference: Option<String>,
    /// A path that changed; without any it is not known which did
    #[arg(long = "changed", value_name = "PATH")]
    changed: Vec<String>,
    /// An input of `workflow_dispatch`; of other events a field of `github.event`
    #[arg(long = "input", value_name = "NAME=VALUE", value_parser = input)]
    inputs: Vec<(String, String)>,
    #[command(flatten)]
    json: JsonOption,
}

fn input(text: &str) -> Result<(String, String), String> {
    let pair = text.split_once('=').filter(|(name, _)| !name.is_empty());
    let (name, value) = pair.ok_or("write NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

impl Plan {
    pub(crate) fn run(self, session: &Session) -> Outcome {
        let tree = Tree::here()?;
        let workflow = tree.path_of(&self.file)?;
        let client = session.client()?;
        let event = PlannedEvent {
            name: self.event,
            activity: self.activity,
            reference: self.reference,
            changed: (!self.changed.is_empty()).then_some(self.changed),
            inputs: self.inputs.into_iter().collect(),
        };
        let answer = tree.ask(&[&workflow], |files| {
            let (workflow, files) = (workflow.clone(), files.clone());
            let ask = PlanWorkflow { workflow, files, event: event.clone() };
            let plan = client.plan_workflow(&ask)?;
            Ok((plan.wanted.clone(), plan))
        })?;
        if self.json.json {
            output::print_json(&answer)?;
        }
        let WorkflowPlan { mistakes, plan, .. } = answer;
        let Some(plan) = plan else {
            if !self.json.json {
                for mistake in &mistakes {
                    output::print(&line(mistake))?;
                }
            }
            return Err(Failure::failed(format!("{workflow} has mistakes, and so no plan")));
        };
        if self.json.json { Ok(()) } else { output::print(&render(&plan, &event.name)) }
    }
}

fn render(plan: &Planned, event: &str) -> String {
    let Planned { workflow, runs, why, jobs } = plan;
    if !runs {
        return format!("{workflow} does not run on this {event}: {why}\n");
    }
    let mut table = Table::new(&["JOB", "AFTER", "ENVIRONMENT", "", "WHY"]);
    for job in jobs {
        let environment = job.environment.as_deref().unwrap_or_default();
        let verdict = match job.verdict {
            PlanVerdict::Runs => "runs",
            PlanVerdict::Skipped => "skipped",
            PlanVerdict::Depends => "depends",
        };
        table.row([&name(job), &job.needs.join(", "), environment, verdict, &job.why]);
    }
    format!("{workflow} runs on this {event}: {why}\n\n{}", table.render())
}

/// With how often it runs, where that is not once.
fn name(job: &PlannedJob) -> String {
    match job.legs.len() {
        0 if job.verdict == PlanVerdict::Runs => format!("{} ×?", job.job),
        0 | 1 => job.job.clone(),
        count => format!("{} ×{count}", job.job),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(name: &str, needs: &[&str], legs: usize, verdict: PlanVerdict, why: &str) -> PlannedJob {
        PlannedJob {
            job: name.to_owned(),
            needs: needs.iter().map(|&need| need.to_owned()).collect(),
            environment: (name == "prod").then(|| "prod".to_owned()),
            legs: (0..legs).map(|leg| format!("{name} ({leg})")).collect(),
            verdict,
            why: why.to_owned(),
        }
    }

    #[test]
    fn a_plan_is_a_table_with_reasons() {
        let plan = Planned {
            workflow: "ship".to_owned(),
            runs: true,
            why: "branch 'main' fits 'main'".to_owned(),
            jobs: vec![
                job("test", &[], 2, PlanVerdict::Runs, "at once"),
                job("each", &["test"], 0, PlanVerdict::Runs, "once `test` has succeeded"),
                job(
                    "prod",
                    &["test", "each"],
                    0,
                    PlanVerdict::Skipped,
                    "`test`, which it needs, was skipped",
                ),
            ],
        };
        assert_eq!(
            render(&plan, "push"),
            "ship runs on this push: branch 'main' fits 'main'\n\n\
             JOB      AFTER       ENVIRONMENT           WHY\n\
             test ×2                           runs     at once\n\
             each ×?  test                     runs     once `test` has succeeded\n\
             prod     test, each  prod         skipped  `test`, which it needs, was skipped\n"
        );
    }
}
