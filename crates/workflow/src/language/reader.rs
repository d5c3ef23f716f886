//! The way in: a workflow file, and what it leads to, becomes a [`Definition`], or everything that is wrong with it.

use document::Mistake;

use super::definition::Definition;
use super::page::{Findings, Page, SecretUse, Shared};
use super::sources::{Found, Sources, Wanted, normal};
use super::triggers::Triggers;
use super::workflow;

/// What came of reading.
#[derive(Debug)]
pub enum Reading {
    /// Put what became of these into the [`Sources`], and read again.
    Needs(Vec<Wanted>),
    Read(Box<Workflow>),
    Refused(Refused),
}

/// A workflow without a mistake.
#[derive(Debug)]
pub struct Workflow {
    /// With every called workflow and every action in it.
    pub definition: Definition,
    pub triggers: Triggers,
    /// What runs, and surely not as it was meant.
    pub warnings: Vec<Mistake>,
    /// Secrets that expressions name: one that does not exist is empty, and worth a warning.
    pub secrets: Vec<SecretUse>,
}

/// Everything that is wrong.
#[derive(Debug)]
pub struct Refused {
    /// In the order of the files; at most a hundred.
    pub mistakes: Vec<Mistake>,
    pub more_mistakes: usize,
    pub warnings: Vec<Mistake>,
    /// Of each mistake about something that GitHub has and Solum does not do: its name in the documentation
    /// (`jobs.<job_id>.services`).
    pub not_done: Vec<String>,
}

/// Rounds of asking for files: each goes one level deeper, and an action may be in one of two files.
const MAX_ROUNDS: usize = 2 * (super::page::MAX_DEPTH + 2);

/// Reads the workflow in `file` (relative to the root of the repository).
#[must_use]
pub fn read(file: &str, text: &str, sources: &Sources) -> Reading {
    let file = normal(file).unwrap_or_else(|| file.to_owned());
    let shared = Shared::new(sources);
    let read = workflow::read(Page::first(&file, &shared), text);
    let is_full = shared.is_full();
    let Findings { mut mistakes, more_mistakes, warnings, refused, wanted, secrets } =
        shared.findings.into_inner();
    if !wanted.is_empty() && !is_full {
        return Reading::Needs(wanted);
    }
    match read {
        Some(read) if mistakes.is_empty() => Reading::Read(Box::new(Workflow {
            definition: read.definition,
            triggers: read.triggers,
            warnings,
            secrets,
        })),
        _ => {
            mistakes.sort_by(|one, other| (&one.file, one.at).cmp(&(&other.file, other.at)));
            Reading::Refused(Refused { mistakes, more_mistakes, warnings, not_done: refused })
        }
    }
}

/// The same, for who can open files at once.
pub fn read_with(
    file: &str,
    text: &str,
    mut find: impl FnMut(&Wanted) -> Found,
) -> Result<Workflow, Refused> {
    let mut sources = Sources::default();
    for _ in 0..MAX_ROUNDS {
        match read(file, text, &sources) {
            Reading::Read(workflow) => return Ok(*workflow),
            Reading::Refused(refused) => return Err(refused),
            Reading::Needs(wanted) => {
                for wanted in wanted {
                    let found = find(&wanted);
                    sources.put(wanted, found);
                }
            }
        }
    }
    let message = "files lead to files without an end".to_owned();
    let mistake = Mistake { file: file.to_owned(), at: None, message };
    let (more_mistakes, warnings, not_done) = (0, Vec::new(), Vec::new());
    Err(Refused { mistakes: vec![mistake], more_mistakes, warnings, not_done })
}
