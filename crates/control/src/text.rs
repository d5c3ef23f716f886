//! What people read while a run goes on. The shape is that of Heroku and Dokku: a heading with an
//! arrow, and seven columns of space before what a tool says.

use store::{ConfigRevision, Environment, Release};
use types::{CommitId, EnvironmentName};
use workflow::{Decision, Signal, Wait};

pub(crate) fn heading(title: &str) -> String {
    format!("-----> {title}")
}

pub(crate) fn conclusion(title: &str) -> String {
    format!("=====> {title}")
}

pub(crate) fn line(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!("       {text}") }
}

pub(crate) fn warning(text: &str) -> String {
    format!(" !     {text}")
}

/// What is deployed together: `v3 with config 1`. Where config was never set, nothing is said of it.
pub(crate) fn pair(
    release: &Release,
    config: Option<&ConfigRevision>,
    environment: &Environment,
) -> String {
    match config {
        Some(config) => format!("{} with config {}", release.label(), config.number),
        None if environment.config_revision.is_some() => {
            format!("{} without config", release.label())
        }
        None => release.label(),
    }
}

/// A deployment failed with config that had not served yet, and that the next deployment takes too.
pub(crate) fn config_is_kept(
    environment: &Environment,
    kept: &ConfigRevision,
    live: u64,
) -> String {
    let (app, name, number) = (&environment.app, &environment.name, kept.number);
    let changed: Vec<&str> = kept.changed.iter().map(types::VariableName::as_str).collect();
    let live_is = if live == 0 { "no config".to_owned() } else { format!("config {live}") };
    format!(
        "config {number} ({}) is kept but not live: {live_is} is. The next deployment takes config {number} again.\n\
         If it is to blame: `solum config set` or `solum config unset` changes it,\n\
         `solum rollback {app} --env {name} --config {live}` drops it",
        changed.join(", ")
    )
}

pub(crate) fn waits_for(run: &store::Run) -> String {
    let commit = run.commit.as_ref().map(|commit| format!(" of {}", commit.short()));
    let commit = commit.unwrap_or_default();
    format!("-----> Waiting for {} ({} push{commit}), which is before this one", run.id, run.status)
}

pub(crate) fn deployment_waits(environment: &EnvironmentName, reason: &str) -> String {
    format!("Waiting: {environment} is busy with another deployment ({reason})")
}

pub(crate) fn resumed(step: &str) -> String {
    format!("The server was restarted; going on with {step}")
}

/// What somebody reads who pushed without waiting.
pub(crate) fn detached(run: types::RunId) -> Vec<String> {
    vec![
        format!("-----> Recorded as {run}, which goes on without you"),
        line(&format!("Follow it with: solum run watch {run}")),
    ]
}

/// How the first line begins that says what waits for people.
pub(crate) const WAITS: &str = "-----> Waiting for approval: ";

/// The first line, the same whenever it is said.
pub(crate) fn waits_heading(job: &str, step: &str) -> String {
    format!("{WAITS}{job}/{step}")
}

/// A step waits for people.
pub(crate) fn waits_for_people(
    run: types::RunId,
    job: &str,
    step: &str,
    wait: &Wait,
) -> Vec<String> {
    let who = if wait.from.is_empty() { "anybody".to_owned() } else { wait.from.join(", ") };
    let author = if wait.allow_author { "" } else { ", but not whoever started the run" };
    let count = match wait.count {
        1 => String::new(),
        count => format!("{count} have to approve. "),
    };
    let until = wait.deadline.strftime("%Y-%m-%d %H:%M UTC");
    let mut lines = vec![waits_heading(job, step)];
    lines.push(line(&format!("{count}Who may: {who}{author}. Until {until}")));
    lines.extend(wait.note.iter().flat_map(|note| note.lines()).map(line));
    lines.push(line(&format!("To approve: solum run approve {run} --job {job}")));
    lines.push(line(&format!("To reject:  solum run reject {run} --job {job}")));
    lines
}

/// `alice approved prod/ask, 1 more to go: looks good`.
pub(crate) fn decided(signal: &Signal, job: &str, step: &str, missing: Option<u32>) -> String {
    let left = match missing {
        None | Some(0) => String::new(),
        Some(missing) => format!(", {missing} more to go"),
    };
    format!("{} {job}/{step}{left}{}", who_said(signal), comment(signal))
}

/// It came before anything waits for it.
pub(crate) fn kept(signal: &Signal) -> String {
    let what = signal.target.as_ref().map_or_else(
        || "what will be asked".to_owned(),
        |target| match &target.step {
            Some(step) => format!("{}/{step}", target.job),
            None => target.job.clone(),
        },
    );
    format!("{} {what} beforehand{}", who_said(signal), comment(signal))
}

fn who_said(signal: &Signal) -> String {
    let said = match signal.decision {
        Decision::Approve => "approved",
        Decision::Reject => "rejected",
    };
    format!("{} {said}", signal.actor)
}

/// In one line.
fn comment(signal: &Signal) -> String {
    let comment = signal.comment.iter().flat_map(|comment| comment.split_whitespace());
    let words: Vec<&str> = comment.collect();
    if words.is_empty() { String::new() } else { format!(": {}", words.join(" ")) }
}

/// What somebody reads whose push cannot go on before others have agreed.
pub(crate) fn left_waiting(run: types::RunId) -> Vec<String> {
    vec![
        heading(&format!("{run} waits for somebody to decide, and goes on then without you")),
        line(&format!("Follow it with: solum run watch {run}")),
    ]
}

/// Above what one of several runs says.
pub(crate) fn run_heading(run: &store::Run) -> String {
    format!("{} ({}): {}", run.workflow, run.id, run.title)
}

/// A run that a push started and does not wait for.
pub(crate) fn started(run: &store::Run) -> String {
    line(&format!("Run {} started: {}", run.id, run.title))
}

/// Workflows name the event, and the filters of none let this push pass.
pub(crate) fn nothing_runs(reasons: &[String]) -> Vec<String> {
    let mut lines = vec![heading("No workflow runs for this push")];
    lines.extend(reasons.iter().map(|reason| line(reason)));
    lines
}

/// The branch has moved because of one run, and another did not succeed.
pub(crate) fn failed_beside(run: &store::Run, branch: &str) -> String {
    format!("{branch} has moved, although {} {}: solum run show {}", run.id, run.status, run.id)
}

pub(crate) fn stale(branch: &str, tip: Option<&CommitId>) -> String {
    match tip {
        Some(tip) => format!(
            "{branch} has moved to {} since this was pushed, and the push would lose that",
            tip.short()
        ),
        None => format!("{branch} is gone since this was pushed"),
    }
}

pub(crate) const STALE_HINT: &str =
    "fetch, put your commits on top of it (git pull --rebase), and push again";

/// One line for the ref that git refuses.
pub(crate) fn refused_ref(status: types::RunStatus) -> &'static str {
    match status {
        types::RunStatus::Cancelled => "the run was cancelled",
        _ => "the run failed; what served before still does",
    }
}

pub(crate) fn other_branch(branch: &str, deploy_branch: &str) -> String {
    format!("{branch} is stored, and does not deploy: only {deploy_branch} does")
}

pub(crate) fn other_branch_hint(branch: &str, deploy_branch: &str) -> String {
    format!("To deploy it: git push solum {branch}:{deploy_branch}")
}
