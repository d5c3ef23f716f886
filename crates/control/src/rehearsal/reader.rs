//! From the text of a scenario to its statements.

use document::Mistake;
use workflow::Decision;

use super::event;
use super::lines::Line;
use super::outcome;
use super::person::{self, because, refusal};
use super::scenario::{
    Expectation, GroupEvent, Of, Scenario, Serving, Stage, Statement, What, When,
};

const MAX_BYTES: usize = 64 << 10;
const MAX_STATEMENTS: usize = 1_000;
const MAX_MISTAKES: usize = 100;

/// With which a line may begin.
const KINDS: [&str; 19] = [
    "workflow", "var", "secret", "on", "job", "step", "deploy", "rollback", "after", "by",
    "approve", "reject", "again", "cancel", "retry", "report", "group", "clock", "expect",
];

/// What belongs to deliveries that do not exist yet.
const NOT_YET: [&str; 8] =
    ["analysis", "canary", "freeze", "unfreeze", "hold", "promote", "soak", "traffic"];

/// Reads a scenario.
///
/// # Errors
/// Everything that is wrong, with its places.
pub fn read(file: &str, text: &str) -> Result<Scenario, Vec<Mistake>> {
    if text.len() > MAX_BYTES {
        let message = format!("the scenario is larger than {} KiB", MAX_BYTES >> 10);
        return Err(vec![Mistake { file: file.to_owned(), at: None, message }]);
    }
    let mut read = Scenario { workflow: None, statements: Vec::new() };
    let mut mistakes = Vec::new();
    for (index, text) in text.lines().enumerate() {
        if mistakes.len() == MAX_MISTAKES || read.statements.len() == MAX_STATEMENTS {
            break;
        }
        if let Err(mistake) = Line::new(file, index + 1, text).and_then(|line| read.add(line)) {
            mistakes.push(mistake);
        }
    }
    if mistakes.is_empty() {
        mistakes.extend(read.lacks(file));
    }
    if mistakes.is_empty() { Ok(read) } else { Err(mistakes) }
}

impl Scenario {
    fn add(&mut self, mut line: Line<'_>) -> Result<(), Mistake> {
        if line.is_at_end() {
            return Ok(());
        }
        if line.take("workflow") {
            let workflow = line.word("a file, or the name of a workflow that Solum brings")?;
            if self.workflow.replace(workflow.to_owned()).is_some() {
                return Err(line.whole("a scenario is about one workflow"));
            }
            return line.end();
        }
        let statement = statement(&mut line)?;
        line.end()?;
        let begun = self.statements.iter().any(|before| matches!(before.what, What::On(_)));
        match &statement.what {
            What::On(_) if begun => {
                let message = "a scenario is about one run: write another file for another event";
                return Err(line.whole(message));
            }
            What::Variable { .. } | What::Secret { .. } if begun => {
                return Err(line.whole("the run has begun: what it begins with stands before 'on'"));
            }
            What::On(_) | What::Variable { .. } | What::Secret { .. } => {}
            _ if !begun => return Err(line.whole("nothing has begun yet: write 'on EVENT' first")),
            _ => {}
        }
        self.statements.push(statement);
        if self.statements.len() == MAX_STATEMENTS {
            return Err(line.whole(format!(
                "a scenario has at most {MAX_STATEMENTS} lines that say something"
            )));
        }
        Ok(())
    }

    fn lacks(&self, file: &str) -> Option<Mistake> {
        let has = |fits: fn(&What) -> bool| self.statements.iter().any(|said| fits(&said.what));
        let message = if !has(|what| matches!(what, What::On(_))) {
            "nothing begins: write 'on EVENT', as in 'on push main'"
        } else if !has(|what| matches!(what, What::Expect(_))) {
            "it expects nothing: say what is to come true, as in 'expect run succeeded'"
        } else {
            return None;
        };
        Some(Mistake { file: file.to_owned(), at: None, message: message.to_owned() })
    }
}

