//! Which of a scenario's outcomes an attempt of a step meets.
//!
//! A line about a step counts before one about the deploys of its environment, and that before one about its job. Of several
//! lines about the same, the first is for the first attempt, the second for the second, and the last for all that follow.

use std::collections::BTreeMap;

use super::outcome::Outcome;
use super::scenario::Of;

#[derive(Debug, Default)]
pub(super) struct Rules {
    rules: Vec<Rule>,
    outputs: Vec<Outputs>,
    /// How often the rules about this were asked.
    asked: BTreeMap<String, usize>,
    /// What becomes of a leg whose job has an outcome, and the step that takes the time, or fails.
    legs: BTreeMap<String, Leg>,
}

#[derive(Debug)]
struct Rule {
    line: usize,
    of: Of,
    outcome: Outcome,
    met: bool,
}

#[derive(Debug)]
struct Outputs {
    line: usize,
    step: String,
    outputs: Vec<(String, String)>,
    met: bool,
}

#[derive(Debug)]
struct Leg {
    outcome: Outcome,
    step: String,
}

/// A step whose outcome is asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked<'a> {
    /// `build`, `build.2`
    pub(super) leg: &'a str,
    /// `build`
    pub(super) job: &'a str,
    /// `build (linux, 18)`
    pub(super) name: &'a str,
    pub(super) step: &'a str,
    pub(super) uses: &'a str,
    pub(super) environment: Option<&'a str>,
    /// It is no `pre`, `post` or `undo` part.
    pub(super) is_main: bool,
}

impl Asked<'_> {
    fn is_job(&self, name: &str) -> bool {
        [self.leg, self.job, self.name].contains(&name)
    }

    fn is_step(&self, name: &str) -> bool {
        let step = name.strip_suffix(self.step).and_then(|job| job.strip_suffix('/'));
        step.is_some_and(|job| self.is_job(job))
    }
}

impl Rules {
    pub(super) fn add(&mut self, line: usize, of: Of, outcome: Outcome) {
        self.rules.push(Rule { line, of, outcome, met: false });
    }

    pub(super) fn add_outputs(
        &mut self,
        line: usize,
        step: String,
        outputs: Vec<(String, String)>,
    ) {
        self.outputs.push(Outputs { line, step, outputs, met: false });
    }

    /// The run is tried again: its legs begin anew.
    pub(super) fn begin_again(&mut self) {
        self.legs.clear();
    }

    /// How the next attempt of a step ends. It succeeds at once where nothing is said.
    pub(super) fn outcome(&mut self, asked: Asked<'_>) -> Outcome {
        let step = format!("{}/{}", asked.leg, asked.step);
        let of_step = |of: &Of| matches!(of, Of::Step(name) if asked.is_step(name));
        if let Some(outcome) = self.next(&format!("step {step}"), of_step) {
            return outcome;
        }
        let of_verb = |of: &Of| {
            let Of::Verb { verb, environment } = of else { return false };
            asked.uses == *verb && asked.environment == Some(environment)
        };
        if let Some(outcome) = self.next(&format!("verb {step}"), of_verb) {
            return outcome;
        }
        if !asked.is_main {
            return Outcome::default();
        }
        if !self.legs.contains_key(asked.leg) {
            let of_job = |of: &Of| matches!(of, Of::Job(name) if asked.is_job(name));
            let Some(outcome) = self.next(&format!("job {}", asked.leg), of_job) else {
                return Outcome::default();
            };
            self.legs.insert(asked.leg.to_owned(), Leg { outcome, step: step.clone() });
        }
        let leg = self.legs.get(asked.leg).filter(|leg| leg.step == step);
        leg.map(|leg| leg.outcome.clone()).unwrap_or_default()
    }

    fn next(&mut self, key: &str, fits: impl Fn(&Of) -> bool) -> Option<Outcome> {
        let mut fitting: Vec<&mut Rule> =
            self.rules.iter_mut().filter(|rule| fits(&rule.of)).collect();
        let last = fitting.len().checked_sub(1)?;
        let asked = self.asked.entry(key.to_owned()).or_default();
        let rule = &mut fitting[last.min(*asked)];
        *asked += 1;
        rule.met = true;
        Some(rule.outcome.clone())
    }

    /// What a step leaves.
    pub(super) fn outputs(&mut self, asked: Asked<'_>) -> BTreeMap<String, String> {
        let mut all = BTreeMap::new();
        for said in self.outputs.iter_mut().filter(|said| asked.is_step(&said.step)) {
            said.met = true;
            all.extend(said.outputs.iter().cloned());
        }
        all
    }

    /// Lines that nothing met.
    pub(super) fn unmet(&self) -> Vec<usize> {
        let outcomes = self.rules.iter().filter(|rule| !rule.met).map(|rule| rule.line);
        let outputs = self.outputs.iter().filter(|said| !said.met).map(|said| said.line);
        let mut lines: Vec<usize> = outcomes.chain(outputs).collect();
        lines.sort_unstable();
        lines
    }
}
