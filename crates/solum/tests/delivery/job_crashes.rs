//! A dozen workflows, which together use all of the language that runs. While one runs, the control plane is killed: after a
//! journal record, after a step's effect and before its record, and at a moment that chance draws. Each time everything ends as
//! if nothing had been: the same conclusions and outputs, every effect once, every line of a step once in the transcript.
//!
//! `SOLUM_TEST_FULL=1` kills after every record and every effect, and at fifty moments; `SOLUM_TEST_SEED` draws what a
//! failed test has drawn.

mod case;
mod end;
mod ledger;
mod subject;

use anyhow::{Result, ensure};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

use case::{Case, Start};
use end::End;
use subject::{Kill, Subject};

/// More than any of the workflows has of anything.
const MOST: u32 = 400;
const MOMENTS: u32 = 50;

macro_rules! workflows {
    ($($test:ident: $start:ident, $name:literal $(, $path:literal = $file:literal)*;)*) => {
        $(
            #[test]
            fn $test() -> Result<()> {
                survives(&Case {
                    name: $name,
                    text: include_str!(concat!("job_crashes/workflows/", $name, ".yml")),
                    start: Start::$start,
                    files: &[$(($path, include_str!(concat!("job_crashes/workflows/", $file)))),*],
                })
            }
        )*
    };
}

workflows! {
    conditions_and_needs_survive: Push, "conditions";
    matrices_survive: Push, "matrix";
    files_and_commands_survive: Push, "files";
    time_limits_survive: Push, "limits";
    groups_survive: Push, "groups";
    dispatches_survive: Dispatches, "dispatched";
    called_workflows_survive: Push, "calls",
        ".solum/workflows/called.yml" = "called.yml",
        ".solum/workflows/deepest.yml" = "deepest.yml";
    actions_of_the_repository_survive: Push, "actions",
        "note/action.yml" = "note/action.yml",
        "script/action.yml" = "script/action.yml",
        "tool/action.yml" = "tool/action.yml",
        "tool/ledger.js" = "tool/ledger.js",
        "tool/pre.js" = "tool/pre.js",
        "tool/main.js" = "tool/main.js",
        "tool/post.js" = "tool/post.js";
    what_jobs_keep_survives: Push, "artifacts";
    retries_and_undos_survive: Push, "retries";
    deliveries_survive: Push, "deliver";
    deployments_that_are_taken_back_survive: PushOver, "taken-back";
}

#[expect(clippy::print_stdout, reason = "what chance has drawn is shown where the test fails")]
fn survives(case: &'static Case) -> Result<()> {
    let mut subject = Subject::start(case)?;
    let (wanted, took) = subject.undisturbed()?;
    let seed = match std::env::var("SOLUM_TEST_SEED") {
        Ok(seed) => seed.parse()?,
        // The same each time, unless one asks for more.
        Err(_) if std::env::var_os("SOLUM_TEST_FULL").is_none() => 1,
        Err(_) => rand::random(),
    };
    println!("{}: SOLUM_TEST_SEED={seed}", case.name);
    let mut chance = StdRng::seed_from_u64(seed);
    if std::env::var_os("SOLUM_TEST_FULL").is_some() {
        let records = every(&mut subject, &wanted, Kill::Record)?;
        let effects = every(&mut subject, &wanted, Kill::Effect)?;
        let mut moments = 0;
        for _ in 0..MOMENTS {
            let moment = Kill::Moment(took.mul_f64(chance.random()));
            moments += u32::from(subject.disturb(moment, &wanted)?);
        }
        println!(
            "{}: killed after {records} records, {effects} effects, at {moments} moments",
            case.name
        );
        return Ok(());
    }
    let steps = wanted.iter().map(|end| end.steps).sum::<u32>();
    // A step has two records at least, and one effect at most.
    one_of(&mut subject, &wanted, &mut chance, 2 * steps, Kill::Record)?;
    one_of(&mut subject, &wanted, &mut chance, steps, Kill::Effect)?;
    subject.disturb(Kill::Moment(took.mul_f64(chance.random())), &wanted)?;
    Ok(())
}

/// After one of them, or of those before it where there are not as many.
fn one_of(
    subject: &mut Subject,
    wanted: &[End],
    chance: &mut StdRng,
    most: u32,
    kill: fn(u32) -> Kill,
) -> Result<()> {
    let mut number = chance.random_range(1..=most);
    while !subject.disturb(kill(number), wanted)? {
        ensure!(number > 1, "{:?} was never reached", kill(number));
        number = chance.random_range(1..number);
    }
    Ok(())
}

/// After each of them, until one is never reached: how many there are.
fn every(subject: &mut Subject, wanted: &[End], kill: fn(u32) -> Kill) -> Result<u32> {
    for number in 1..MOST {
        if !subject.disturb(kill(number), wanted)? {
            ensure!(number > 1, "{:?} was never reached", kill(number));
            return Ok(number - 1);
        }
    }
    anyhow::bail!("after {MOST} kills it still does not get through")
}
