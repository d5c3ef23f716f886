//! Whatever comes, in whatever order: runs of workflows that together use every feature are given random inputs, from a
//! seed. After each one the state is built anew, from the whole journal and from a snapshot and what came after it, and
//! has to be the same; what must always hold is looked at; and no effect may be asked for twice.
//!
//! `SOLUM_SIMULATE_SEEDS` says how many seeds there are for each workflow; the default takes seconds.

use std::collections::BTreeSet;

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

use super::*;
use crate::input::{Decision as Word, Signal};
use crate::state::{LegPhase, Stage};

const SEEDS: u64 = 12;
/// No run of these needs more.
const MAX_INPUTS: usize = 3_000;

const OTHERS: [(&str, &str); 3] = [
    (
        "called.yml",
        "
on: { workflow_call: { inputs: { n: { type: number } }, outputs: { o: { value: '${{ jobs.x.outputs.o }}' } } } }
jobs:
  x: { runs-on: linux, outputs: { o: '${{ steps.s.outputs.o }}' }, steps: [{ id: s, run: x }, { if: always(), run: x }] }
  y: { needs: x, if: inputs.n > 1, runs-on: linux, steps: [{ run: x }] }
",
    ),
    (
        "composite/action.yml",
        "
name: c
description: d
inputs: { a: { default: '1' } }
outputs: { o: { value: '${{ steps.i.outputs.o }}' } }
runs:
  using: composite
  steps:
    - { id: i, run: x, shell: bash }
    - { if: failure(), run: x, shell: bash }
    - { uses: ./tool }
",
    ),
    (
        "tool/action.yml",
        "
name: t
description: d
runs: { using: node20, main: m.js, pre: p.js, post: q.js }
",
    ),
];

const WORKFLOWS: [&str; 12] = [
    "{ a: { runs-on: linux, steps: [{ run: x }, { run: x }, { run: x }] } }",
    "{ a: { runs-on: linux, steps: [{ run: x }] }, b: { needs: a, if: always(), runs-on: linux, steps: [{ run: x }] }, c: { needs: b, runs-on: linux, steps: [{ run: x }] } }",
    "{ a: { runs-on: linux, strategy: { max-parallel: 2, matrix: { n: [1, 2, 3], m: [x, y] } }, steps: [{ run: x }, { if: failure(), run: x }] } }",
    "{ a: { runs-on: linux, steps: [{ run: x, retry: { attempts: 3, backoff: 1s } }, { run: x, timeout-minutes: 1, continue-on-error: true }, { if: cancelled(), run: x }] } }",
    "{ a: { uses: ./called.yml, with: { n: 2 } }, b: { needs: a, strategy: { fail-fast: false, matrix: { n: [1, 2] } }, uses: ./called.yml, with: { n: '${{ matrix.n }}' } } }",
    "{ a: { runs-on: linux, timeout-minutes: 5, steps: [{ uses: ./composite }, { uses: ./tool }, { uses: actions/cache@v4, with: { path: x, key: y } }] } }",
    "{ a: { runs-on: solum, steps: [{ uses: solum/deploy, with: { artifact: x }, undo: { uses: solum/rollback } }, { uses: solum/build }] }, b: { needs: a, runs-on: linux, steps: [{ run: x }] } }",
    "{ a: { runs-on: solum, steps: [{ uses: solum/approve, with: { count: 2 } }, { uses: solum/deploy, with: { artifact: x }, undo: { uses: solum/rollback } }, { uses: solum/approve }] } }",
    "{ a: { concurrency: one, runs-on: linux, steps: [{ run: x }] }, b: { concurrency: two, runs-on: linux, strategy: { matrix: { n: [1, 2] } }, steps: [{ run: x }] } }",
    "{ a: { runs-on: linux, continue-on-error: true, steps: [{ run: x }] }, b: { needs: a, runs-on: linux, steps: [{ run: x }, { if: always(), uses: ./composite }] } }",
    "{ a: { runs-on: linux, outputs: { m: '[1, 2]' }, steps: [{ run: x }] }, b: { needs: a, runs-on: linux, strategy: { matrix: { n: '${{ fromJSON(needs.a.outputs.m) }}' } }, steps: [{ if: hashFiles('a') != '', run: x }] } }",
    "{ a: { runs-on: linux, steps: [{ id: s, run: x }, { if: fromJSON(steps.s.outputs.j).ok, run: x }] }, b: { if: always(), needs: a, runs-on: linux, steps: [{ run: x }] } }",
];

#[test]
fn whatever_comes_a_run_ends_and_its_journal_adds_up_to_its_state() {
    let seeds = std::env::var("SOLUM_SIMULATE_SEEDS").ok();
    let seeds = seeds.map_or(SEEDS, |seeds| seeds.parse().unwrap());
    for (number, jobs) in WORKFLOWS.iter().enumerate() {
        for seed in 0..seeds {
            let group = match seed % 4 {
                0 => "concurrency: all\n",
                1 => "concurrency: { group: all, cancel-in-progress: true }\n",
                _ => "",
            };
            let text = format!("on: push\n{group}jobs: {jobs}\n");
            let run = Run::beside(&text, &OTHERS);
            Simulation::new(run, StdRng::seed_from_u64(seed))
                .run(&format!("workflow {number}, seed {seed}"));
        }
    }
}

struct Simulation {
    run: Run,
    random: StdRng,
    /// Each effect by what it is.
    ledger: BTreeSet<String>,
    timers: Vec<crate::Timer>,
    claims: Vec<Option<String>>,
    seen: usize,
}

