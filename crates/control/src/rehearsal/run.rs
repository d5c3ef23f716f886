//! The run that is rehearsed: the engine, its effects carried out in virtual time.
//!
//! At one instant results of steps come before timers, and of each kind the older first. A step that is told to stop ends
//! there and then, unless it had ended at that instant anyhow.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use types::Transition as _;
use workflow::language::Definition;
use workflow::{
    Effect, Input, Record, Refused, RunContext, State, StepResult, StepTask, StopTask, Timer,
    TimerKind, carried_over, decide,
};

use super::attempt::Open;
use super::groups::Groups;
use super::outcome::{Ends, Outcome};
use super::rules::Rules;
use super::story::{self, Story};
use super::surroundings::tried_again;

/// When every rehearsal begins: a Monday, by the machine's clock.
const BEGINNING: Timestamp = Timestamp::constant(1_767_571_200, 0);
/// Records of all attempts of the run together.
const MAX_RECORDS: usize = 20_000;
/// The most that one rehearsal may take, in time that passes.
const LONGEST: SignedDuration = SignedDuration::from_hours(24 * 366 * 10);

pub(crate) struct Run {
    pub(crate) state: State,
    pub(super) rules: Rules,
    pub(super) groups: Groups,
    pub(super) story: Story,
    pub(super) secrets: BTreeMap<String, String>,
    /// Whether what steps are given is evaluated; otherwise they succeed whatever that is.
    pub(crate) evaluates: bool,
    /// Time that has passed.
    pub(super) elapsed: SignedDuration,
    /// By how much the machine's clock was set since.
    pub(super) clock_set_by: SignedDuration,
    /// Steps, in the order in which they began.
    pub(super) begun: Vec<String>,
    /// Of each environment that something was deployed to: how many of the run's releases stand on the one from before.
    deployed: BTreeMap<String, u32>,
    tasks: Vec<Open>,
    timers: Vec<Timer>,
    /// Of the run.
    attempt: u32,
    /// In all attempts.
    records: usize,
}

/// What comes next.
enum Next {
    Report(usize),
    Timer(usize),
}

/// How far to go.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Until {
    /// Everything that is due by then has happened.
    After(SignedDuration),
    /// Everything that is due before then has.
    By(SignedDuration),
    /// Nothing goes on by itself any more: what is left is time limits.
    Quiet,
}

impl Run {
    pub(crate) fn new(definition: Arc<Definition>, context: Arc<RunContext>) -> Self {
        Self {
            state: State::new(definition, context),
            rules: Rules::default(),
            groups: Groups::default(),
            story: Story::default(),
            secrets: BTreeMap::new(),
            evaluates: true,
            attempt: 1,
            records: 0,
            elapsed: SignedDuration::ZERO,
            clock_set_by: SignedDuration::ZERO,
            begun: Vec::new(),
            deployed: BTreeMap::new(),
            tasks: Vec::new(),
            timers: Vec::new(),
        }
    }

    /// By the machine's clock.
    fn now(&self) -> Timestamp {
        let since = self.elapsed.saturating_add(self.clock_set_by);
        BEGINNING.saturating_add(since).unwrap_or(BEGINNING)
    }

    /// Puts an input to the engine, and carries out what follows from it.
    pub(crate) fn give(&mut self, input: Input) -> Result<(), Refused> {
        let follows = self.decide(&input)?;
        let mut follows = VecDeque::from(follows);
        while let Some(input) = follows.pop_front() {
            // A place in a group that is not wanted any more.
            if let Ok(more) = self.decide(&input) {
                follows.extend(more);
            }
        }
        Ok(())
    }

    fn decide(&mut self, input: &Input) -> Result<Vec<Input>, Refused> {
        let now = self.now();
        let mut follows = Vec::new();
        for record in decide(&self.state, input, now)? {
            self.records += 1;
            self.state.apply(&record);
            self.remember(&record);
            if let Some(words) = story::words(&record, &self.state, now) {
                self.story.tell(self.elapsed, &words);
            }
            for effect in Effect::of(&record, &self.state) {
                follows.extend(self.carry_out(effect));
            }
        }
        if self.state.status.is_terminal() {
            self.tasks.clear();
            self.timers.clear();
        }
        Ok(follows)
    }

    fn remember(&mut self, record: &Record) {
        match record {
            Record::StepScheduled { job, step, attempt: 1, .. }
            | Record::StepEntered { job, step, .. }
            | Record::StepWaiting { job, step, .. } => self.begun.push(format!("{job}/{step}")),
            Record::StepSucceeded { job, step, .. } => self.count_release(job, step),
            _ => {}
        }
    }

    fn count_release(&mut self, job: &str, step: &str) {
        let Some(action) = self.state.action(job, step) else { return };
        let leg = self.state.leg(job);
        let Some(name) = leg.and_then(|leg| leg.terms.environment.clone()) else { return };
        match workflow::uses(action).as_str() {
            "solum/deploy" => *self.deployed.entry(name).or_default() += 1,
            "solum/rollback" => {
                let count = self.deployed.entry(name).or_default();
                *count = count.saturating_sub(1);
            }
            _ => {}
        }
    }

    /// Whether what serves in the environment is of the run; nothing if it did nothing there.
    pub(super) fn serves_new(&self, environment: &str) -> Option<bool> {
        self.deployed.get(environment).map(|count| *count > 0)
    }

