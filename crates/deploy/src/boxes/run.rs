//! Runs one command in a box to its end, for those who wait for it: builds and tests.

use std::io;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{BoxError, BoxSpec, Boxes, Child, Ended, Outputs};
use crate::cgroup::{Group, passing_name};
use crate::lines::Lines;
use crate::{Exit, OutputStream};

/// Lines between the box and whoever takes them; when it is full the box waits.
const QUEUE: usize = 256;

impl Boxes {
    /// Runs a command in a box and hands each line of its output to `line`. Returns when nothing of it is left; a bad exit
    /// is no error. It is killed when `timeout` is over, when `cancel` fires, when the future is dropped, and when this process dies.
    pub async fn run(
        &self,
        spec: &BoxSpec,
        timeout: Duration,
        mut line: impl FnMut(OutputStream, &str) + Send,
        cancel: &CancellationToken,
    ) -> Result<Exit, BoxError> {
        let make = |doing| move |source| BoxError::Make { doing, source };
        let (sender, mut lines) = mpsc::channel(QUEUE);
        let (done, ended) = tokio::sync::oneshot::channel();
        let (stopped, stop) = io::pipe().map_err(make("a pipe"))?;
        let mut stop = Some(stop);
        let (boxes, spec) = (self.clone(), spec.clone());
        // A box dies with the thread that made it, so it gets one that stays until the box is gone.
        std::thread::Builder::new()
            .name("box".to_owned())
            .spawn(move || {
                let _ = done.send(boxes.run_here(&spec, timeout, &sender, &stopped));
            })
            .map_err(make("a thread"))?;
        let mut cancelled = false;
        loop {
            tokio::select! {
                received = lines.recv() => match received {
                    Some((stream, text)) => line(stream, &text),
                    None => break,
                },
                () = cancel.cancelled(), if !cancelled => {
                    cancelled = true;
                    drop(stop.take());
                }
            }
        }
        let result = ended.await.map_err(|_| make("a thread")(io::ErrorKind::BrokenPipe.into()))?;
        if cancelled { Err(BoxError::Cancelled) } else { result }
    }

    /// The same, in this thread. Ends early when the other end of `stopped` is closed.
    fn run_here(
        &self,
        spec: &BoxSpec,
        timeout: Duration,
        lines: &mpsc::Sender<(OutputStream, String)>,
        stopped: &io::PipeReader,
    ) -> Result<Exit, BoxError> {
        let group = self.group(spec)?;
        let line = self.command_line_in(spec, group.as_ref())?;
        let result = Child::spawn(&line, Outputs::Piped, false)
            .and_then(|child| watch(child, timeout, lines, stopped))
            .map(|ended| match &group {
                Some(group) if group.out_of_memory_kills() > 0 && !ended.exit.is_success() => {
                    Exit::OutOfMemory
                }
                _ => ended.exit,
            });
        if let Some(group) = group {
            group.remove();
        }
        result
    }

    fn group(&self, spec: &BoxSpec) -> Result<Option<Group>, BoxError> {
        self.cgroups()
            .map(|cgroups| cgroups.create(&passing_name(), &spec.limits, spec.priority))
            .transpose()
            .map_err(|source| BoxError::Make { doing: "its control group", source })
    }
}

fn watch(
    mut child: Child,
    timeout: Duration,
    lines: &mpsc::Sender<(OutputStream, String)>,
    stopped: &io::PipeReader,
) -> Result<Ended, BoxError> {
    let deadline = Instant::now() + timeout;
    let (mut out, mut err) = (Lines::default(), Lines::default());
    let mut verdict = Ok(());
    let mut stopping = false;
    let ended = loop {
        let ended = child.advance(|stream, bytes| {
            let side = match stream {
                OutputStream::Stdout => &mut out,
                OutputStream::Stderr => &mut err,
            };
            side.push(bytes, |line| {
                let _ = lines.blocking_send((stream, line.to_owned()));
            });
        });
        if let Some(ended) = ended {
            break ended;
        }
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() && !stopping {
            stopping = true;
            verdict = Err(BoxError::TimedOut(timeout));
            child.kill();
        }
        let mut descriptors: Vec<PollFd<'_>> = child
            .descriptors()
            .into_iter()
            .map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN))
            .collect();
        if !stopping {
            descriptors.push(PollFd::from_borrowed_fd(stopped.as_fd(), PollFlags::IN));
        }
        let wait = (!stopping).then_some(left).into_iter().chain(child.recheck()).min();
        let wait = wait.map(|wait| Timespec {
            tv_sec: wait.as_secs().cast_signed(),
            tv_nsec: i64::from(wait.subsec_nanos()),
        });
        let _ = poll(&mut descriptors, wait.as_ref());
        let told_to_stop =
            !stopping && descriptors.last().is_some_and(|last| !last.revents().is_empty());
        drop(descriptors);
        if told_to_stop {
            stopping = true;
            child.kill();
        }
    };
    for (stream, mut rest) in [(OutputStream::Stdout, out), (OutputStream::Stderr, err)] {
        rest.finish(|line| {
            let _ = lines.blocking_send((stream, line.to_owned()));
        });
    }
    verdict.map(|()| ended)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::boxes::Priority;

    #[tokio::test]
    async fn without_control_groups_processes_are_still_counted() {
        let etc = tempfile::tempdir().unwrap();
        let boxes = Boxes { cgroups: None, ..Boxes::detect(false, etc.path().to_owned()).unwrap() };
        let line = "i=0; while [ $i -lt 60 ]; do sleep 600 & i=$((i+1)); done; echo all";
        let spec = BoxSpec {
            uid: 3_000_000_000 + std::process::id(),
            command: ["/bin/sh", "-c", line].map(str::to_owned).to_vec(),
            env: [("PATH".to_owned(), "/usr/bin:/bin".to_owned())].into(),
            workdir: "/".into(),
            binds: Vec::new(),
            network: false,
            limits: types::Limits { pids: Some(30), ..types::Limits::default() },
            priority: Priority::App,
            tmp_bytes: 1024 * 1024,
        };
        let mut lines = Vec::new();
        let take = |_, line: &str| lines.push(line.to_owned());
        let cancel = CancellationToken::new();
        let exit = boxes.run(&spec, Duration::from_secs(30), take, &cancel).await.unwrap();
        assert_eq!(exit, Exit::Code(2), "{lines:?}");
        assert!(lines.iter().any(|line| line.contains("Cannot fork")), "{lines:?}");
    }
}
