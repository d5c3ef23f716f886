//! A scenario, played line by line.

use std::sync::Arc;

use jiff::SignedDuration;
use types::Actor;
use workflow::language::{Workflow, matches};
use workflow::{Input, RunContext, Signal, StepPhase, WaitTarget};

use super::event::Start;
use super::expectation::{self, Unmet};
use super::person::{Refusal, Saying};
use super::run::{Run, Until};
use super::scenario::{Expectation, Scenario, Statement, What, When};

/// What came of a rehearsal.
#[derive(Debug)]
pub struct Rehearsal {
    /// What happened, a line each.
    pub story: Vec<String>,
    /// Expectations that held.
    pub held: usize,
    /// The virtual time that passed.
    pub elapsed: SignedDuration,
    /// What did not hold: nothing after it was played.
    pub broken: Option<Broken>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    pub line: usize,
    pub message: String,
    /// What had happened before.
    pub last: Vec<String>,
}

/// Runs the workflow as the scenario says, until something in it does not hold.
#[must_use]
pub fn rehearse(scenario: &Scenario, workflow: &Workflow) -> Rehearsal {
    let mut script = Script {
        workflow,
        stage: Stage::Before { context: RunContext::default(), secrets: Vec::new() },
        said: None,
        held: 0,
    };
    let broken = script.play(scenario).err();
    let Script { stage, held, .. } = script;
    let Stage::Run(run) = stage else {
        return Rehearsal {
            story: Vec::new(),
            held,
            elapsed: SignedDuration::ZERO,
            broken: broken.map(|(line, message)| Broken { line, message, last: Vec::new() }),
        };
    };
    let broken = broken.map(|(line, message)| Broken { line, message, last: run.story.last() });
    Rehearsal { elapsed: run.elapsed, story: run.story.into_lines(), held, broken }
}

struct Script<'w> {
    workflow: &'w Workflow,
    stage: Stage,
    /// The last approval or rejection, with the id that it had.
    said: Option<Signal>,
    held: usize,
}

enum Stage {
    /// Nothing has begun.
    Before {
        context: RunContext,
        secrets: Vec<(String, String)>,
    },
    /// The event started nothing.
    NoRun {
        line: usize,
        why: String,
    },
    Run(Box<Run>),
}

impl Script<'_> {
    fn play(&mut self, scenario: &Scenario) -> Result<(), (usize, String)> {
        let mut last = 0;
        for statement in &scenario.statements {
            last = statement.line;
            self.step(statement).map_err(|(line, message)| (line.unwrap_or(last), message))?;
        }
        let Stage::Run(run) = &mut self.stage else { return Ok(()) };
        run.pass(Until::Quiet).map_err(|message| (last, message))?;
        match run.rules.unmet().first() {
            None => Ok(()),
            Some(line) => {
                let begun = run.begun.join(", ");
                let message =
                    format!("nothing that this is about was carried out; what was: {begun}");
                Err((*line, message))
            }
        }
    }

    fn step(&mut self, statement: &Statement) -> Result<(), (Option<usize>, String)> {
        match (&mut self.stage, &statement.what) {
            (Stage::Before { .. }, what) => self.prepare(statement.line, what),
            (Stage::NoRun { why, .. }, What::Expect(Expectation::NoRun { because })) => {
                if let Some(because) = because.as_ref().filter(|because| !why.contains(*because)) {
                    let message = format!(
                        "expected that nothing runs because {because}, and it is because {why}"
                    );
                    return Err((None, message));
                }
                self.held += 1;
                Ok(())
            }
            (Stage::NoRun { line, why }, _) => {
                Err((Some(*line), format!("the event does not start the workflow: {why}")))
            }
            (Stage::Run(run), _) => {
                let played = play(run, &mut self.said, statement);
                self.held += usize::from(played.as_ref().is_ok_and(|held| *held));
                played.map(drop).map_err(|message| (None, message))
            }
        }
    }

    fn prepare(&mut self, line: usize, what: &What) -> Result<(), (Option<usize>, String)> {
        let Stage::Before { context, secrets } = &mut self.stage else { return Ok(()) };
        match what {
            What::Variable { name, value, environment } => {
                let vars = match environment {
                    Some(name) => context.environment_vars.entry(name.clone()).or_default(),
                    None => &mut context.vars,
                };
                vars.insert(name.clone(), value.clone());
            }
            What::Secret { name, value } => secrets.push((name.clone(), value.clone())),
            What::On(start) => {
                let (given, secrets) = (std::mem::take(context), std::mem::take(secrets));
                self.stage = self.begin(line, start, given, secrets).map_err(|why| (None, why))?;
            }
            // The reader lets nothing else stand before `on`.
            _ => {}
        }
        Ok(())
    }

    fn begin(
        &self,
        line: usize,
        start: &Start,
        given: RunContext,
        secrets: Vec<(String, String)>,
    ) -> Result<Stage, String> {
        let found = matches(&self.workflow.triggers, &start.event());
        if !found.runs {
            return Ok(Stage::NoRun { line, why: found.why });
        }
        let mut context = start.context(self.workflow)?;
        context.vars = given.vars;
        context.environment_vars = given.environment_vars;
        let definition = Arc::new(self.workflow.definition.clone());
        let mut run = Run::new(definition, Arc::new(context));
        run.secrets = secrets.into_iter().collect();
        run.give(Input::Start).map_err(|refused| refused.to_string())?;
        Ok(Stage::Run(Box::new(run)))
    }
}