impl Simulation {
    fn new(run: Run, random: StdRng) -> Self {
        let (ledger, timers, claims, seen) = (BTreeSet::new(), Vec::new(), Vec::new(), 0);
        Self { run, random, ledger, timers, claims, seen }
    }

    fn run(mut self, name: &str) {
        self.give(&Input::Start, name);
        for _ in 0..MAX_INPUTS {
            if self.run.state.status.is_terminal() {
                return;
            }
            let input = self.choose(name);
            self.give(&input, name);
        }
        panic!("{name}: the run does not end");
    }

    fn give(&mut self, input: &Input, name: &str) {
        let before = self.run.state.clone();
        if self.run.give(input).is_err() {
            assert_eq!(self.run.state, before, "{name}: a refused input changes nothing");
            return;
        }
        for effect in self.run.effects.split_off(self.seen) {
            let text = serde_json::to_string(&effect).unwrap();
            assert!(self.ledger.insert(text), "{name}: asked for twice: {effect:?}");
            match effect {
                Effect::WakeAt(timer) => self.timers.push(timer),
                Effect::Acquire(claim) => self.claims.push(claim.job),
                _ => {}
            }
        }
        self.seen = self.run.effects.len();
        self.check(name);
        self.check_snapshot(name);
    }

    /// A crash at any time: what is read back goes on from there.
    fn check_snapshot(&mut self, name: &str) {
        let journal = &self.run.journal;
        let at = self.random.random_range(0..=journal.len());
        let context = Arc::new(self.run.state.context().clone());
        let definition = Arc::new(self.run.state.definition().clone());
        let mut early = State::new(Arc::clone(&definition), Arc::clone(&context));
        journal[..at].iter().for_each(|record| early.apply(record));
        let snapshot = serde_json::to_string(&early).unwrap();
        let read: State = serde_json::from_str(&snapshot).unwrap();
        let mut read = read.with_plan(definition, context);
        journal[at..].iter().for_each(|record| read.apply(record));
        assert_eq!(read, self.run.state, "{name}: from a snapshot at {at}");
    }

    /// What the crate promises of every state.
    fn check(&self, name: &str) {
        let state = &self.run.state;
        if state.status.is_terminal() {
            return;
        }
        for leg in state.legs().filter(|leg| leg.phase == LegPhase::Running) {
            let outermost = leg.steps.iter().filter(|step| step.sequence().is_none());
            let open = outermost
                .filter(|step| step.outcome().is_none() && step.phase != StepPhase::Pending);
            let open = open.filter(|step| step.stage != Stage::Undo).count();
            match leg.callee {
                Some(callee) => {
                    assert!(!state.scope_at(callee).has_ended(), "{name}: {}", leg.path)
                }
                None => assert_eq!(open, 1, "{name}: the open steps of {}", leg.path),
            }
        }
        let waits = state.legs().flat_map(|leg| &leg.steps).any(|step| {
            matches!(
                step.phase,
                StepPhase::Running | StepPhase::BackingOff { .. } | StepPhase::Waiting { .. }
            )
        });
        let blocked = state.legs().any(|leg| leg.group.is_some() && !leg.has_ended());
        assert!(waits || blocked || !state.admitted, "{name}: nothing is waited for");
    }

    fn choose(&mut self, name: &str) -> Input {
        match self.random.random_range(0..100) {
            0 => Input::Cancel { by: token("alice") },
            1 => Input::Displaced { job: self.any_claim() },
            2..30 => Input::Granted { job: self.any_claim() },
            30..45 => self.signal(),
            45..60 => self.timer(),
            _ => self.report(name),
        }
    }

    fn any_claim(&mut self) -> Option<String> {
        let count = self.claims.len();
        if count == 0 { None } else { self.claims[self.random.random_range(0..count)].clone() }
    }

    fn signal(&mut self) -> Input {
        let number = self.random.random_range(0..40);
        let decision = if number == 0 { Word::Reject } else { Word::Approve };
        Input::Signal(Signal {
            id: number.to_string(),
            decision,
            actor: token(["bob", "carol", "dave"][number % 3]),
            roles: Vec::new(),
            target: None,
            comment: None,
        })
    }

    /// Also one that has fired before.
    fn timer(&mut self) -> Input {
        if self.timers.is_empty() {
            return Input::Start;
        }
        let timer = self.timers[self.random.random_range(0..self.timers.len())].clone();
        let deadline = timer.kind == TimerKind::Deadline;
        if deadline && self.random.random_range(0..8) != 0 {
            // Most things are done in time.
            return Input::Start;
        }
        let crate::Timer { job, step, attempt, kind, .. } = timer;
        Input::TimerFired { job, step, attempt, kind }
    }

    fn report(&mut self, name: &str) -> Input {
        let running: Vec<(String, String, u32, bool)> = self
            .run
            .state
            .legs()
            .flat_map(|leg| leg.steps.iter().map(move |step| (leg, step)))
            .filter(|(_, step)| step.phase == StepPhase::Running)
            .map(|(leg, step)| {
                (leg.path.clone(), step.path.clone(), step.attempt, step.stopping.is_some())
            })
            .collect();
        if running.is_empty() {
            return self.timer();
        }
        let chosen = self.random.random_range(0..running.len());
        let (job, step, attempt, stopping) = running[chosen].clone();
        let result = match self.random.random_range(0..10) {
            0 => StepResult::failed(failure(false)),
            1 => StepResult::failed(failure(true)),
            2..=5 if stopping => StepResult::cancelled(),
            7 if self.run.task(&format!("{job} {step}")).check_condition => StepResult::Skipped,
            _ => StepResult::succeeded([("o".to_owned(), name.to_owned())].into()),
        };
        Input::Report { job, step, attempt, result }
    }
}
