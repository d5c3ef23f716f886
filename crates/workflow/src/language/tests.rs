//! Golden tests: a workflow in, its mistakes out; one small case per rule.

use super::*;

mod actions;
mod bounds;
mod calls;
mod documentation;
mod expressions;
mod jobs;
mod shape;
mod steps;
mod triggers;
mod verbs;
mod whole;

const FILE: &str = "w.yml";

/// Reads `w.yml` beside the `other` files; an action of the mirror stands as `owner/repo@ref:path`.
fn read_beside(text: &str, others: &[(&str, &str)]) -> Result<Workflow, Refused> {
    read_with(FILE, text, |wanted| {
        let name = match wanted {
            Wanted::Own { path } => path.clone(),
            Wanted::Mirrored { repository, reference, path } => {
                let reference = reference.strip_prefix("commit-of-").unwrap_or(reference);
                let repository = format!("{repository}@{reference}");
                if !others.iter().any(|(name, _)| name.starts_with(&repository)) {
                    return Found::Unavailable("there is no mirror".to_owned());
                }
                format!("{repository}:{path}")
            }
        };
        let commit = match wanted {
            Wanted::Own { .. } => None,
            Wanted::Mirrored { reference, .. } => Some(format!("commit-of-{reference}")),
        };
        let found = others.iter().find(|(other, _)| *other == name);
        found.map_or(Found::Missing, |(_, text)| Found::File { text: (*text).to_owned(), commit })
    })
}

#[track_caller]
fn good_beside(text: &str, others: &[(&str, &str)]) -> Workflow {
    let read = read_beside(text, others);
    read.unwrap_or_else(|refused| panic!("{:#?}\n{text}", lines(&refused.mistakes)))
}

#[track_caller]
fn good(text: &str) -> Workflow {
    good_beside(text, &[])
}

fn lines(mistakes: &[document::Mistake]) -> Vec<String> {
    mistakes.iter().map(ToString::to_string).collect()
}

#[track_caller]
fn refused_beside(text: &str, others: &[(&str, &str)]) -> Refused {
    match read_beside(text, others) {
        Ok(_) => panic!("there should be a mistake in\n{text}"),
        Err(refused) => refused,
    }
}

/// Every mistake, without the name of the file.
#[track_caller]
fn assert_mistakes(text: &str, expected: &[&str]) {
    assert_mistakes_beside(text, &[], expected);
}

#[track_caller]
fn assert_mistakes_beside(text: &str, others: &[(&str, &str)], expected: &[&str]) {
    let found = lines(&refused_beside(text, others).mistakes);
    let found: Vec<_> =
        found.iter().map(|line| line.strip_prefix("w.yml:").unwrap_or(line)).collect();
    assert_eq!(found, expected, "\n{text}");
}

/// A workflow with one job `j`, whose keys are these lines: from line 4 on, in column 5.
fn job(lines: &str) -> String {
    let lines: Vec<_> = lines.lines().map(|line| format!("    {line}\n")).collect();
    format!("on: push\njobs:\n  j:\n{}", lines.concat())
}

/// A workflow with one job with one step, whose keys are these lines: from line 6 on, in column 9.
fn step(lines: &str) -> String {
    let lines: Vec<_> = lines.lines().map(|line| format!("    {line}\n")).collect();
    job(&format!("runs-on: linux\nsteps:\n  - {}", lines.concat().trim_start()))
}

/// The same, with more jobs after it, from column 3 on.
fn jobs(lines: &str) -> String {
    let lines: Vec<_> = lines.lines().map(|line| format!("  {line}\n")).collect();
    format!("on: push\njobs:\n{}", lines.concat())
}
