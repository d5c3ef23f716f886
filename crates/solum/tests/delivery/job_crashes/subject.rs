//! A server with one of the workflows, whose control plane is killed while it runs.

use std::process::Command;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use testkit::{Repository, Server, wait_until};

use super::case::{Case, Start};
use super::end::End;
use super::ledger::Ledger;
use crate::hello;

const PATIENCE: Duration = Duration::from_secs(120);
const SECRET: &str = "hunter-two-hundred";

/// When the control plane is killed.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kill {
    /// Right after the journal record of this number.
    Record(u32),
    /// When so many steps have done their work, before that is recorded.
    Effect(u32),
    /// So long after it was told to begin.
    Moment(Duration),
}

pub(super) struct Subject {
    case: &'static Case,
    ledger: Ledger,
    server: Server,
    repository: Repository,
    runs: u32,
}

impl Subject {
    pub(super) fn start(case: &'static Case) -> Result<Self> {
        let ledger = Ledger::open()?;
        let server = Server::start()?;
        let repository = match case.start {
            Start::PushOver => hello::deployed(&server)?,
            Start::Push | Start::Dispatches => hello::create(&server)?,
        };
        let (host, port) = (ledger.address.ip(), ledger.address.port());
        let note = format!(
            "note() {{ exec 3<>/dev/tcp/{host}/{port} && echo \"$MARK $*\" >&3 && read -r answer <&3 && test \"$answer\" = ok && echo \"noted $*\"; }}; note"
        );
        let address = ledger.address.to_string();
        for (path, value) in [
            ("variables/NOTE", note.as_str()),
            ("variables/LEDGER", &address),
            ("variables/LEDGER_URL", &format!("http://{address}")),
            ("secrets/PASSWORD", SECRET),
        ] {
            let value = json!({ "value": value });
            let set = server.api("PUT", &format!("/api/v1/{path}?app=hello"), Some(&value))?;
            ensure!(set.status == 200, "{path}: {}", set.text());
        }
        repository.write(&format!(".solum/workflows/{}.yml", case.name), case.text)?;
        for (path, text) in case.files {
            repository.write(path, text)?;
        }
        repository.commit("the workflow")?;
        if case.start == Start::Dispatches {
            repository.push()?.require()?;
        }
        Ok(Self { case, ledger, server, repository, runs: 0 })
    }

    /// How it ends when nothing happens, and how long that takes.
    pub(super) fn undisturbed(&mut self) -> Result<(Vec<End>, Duration)> {
        let mark = self.next()?;
        let begun = Instant::now();
        self.begin(&mark)?;
        self.until_ended(&mark)?;
        let took = begun.elapsed();
        let ends = self.ends(&mark)?;
        for (end, mark) in ends.iter().zip(self.case.marks(&mark)) {
            assert_eq!(end.status, self.case.ends()?, "{end:#?}");
            let mut wanted = self.case.ledger()?;
            wanted.extend(self.case.at_most_once().into_iter().map(|what| (what, 1)));
            let written = self.ledger.of(&mark);
            assert_eq!(written, wanted, "{end:#?}");
            ensure!(!end.noted.is_empty(), "the transcript has none of what steps noted");
            for (what, times) in &end.noted {
                assert_eq!(written.get(what), Some(times), "`noted {what}` in the transcript");
            }
        }
        Ok((ends, took))
    }

    /// Whether the control plane was killed before the end, which has to be as it would have been.
    pub(super) fn disturb(&mut self, kill: Kill, wanted: &[End]) -> Result<bool> {
        self.check(kill, wanted).with_context(|| {
            let what = self.case.name;
            format!("{what}, killed at {kill:?}; the server's last lines:\n{}", self.server.log())
        })
    }

