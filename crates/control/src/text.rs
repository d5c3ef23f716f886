//! What people read while a run goes on. The shape is that of Heroku and Dokku: a heading with an
//! arrow, and seven columns of space before what a tool says.

use store::{ConfigRevision, Environment, Release};
use types::{CommitId, EnvironmentName};

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