/// Whether an expectation held, or there was none.
fn play(run: &mut Run, said: &mut Option<Signal>, statement: &Statement) -> Result<bool, String> {
    match (statement.when, &statement.what) {
        (When::After(time), _) => run.pass(Until::After(time))?,
        (When::By(time), _) => run.pass(Until::By(time))?,
        (When::Now, What::Expect(_)) => run.pass(Until::Quiet)?,
        (When::Now, _) => {}
    }
    match &statement.what {
        What::Outcome { of, outcome } => run.rules.add(statement.line, of.clone(), outcome.clone()),
        What::Outputs { step, outputs } => {
            run.rules.add_outputs(statement.line, step.clone(), outputs.clone());
        }
        _ => run.story.quote(run.elapsed, &statement.text),
    }
    match &statement.what {
        What::Say(saying) => say(run, said, statement.line, saying)?,
        What::Again { refusal } => {
            let signal = said.clone().ok_or("nothing was said before")?;
            let given = run.give(Input::Signal(signal)).map_err(|refused| refused.to_string());
            as_expected(given, refusal.as_ref())?;
        }
        What::Cancel { by, refusal } => {
            let by = Actor::Token(by.clone());
            let given = run.give(Input::Cancel { by }).map_err(|refused| refused.to_string());
            as_expected(given, refusal.as_ref())?;
        }
        What::Retry { failed_only, refusal } => {
            as_expected(run.retry(*failed_only), refusal.as_ref())?;
        }
        What::Report { step, attempt, outcome, refusal } => {
            let found = expectation::step(&run.state, step);
            let (leg, found) = found.ok_or_else(|| format!("there is no step '{step}' yet"))?;
            let (job, step) = (leg.path.clone(), found.path.clone());
            let given = run.report(&job, &step, *attempt, outcome);
            as_expected(given.map_err(|refused| refused.to_string()), refusal.as_ref())?;
        }
        What::Group { name, event } => {
            for input in run.groups.change(name, *event)? {
                run.give(input).map_err(|refused| refused.to_string())?;
            }
        }
        What::Clock(by) => run.clock_set_by = run.clock_set_by.saturating_add(*by),
        What::Expect(expected) => {
            let held = expectation::check(expected, run);
            held.map_err(|Unmet { expected, found }| format!("expected {expected}, and {found}"))?;
            return Ok(true);
        }
        _ => {}
    }
    Ok(false)
}

/// Whether the engine took it, where it was to, and refused it, where it was not.
fn as_expected(given: Result<(), String>, refusal: Option<&Refusal>) -> Result<(), String> {
    match (given, refusal) {
        (Ok(()), None) => Ok(()),
        (Ok(()), Some(_)) => Err("expected that it is refused, and it was taken".to_owned()),
        (Err(why), None) => Err(format!("it was refused: {why}")),
        (Err(why), Some(Refusal { because: Some(because) })) if !why.contains(because) => {
            Err(format!("expected that it is refused because {because}, and it is because {why}"))
        }
        (Err(_), Some(_)) => Ok(()),
    }
}

fn say(
    run: &mut Run,
    said: &mut Option<Signal>,
    line: usize,
    saying: &Saying,
) -> Result<(), String> {
    for (number, who) in saying.who.iter().enumerate() {
        let target = saying.target.as_ref().map(|name| target(run, name)).transpose()?;
        let signal = Signal {
            id: format!("{line}.{number}"),
            decision: saying.decision,
            actor: Actor::Token(who.clone()),
            roles: saying.roles.clone(),
            target,
            comment: saying.comment.clone(),
        };
        *said = Some(signal.clone());
        let given = run.give(Input::Signal(signal)).map_err(|refused| refused.to_string());
        as_expected(given, saying.refusal.as_ref()).map_err(|why| format!("{who}: {why}"))?;
    }
    Ok(())
}

/// What somebody means who names a job, a step or an environment.
fn target(run: &Run, name: &str) -> Result<WaitTarget, String> {
    let state = &run.state;
    for leg in state.legs() {
        for step in &leg.steps {
            let waits = matches!(step.phase, StepPhase::Waiting { .. });
            if waits && expectation::is_meant(state, leg, step, name) {
                return Ok(WaitTarget { job: leg.path.clone(), step: Some(step.path.clone()) });
            }
        }
    }
    if let Some((leg, step)) = expectation::step(state, name) {
        return Ok(WaitTarget { job: leg.path.clone(), step: Some(step.path.clone()) });
    }
    let mut jobs = state.all_jobs();
    let found = jobs.find(|(path, definition, _)| {
        let environment = definition.environment.as_ref();
        path == name || environment.is_some_and(|used| used.name.text == name)
    });
    let job = found.map(|(path, ..)| path);
    let job = job.or_else(|| expectation::leg(state, name).map(|leg| leg.path.clone()));
    let job = job.ok_or_else(|| format!("there is no job, step or environment '{name}'"))?;
    Ok(WaitTarget { job, step: None })
}
