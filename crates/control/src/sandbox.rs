//! Builds and tests run in the boxes that the process target makes.

use std::time::Duration;

use async_trait::async_trait;
use build::{BoxCommand, BoxError, BoxExit, Boxes};
use deploy::boxes;
use tokio_util::sync::CancellationToken;
use types::{Limits, Transcript};

/// What one build or test may take.
const LIMITS: Limits = Limits { memory_bytes: None, cpu_millis: None, pids: Some(4_096) };

#[derive(Debug)]
pub(crate) struct Sandbox {
    boxes: boxes::Boxes,
}

impl Sandbox {
    pub(crate) fn new(boxes: boxes::Boxes) -> Self {
        Self { boxes }
    }
}

#[async_trait]
impl Boxes for Sandbox {
    async fn run(
        &self,
        command: &BoxCommand,
        transcript: &dyn Transcript,
        cancel: &CancellationToken,
    ) -> Result<BoxExit, BoxError> {
        let spec = boxes::BoxSpec {
            uid: command.uid,
            command: vec!["sh".to_owned(), "-c".to_owned(), command.script.clone()],
            env: command.env.clone(),
            workdir: command.workdir.clone(),
            binds: command
                .binds
                .iter()
                .map(|bind| boxes::Bind {
                    source: bind.source.clone(),
                    target: bind.target.clone(),
                    writable: bind.writable,
                })
                .collect(),
            network: command.network,
            limits: LIMITS,
            priority: boxes::Priority::Build,
            tmp_bytes: 4 << 30,
        };
        let timeout: Duration = command.timeout;
        let line = |_, text: &str| transcript.line(text);
        match self.boxes.run(&spec, timeout, line, cancel).await {
            Ok(deploy::Exit::Code(code)) => Ok(BoxExit::Code(code)),
            Ok(deploy::Exit::Signal(signal)) => Ok(BoxExit::Signal(signal)),
            Ok(deploy::Exit::OutOfMemory) => Ok(BoxExit::OutOfMemory),
            Ok(deploy::Exit::Lost | deploy::Exit::NotRun) => Ok(BoxExit::Signal(9)),
            Err(boxes::BoxError::TimedOut(_)) => Ok(BoxExit::TimedOut),
            Err(boxes::BoxError::Cancelled) => Ok(BoxExit::Cancelled),
            Err(error) => {
                Err(BoxError { reason: crate::error::chain(&error), source: Some(Box::new(error)) })
            }
        }
    }
}
