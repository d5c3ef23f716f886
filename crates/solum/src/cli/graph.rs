//! The jobs of a run, a line each, in an order in which each comes after those that it needs.

use api::runs::{Conclusion, Job, Step, WorkStatus};
use types::Timestamp;

use super::times::lapse;

const GREEN: &str = "\x1b[32m";
const RED: &str = "\x1b[31m";
const YELLOW: &str = "\x1b[33m";
const CYAN: &str = "\x1b[36m";
const DIM: &str = "\x1b[2m";
const RESET: &str = "\x1b[0m";

/// One job, as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    mark: char,
    colour: &'static str,
    text: String,
}

impl Row {
    /// No wider than `columns`.
    pub(crate) fn render(&self, columns: usize, colours: bool) -> String {
        let text = fitting(&self.text, columns.saturating_sub(2));
        match colours {
            true => format!("{}{}{RESET} {text}", self.colour, self.mark),
            false => format!("{} {text}", self.mark),
        }
    }

    /// A line that stands for others.
    pub(crate) fn more(count: usize) -> Self {
        Self { mark: '…', colour: DIM, text: format!("and {count} more") }
    }
}

/// The jobs as they stand at `now`.
pub(crate) fn rows(jobs: &[Job], now: Timestamp) -> Vec<Row> {
    let widest = jobs.iter().map(|job| job.title().chars().count()).max().unwrap_or(0);
    let row = |job: &Job| {
        let (mark, colour) = mark(job);
        let took = job.started_at.map(|start| lapse(start, job.finished_at.unwrap_or(now)));
        let name = job.title();
        let text =
            format!("{name:<widest$}  {:>9}  {}", took.unwrap_or_default(), detail(job, jobs));
        Row { mark, colour, text: text.trim_end().to_owned() }
    };
    jobs.iter().map(row).collect()
}

fn mark(job: &Job) -> (char, &'static str) {
    match (job.status, job.conclusion) {
        (_, Some(Conclusion::Success)) => ('✓', GREEN),
        (_, Some(Conclusion::Failure)) => ('✗', RED),
        (_, Some(Conclusion::Cancelled)) => ('✗', DIM),
        (_, Some(Conclusion::Skipped)) => ('-', DIM),
        (WorkStatus::Queued, None) => ('○', DIM),
        _ if job.steps.iter().any(|step| step.wait.is_some()) => ('?', YELLOW),
        _ => ('●', CYAN),
    }
}

/// What is under way in it, what it waits for, or why it did not succeed.
fn detail(job: &Job, jobs: &[Job]) -> String {
    if job.conclusion.is_some() {
        let failed = job.steps.iter().find_map(|step| step.failure.as_ref());
        let why = failed.filter(|_| job.conclusion == Some(Conclusion::Failure));
        let why = why.map(|failure| failure.message.as_str()).or(job.reason.as_deref());
        return why.and_then(|why| why.lines().next()).unwrap_or_default().to_owned();
    }
    if job.status == WorkStatus::Queued {
        let ahead: Vec<&str> = job.needs.iter().map(String::as_str).filter(is_open(jobs)).collect();
        return match ahead.as_slice() {
            [] => String::new(),
            ahead => format!("after {}", ahead.join(", ")),
        };
    }
    let steps: Vec<String> = job.steps.iter().filter_map(under_way).collect();
    steps.join(", ")
}

