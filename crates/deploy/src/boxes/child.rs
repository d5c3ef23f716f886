//! One box that runs: its process, its output, its end.
//!
//! Synchronous, so that a shim can hold it in a few kilobytes: whoever owns it waits on its descriptors and then calls
//! [`Child::advance`].
//!
//! With bubblewrap there are two processes of ours: the *monitor*, our child, which says how the command ended, and the *init*,
//! first process of the box's process namespace, with which all others end. Without (bare) there is only the
//! command itself.

use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::process::Command;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, WaitOptions, WaitStatus};
use rustix::process::{kill_process, pidfd_open, pidfd_send_signal, wait, waitpid};

use super::command_line::{CommandLine, GREETING, UP_SAID};
use super::{BoxError, processes};
use crate::{Exit, OutputStream};

/// How long the shell in a box may take to read its script.
const SCRIPT_TIMEOUT: Duration = Duration::from_secs(20);

/// How much output is read at a time, so that a flood keeps nothing else waiting.
const READ_AT_ONCE: usize = 64 * 1024;

/// How often so much is read once everything has ended.
const MOST_LAST_READS: u32 = 64;

/// How often to look again where the kernel tells nobody: a bare command has ended and what it left behind has not.
const RECHECK: Duration = Duration::from_millis(5);

/// Where a box's output goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outputs {
    /// To whoever calls [`Child::advance`].
    Piped,
    /// The same, both through one pipe: in the order in which they were written, as [`OutputStream::Stdout`].
    Merged,
    /// Where our own goes.
    Inherited,
}

/// Everything is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ended {
    pub(crate) exit: Exit,
}

#[derive(Debug)]
struct Process {
    pid: Pid,
    fd: OwnedFd,
}

#[derive(Debug)]
pub(crate) struct Child {
    /// Bubblewrap's monitor, or the bare command.
    main: Process,
    exit: Option<Exit>,
    boxed: bool,
    /// Where bubblewrap tells which process is the init, and then the box that it is up, to be given its script.
    socket: Option<(UnixStream, String)>,
    told: Vec<u8>,
    init: Option<Process>,
    init_ended: bool,
    outputs: Vec<(OutputStream, io::PipeReader)>,
    /// Whether orphans of the box come to us, so that each child that ends is one of ours.
    subreaper: bool,
    /// Whether the box was given its script: before, nothing of the command runs.
    begun: bool,
    terminating: bool,
    killing: bool,
}

impl Child {
    /// Starts what `line` says. `subreaper` tells whether this process is one and has no other children.
    pub(crate) fn spawn(
        line: &CommandLine,
        outputs: Outputs,
        subreaper: bool,
    ) -> Result<Self, BoxError> {
        let make = |doing| move |source| BoxError::Make { doing, source };
        let (mut ours, theirs) = UnixStream::pair().map_err(make("a socket pair"))?;
        ours.write_all(GREETING).map_err(make("a socket pair"))?;
        ours.set_nonblocking(true).map_err(make("a socket pair"))?;
        let mut command = Command::new(&line.arguments[0]);
        command.args(&line.arguments[1..]).env_clear().env("PATH", CommandLine::PATH);
        // A signal for the terminal's foreground is not for the box.
        command.current_dir("/").process_group(0).stdin(OwnedFd::from(theirs));
        let mut readers = Vec::new();
        if outputs == Outputs::Piped {
            for stream in [OutputStream::Stdout, OutputStream::Stderr] {
                let (reader, writer) = pipe().map_err(make("a pipe"))?;
                match stream {
                    OutputStream::Stdout => command.stdout(writer),
                    OutputStream::Stderr => command.stderr(writer),
                };
                readers.push((stream, reader));
            }
        }
        if outputs == Outputs::Merged {
            let (reader, writer) = pipe().map_err(make("a pipe"))?;
            command.stdout(writer.try_clone().map_err(make("a pipe"))?).stderr(writer);
            readers.push((OutputStream::Stdout, reader));
        }
        let child = command.spawn().map_err(make("its first process"))?;
        drop(command);
        let pid = Pid::from_raw(child.id().cast_signed())
            .ok_or_else(|| make("its first process")(io::ErrorKind::InvalidData.into()))?;
        let fd = pidfd_open(pid, PidfdFlags::empty())
            .map_err(|error| make("a watch over its first process")(error.into()))?;
        Ok(Self {
            main: Process { pid, fd },
            exit: None,
            boxed: line.boxed,
            socket: Some((ours, line.script.clone())),
            told: Vec::new(),
            init: None,
            init_ended: false,
            outputs: readers,
            subreaper,
            begun: false,
            terminating: false,
            killing: false,
        })
    }

