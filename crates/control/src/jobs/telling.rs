//! What a step says: to its log, and to whoever watches the run.

use deploy::steps::StepKey;

use crate::actions::commands::Level;
use crate::actions::masks::Masks;
use crate::actions::scribe::Scribe;
use crate::actions::step_logs::What;
use crate::error::Error;
use crate::steps::{Problem, Step};
use crate::transcripts::RunTranscript;

/// Opens a step's log, behind what is there. `name` is what the step is called.
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
    Ok(Scribe::new(masks, log, Box::new(move |what| show(&transcript, &speaker, what))))
}

fn show(transcript: &RunTranscript, speaker: &str, what: &What) {
    match what {
        What::Line { text } => transcript.says(speaker, text),
        What::Group { title } => transcript.says(speaker, &format!("▸ {title}")),
        What::Note { text } => transcript.says(speaker, &format!("({text})")),
        What::Annotation(annotation) => {
            let level = match annotation.level {
                Level::Notice => "notice",
                Level::Warning => "warning",
                Level::Error => "error",
            };
            let place = match (&annotation.file, annotation.line) {
                (Some(file), Some(line)) => format!(" {file}:{line}:"),
                (Some(file), None) => format!(" {file}:"),
                (None, _) => String::new(),
            };
            transcript.says(speaker, &format!("{level}:{place} {}", annotation.message));
        }
        What::EndGroup | What::Debug { .. } => {}
    }
}
