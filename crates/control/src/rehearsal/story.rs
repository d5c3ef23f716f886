//! What happened, in lines for people: the records of the run with the time that had passed.

use jiff::{SignedDuration, Timestamp};
use workflow::{Record, State, Stop, Wait};

/// Lines that are kept.
const MAX_LINES: usize = 2_000;
/// Characters of a line.
const MAX_LINE: usize = 500;
/// Lines that tell how it came to something.
const LAST: usize = 12;

#[derive(Debug, Default)]
pub(super) struct Story {
    lines: Vec<String>,
    more: usize,
}

impl Story {
    /// What the run did.
    pub(super) fn tell(&mut self, elapsed: SignedDuration, words: &str) {
        self.add(format!("{:>8}    {words}", duration(elapsed)));
    }

    /// What the scenario says.
    pub(super) fn quote(&mut self, elapsed: SignedDuration, text: &str) {
        self.add(format!("{:>8}  > {text}", duration(elapsed)));
    }

    fn add(&mut self, line: String) {
        if self.lines.len() == MAX_LINES {
            self.more += 1;
            return;
        }
        let line = line.replace(['\n', '\r'], " ");
        let end = line.char_indices().nth(MAX_LINE).map_or(line.len(), |(end, _)| end);
        let cut = if end < line.len() { " …" } else { "" };
        self.lines.push(format!("{}{cut}", &line[..end]));
    }

    pub(super) fn last(&self) -> Vec<String> {
        self.lines[self.lines.len().saturating_sub(LAST)..].to_vec()
    }

    pub(super) fn into_lines(mut self) -> Vec<String> {
        if self.more > 0 {
            self.lines.push(format!("and {} lines more", self.more));
        }
        self.lines
    }
}

/// `1h30m`, `3d`, `0s`.
pub(super) fn duration(time: SignedDuration) -> String {
    let mut rest = time.as_millis().max(0);
    let mut text = String::new();
    for (unit, ms) in [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)]
    {
        if rest >= ms {
            text.push_str(&format!("{}{unit}", rest / ms));
            rest %= ms;
        }
    }
    if text.is_empty() { "0s".to_owned() } else { text }
}

/// What a record says; nothing where another one says it too.
pub(super) fn words(record: &Record, state: &State, now: Timestamp) -> Option<String> {
    Some(match record {
        Record::Started => "the run begins".to_owned(),
        Record::Reused(reused) => format!("{} is carried over", reused.leg),
        Record::GroupAsked { claim } => {
            format!("{} asks for a place in group `{}`", whose(claim.job.as_deref()), claim.group)
        }
        Record::GroupGranted { job } => format!("{} has its place", whose(job.as_deref())),
        Record::JobExpanded { job, legs, .. } => {
            let names: Vec<&str> = legs.iter().map(|leg| leg.name.as_str()).collect();
            let is_matrix = legs.iter().any(|leg| leg.matrix.is_some());
            return is_matrix.then(|| format!("{job} becomes {}", names.join(" · ")));
        }
        Record::JobSkipped { job, why } => format!("{job} is skipped: {why}"),
        Record::JobFinished { job, conclusion, failure } => {
            let why = failure.as_ref().map(|failure| format!(": {}", failure.message));
            format!("{job} {}{}", conclusion.as_str(), why.unwrap_or_default())
        }
        Record::LegStarted { .. } => return None,
        Record::LegStopping { leg, why } => format!("{leg} is to stop: {}", stop(*why)),
        Record::LegFinished { leg, conclusion, failure, .. } => {
            let is_matrix = state.leg(leg).is_some_and(|leg| leg.plan.matrix.is_some());
            let why = failure.as_ref().map(|failure| format!(": {}", failure.message));
            if !is_matrix && why.is_none() {
                return None;
            }
            format!("{leg} {}{}", conclusion.as_str(), why.unwrap_or_default())
        }
        other => return of_step(other, now),
    })
}

fn of_step(record: &Record, now: Timestamp) -> Option<String> {
    Some(match record {
        Record::StepScheduled { job, step, attempt: 1, .. }
        | Record::StepEntered { job, step, .. } => {
            format!("{job}/{step} begins")
        }
        Record::StepScheduled { job, step, attempt, .. } => {
            format!("{job}/{step} begins, attempt {attempt}")
        }
        Record::StepSkipped { job, step, why } => format!("{job}/{step} is skipped: {why}"),
        Record::StepWaiting { job, step, wait } => {
            format!("{job}/{step} waits for {}", people(wait, now))
        }
        Record::Approved { job, step, by, comment, .. } => {
            let comment = comment.as_ref().map(|comment| format!(": {comment}"));
            format!("{by} approves {job}/{step}{}", comment.unwrap_or_default())
        }
        Record::SignalParked { signal } => {
            format!("what {} says is kept until something waits for it", signal.actor)
        }
        Record::SignalTaken { refused: Some(why), .. } => {
            format!("what was kept does not count: {why}")
        }
        Record::SignalTaken { refused: None, .. } => "what was kept counts now".to_owned(),
        Record::StepStopping { job, step, why, .. } => {
            format!("{job}/{step} is told to stop: {}", stop(*why))
        }
        Record::StepSucceeded { job, step, produced, .. } => {
            let outputs = produced.outputs.iter().map(|(name, value)| format!(" {name}={value}"));
            format!("{job}/{step} success{}", outputs.collect::<String>())
        }
        Record::StepFailed { job, step, failure, .. } => {
            format!("{job}/{step} failure: {}", failure.message)
        }
        Record::StepCancelled { job, step, .. } => format!("{job}/{step} cancelled"),
        Record::StepDelayed { job, step, until, .. } => {
            format!("{job}/{step} is tried again in {}", duration(until.duration_since(now)))
        }
        other => return of_run(other),
    })
}

fn of_run(record: &Record) -> Option<String> {
    Some(match record {
        Record::CancelRequested { by } => format!("{by} cancels the run"),
        Record::Paused => "the run waits".to_owned(),
        Record::Resumed => "the run goes on".to_owned(),
        Record::Undoing => "what the run did is taken back".to_owned(),
        Record::Refused { failure } => format!("the run is refused: {}", failure.message),
        Record::Finished { status, failure } => {
            let why = failure.as_ref().map(|failure| format!(": {}", failure.message));
            format!("the run {status}{}", why.unwrap_or_default())
        }
        _ => return None,
    })
}

fn whose(job: Option<&str>) -> &str {
    job.unwrap_or("the run")
}

fn people(wait: &Wait, now: Timestamp) -> String {
    let count = if wait.count == 1 {
        "one approval".to_owned()
    } else {
        format!("{} approvals", wait.count)
    };
    let from =
        if wait.from.is_empty() { String::new() } else { format!(" by {}", wait.from.join(", ")) };
    let time = duration(wait.deadline.duration_since(now));
    format!("{count}{from}, for {time} at most")
}

fn stop(why: Stop) -> &'static str {
    match why {
        Stop::Cancel => "the run was cancelled",
        Stop::Timeout => "its time is over",
        Stop::JobTimeout => "the time of its job is over",
        Stop::FailFast => "another leg of its matrix failed",
        Stop::Displaced => "another took its place in the concurrency group",
    }
}