    fn check(&mut self, kill: Kill, wanted: &[End]) -> Result<bool> {
        let mark = self.next()?;
        let failpoint = match kill {
            Kill::Record(number) => Some(format!("journal:{number}")),
            Kill::Effect(number) => Some(format!("effect:{number}")),
            Kill::Moment(_) => None,
        };
        if let Some(failpoint) = failpoint {
            self.server.stop_control_plane()?;
            self.server.restart_with(vec![("SOLUM_FAILPOINT".to_owned(), failpoint)])?;
        }
        let (stand_down, told) = mpsc::channel::<()>();
        let server = self.server.pid().context("the control plane runs")?.to_string();
        let killer = match kill {
            Kill::Moment(moment) => Some(thread::spawn(move || {
                let is_time = told.recv_timeout(moment) == Err(RecvTimeoutError::Timeout);
                is_time && Command::new("kill").args(["-KILL", &server]).status().is_ok()
            })),
            Kill::Record(_) | Kill::Effect(_) => None,
        };
        let begun = self.begin(&mark);
        let mut killed = !self.until_ended_or_dead(&mark)?;
        drop(stand_down);
        let struck = killer.is_some_and(|killer| killer.join().unwrap_or_default());
        if struck && !killed {
            // Just after the end.
            self.server.wait_for_end(PATIENCE)?;
            killed = true;
        }
        if killed {
            self.server.restart_with(Vec::new())?;
            if begun.is_ok() {
                let there = self.case.marks(&mark).iter().all(|mark| self.run(mark).is_some());
                ensure!(there, "what was taken is lost");
            }
            self.begin(&mark)?;
            self.until_ended(&mark)?;
        } else {
            begun?;
        }
        self.compare(&mark, wanted)?;
        Ok(killed)
    }

    fn compare(&self, mark: &str, wanted: &[End]) -> Result<()> {
        let ends = self.ends(mark)?;
        for mark in self.case.marks(mark) {
            let mut written = self.ledger.of(&mark);
            for what in self.case.at_most_once() {
                let times = written.remove(&what).unwrap_or_default();
                ensure!(times <= 1, "{what} happened {times} times");
            }
            let expected = self.case.ledger()?;
            ensure!(
                written == expected,
                "the ledger has {written:?}\ninstead of {expected:?}, as it ended as {ends:?}"
            );
        }
        ensure!(ends == wanted, "it ended as {ends:?}\ninstead of {wanted:?}");
        Ok(())
    }

    /// The next commit, and what it is called.
    fn next(&mut self) -> Result<String> {
        self.runs += 1;
        let mark = format!("{}-{}", self.case.name, self.runs);
        if self.case.start != Start::Dispatches {
            self.repository.write("number.txt", &format!("{mark}\n"))?;
            self.repository.commit(&mark)?;
        }
        Ok(mark)
    }

    /// Starts what is not there yet.
    fn begin(&self, mark: &str) -> Result<()> {
        for mark in self.case.marks(mark) {
            if self.run(&mark).is_some() {
                continue;
            }
            if self.case.start == Start::Dispatches {
                let (file, input) = (format!("{}.yml", self.case.name), format!("mark={mark}"));
                self.server
                    .solum(&["workflow", "run", "hello", &file, "-f", &input, "--detach"])?
                    .require()?;
                continue;
            }
            let push = self.repository.push_with(&["-o", "detach", "solum", "main"])?;
            ensure!(push.output().contains("goes on without you"), "{}", push.output());
        }
        Ok(())
    }

    fn run(&self, mark: &str) -> Option<Value> {
        let runs = self.server.solum_json(&["run", "list", "--json"]).ok()?;
        runs.as_array()?.iter().find(|run| run["title"] == mark).cloned()
    }

    fn ends(&self, mark: &str) -> Result<Vec<End>> {
        let of = |mark: String| {
            let run = self.run(&mark).context("the run is there")?;
            End::of(&self.server, run["id"].as_str().context("an id")?, &mark)
        };
        self.case.marks(mark).into_iter().map(of).collect()
    }

    fn until_ended(&self, mark: &str) -> Result<()> {
        wait_until("the run to end", PATIENCE, || self.has_ended(mark).then_some(()))
    }

    /// `false` when the control plane has died before.
    fn until_ended_or_dead(&mut self, mark: &str) -> Result<bool> {
        wait_until("the run or the control plane to end", PATIENCE, || {
            if self.server.wait_for_end(Duration::from_millis(5)).is_ok() {
                return Some(false);
            }
            self.has_ended(mark).then_some(true)
        })
    }

    /// What waits for somebody is approved on the way.
    fn has_ended(&self, mark: &str) -> bool {
        self.case.marks(mark).iter().all(|mark| {
            let Some(run) = self.run(mark) else { return false };
            let (Some(status), Some(id)) = (run["status"].as_str(), run["id"].as_str()) else {
                return false;
            };
            if status == "waiting" {
                // It may be decided already, or the control plane be away: the next look shows.
                let _ = self.server.solum(&["run", "approve", id]);
            }
            ["succeeded", "failed", "cancelled"].contains(&status)
        })
    }
}
