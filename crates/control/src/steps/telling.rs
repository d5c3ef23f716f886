//! What a verb says, kept as the log of its step as well as in the run's transcript.
//!
//! A verb that a server goes on with after a crash says again what it does again: its log has both.

use std::sync::Arc;

use parking_lot::Mutex;
use types::{Clock, Transcript};

use super::Step;
use crate::actions::commands::{Annotation, Level};
use crate::actions::masks::Masks;
use crate::actions::step_logs::{ENDED, Entry, StepLogWriter, What};
use crate::error::Error;
use crate::jobs;

/// Writes the log of one attempt of a step, without secrets.
pub(crate) struct VerbLog {
    clock: Arc<dyn Clock>,
    masks: Masks,
    /// `None` when it could not be written, or is closed.
    writer: Mutex<Option<StepLogWriter>>,
}

impl VerbLog {
    /// Opens it, behind what is there.
    pub(super) fn open(step: &Step) -> Result<Arc<Self>, Error> {
        let inner = &step.control.inner;
        let key = jobs::key(step.run.id, &step.task);
        let limit = inner.settings.limits.step_log_bytes;
        let writer = inner.step_logs.write(&key, limit);
        let writer = writer.map_err(Error::io("write the log of a step"))?;
        let (clock, masks) = (Arc::clone(&inner.clock), step.masks.clone());
        Ok(Arc::new(Self { clock, masks, writer: Mutex::new(Some(writer)) }))
    }

    fn tell(&self, what: What) {
        let entry = Entry { at: self.clock.now(), what };
        let mut open = self.writer.lock();
        let Some(writer) = open.as_mut() else { return };
        // There is no output to count: all that was said is there.
        if let Err(error) = writer.append(entry).and_then(|()| writer.commit(ENDED, true)) {
            tracing::warn!(%error, "the log of a step could not be written");
            *open = None;
        }
    }

    /// Nothing more comes. Blocks.
    pub(super) fn close(&self) {
        let Some(writer) = self.writer.lock().take() else { return };
        if let Err(error) = writer.finish(self.clock.now()) {
            tracing::warn!(%error, "the log of a step could not be written");
        }
    }
}

impl Transcript for VerbLog {
    fn step(&self, title: &str) {
        self.tell(What::Line { text: self.masks.hide(title) });
    }

    fn line(&self, text: &str) {
        self.tell(What::Line { text: self.masks.hide(text) });
    }

    fn warning(&self, text: &str) {
        self.tell(What::Annotation(Annotation::plain(Level::Warning, self.masks.hide(text))));
    }
}

impl std::fmt::Debug for VerbLog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("VerbLog").finish_non_exhaustive()
    }
}
