//! `solum run logs -f`: several steps write at once. Each is read by a thread of its own and shown as it comes, under its
//! heading again whenever another has spoken in between.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::mpsc::{self, SyncSender};
use std::thread;

use api::client::Client;
use api::runs::{Job, Step};
use api::step_logs::StepLog;
use types::{RunId, Transition as _};

use super::render::Renderer;
use super::{Logs, writes};
use crate::cli::failure::Failure;
use crate::cli::{Outcome, output};

/// What may be read ahead of what is shown.
const AHEAD: usize = 64;

/// A step that somebody reads.
struct Speaker {
    job: Job,
    step: Step,
}

enum Heard {
    Entries(Arc<Speaker>, StepLog),
    /// As it stands at its end.
    Ended(Arc<Speaker>, Box<Step>),
    Broken(Failure),
}

impl Logs {
    /// Until the run has ended. The threads end with the program where it ends before.
    pub(super) fn show_live(&self, client: &Client, id: RunId) -> Outcome {
        let (sender, heard) = mpsc::sync_channel(AHEAD);
        let (wanted, client) = (self.clone(), client.clone());
        thread::spawn(move || {
            if let Err(failure) = listen(&wanted, &client, id, &sender) {
                // Nobody may be there any more.
                let _ = sender.send(Heard::Broken(failure));
            }
        });
        let mut stage = Stage { logs: self, current: None, renderers: BTreeMap::new() };
        for said in heard {
            match said {
                Heard::Entries(speaker, log) => stage.entries(&speaker, &log)?,
                Heard::Ended(speaker, step) => stage.ended(&speaker, &step)?,
                Heard::Broken(failure) => return Err(failure),
            }
        }
        Ok(())
    }
}

type Path = (String, String);

fn path(speaker: &Speaker) -> Path {
    (speaker.job.name.clone(), speaker.step.name.clone())
}

/// Where they are shown, one after the other.
struct Stage<'l> {
    logs: &'l Logs,
    current: Option<Path>,
    renderers: BTreeMap<Path, Renderer>,
}

impl Stage<'_> {
    fn entries(&mut self, speaker: &Speaker, log: &StepLog) -> Outcome {
        if !self.logs.json.json {
            self.head(speaker, &speaker.step)?;
        }
        for entry in &log.entries {
            if self.logs.json.json {
                self.logs.print_json(&speaker.job, &speaker.step, log.attempt, entry)?;
            } else if let Some(text) = self.renderer(speaker).entry(entry) {
                output::print(&text)?;
            }
        }
        Ok(())
    }

    fn ended(&mut self, speaker: &Speaker, step: &Step) -> Outcome {
        let has_spoken = self.renderers.contains_key(&path(speaker));
        if self.logs.json.json || (has_spoken && step.failure.is_none()) || !writes(step) {
            return Ok(());
        }
        self.head(speaker, step)?;
        match &step.failure {
            Some(failure) => output::print(&self.renderer(speaker).failure(failure)),
            None => Ok(()),
        }
    }

    fn head(&mut self, speaker: &Speaker, step: &Step) -> Outcome {
        let path = path(speaker);
        if self.current.as_ref() == Some(&path) {
            return Ok(());
        }
        let heading = self.renderer(speaker).heading(&speaker.job, step);
        self.current = Some(path);
        output::print(&heading)
    }

    fn renderer(&mut self, speaker: &Speaker) -> &mut Renderer {
        self.renderers.entry(path(speaker)).or_insert_with(|| self.logs.renderer())
    }
}

/// Has every step that begins read, until the run has ended.
fn listen(
    wanted: &Logs,
    client: &Client,
    id: RunId,
    sender: &SyncSender<Heard>,
) -> Result<(), Failure> {
    let (mut known, mut changes) = (BTreeSet::new(), None);
    loop {
        let detail = client.run(id)?;
        for job in &detail.jobs {
            for step in wanted.steps_of(job).filter(|step| step.attempt > 0) {
                // How it ends is said when it has.
                let step = Step { conclusion: None, ..step.clone() };
                let speaker = Speaker { job: job.clone(), step };
                if known.insert(path(&speaker)) {
                    let (client, sender) = (client.clone(), sender.clone());
                    thread::spawn(move || read(&client, id, Arc::new(speaker), &sender));
                }
            }
        }
        if detail.run.status.is_terminal() {
            return Ok(());
        }
        match &mut changes {
            // Another look, now that whatever happens is told.
            None => changes = Some(client.watch_run(id)?),
            Some(changes) => drop(changes.next_event()?),
        }
    }
}

/// Ends early where nobody listens any more.
fn read(client: &Client, id: RunId, speaker: Arc<Speaker>, sender: &SyncSender<Heard>) {
    let reading = || -> Result<(), Failure> {
        let mut feed = client.step_log(id, &speaker.job.name, &speaker.step.name, true)?;
        while let Some(log) = feed.next_entries()? {
            if sender.send(Heard::Entries(Arc::clone(&speaker), log)).is_err() {
                return Ok(());
            }
        }
        let detail = client.run(id)?;
        let job = detail.jobs.into_iter().find(|job| job.name == speaker.job.name);
        let mut steps = job.map(|job| job.steps).unwrap_or_default().into_iter();
        if let Some(step) = steps.find(|step| step.name == speaker.step.name) {
            let _ = sender.send(Heard::Ended(Arc::clone(&speaker), Box::new(step)));
        }
        Ok(())
    };
    if let Err(failure) = reading() {
        let _ = sender.send(Heard::Broken(failure));
    }
}