fn statement(line: &mut Line<'_>) -> Result<Statement, Mistake> {
    let mut when = when(line)?;
    let what = match line.peek() {
        "" if when != When::Now => What::Pass,
        kind => {
            line.word("a statement")?;
            what(line, kind, &mut when)?
        }
    };
    let people = matches!(
        what,
        What::Pass
            | What::Say(_)
            | What::Again { .. }
            | What::Cancel { .. }
            | What::Retry { .. }
            | What::Report { .. }
            | What::Group { .. }
            | What::Clock(_)
            | What::Expect(_)
    );
    if when != When::Now && !people {
        let message = "this has no time of its own: 'after' and 'by' are for what people and other runs do, and for 'expect'";
        return Err(line.whole(message));
    }
    Ok(Statement { line: line.number(), text: line.text().to_owned(), when, what })
}

fn when(line: &mut Line<'_>) -> Result<When, Mistake> {
    if line.take("after") {
        return line.duration().map(When::After);
    }
    if line.take("by") {
        return line.duration().map(When::By);
    }
    Ok(When::Now)
}

fn what(line: &mut Line<'_>, kind: &str, when: &mut When) -> Result<What, Mistake> {
    Ok(match kind {
        "var" => variable(line)?,
        "secret" => {
            let (name, value) = pair(line, &[])?;
            What::Secret { name, value }
        }
        "on" => What::On(event::read(line)?),
        "job" => {
            let job = line.until(&outcome::WORDS, "a job")?.to_owned();
            What::Outcome { of: Of::Job(job), outcome: outcome::read(line)? }
        }
        "step" => step(line)?,
        "deploy" => of_verb(line, "solum/deploy")?,
        "rollback" => of_verb(line, "solum/rollback")?,
        "approve" => What::Say(person::saying(line, Decision::Approve)?),
        "reject" => What::Say(person::saying(line, Decision::Reject)?),
        "again" => What::Again { refusal: refusal(line)? },
        "cancel" => {
            let by = if line.take("as") { line.word("a name")? } else { "somebody" };
            What::Cancel { by: by.to_owned(), refusal: refusal(line)? }
        }
        "retry" => What::Retry { failed_only: line.take("failed"), refusal: refusal(line)? },
        "report" => {
            let step = line.until(&["attempt"], "a step, as job/step")?.to_owned();
            line.must("attempt")?;
            let attempt = line.count("number of an attempt")?;
            let outcome = outcome::read(line)?;
            What::Report { step, attempt, outcome, refusal: refusal(line)? }
        }
        "group" => group(line)?,
        "clock" => {
            let forward = line.take("forward");
            if !forward {
                line.must("back")?;
            }
            let by = line.duration()?;
            What::Clock(if forward { by } else { -by })
        }
        "expect" => {
            if *when == When::Now {
                *when = self::when(line)?;
            }
            What::Expect(expectation(line)?)
        }
        "workflow" | "after" | "by" => {
            return Err(line.before(format!("'{kind}' cannot stand behind a time")));
        }
        other if NOT_YET.contains(&other) => {
            return Err(line.before(format!(
                "'{other}' is about policies and canaries of environments, which Solum does not have yet: \
                 what a scenario can state is how jobs and steps end"
            )));
        }
        other => {
            let hint = document::suggestion(other, KINDS);
            return Err(line.before(format!("no line begins with '{other}'{hint}")));
        }
    })
}

fn pair(line: &mut Line<'_>, stops: &[&str]) -> Result<(String, String), Mistake> {
    let pairs = line.pairs(stops)?;
    let [pair] = <[_; 1]>::try_from(pairs).map_err(|_| line.whole("one to a line"))?;
    Ok(pair)
}

fn variable(line: &mut Line<'_>) -> Result<What, Mistake> {
    let (name, value) = pair(line, &["in"])?;
    let environment = match line.take("in") {
        true => Some(line.word("an environment")?.to_owned()),
        false => None,
    };
    Ok(What::Variable { name, value, environment })
}

