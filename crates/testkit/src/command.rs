//! Running a program to its end, with a deadline.

use std::fmt;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::wait_until;

/// How long the pipes of a program that has ended may stay open in somebody else's hands.
const PIPES_AFTER_END: Duration = Duration::from_secs(10);

/// What a program did.
#[derive(Debug)]
pub struct Finished {
    pub command: String,
    pub status: ExitStatus,
    pub stdout: String,
    pub stderr: String,
    pub elapsed: Duration,
}

impl Finished {
    #[must_use]
    pub fn success(&self) -> bool {
        self.status.success()
    }

    /// # Errors
    /// When the program did not exit with 0: with all that it wrote.
    pub fn require(self) -> Result<Self> {
        if self.success() {
            return Ok(self);
        }
        bail!("{self}")
    }

    /// What it wrote to its standard output, read as JSON.
    ///
    /// # Errors
    /// When it failed, or wrote something else.
    pub fn json(self) -> Result<serde_json::Value> {
        let finished = self.require()?;
        serde_json::from_str(&finished.stdout)
            .with_context(|| format!("the output is not JSON: {finished}"))
    }
}

impl fmt::Display for Finished {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { command, status, stdout, stderr, .. } = self;
        write!(f, "`{command}` ended with {status}\nstdout: {stdout}\nstderr: {stderr}")
    }
}

/// Runs `command` without any input.
///
/// # Errors
/// When it cannot be started, or has not ended in time; it is killed then.
pub fn run(command: &mut Command, within: Duration) -> Result<Finished> {
    run_watched(command, within, &mut |_| {})
}

/// As [`run`], and shows each line of its standard error when it is written.
///
/// # Errors
/// As [`run`].
pub fn run_watched(
    command: &mut Command,
    within: Duration,
    on_line: &mut dyn FnMut(&str),
) -> Result<Finished> {
    let words = describe(command);
    let started = Instant::now();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start `{words}`"))?;
    let stdout = child.stdout.take().expect("stdout is piped");
    let stderr = child.stderr.take().expect("stderr is piped");
    let (whole, all_of_stdout) = mpsc::channel();
    std::thread::spawn(move || whole.send(read_all(stdout)));
    let (line, lines) = mpsc::channel();
    std::thread::spawn(move || {
        for text in BufReader::new(stderr).split(b'\n').map_while(Result::ok) {
            if line.send(String::from_utf8_lossy(&text).into_owned()).is_err() {
                break;
            }
        }
    });

    let mut written = String::new();
    let late = loop {
        let left = within.saturating_sub(started.elapsed());
        match lines.recv_timeout(left) {
            Ok(text) => {
                on_line(&text);
                written.push_str(&text);
                written.push('\n');
            }
            Err(mpsc::RecvTimeoutError::Disconnected) => break false,
            Err(mpsc::RecvTimeoutError::Timeout) => break true,
        }
    };
    let left = within.saturating_sub(started.elapsed());
    if late || wait_until("its end", left, || has_ended(&mut child)).is_err() {
        child.kill().with_context(|| format!("cannot kill `{words}`"))?;
        child.wait().with_context(|| format!("cannot wait for `{words}`"))?;
        bail!("`{words}` has not ended within {within:?}; it wrote:\n{written}");
    }
    let status = child.wait().with_context(|| format!("cannot wait for `{words}`"))?;
    let elapsed = started.elapsed();
    let stdout = all_of_stdout
        .recv_timeout(PIPES_AFTER_END)
        .with_context(|| format!("`{words}` ended, but something holds its standard output"))?;
    Ok(Finished { command: words, status, stdout, stderr: written, elapsed })
}

fn has_ended(child: &mut Child) -> Option<()> {
    child.try_wait().ok().flatten().map(|_| ())
}

fn read_all(mut from: impl Read) -> String {
    let mut bytes = Vec::new();
    // What came before an error is still worth showing.
    let _ = from.read_to_end(&mut bytes);
    String::from_utf8_lossy(&bytes).into_owned()
}

fn describe(command: &Command) -> String {
    let mut words = command.get_program().to_string_lossy().into_owned();
    for argument in command.get_args() {
        words.push(' ');
        words.push_str(&argument.to_string_lossy());
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn both_outputs_and_the_status_are_kept() {
        let done = run(&mut shell("echo out; echo err >&2; exit 3"), Duration::from_secs(10));
        let done = done.unwrap();
        assert_eq!((done.stdout.as_str(), done.stderr.as_str()), ("out\n", "err\n"));
        assert_eq!(done.status.code(), Some(3));
        assert!(done.require().unwrap_err().to_string().contains("exit status: 3"));
    }

    #[test]
    fn a_program_that_does_not_end_is_killed() {
        let script = "echo before >&2; exec sleep 600";
        let error = run(&mut shell(script), Duration::from_millis(200)).unwrap_err();
        assert!(error.to_string().ends_with("it wrote:\nbefore\n"), "{error}");
    }

    #[test]
    fn lines_are_shown_while_the_program_runs() {
        let (sent, seen) = mpsc::channel();
        let pipe = tempfile::tempdir().unwrap();
        let gate = pipe.path().join("gate");
        // The script goes on only when its first line has been seen.
        let script = format!("echo first >&2; until test -e {0}; do :; done", gate.display());
        run_watched(&mut shell(&script), Duration::from_secs(10), &mut |line| {
            std::fs::write(&gate, "").unwrap();
            sent.send(line.to_owned()).unwrap();
        })
        .unwrap();
        assert_eq!(seen.recv().unwrap(), "first");
    }
}
