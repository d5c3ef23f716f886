//! Stands over one instance, from its start to its end.

use std::io::Write as _;
use std::net::SocketAddr;
use std::os::fd::AsFd as _;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use types::{Bundle, Clock as _, SystemClock, Timestamp};

use super::backoff::Backoff;
use super::clients::Clients;
use super::directory::{InstanceDirectory, Lock};
use super::log::LogWriter;
use super::port::{InTheWay, Reservation, reserve};
use super::protocol::{Report, Request};
use super::root::{self, DATA};
use super::spec::ShimSpec;
use super::state::{BoxProcess, Phase, State};
use crate::boxes::{Bind, BoxSpec, Child, Ended, Outputs, Priority};
use crate::cgroup::Group;
use crate::{Exit, Restart};

/// How long to wait for the leftovers of a shim that was killed.
const LEFTOVERS: Duration = Duration::from_secs(10);

/// How many times another shim's lock is tried for: somebody may just be looking whether it is free.
const LOCK_ATTEMPTS: u32 = 10;

/// The status that is reported of a process that could not even be created.
const NOT_CREATED: Exit = Exit::Code(125);

pub(super) struct Supervisor<'a> {
    directory: &'a InstanceDirectory,
    spec: ShimSpec,
    state: State,
    box_spec: BoxSpec,
    group: Option<Group>,
    port: Option<Reservation>,
    clients: Option<Clients>,
    log: Option<LogWriter>,
    child: Option<Child>,
    started: Instant,
    kills_before: u64,
    backoff: Backoff,
    /// When the next thing happens by itself: a restart, or the end of somebody's grace.
    restart_at: Option<Instant>,
    kill_at: Option<Instant>,
    _lock: Lock,
}

impl<'a> Supervisor<'a> {
    /// Starts the instance, or reports why not.
    pub(super) fn start(directory: &'a InstanceDirectory, spec: ShimSpec) -> Result<Self, Report> {
        let refuse = |doing: &str, error: &dyn std::fmt::Display| {
            Report::Refused(format!("{doing}: {error}"))
        };
        let lock = take_lock(directory)?;
        let before = directory.state();
        if let Some(before) = &before {
            let over = before.is_final() || before.stopping || spec.restart == Restart::Never;
            if over {
                return Err(Report::Superfluous);
            }
            clear_leftovers(before);
        }
        let binds = root::assemble(directory, &spec)
            .map_err(|error| refuse("its tree could not be put together", &error))?;
        let mut state = State::new(SystemClock.now());
        let wanted = before.and_then(|before| before.address);
        let port = spec.port.then(|| reserve(&spec.ports, wanted)).transpose();
        let port = port.map_err(|error| refuse("it could not be given a port", &error))?;
        state.address = port.as_ref().map(|port| port.address);
        state.uid = Some(spec.uid);
        let group = spec
            .boxes
            .cgroups()
            .map(|cgroups| cgroups.create(&spec.name, &spec.limits, Priority::App));
        let group = group
            .transpose()
            .map_err(|error| refuse("its control group could not be made", &error))?;
        state.group = group.clone();
        let attached = spec.attached;
        let clients = (!attached).then(|| Clients::listen(directory)).transpose();
        let box_spec = box_spec(&spec, binds, state.address);
        let mut supervisor = Self {
            log: (!attached).then(|| LogWriter::open(&directory.logs())),
            directory,
            state,
            box_spec,
            group,
            port,
            clients: None,
            child: None,
            started: Instant::now(),
            kills_before: 0,
            backoff: Backoff::default(),
            restart_at: None,
            kill_at: None,
            spec,
            _lock: lock,
        };
        let started = clients
            .map_err(|error| refuse("its socket could not be opened", &error))
            .and_then(|clients| {
                supervisor.clients = clients;
                supervisor
                    .spawn()
                    .map_err(|error| refuse("its process could not be created", &error))
            });
        match started {
            Ok(()) => Ok(supervisor),
            Err(report) => {
                supervisor.clear_away();
                Err(report)
            }
        }
    }

    pub(super) fn report(&self) -> Report {
        Report::Started { address: self.state.address }
    }

    /// Returns when the instance has ended for good.
    pub(super) fn stand_over(mut self) {
        while !self.state.is_final() {
            self.wait();
            self.take_requests();
            self.follow_lifeline();
            self.advance_child();
            self.follow_time();
        }
        self.clear_away();
        self.publish();
    }

