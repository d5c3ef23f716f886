//! The shim of one step: makes its box, keeps its output, ends it when it is told to, and writes down how it ended.
//!
//! Synchronous and single-threaded, like the shim of an instance, and as little bound to the server that started it.

use std::io::{Read as _, Write as _};
use std::os::fd::BorrowedFd;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use serde::{Deserialize, Serialize};
use types::{Clock as _, SystemClock};

use super::output::OutputWriter;
use super::protocol::{Answer, Epoch, Patience, Request, VERSION, Wish};
use super::requests::Requests;
use super::state::{Phase, StepState};
use super::{OutputSummary, StepSpec};
use crate::Exit;
use crate::boxes::{Boxes, Child, Ended, Outputs};
use crate::cgroup::Group;
use crate::shim::directory::{InstanceDirectory, Lock};
use crate::shim::protocol::Report;
use crate::shim::state::BoxProcess;
use crate::shim::{REFUSED, let_go_of_stdio, say, take_lock};

/// The longest text of [`Told`].
pub(super) const LONGEST_TOLD: u64 = 16 * 1024 * 1024;

/// What a shim is told, once, by its standard input.
#[derive(Serialize, Deserialize)]
pub(super) struct Told {
    pub(super) protocol: u32,
    pub(super) epoch: Epoch,
    /// For what outlives the directory to be named by.
    pub(super) name: String,
    pub(super) boxes: Boxes,
    pub(super) spec: StepSpec,
}

/// The whole of `solum shim --step DIRECTORY`. Returns when the step has ended and that is on disk.
///
/// Standard input says what to run. Standard output gets one line of JSON, once it is known whether the step was begun.
#[must_use]
pub fn run(directory: &Path) -> ExitCode {
    let directory = InstanceDirectory::new(directory.to_owned());
    // A signal to the terminal or the process group of whoever started us is not for us. Fails only where we lead a
    // process group already.
    let _ = rustix::process::setsid();
    let _ = rustix::process::set_child_subreaper(Some(rustix::process::getpid()));
    match read_told().and_then(|told| Supervisor::begin(&directory, told)) {
        Ok(mut begun) => {
            say(&Report::Started { address: None });
            let_go_of_stdio();
            begun.stand_over();
            ExitCode::SUCCESS
        }
        Err(refusal) => {
            say(&refusal);
            ExitCode::from(REFUSED)
        }
    }
}

fn read_told() -> Result<Told, Report> {
    let refuse = |error: &dyn std::fmt::Display| {
        Report::Refused(format!("what it was told cannot be read: {error}"))
    };
    let mut text = Vec::new();
    let read = std::io::stdin().lock().take(LONGEST_TOLD).read_to_end(&mut text);
    read.map_err(|error| refuse(&error))?;
    let told: Told = serde_json::from_slice(&text).map_err(|error| refuse(&error))?;
    match told.protocol {
        VERSION => Ok(told),
        theirs => Err(refuse(&format!("protocol {theirs}, and this shim speaks {VERSION}"))),
    }
}

struct Supervisor<'a> {
    directory: &'a InstanceDirectory,
    state: StepState,
    child: Child,
    requests: Requests,
    output: OutputWriter,
    ending: Option<Ending>,
    _lock: Lock,
}

/// Ends a box that never got its script.
fn let_go(child: &mut Child) {
    child.kill();
    while child.advance(|_, _| ()).is_none() {
        wait_for(child.descriptors().into_iter(), child.recheck());
    }
}

/// Until one of them has something to say, or the time is over.
fn wait_for<'a>(descriptors: impl Iterator<Item = BorrowedFd<'a>>, time: Option<Duration>) {
    let mut descriptors: Vec<PollFd<'_>> =
        descriptors.map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN)).collect();
    let time = time.map(|time| Timespec {
        tv_sec: time.as_secs().cast_signed(),
        tv_nsec: i64::from(time.subsec_nanos()),
    });
    let _ = poll(&mut descriptors, time.as_ref());
}

/// A step that was told to end.
#[derive(Debug)]
struct Ending {
    /// Unless that was done.
    terminate_at: Option<Instant>,
    kill_at: Option<Instant>,
}