fn step(line: &mut Line<'_>) -> Result<What, Mistake> {
    let stops = [&outcome::WORDS[..], &["outputs"]].concat();
    let step = line.until(&stops, "a step, as job/step")?.to_owned();
    if !step.contains('/') {
        return Err(line.before(format!("write a step with its job: 'JOB/{step}'")));
    }
    if line.take("outputs") {
        return Ok(What::Outputs { step, outputs: line.pairs(&[])? });
    }
    Ok(What::Outcome { of: Of::Step(step), outcome: outcome::read(line)? })
}

fn of_verb(line: &mut Line<'_>, verb: &'static str) -> Result<What, Mistake> {
    let environment = line.until(&outcome::WORDS, "an environment")?.to_owned();
    Ok(What::Outcome { of: Of::Verb { verb, environment }, outcome: outcome::read(line)? })
}

fn group(line: &mut Line<'_>) -> Result<What, Mistake> {
    let name = line.until(&["is"], "the name of a concurrency group")?.to_owned();
    line.must("is")?;
    let event = match line.word("taken, free or wanted")? {
        "taken" => GroupEvent::Taken,
        "free" => GroupEvent::Free,
        "wanted" => {
            let at_once = line.take("at");
            if at_once {
                line.must("once")?;
            }
            GroupEvent::Wanted { at_once }
        }
        word => return Err(line.before(format!("a group is taken, free or wanted, not '{word}'"))),
    };
    Ok(What::Group { name, event })
}

fn expectation(line: &mut Line<'_>) -> Result<Expectation, Mistake> {
    Ok(match line.word("what is to come true")? {
        "no" => {
            line.must("run")?;
            Expectation::NoRun { because: because(line)? }
        }
        "run" => {
            let status = line.word("how the run stands")?;
            let status = status.parse().map_err(|_| {
                let words = "queued, running, waiting, succeeded, failed or cancelled";
                line.before(format!("a run is {words}, not '{status}'"))
            })?;
            Expectation::Run { status, because: because(line)? }
        }
        "job" => work(line, "a job", Of::Job)?,
        "step" => work(line, "a step, as job/step", Of::Step)?,
        "waiting" => {
            line.must("approval")?;
            Expectation::Approval { of: line.rest("who waits: a job, a step or an environment")? }
        }
        "environment" => {
            let name = line.word("an environment")?.to_owned();
            line.must("at")?;
            let release = match line.word("previous or new")? {
                "previous" => Serving::Previous,
                "new" => Serving::New,
                word => {
                    return Err(line.before(format!("it is at previous or at new, not '{word}'")));
                }
            };
            line.must("release")?;
            Expectation::Environment { name, release }
        }
        "elapsed" => Expectation::Elapsed(line.duration()?),
        "order" => Expectation::Order(line.names("a step, as job/step")?),
        word => {
            let known = ["no", "run", "job", "step", "waiting", "environment", "elapsed", "order"];
            let hint = document::suggestion(word, known);
            return Err(
                line.before(format!("'{word}' cannot be expected{hint}: {}", known.join(", ")))
            );
        }
    })
}

fn work(line: &mut Line<'_>, what: &str, of: fn(String) -> Of) -> Result<Expectation, Mistake> {
    let words = Stage::WORDS.map(|(word, _)| word);
    let stops = [&words[..], &["outputs"]].concat();
    let name = line.until(&stops, what)?.to_owned();
    let of = of(name);
    if line.take("outputs") {
        return Ok(Expectation::Outputs { of, outputs: line.pairs(&[])? });
    }
    let word = line.word(&words.join(", "))?;
    let stage = Stage::WORDS.iter().find(|(known, _)| *known == word).map(|(_, stage)| *stage);
    let stage = stage.ok_or_else(|| line.before(format!("it cannot be '{word}'")))?;
    Ok(match of {
        Of::Step(step) => {
            let attempt = match line.take("on") {
                true => {
                    line.must("attempt")?;
                    Some(line.count("number of an attempt")?)
                }
                false => None,
            };
            Expectation::Step { step, stage, attempt, because: because(line)? }
        }
        Of::Job(job) | Of::Verb { environment: job, .. } => {
            Expectation::Job { job, stage, because: because(line)? }
        }
    })
}