    fn spawn(&mut self) -> Result<(), crate::boxes::BoxError> {
        let outputs = if self.spec.attached { Outputs::Inherited } else { Outputs::Piped };
        let line = self.spec.boxes.command_line_in(&self.box_spec, self.group.as_ref())?;
        self.kills_before = self.group.as_ref().map_or(0, Group::out_of_memory_kills);
        self.started = Instant::now();
        self.child = Some(Child::spawn(&line, outputs, true)?);
        Ok(())
    }

    fn wait(&self) {
        let child = self.child.iter().flat_map(|child| child.descriptors());
        let clients = self.clients.iter().flat_map(|clients| clients.descriptors());
        let stdin = std::io::stdin();
        // Once the lifeline is cut there is nothing more to learn from it.
        let lifeline = (self.spec.attached && !self.state.stopping).then_some(stdin.as_fd());
        let mut descriptors: Vec<PollFd<'_>> = child
            .chain(clients)
            .chain(lifeline)
            .map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN))
            .collect();
        let now = Instant::now();
        let next = [self.restart_at, self.kill_at].into_iter().flatten();
        let until = next.map(|at| at.saturating_duration_since(now)).min();
        let recheck = self.child.as_ref().and_then(Child::recheck);
        let until = until.into_iter().chain(recheck).min().map(|wait| Timespec {
            tv_sec: wait.as_secs().cast_signed(),
            tv_nsec: i64::from(wait.subsec_nanos()),
        });
        let _ = poll(&mut descriptors, until.as_ref());
    }

    fn take_requests(&mut self) {
        let Some(clients) = &mut self.clients else { return };
        for request in clients.advance(&self.state) {
            match request {
                Request::Stop { grace_ms } => self.stop(Duration::from_millis(grace_ms)),
            }
        }
    }

    /// A one-off ends with whoever started it.
    fn follow_lifeline(&mut self) {
        if !self.spec.attached || self.state.stopping {
            return;
        }
        let stdin = std::io::stdin();
        let mut lifeline = [PollFd::new(&stdin, PollFlags::IN)];
        let now = Timespec { tv_sec: 0, tv_nsec: 0 };
        if poll(&mut lifeline, Some(&now)) == Ok(1) {
            self.stop(Duration::ZERO);
        }
    }

    fn stop(&mut self, grace: Duration) {
        let now = Instant::now();
        // Years of grace are as good as for ever.
        let kill_at = now + grace.min(Duration::from_secs(366 * 24 * 3600));
        self.kill_at = Some(self.kill_at.map_or(kill_at, |before| before.min(kill_at)));
        if self.state.stopping {
            return;
        }
        self.state.stopping = true;
        // On disk before anything happens, so that nobody takes the instance up again.
        self.publish();
        match &mut self.child {
            Some(child) => child.terminate(),
            None => {
                let exit = match self.state.phase {
                    Phase::BackingOff { last, .. } => last,
                    _ => Exit::NotRun,
                };
                self.exited(exit);
            }
        }
    }

    fn advance_child(&mut self) {
        let Some(child) = &mut self.child else { return };
        let log = &mut self.log;
        let now = SystemClock.now();
        let ended = child.advance(|stream, bytes| {
            if let Some(log) = log {
                log.take(now, stream, bytes);
            }
        });
        if let Some(log) = log {
            log.flush();
        }
        if let (Phase::Starting | Phase::BackingOff { .. }, Some(pid)) =
            (self.state.phase, child.pid())
        {
            self.state.process = BoxProcess::of(pid);
            let pid = pid.as_raw_nonzero().get().cast_unsigned();
            self.state.phase = Phase::Running { pid, since: now };
            self.publish();
        }
        if let Some(ended) = ended {
            self.process_ended(ended, now);
        }
    }

    fn process_ended(&mut self, ended: Ended, now: Timestamp) {
        self.child = None;
        self.state.process = None;
        if let Some(log) = &mut self.log {
            log.end_of_process(now);
        }
        let kills = self.group.as_ref().map_or(0, Group::out_of_memory_kills);
        let out_of_memory = kills > self.kills_before && !ended.exit.is_success();
        let exit = if out_of_memory { Exit::OutOfMemory } else { ended.exit };
        if self.state.stopping || self.spec.restart == Restart::Never {
            self.exited(exit);
        } else {
            self.back_off(exit, now);
        }
    }

    fn back_off(&mut self, last: Exit, now: Timestamp) {
        let wait = self.backoff.after(self.started.elapsed());
        self.restart_at = Some(Instant::now() + wait);
        let until = now.checked_add(jiff::SignedDuration::try_from(wait).unwrap_or_default());
        self.state.phase = Phase::BackingOff { until: until.unwrap_or(now), last };
        self.publish();
    }

    fn exited(&mut self, exit: Exit) {
        self.restart_at = None;
        self.state.phase = Phase::Exited { exit, at: SystemClock.now() };
    }

    fn follow_time(&mut self) {
        let now = Instant::now();
        if self.kill_at.is_some_and(|at| at <= now) {
            self.kill_at = None;
            if let Some(child) = &mut self.child {
                child.kill();
            }
        }
        if self.restart_at.is_some_and(|at| at <= now) {
            self.restart_at = None;
            self.state.restarts += 1;
            self.settle_port();
            if let Err(error) = self.spawn() {
                let now = SystemClock.now();
                if let Some(log) = &mut self.log {
                    log.note(now, &format!("the process could not be created: {error}"));
                }
                self.back_off(NOT_CREATED, now);
            }
        }
    }

    /// Gives the process another port if somebody else has taken its own. One that keeps ending gets one that is free
    /// by every standard: what is in its way may be in nobody's who sets `SO_REUSEADDR`, and it may not.
    fn settle_port(&mut self) {
        let Some(port) = &self.port else { return };
        let but_for = if self.backoff.is_repeated() { InTheWay::Any } else { InTheWay::Others };
        if port.is_free(but_for) {
            return;
        }
        let taken = port.address.port();
        let said = match reserve(&self.spec.ports, None) {
            Ok(other) => {
                let port = other.address.port();
                self.state.address = Some(other.address);
                self.box_spec.env.insert("PORT".to_owned(), port.to_string());
                self.port = Some(other);
                format!("port {taken} is taken by another program: PORT is {port} from now on")
            }
            Err(error) => format!("port {taken} is taken by another program, and {error}"),
        };
        if let Some(log) = &mut self.log {
            log.note(SystemClock.now(), &said);
        }
    }

    /// Writes down where the instance stands, then tells everybody.
    pub(super) fn publish(&mut self) {
        self.state.changed_at = SystemClock.now();
        // What has done its work once must not be done again because the machine went down.
        let lasting =
            self.state.is_final() && self.spec.restart == Restart::Never && !self.spec.attached;
        if let Err(error) = self.directory.write_state(&self.state, lasting) {
            self.complain(&format!("the state could not be written: {error}"));
        }
        if let Some(clients) = &mut self.clients {
            clients.tell(&self.state);
        }
    }

    /// For those who look into a shim's directory because something is odd.
    fn complain(&self, text: &str) {
        let file = std::fs::File::create(self.directory.complaints());
        let _ = file.and_then(|mut file| writeln!(file, "{} {text}", SystemClock.now()));
    }

    fn clear_away(&mut self) {
        if let Some(group) = self.group.take() {
            group.remove();
        }
        self.state.group = None;
        self.port = None;
    }
}