    /// The box's first process as the machine numbers it, once the command has begun.
    pub(crate) fn pid(&self) -> Option<Pid> {
        let first = if self.boxed { self.init.as_ref() } else { Some(&self.main) };
        first.filter(|_| self.begun).map(|process| process.pid)
    }

    /// What to wait on, each for reading.
    pub(crate) fn descriptors(&self) -> Vec<BorrowedFd<'_>> {
        let mut all = Vec::with_capacity(5);
        if self.exit.is_none() {
            all.push(self.main.fd.as_fd());
        }
        // Once it has ended it stays readable; that was taken up then.
        all.extend(self.init.iter().filter(|_| !self.init_ended).map(|init| init.fd.as_fd()));
        all.extend(self.socket.iter().map(|(socket, _)| socket.as_fd()));
        all.extend(self.outputs.iter().map(|(_, reader)| reader.as_fd()));
        all
    }

    /// When to call [`advance`](Self::advance) again though no descriptor is ready.
    pub(crate) fn recheck(&self) -> Option<Duration> {
        (!self.boxed && (self.exit.is_some() || self.killing)).then_some(RECHECK)
    }

    /// Takes up whatever has happened, without waiting. Says so once nothing is left: no process, and no output.
    pub(crate) fn advance(&mut self, mut output: impl FnMut(OutputStream, &[u8])) -> Option<Ended> {
        self.listen();
        if !self.init_ended && self.init.as_ref().is_some_and(|init| is_readable(&init.fd)) {
            self.init_ended = true;
            // The monitor may have been stopped by `terminate`; it has something to tell now.
            let _ = pidfd_send_signal(&self.main.fd, Signal::CONT);
        }
        self.reap();
        self.read_outputs(&mut output);
        if self.killing && !self.gone() {
            self.kill();
        }
        let exit = self.exit?;
        if !self.boxed && !self.terminating {
            // As in a box: what the command leaves behind ends with it.
            self.kill_bare();
        }
        if !self.gone() {
            return None;
        }
        self.reap();
        // What is in a pipe is bounded, unless a bare process got away and goes on writing.
        for _ in 0..MOST_LAST_READS {
            if !self.read_outputs(&mut output) {
                break;
            }
        }
        let stopped = self.terminating || self.killing;
        Some(Ended { exit: if stopped && !self.begun { Exit::NotRun } else { exit } })
    }

    /// Asks every process of the box to end. They may take their time, also when the first of them has ended. A box that
    /// is still being set up never gets its script, and ends.
    pub(crate) fn terminate(&mut self) {
        self.terminating = true;
        if self.socket.is_none() {
            if self.boxed {
                // The monitor would end with the command, and take with it those who are not yet done. Stopped, it waits for us.
                let _ = pidfd_send_signal(&self.main.fd, Signal::STOP);
            }
            self.signal(Signal::TERM);
        }
    }

    /// Asks every process of the box to break off, as Ctrl-C at a terminal does. Whoever is left when the command has ended
    /// ends with it. A box that is still being set up never gets its script.
    pub(crate) fn interrupt(&mut self) {
        if self.begun {
            self.signal(Signal::INT);
        } else {
            self.terminate();
        }
    }

    /// Sends a signal to every process of the box, once: whom one of them starts in order to end well is left alone.
    fn signal(&self, signal: Signal) {
        for pid in self.processes() {
            let _ = kill_process(pid, signal);
        }
    }

    /// Kills every process of the box. [`advance`](Self::advance) tells when they are gone.
    pub(crate) fn kill(&mut self) {
        self.killing = true;
        if !self.boxed {
            self.kill_bare();
        } else if let Some(init) = &self.init {
            let _ = pidfd_send_signal(&init.fd, Signal::KILL);
        }
        // Before its init is known, `advance` comes back here as soon as it is.
    }

    fn kill_bare(&self) {
        self.signal(Signal::KILL);
        if !self.subreaper {
            // Whose parent has ended is no descendant any more, but still of the group unless it left that too.
            let _ = rustix::process::kill_process_group(self.main.pid, Signal::KILL);
        }
    }

    fn gone(&self) -> bool {
        if self.boxed {
            self.exit.is_some() && (self.init.is_none() || self.init_ended)
        } else {
            self.exit.is_some() && self.processes().is_empty()
        }
    }

    fn reap(&mut self) {
        loop {
            let ended = if self.subreaper {
                wait(WaitOptions::NOHANG)
            } else if self.exit.is_none() {
                waitpid(Some(self.main.pid), WaitOptions::NOHANG)
            } else {
                return;
            };
            match ended {
                Ok(Some((pid, status))) if pid == self.main.pid => {
                    self.exit = Some(exit_of(status))
                }
                Ok(Some(_)) => {}
                Ok(None) | Err(_) => return,
            }
        }
    }

    /// Takes in what bubblewrap and the box say, and gives the box its script.
    fn listen(&mut self) {
        let Some((socket, script)) = &mut self.socket else { return };
        let mut buffer = [0; 256];
        let ended = loop {
            match socket.read(&mut buffer) {
                Ok(0) => break true,
                Ok(length) => self.told.extend_from_slice(&buffer[..length]),
                Err(error) => break error.kind() != io::ErrorKind::WouldBlock,
            }
        };
        if self.boxed && self.init.is_none() {
            let mut told = serde_json::Deserializer::from_slice(&self.told).into_iter();
            if let Some(Ok::<serde_json::Value, _>(told)) = told.next() {
                let pid = told["child-pid"].as_i64().and_then(|pid| i32::try_from(pid).ok());
                self.init = pid.and_then(Pid::from_raw).and_then(watch_init);
            }
        }
        let up = self.told.ends_with(UP_SAID);
        if up && !self.killing && !self.terminating {
            // Where the box has ended in between, the write fails; the exit tells.
            let _ = hand_over(socket, script);
            self.begun = true;
        }
        if up || ended {
            self.socket = None;
        }
    }

    /// Says whether there may be more.
    fn read_outputs(&mut self, output: &mut impl FnMut(OutputStream, &[u8])) -> bool {
        let mut buffer = [0; 16 * 1024];
        let mut more = false;
        self.outputs.retain_mut(|(stream, reader)| {
            let mut taken = 0;
            while taken < READ_AT_ONCE {
                match reader.read(&mut buffer) {
                    Ok(0) => return false,
                    Ok(length) => {
                        output(*stream, &buffer[..length]);
                        taken += length;
                    }
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => return error.kind() == io::ErrorKind::WouldBlock,
                }
            }
            more = true;
            true
        });
        more
    }

    /// Those that do not belong to the box itself.
    fn processes(&self) -> Vec<Pid> {
        if self.boxed {
            let init = self.init.as_ref().filter(|_| !self.init_ended);
            return init.map_or_else(Vec::new, |init| processes::in_namespace_of(init.pid));
        }
        if self.subreaper {
            return processes::descendants(rustix::process::getpid());
        }
        let mut all = processes::descendants(self.main.pid);
        if self.exit.is_none() {
            all.push(self.main.pid);
        }
        all
    }
}

