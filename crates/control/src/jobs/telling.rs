//! What a step says: to its log, and to whoever watches the run.

use std::io;

use deploy::steps::StepKey;

use crate::actions::masks::Masks;
use crate::actions::scribe::Scribe;
use crate::actions::step_logs::{Entry, StepLogWriter, What};
use crate::error::Error;
use crate::steps::{Problem, Step};

/// Opens a step's log, behind what is there. What a crash kept from being shown is shown now. `name` is what the step is
/// called.
pub(super) fn open(
    step: &Step,
    key: &StepKey,
    masks: Masks,
    name: &str,
) -> Result<Scribe, Problem> {
    let inner = &step.control.inner;
    let limit = inner.settings.limits.step_log_bytes;
    let log = inner.step_logs.write(key, limit).map_err(Error::io("write the log of a step"))?;
    let transcript = step.transcript.clone();
    let speaker = format!("{}: {name}", step.view().leg().plan.name);
    transcript.announces(&speaker);
    let id = key.file_name();
    let missing = missing(step, key, &log).map_err(Error::io("read what a step has said"))?;
    let listener = move |place, what: &What| {
        if let Some(text) = text(what) {
            transcript.says(&speaker, &id, place, &text);
        }
    };
    missing.iter().for_each(|(place, entry)| listener(*place, &entry.what));
    Ok(Scribe::new(masks, log, Box::new(listener)))
}

/// What the step's log has and the run's transcript has not.
fn missing(step: &Step, key: &StepKey, log: &StepLogWriter) -> io::Result<Vec<(u64, Entry)>> {
    let inner = &step.control.inner;
    let mut missing = Vec::new();
    if log.source() == 0 {
        return Ok(missing);
    }
    let shown = inner.transcripts.shown(step.run.id, &key.file_name())?;
    let mut reader = inner.step_logs.read(key, shown);
    loop {
        let entries = reader.read()?;
        if entries.is_empty() {
            return Ok(missing);
        }
        missing.extend(entries);
    }
}

/// What is shown of it to whoever watches the run.
fn text(what: &What) -> Option<String> {
    Some(match what {
        What::Line { text } => text.clone(),
        What::Group { title } => format!("▸ {title}"),
        What::Note { text } => format!("({text})"),
        What::Annotation(annotation) => {
            let level = annotation.level.as_str();
            let place = match (&annotation.file, annotation.line) {
                (Some(file), Some(line)) => format!(" {file}:{line}:"),
                (Some(file), None) => format!(" {file}:"),
                (None, _) => String::new(),
            };
            format!("{level}:{place} {}", annotation.message)
        }
        What::EndGroup | What::Debug { .. } => return None,
    })
}