pub(crate) fn take_lock(directory: &InstanceDirectory) -> Result<Lock, Report> {
    for _ in 0..LOCK_ATTEMPTS {
        match directory.lock() {
            Ok(Some(lock)) => return Ok(lock),
            Ok(None) => {
                let a_moment = Timespec { tv_sec: 0, tv_nsec: 2_000_000 };
                let _ = poll(&mut [], Some(&a_moment));
            }
            Err(error) => return Err(Report::Refused(format!("its lock: {error}"))),
        }
    }
    Err(Report::Superfluous)
}

/// What a killed shim left behind dies by itself, save for the moment before bubblewrap had asked for that.
fn clear_leftovers(before: &State) {
    if let Some(group) = &before.group {
        group.kill_all(LEFTOVERS);
        group.remove();
    }
}

fn box_spec(spec: &ShimSpec, binds: Vec<Bind>, address: Option<SocketAddr>) -> BoxSpec {
    let seen = |path: &str| spec.boxes.seen(&binds, Path::new(path)).to_string_lossy().into_owned();
    let mut env = spec.env.clone();
    // A bundle says `/app`, which is elsewhere for a bare process.
    let home = env.get("HOME").map_or(Bundle::APP_DIR, String::as_str);
    let home = seen(home);
    env.insert("HOME".to_owned(), home);
    if spec.data.is_some() {
        env.insert("SOLUM_DATA_DIR".to_owned(), seen(DATA));
    }
    if let Some(address) = address {
        env.insert("PORT".to_owned(), address.port().to_string());
    }
    BoxSpec {
        uid: spec.uid,
        command: spec.command.clone(),
        env,
        workdir: Bundle::APP_DIR.into(),
        network: true,
        limits: spec.limits,
        priority: Priority::App,
        tmp_bytes: BoxSpec::DEFAULT_TMP_BYTES,
        binds,
    }
}