/// Whether a job that is needed, or a leg of it, has not ended.
fn is_open(jobs: &[Job]) -> impl Fn(&&str) -> bool {
    move |needed| {
        let is_leg = |job: &Job| {
            job.name
                .strip_prefix(*needed)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        jobs.iter().any(|job| is_leg(job) && job.conclusion.is_none())
    }
}

fn under_way(step: &Step) -> Option<String> {
    if let Some(wait) = &step.wait {
        let who = if wait.from.is_empty() { "anybody".to_owned() } else { wait.from.join(", ") };
        let (has, wants) = (wait.approved_by.len(), wait.count);
        return Some(format!("{}: {has} of {wants} approved, from {who}", step.title()));
    }
    let again =
        if step.attempt > 1 { format!(" (attempt {})", step.attempt) } else { String::new() };
    match step.status {
        WorkStatus::Running => Some(format!("{}{again}", step.title())),
        WorkStatus::Waiting => Some(format!("{}{again}: waits to be tried again", step.title())),
        WorkStatus::Queued | WorkStatus::Completed => None,
    }
}

/// The columns that a text takes, as far as that can be known: what is beyond Latin may take two.
pub(crate) fn width(text: &str) -> usize {
    text.chars().map(cells).sum()
}

fn cells(character: char) -> usize {
    if u32::from(character) < 0x1100 || matches!(character, '…' | '✓' | '✗' | '●' | '○') {
        1
    } else {
        2
    }
}

/// As much of a text as fits, without anything that could move the cursor.
fn fitting(text: &str, columns: usize) -> String {
    let printable = |character: char| if character.is_control() { ' ' } else { character };
    let text: String = text.chars().map(printable).collect();
    if width(&text) <= columns {
        return text;
    }
    let mut left = columns.saturating_sub(1);
    let mut fitting: String = text
        .chars()
        .take_while(|character| {
            let fits = cells(*character) <= left;
            left = left.saturating_sub(cells(*character));
            fits
        })
        .collect();
    fitting.push('…');
    fitting
}

#[cfg(test)]
mod tests {
    use super::*;

    fn jobs() -> Vec<Job> {
        serde_json::from_str(
            r#"[{"name":"test","status":"completed","conclusion":"success","steps":[],
                 "started_at":"2026-01-02T03:04:05Z","finished_at":"2026-01-02T03:04:17Z"},
                {"name":"build.0","status":"running","needs":["test"],"started_at":"2026-01-02T03:04:17Z","steps":[
                  {"name":"compile","uses":"run","status":"running","attempt":2}]},
                {"name":"build.1","status":"completed","conclusion":"failure","needs":["test"],
                 "started_at":"2026-01-02T03:04:17Z","finished_at":"2026-01-02T03:04:19Z","steps":[
                  {"name":"compile","uses":"run","status":"completed","conclusion":"failure","attempt":1,
                   "failure":{"code":"x","message":"exit status 1\nmore"}}]},
                {"name":"ask","status":"running","started_at":"2026-01-02T03:04:17Z","steps":[
                  {"name":"ask","uses":"solum/approve","status":"waiting","attempt":0,
                   "wait":{"from":["role:operator"],"count":2,"allow_author":false,
                           "deadline":"2026-01-05T03:04:05Z","approved_by":["bob"]}}]},
                {"name":"prod","status":"queued","needs":["test","build"],"steps":[]},
                {"name":"undo","status":"completed","conclusion":"skipped","reason":"nothing failed","steps":[]}]"#,
        )
        .unwrap()
    }

    #[test]
    fn each_job_says_how_it_stands() {
        let now = "2026-01-02T03:04:20Z".parse().unwrap();
        let rows = rows(&jobs(), now);
        let shown: Vec<_> = rows.iter().map(|row| row.render(80, false)).collect();
        assert_eq!(
            shown,
            [
                "✓ test          12 s",
                "● build.0      3.0 s  compile (attempt 2)",
                "✗ build.1      2.0 s  exit status 1",
                "? ask          3.0 s  ask: 1 of 2 approved, from role:operator",
                "○ prod                after build",
                "- undo                nothing failed",
            ]
        );
        assert_eq!(rows[0].render(80, true), "\x1b[32m✓\x1b[0m test          12 s");
    }

    #[test]
    fn a_row_is_no_wider_than_the_terminal_and_cannot_steer_it() {
        let row =
            Row { mark: '●', colour: "", text: "build  日本\x1b[2Jlonger than that".into() };
        let cut = row.render(16, false);
        assert!(width(&cut) <= 16 && cut.ends_with('…') && !cut.contains('\x1b'), "{cut:?}");
        assert_eq!(row.render(80, false), "● build  日本 [2Jlonger than that");
    }
}
