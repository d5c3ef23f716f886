//! `solum run logs`: what the steps of a run have written, step by step; of a run without a box its transcript.

mod live;
mod render;

use std::io::{self, IsTerminal as _};

use api::client::Client;
use api::runs::{Conclusion, Job, RunDetail, Step, WorkStatus};
use api::step_logs::Entry;
use clap::Args;
use serde::Serialize;
use types::RunId;

use self::render::Renderer;
use super::RunArgument;
use crate::cli::arguments::JsonOption;
use crate::cli::failure::Failure;
use crate::cli::session::Session;
use crate::cli::{Outcome, follow, output};

#[derive(Debug, Clone, Args)]
pub(crate) struct Logs {
    #[command(flatten)]
    run: RunArgument,
    /// Only of this job
    #[arg(long, value_name = "JOB")]
    job: Option<String>,
    /// Only of steps with this name
    #[arg(long, value_name = "STEP")]
    step: Option<String>,
    /// Only of steps that failed
    #[arg(long, conflicts_with = "follow")]
    failed: bool,
    /// Say when each line was written
    #[arg(long)]
    timestamps: bool,
    /// Go on with what comes, until the run has ended
    #[arg(short, long)]
    follow: bool,
    /// Print each line as JSON
    #[command(flatten)]
    json: JsonOption,
}

/// An entry with where it is from.
#[derive(Debug, Serialize)]
struct Located<'a> {
    job: &'a str,
    step: &'a str,
    attempt: u32,
    #[serde(flatten)]
    entry: &'a Entry,
}

impl Logs {
    pub(crate) fn run(self, session: &Session) -> Outcome {
        let client = session.client()?;
        let id = self.run.find(session, &client)?;
        let detail = client.run(id)?;
        if !self.is_about_steps() && !detail.jobs.iter().flat_map(|job| &job.steps).any(runs_apart)
        {
            return transcript(&client, id, self.follow);
        }
        if !self.follow && !detail.jobs.iter().any(|job| self.steps_of(job).next().is_some()) {
            return Err(self.nothing(&detail));
        }
        if self.follow { self.show_live(&client, id) } else { self.show_all(&client, &detail) }
    }

    fn is_about_steps(&self) -> bool {
        self.job.is_some()
            || self.step.is_some()
            || self.failed
            || self.timestamps
            || self.json.json
    }

    fn steps_of<'r>(&self, job: &'r Job) -> impl Iterator<Item = &'r Step> {
        let wanted = self.job.as_ref().is_none_or(|wanted| *wanted == job.name);
        let steps = job.steps.iter().filter(move |_| wanted);
        steps.filter(|step| {
            let is_it = self.step.as_ref().is_none_or(|wanted| *wanted == step.name);
            is_it && (!self.failed || step.conclusion == Some(Conclusion::Failure))
        })
    }

    fn nothing(&self, detail: &RunDetail) -> Failure {
        let id = detail.run.id;
        let what = if self.failed { "no step that failed" } else { "no such step" };
        Failure::failed(format!("run {id} has {what}"))
            .hint(format!("`solum run show {id}` shows those that it has"))
    }

    /// Step by step.
    fn show_all(&self, client: &Client, detail: &RunDetail) -> Outcome {
        for job in &detail.jobs {
            for step in self.steps_of(job).filter(|step| step.attempt > 0) {
                self.show(client, detail.run.id, job, step)?;
            }
        }
        Ok(())
    }

    fn renderer(&self) -> Renderer {
        Renderer {
            colours: output::colours(io::stdout().is_terminal()),
            timestamps: self.timestamps,
            in_group: false,
        }
    }

    fn print_json(&self, job: &Job, step: &Step, attempt: u32, entry: &Entry) -> Outcome {
        let (job, step) = (job.name.as_str(), step.name.as_str());
        output::print_json_line(&Located { job, step, attempt, entry })
    }

    fn show(&self, client: &Client, id: RunId, job: &Job, step: &Step) -> Outcome {
        let mut renderer = self.renderer();
        if !self.json.json && (writes(step) || self.is_about_steps()) {
            output::print(&renderer.heading(job, step))?;
        }
        let mut feed = client.step_log(id, &job.name, &step.name, false)?;
        while let Some(log) = feed.next_entries()? {
            for entry in &log.entries {
                if self.json.json {
                    self.print_json(job, step, log.attempt, entry)?;
                } else if let Some(text) = renderer.entry(entry) {
                    output::print(&text)?;
                }
            }
        }
        match &step.failure {
            Some(failure) if !self.json.json => output::print(&renderer.failure(failure)),
            _ => Ok(()),
        }
    }
}

/// Whether it is more than what the control plane says in the transcript anyway.
fn runs_apart(step: &Step) -> bool {
    !step.uses.starts_with("solum/") && writes(step)
}

/// Whether a step may have something to say.
fn writes(step: &Step) -> bool {
    step.uses != "solum/approve"
        && (step.status != WorkStatus::Completed || step.conclusion != Some(Conclusion::Skipped))
}

fn transcript(client: &Client, id: RunId, follow: bool) -> Outcome {
    if follow {
        follow::follow(client, id, |line| output::print(&format!("{line}\n")))?;
        return Ok(());
    }
    output::print(&client.run_log(id)?)
}