/// One that is read without waiting.
fn pipe() -> io::Result<(io::PipeReader, io::PipeWriter)> {
    let (reader, writer) = io::pipe()?;
    rustix::io::ioctl_fionbio(&reader, true)?;
    Ok((reader, writer))
}

fn hand_over(socket: &mut UnixStream, script: &str) -> io::Result<()> {
    socket.set_nonblocking(false)?;
    socket.set_write_timeout(Some(SCRIPT_TIMEOUT))?;
    socket.write_all(script.as_bytes())
}

/// The init that bubblewrap told of. A number may already stand for another process when bubblewrap has ended in between.
fn watch_init(pid: Pid) -> Option<Process> {
    let fd = pidfd_open(pid, PidfdFlags::empty()).ok()?;
    processes::is_bubblewrap(pid).then_some(Process { pid, fd })
}

fn is_readable(fd: &OwnedFd) -> bool {
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    poll(&mut [PollFd::new(fd, PollFlags::IN)], Some(&now)) == Ok(1)
}

fn exit_of(status: WaitStatus) -> Exit {
    match (status.exit_status(), status.terminating_signal()) {
        (Some(code), _) => Exit::from_code(code),
        (None, Some(signal)) => Exit::Signal(signal),
        (None, None) => Exit::Lost,
    }
}
