use std::fmt::Write as _;

use api::approvals::Wait;
use api::runs::{Conclusion, RunDetail, Step, WorkStatus};
use clap::Args;
use types::Timestamp;

use super::RunArgument;
use crate::cli::arguments::JsonOption;
use crate::cli::session::Session;
use crate::cli::table::Table;
use crate::cli::times::{ago, lapse};
use crate::cli::{Outcome, graph, output};

/// The longest line of the graph: there is a table of everything below it.
const GRAPH_COLUMNS: usize = 120;

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
    fields.row(["title", &run.title]);
    fields.row(["status", run.status.as_str()]);
    if let Some(first) = &run.retry_of {
        fields.row(["attempt", &format!("{}, after {first}", run.attempt)]);
    }
    if let Some(failure) = &detail.failure {
        fields.row(["reason", &failure.message]);
    }
    if let Some(hint) = detail.failure.as_ref().and_then(|failure| failure.hint.as_deref()) {
        fields.row(["hint", hint]);
    }
    if let Some(commit) = &run.commit {
        fields.row(["commit", commit.as_str()]);
    }
    if let Some(change) = &detail.change {
        fields.row(["branch", &format!("{} ({})", change.branch, change.state)]);
    }
    fields.row(["created", &format!("{} by {}", ago(run.created_at, now), run.created_by)]);
    if let Some(who) = &detail.cancelled_by {
        fields.row(["cancelled by", who]);
    }
    let mut text = fields.render();
    if !detail.jobs.is_empty() {
        text.push('\n');
        for row in graph::rows(&detail.jobs, now) {
            text.push_str(&row.render(GRAPH_COLUMNS, false));
            text.push('\n');
        }
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
        table.row([job.title(), "", word(job.status, job.conclusion), &took, reason]);
        for step in &job.steps {
            let took = self::took(step.started_at, step.finished_at);
            table.row(["", step.title(), word(step.status, step.conclusion), &took, &said(step)]);
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

fn said(step: &Step) -> String {
    let mut text = match (&step.failure, &step.wait) {
        (Some(failure), _) => failure.message.clone(),
        (None, Some(wait)) => waits_for(wait),
        (None, None) => String::new(),
    };
    if step.attempt > 1 {
        let gap = if text.is_empty() { "" } else { " " };
        let _ = write!(text, "{gap}(attempt {})", step.attempt);
    }
    text
}

/// `1 of 2 approved, from role:operator, until 2026-01-05T03:04:05Z`.
fn waits_for(wait: &Wait) -> String {
    let who = if wait.from.is_empty() { "anybody".to_owned() } else { wait.from.join(", ") };
    let until = wait.deadline.strftime("%Y-%m-%d %H:%M UTC");
    let text =
        format!("{} of {} approved, from {who}, until {until}", wait.approved_by.len(), wait.count);
    match &wait.note {
        Some(note) => format!("{text}: {note}"),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jobs_and_steps_are_shown_with_how_they_ended() {
        let run: RunDetail = serde_json::from_str(
            r#"{"id":"run_01h2xcejqtf2nbrexx3vqjhp41","app":"shop","workflow":"deliver","title":"Say hello","status":"failed",
                "commit":null,"created_at":"2026-01-02T03:04:05Z","created_by":"admin",
                "failure":{"code":"build_failed","message":"npm exited with status 1","hint":"mend it"},
                "change":{"number":3,"branch":"main","state":"refused"},
                "jobs":[{"name":"build","status":"completed","conclusion":"failure","started_at":"2026-01-02T03:04:05Z",
                         "finished_at":"2026-01-02T03:04:09Z","steps":[
                           {"name":"build","uses":"solum/build","status":"completed","conclusion":"failure","attempt":2,
                            "failure":{"code":"build_failed","message":"npm exited with status 1"},
                            "started_at":"2026-01-02T03:04:05Z","finished_at":"2026-01-02T03:04:09Z"}]},
                        {"name":"dev","status":"completed","conclusion":"skipped","reason":"build failed","steps":[]}]}"#,
        )
        .unwrap();
        assert_eq!(
            render(&run, "2026-01-02T03:04:35Z".parse().unwrap()),
            "run       run_01h2xcejqtf2nbrexx3vqjhp41\n\
             app       shop\n\
             workflow  deliver\n\
             title     Say hello\n\
             status    failed\n\
             reason    npm exited with status 1\n\
             hint      mend it\n\
             branch    main (refused)\n\
             created   30 seconds ago by admin\n\
             \n\
             ✗ build      4.0 s  npm exited with status 1\n\
             - dev               build failed\n\
             \n\
             JOB    STEP   STATUS   TOOK   DETAIL\n\
             build         failure  4.0 s\n\
             \x20      build  failure  4.0 s  npm exited with status 1 (attempt 2)\n\
             dev           skipped         build failed\n"
        );
    }
}
