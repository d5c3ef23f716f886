//! Command lines in a box, one after the other, each shown before it runs.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use types::{Bundle, Transcript};

use super::{BuildError, Job, Stage};
use crate::boxes::{Bind, BoxCommand, BoxExit};

/// Package managers download; a registry that answers slowly for longer than this is not going to answer.
const INSTALL_TIMEOUT: Duration = Duration::from_secs(30 * 60);
/// The first build of a large Rust or front-end project takes tens of minutes on a small machine.
const BUILD_TIMEOUT: Duration = Duration::from_secs(60 * 60);

impl Job<'_> {
    /// In `/app`, with what the stage is to see there.
    pub(super) async fn run(
        &self,
        stage: Stage,
        commands: &[String],
        binds: Vec<Bind>,
    ) -> Result<(), BuildError> {
        self.run_in(stage, Bundle::APP_DIR, commands, binds).await
    }

    pub(super) async fn run_in(
        &self,
        stage: Stage,
        workdir: &str,
        commands: &[String],
        binds: Vec<Bind>,
    ) -> Result<(), BuildError> {
        let mut all = self.base_binds();
        all.extend(binds);
        let command = BoxCommand {
            uid: self.workspace.uid,
            script: script(commands),
            binds: all,
            workdir: workdir.into(),
            env: match stage {
                Stage::Install => self.install_env(),
                Stage::Test | Stage::Build => self.env(),
            },
            network: true,
            timeout: match stage {
                Stage::Install => INSTALL_TIMEOUT,
                Stage::Test | Stage::Build => BUILD_TIMEOUT,
            },
        };
        let progress =
            Progress { transcript: self.transcript, commands, begun: AtomicUsize::new(0) };
        match self.watched(&command, &progress).await? {
            BoxExit::Code(0) => Ok(()),
            BoxExit::Cancelled => Err(BuildError::Cancelled),
            exit => Err(BuildError::Failed { stage, command: progress.current(), exit }),
        }
    }

    /// Ends the box when the disk runs full.
    async fn watched(
        &self,
        command: &BoxCommand,
        progress: &Progress<'_>,
    ) -> Result<BoxExit, BuildError> {
        let stop = self.cancel.child_token();
        let mut run = std::pin::pin!(self.config.boxes.run(command, progress, &stop));
        tokio::select! {
            exit = &mut run => return Ok(exit?),
            () = self.space.ran_short() => stop.cancel(),
        }
        // Not before it has ended: what it wrote is to be taken away.
        run.await?;
        if self.cancel.is_cancelled() { Ok(BoxExit::Cancelled) } else { Err(self.space.error()) }
    }
}

/// Each command has a shell of its own; the first that fails ends the script, with its exit status.
fn script(commands: &[String]) -> String {
    let mut script = "run() { printf '$ %s\\n' \"$1\"; sh -c \"$2\"; }\n".to_owned();
    let quoted = |text: &str| format!("'{}'", text.replace('\'', r"'\''"));
    let lines: Vec<_> = commands
        .iter()
        .map(|command| format!("run {} {}", quoted(title(command)), quoted(command)))
        .collect();
    script.push_str(&lines.join(" &&\n"));
    script
}

/// What people see of a command: its first line. Where that is a comment, it stands for what follows.
fn title(command: &str) -> &str {
    let line = command.lines().next().unwrap_or_default();
    line.strip_prefix("# ").unwrap_or(line)
}

/// Passes lines on and notes which command is running: the script shows each before it runs it.
#[derive(Debug)]
struct Progress<'a> {
    transcript: &'a dyn Transcript,
    commands: &'a [String],
    begun: AtomicUsize,
}

impl Progress<'_> {
    fn current(&self) -> String {
        let index = self.begun.load(Ordering::Relaxed).saturating_sub(1);
        self.commands.get(index).map_or("", |command| title(command)).to_owned()
    }
}

impl Transcript for Progress<'_> {
    fn step(&self, title: &str) {
        self.transcript.step(title);
    }

    fn line(&self, text: &str) {
        let begun = self.begun.load(Ordering::Relaxed);
        let next = self.commands.get(begun).map(|command| title(command));
        if next.is_some() && text.strip_prefix("$ ") == next {
            self.begun.store(begun + 1, Ordering::Relaxed);
        }
        self.transcript.line(text);
    }

    fn warning(&self, text: &str) {
        self.transcript.warning(text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_shown_and_the_first_failure_ends_the_script() {
        let commands = ["echo it\\'s".to_owned(), "exit 3".to_owned(), "echo never".to_owned()];
        let output =
            std::process::Command::new("sh").args(["-c", &script(&commands)]).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stdout), "$ echo it\\'s\nit's\n$ exit 3\n");
        assert_eq!(output.status.code(), Some(3));
    }

    #[test]
    fn the_command_that_failed_is_known() {
        let commands = ["first".to_owned(), "# second\nline".to_owned()];
        let progress = Progress {
            transcript: &types::NoTranscript,
            commands: &commands,
            begun: AtomicUsize::new(0),
        };
        progress.line("$ first");
        assert_eq!(progress.current(), "first");
        progress.line("$ second");
        assert_eq!(progress.current(), "second");
    }
}