impl<'a> Supervisor<'a> {
    /// Begins the step, or reports why not.
    fn begin(directory: &'a InstanceDirectory, told: Told) -> Result<Self, Report> {
        let refuse = |doing: &'static str| {
            move |error: &dyn std::fmt::Display| Report::Refused(format!("{doing}: {error}"))
        };
        let lock = take_lock(directory)?;
        if StepState::read(directory).is_some() {
            return Err(Report::Superfluous);
        }
        let shim = BoxProcess::of(rustix::process::getpid())
            .ok_or_else(|| refuse("itself")(&"/proc does not show it"))?;
        let output = OutputWriter::create(directory.path(), told.spec.output_bytes)
            .map_err(|error| refuse("its output cannot be kept")(&error))?;
        let requests = Requests::listen(directory)
            .map_err(|error| refuse("its socket could not be opened")(&error))?;
        let box_spec = told.spec.boxed;
        let cgroups = told.boxes.cgroups();
        let group = cgroups
            .map(|cgroups| cgroups.create(&told.name, &box_spec.limits, box_spec.priority))
            .transpose()
            .map_err(|error| refuse("its control group could not be made")(&error))?;
        let state = StepState {
            epoch: told.epoch,
            phase: Phase::Starting,
            shim,
            group: group.clone(),
            process: None,
        };
        let line = told.boxes.command_line_in(&box_spec, group.as_ref());
        let child = line
            .and_then(|line| Child::spawn(&line, Outputs::Merged, true))
            .map_err(|error| refuse("its process could not be created")(&with_source(&error)));
        // While the box is made. On disk before it is given its script, and with that before anything of the step runs: nobody
        // begins it a second time.
        let begun = child.and_then(|mut child| match state.write(directory, true) {
            Ok(()) => Ok(child),
            Err(error) => {
                let_go(&mut child);
                Err(refuse("that it is begun could not be written down")(&error))
            }
        });
        match begun {
            Ok(child) => {
                Ok(Self { directory, state, child, requests, output, ending: None, _lock: lock })
            }
            Err(report) => {
                if let Some(group) = group {
                    group.remove();
                }
                // Nothing of it has run.
                let _ = std::fs::remove_file(directory.path().join("state.json"));
                Err(report)
            }
        }
    }

    /// Returns when the step has ended.
    fn stand_over(&mut self) {
        loop {
            self.wait();
            self.answer_requests();
            if let Some(ended) = self.advance_child() {
                return self.end(ended);
            }
            self.follow_time();
        }
    }

    fn wait(&self) {
        let descriptors = self.child.descriptors().into_iter().chain(self.requests.descriptors());
        let now = Instant::now();
        let next = self.ending.iter().flat_map(|ending| [ending.terminate_at, ending.kill_at]);
        let next = next.flatten().map(|at| at.saturating_duration_since(now));
        wait_for(descriptors, next.chain(self.child.recheck()).min());
    }

    fn answer_requests(&mut self) {
        let before = self.state.epoch;
        let (state, mut patience) = (&mut self.state, None::<Patience>);
        self.requests.advance(|request: &Request| {
            if request.epoch < state.epoch {
                return Answer::Stale { held: state.epoch };
            }
            state.epoch = request.epoch;
            if let Wish::End(wished) = request.wish {
                let shorter = |before: Patience| Patience {
                    interrupt: before.interrupt.min(wished.interrupt),
                    terminate: before.terminate.min(wished.terminate),
                };
                patience = Some(patience.map_or(wished, shorter));
            }
            Answer::Done
        });
        if self.state.epoch != before {
            self.publish(false);
        }
        if let Some(patience) = patience {
            self.interrupt(patience);
        }
    }

    /// A second time, it can only be shorter.
    fn interrupt(&mut self, patience: Patience) {
        let now = Instant::now();
        // Years are as good as for ever.
        let longest = Duration::from_secs(366 * 24 * 3600);
        let terminate_at = now + patience.interrupt.min(longest);
        let kill_at = terminate_at + patience.terminate.min(longest);
        if let Some(ending) = &mut self.ending {
            ending.terminate_at = ending.terminate_at.map(|before| before.min(terminate_at));
            ending.kill_at = ending.kill_at.map(|before| before.min(kill_at));
            return;
        }
        self.ending = Some(Ending { terminate_at: Some(terminate_at), kill_at: Some(kill_at) });
        // With no time for it, what comes next is due at once.
        if !patience.interrupt.is_zero() {
            self.child.interrupt();
        }
    }

    fn follow_time(&mut self) {
        let Some(ending) = &mut self.ending else { return };
        let now = Instant::now();
        let is_due = |at: &mut Option<Instant>| at.take_if(|at| *at <= now).is_some();
        // Nobody is left to be asked where both are due.
        let (terminate, kill) = (is_due(&mut ending.terminate_at), is_due(&mut ending.kill_at));
        if kill {
            self.child.kill();
        } else if terminate {
            self.child.terminate();
        }
    }

    fn advance_child(&mut self) -> Option<Ended> {
        let now = SystemClock.now();
        let output = &mut self.output;
        let ended = self.child.advance(|_, bytes| output.take(now, bytes));
        output.flush();
        if let (Phase::Starting, Some(pid)) = (self.state.phase, self.child.pid()) {
            self.state.process = BoxProcess::of(pid);
            let pid = pid.as_raw_nonzero().get().cast_unsigned();
            self.state.phase = Phase::Running { pid, since: now };
            self.publish(false);
        }
        ended
    }

    fn end(&mut self, ended: Ended) {
        let now = SystemClock.now();
        let kills = self.state.group.as_ref().map_or(0, Group::out_of_memory_kills);
        let out_of_memory = kills > 0 && !ended.exit.is_success();
        let exit = if out_of_memory { Exit::OutOfMemory } else { ended.exit };
        if let Some(group) = self.state.group.take() {
            group.remove();
        }
        let output: OutputSummary = self.output.finish(now);
        self.state.process = None;
        self.state.phase = Phase::Ended { exit, at: now, output };
        self.publish(true);
    }

    fn publish(&mut self, lasting: bool) {
        if let Err(error) = self.state.write(self.directory, lasting) {
            let text = format!("where the step stands could not be written down: {error}");
            self.output.note(SystemClock.now(), &text);
            // Standard error is a file for those who look into a shim's directory because something is odd.
            let _ = writeln!(std::io::stderr(), "{} {text}", SystemClock.now());
        }
    }
}

fn with_source(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}
