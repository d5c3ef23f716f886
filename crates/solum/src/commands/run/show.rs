use std::fmt::Write as _;

use api::runs::{Attempt, Conclusion, RunDetail, WorkStatus};
use clap::Args;
use types::Timestamp;

use super::RunArgument;
use crate::cli::arguments::JsonOption;
use crate::cli::session::Session;
use crate::cli::table::Table;
use crate::cli::times::{ago, lapse};
use crate::cli::{Outcome, output};

#[derive(Debug, Args)]
pub(crate) struct Show {
    #[command(flatten)]
    run: RunArgument,
    #[command(flatten)]
    json: JsonOption,
}

impl Show {
    pub(crate) fn run(self, session: &Session) -> Outcome {
        let client = session.client()?;
        let run = client.run(self.run.find(session, &client)?)?;
        if self.json.json {
            output::print_json(&run)
        } else {
            output::print(&render(&run, session.now()))
        }
    }
}

fn render(detail: &RunDetail, now: Timestamp) -> String {
    let run = &detail.run;
    let mut fields = Table::of_fields();
    fields.row(["run", &run.id.to_string()]);
    fields.row(["app", run.app.as_str()]);
    fields.row(["workflow", &run.workflow]);
    fields.row(["status", run.status.as_str()]);
    if let Some(reason) = &run.reason {
        fields.row(["reason", reason]);
    }
    if let Some(environment) = &run.environment {
        fields.row(["environment", environment.as_str()]);
    }
    if let Some(commit) = &run.commit {
        fields.row(["commit", commit.as_str()]);
    }
    if let Some(branch) = &run.branch {
        fields.row(["branch", branch]);
    }
    fields.row(["created", &format!("{} by {}", ago(run.created_at, now), run.created_by)]);
    let mut text = fields.render();
    if !detail.jobs.is_empty() {
        text.push('\n');
        text.push_str(&work(detail).render());
    }
    text
}

fn work(detail: &RunDetail) -> Table {
    let mut table = Table::new(&["JOB", "STEP", "STATUS", "TOOK", "DETAIL"]);
    for job in &detail.jobs {
        let took = took(job.started_at, job.finished_at);
        let reason = job.reason.as_deref().unwrap_or_default();
        table.row([&job.name, "", word(job.status, job.conclusion), &took, reason]);
        for step in &job.steps {
            let took = self::took(step.started_at, step.finished_at);
            let detail = step_detail(step.reason.as_deref(), &step.attempts);
            table.row(["", &step.name, word(step.status, step.conclusion), &took, &detail]);
        }
    }
    table
}

fn word(status: WorkStatus, conclusion: Option<Conclusion>) -> &'static str {
    conclusion.map_or(status.as_str(), Conclusion::as_str)
}

fn took(started: Option<Timestamp>, finished: Option<Timestamp>) -> String {
    started.zip(finished).map(|(start, end)| lapse(start, end)).unwrap_or_default()
}

fn step_detail(reason: Option<&str>, attempts: &[Attempt]) -> String {
    let mut text = reason.unwrap_or_default().to_owned();
    if attempts.len() > 1 {
        let gap = if text.is_empty() { "" } else { " " };
        let _ = write!(text, "{gap}({} attempts)", attempts.len());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jobs_and_steps_are_shown_with_how_they_ended() {
        let run: RunDetail = serde_json::from_str(
            r#"{"id":"run_01h2xcejqtf2nbrexx3vqjhp41","app":"shop","workflow":"deliver","status":"failed",
                "reason":"the build failed","commit":null,"branch":"main","created_at":"2026-01-02T03:04:05Z","created_by":"admin",
                "jobs":[{"name":"build","status":"completed","conclusion":"failure","started_at":"2026-01-02T03:04:05Z",
                         "finished_at":"2026-01-02T03:04:09Z","steps":[
                           {"name":"solum/build","status":"completed","conclusion":"failure","reason":"npm exited with status 1",
                            "started_at":"2026-01-02T03:04:05Z","finished_at":"2026-01-02T03:04:09Z",
                            "attempts":[{"number":1,"status":"completed","conclusion":"cancelled"},
                                        {"number":2,"status":"completed","conclusion":"failure"}]}]},
                        {"name":"dev","status":"completed","conclusion":"skipped","reason":"build failed","steps":[]}]}"#,
        )
        .unwrap();
        assert_eq!(
            render(&run, "2026-01-02T03:04:35Z".parse().unwrap()),
            "run       run_01h2xcejqtf2nbrexx3vqjhp41\n\
             app       shop\n\
             workflow  deliver\n\
             status    failed\n\
             reason    the build failed\n\
             branch    main\n\
             created   30 seconds ago by admin\n\
             \n\
             JOB    STEP         STATUS   TOOK   DETAIL\n\
             build               failure  4.0 s\n\
             \x20      solum/build  failure  4.0 s  npm exited with status 1 (2 attempts)\n\
             dev                 skipped         build failed\n"
        );
    }
}