    fn carry_out(&mut self, effect: Effect) -> Vec<Input> {
        match effect {
            Effect::Perform(task) => {
                self.tasks.push(Open::new(task, self.elapsed));
                Vec::new()
            }
            Effect::Stop(stop) => {
                self.stop(&stop);
                Vec::new()
            }
            Effect::WakeAt(timer) => {
                self.timers.push(timer);
                Vec::new()
            }
            Effect::Acquire(claim) => self.groups.acquire(&claim),
            Effect::Release { job } => self.groups.release(job.as_deref()),
        }
    }

    fn stop(&mut self, stop: &StopTask) {
        let meant = |task: &StepTask| {
            task.job == stop.job && task.step == stop.step && task.attempt == stop.attempt
        };
        if stop.force {
            return self.tasks.retain(|open| !meant(&open.task));
        }
        let elapsed = self.elapsed;
        for open in self.tasks.iter_mut().filter(|open| meant(&open.task)) {
            open.stop(elapsed);
        }
    }

    /// Lets time pass.
    pub(crate) fn pass(&mut self, until: Until) -> Result<(), String> {
        let limit = match until {
            Until::After(time) | Until::By(time) => Some(self.elapsed.saturating_add(time)),
            Until::Quiet => None,
        };
        if limit.is_some_and(|limit| limit > LONGEST) {
            return Err("a rehearsal takes ten years at most".to_owned());
        }
        loop {
            self.find_endings();
            let Some((at, next)) = self.next() else { break };
            let goes_on = match until {
                Until::After(_) => limit.is_none_or(|limit| at <= limit),
                Until::By(_) => limit.is_none_or(|limit| at < limit),
                Until::Quiet => at <= self.elapsed || self.goes_on_by_itself(),
            };
            if !goes_on {
                break;
            }
            self.elapsed = self.elapsed.max(at);
            if self.elapsed > LONGEST {
                return Err("the run goes on for more than ten years".to_owned());
            }
            self.happen(next);
            self.check_records()?;
        }
        if let Some(limit) = limit {
            self.elapsed = limit;
        }
        Ok(())
    }

    fn check_records(&self) -> Result<(), String> {
        if self.records <= MAX_RECORDS {
            return Ok(());
        }
        Err(format!("the rehearsal has more than {MAX_RECORDS} records: make the scenario shorter"))
    }

    fn goes_on_by_itself(&self) -> bool {
        let backs_off = self.timers.iter().any(|timer| timer.kind == TimerKind::Backoff);
        backs_off || self.tasks.iter().any(|open| open.due().is_some())
    }

    fn next(&self) -> Option<(SignedDuration, Next)> {
        let reports = self.tasks.iter().enumerate();
        let reports = reports.filter_map(|(index, open)| Some((open.due()?, Next::Report(index))));
        let timers = self.timers.iter().enumerate().map(|(index, timer)| {
            let at = timer.at.duration_since(BEGINNING).saturating_sub(self.clock_set_by);
            (at, Next::Timer(index))
        });
        // Of several that are due at once, the first.
        let due = reports.chain(timers).map(|(at, next)| (at.max(self.elapsed), next));
        due.min_by_key(|(at, _)| *at)
    }

    fn happen(&mut self, next: Next) {
        let input = match next {
            Next::Report(index) => {
                let open = self.tasks.remove(index);
                let result = open.result();
                let StepTask { job, step, attempt, .. } = open.task;
                Input::Report { job, step, attempt, result }
            }
            Next::Timer(index) => {
                let Timer { job, step, attempt, kind, .. } = self.timers.remove(index);
                Input::TimerFired { job, step, attempt, kind }
            }
        };
        // What it is about may be over: the time limit of a step that has ended.
        let _ = self.give(input);
    }

    /// Asks the scenario how what is under way ends.
    fn find_endings(&mut self) {
        let secrets = self.evaluates.then_some(&self.secrets);
        for open in self.tasks.iter_mut().filter(|open| open.is_undecided()) {
            open.decide(&self.state, &mut self.rules, secrets);
        }
    }

    /// Reports that an attempt has ended, whether it is the one under way or not.
    pub(super) fn report(
        &mut self,
        job: &str,
        step: &str,
        attempt: u32,
        outcome: &Outcome,
    ) -> Result<(), Refused> {
        let (job, step) = (job.to_owned(), step.to_owned());
        let result = match &outcome.ends {
            Ends::Fails(failure) => StepResult::failed(failure.clone()),
            Ends::Succeeds | Ends::Never => StepResult::succeeded(BTreeMap::new()),
        };
        let input = Input::Report { job: job.clone(), step: step.clone(), attempt, result };
        self.give(input)?;
        self.tasks.retain(|Open { task, .. }| {
            task.job != job || task.step != step || task.attempt != attempt
        });
        Ok(())
    }

    /// Begins the next attempt of the whole run.
    pub(super) fn retry(&mut self, failed_only: bool) -> Result<(), String> {
        if !self.state.status.is_terminal() {
            return Err("the run has not ended yet".to_owned());
        }
        self.check_records()?;
        let carried = if failed_only { carried_over(&self.state) } else { Vec::new() };
        let context = tried_again(self.state.context());
        let definition = Arc::new(self.state.definition().clone());
        self.state = State::new(definition, Arc::new(context));
        self.groups.forget_us();
        self.rules.begin_again();
        self.attempt += 1;
        self.story.tell(self.elapsed, &format!("attempt {} of the run", self.attempt));
        for record in carried {
            self.state.apply(&record);
            if let Some(words) = story::words(&record, &self.state, self.now()) {
                self.story.tell(self.elapsed, &words);
            }
        }
        self.give(Input::Start).map_err(|refused| refused.to_string())
    }
}
