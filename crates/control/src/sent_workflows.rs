//! Workflow files that somebody sends to have them looked at: checked, planned, rehearsed. Nothing is kept, and nothing runs.
//!
//! Whoever sends a file need not know what it leads to: the answer may be which files are wanted too, and then the same is
//! asked again with those.

use std::collections::BTreeMap;

use tokio::sync::Semaphore;
use types::AppName;
use workflow::language::{self, Found, Mistake, Reading, Refused, Sources, Wanted, Workflow};

use crate::rehearsal::{self, Rehearsal, Scenario};
use crate::workflow_files::{WorkflowFile, checks};
use crate::workflow_plans::{self, PlannedEvent, WorkflowPlan};
use crate::workflows::BuiltInWorkflow;
use crate::{Control, Error};

/// Files that are looked at side by side: it is work for a processor, and others have to serve.
static AT_ONCE: Semaphore = Semaphore::const_new(2);
/// Rounds of reading within one question: an action may be in one of two files.
const MAX_ROUNDS: usize = 64;

/// By their paths from the root of the repository; none for a path without a file.
pub type SentFiles = BTreeMap<String, Option<String>>;

/// An answer, or what else has to be sent for one.
#[derive(Debug)]
pub enum Looked<T> {
    Wanted(Vec<String>),
    At(T),
}

/// What is wrong, and what is strange.
#[derive(Debug)]
pub struct CheckedWorkflow {
    pub name: Option<String>,
    pub mistakes: Vec<Mistake>,
    pub more_mistakes: usize,
    pub warnings: Vec<Mistake>,
}

impl Control {
    /// Reads a workflow, and says everything that is wrong with it. With an app, also which secrets it does not have.
    pub async fn check_workflow(
        &self,
        path: String,
        files: SentFiles,
        app: Option<&AppName>,
    ) -> Result<Looked<CheckedWorkflow>, Error> {
        let reading = match self.read_sent(&path, files).await? {
            Looked::Wanted(paths) => return Ok(Looked::Wanted(paths)),
            Looked::At(reading) => reading,
        };
        let mut files = [WorkflowFile { path, reading }];
        checks::check(self, app, &mut files).await?;
        let [WorkflowFile { reading, .. }] = files;
        Ok(Looked::At(match reading {
            Ok(workflow) => CheckedWorkflow {
                name: Some(workflow.definition.name),
                mistakes: Vec::new(),
                more_mistakes: 0,
                warnings: workflow.warnings,
            },
            Err(Refused { mistakes, more_mistakes, warnings, .. }) => {
                CheckedWorkflow { name: None, mistakes, more_mistakes, warnings }
            }
        }))
    }

    /// What the workflow would do about an event; or its mistakes.
    pub async fn plan_workflow(
        &self,
        path: String,
        files: SentFiles,
        event: PlannedEvent,
    ) -> Result<Looked<Result<WorkflowPlan, Vec<Mistake>>>, Error> {
        let workflow = match self.read_sent(&path, files).await? {
            Looked::Wanted(paths) => return Ok(Looked::Wanted(paths)),
            Looked::At(Err(refused)) => return Ok(Looked::At(Err(refused.mistakes))),
            Looked::At(Ok(workflow)) => workflow,
        };
        match beside(move || workflow_plans::plan(&workflow, &event)).await? {
            Ok(planned) => Ok(Looked::At(Ok(planned))),
            Err(message) => Err(Error::Invalid { code: "invalid_request", message, hint: None }),
        }
    }

    /// Plays a scenario with the workflow at `path`, or with that which it names; or says what is wrong with either.
    pub async fn rehearse_workflow(
        &self,
        scenario: (String, String),
        path: Option<String>,
        files: SentFiles,
    ) -> Result<Looked<Result<Rehearsal, Vec<Mistake>>>, Error> {
        let (file, text) = scenario;
        let scenario = match rehearsal::read(&file, &text) {
            Ok(scenario) => scenario,
            Err(mistakes) => return Ok(Looked::At(Err(mistakes))),
        };
        let read = match which(&file, &scenario, path) {
            Ok(Which::BuiltIn(workflow)) => Looked::At(Ok(workflow.read())),
            Ok(Which::File(path)) => self.read_sent(&path, files).await?,
            Err(mistake) => return Ok(Looked::At(Err(vec![mistake]))),
        };
        Ok(match read {
            Looked::Wanted(paths) => Looked::Wanted(paths),
            Looked::At(Err(refused)) => Looked::At(Err(refused.mistakes)),
            Looked::At(Ok(workflow)) => {
                let played = beside(move || rehearsal::rehearse(&scenario, &workflow)).await?;
                Looked::At(Ok(played))
            }
        })
    }

    /// Reads a workflow with the files that were sent, and with what the mirror of actions has.
    async fn read_sent(
        &self,
        path: &str,
        files: SentFiles,
    ) -> Result<Looked<Result<Workflow, Refused>>, Error> {
        let text = match files.get(path) {
            None => return Ok(Looked::Wanted(vec![path.to_owned()])),
            Some(Some(text)) => text.clone(),
            Some(None) => return Ok(Looked::At(Err(refused(path, "there is no such file")))),
        };
        let mut lookups = self.inner.actions.lookups();
        let mut sources = Sources::default();
        for _ in 0..MAX_ROUNDS {
            let (file, text) = (path.to_owned(), text.clone());
            let read = move || (language::read(&file, &text, &sources), sources);
            let (reading, before) = beside(read).await?;
            sources = before;
            let wanted = match reading {
                Reading::Read(workflow) => return Ok(Looked::At(Ok(*workflow))),
                Reading::Refused(refused) => return Ok(Looked::At(Err(refused))),
                Reading::Needs(wanted) => wanted,
            };
            let (missing, mirrored) = put_own(wanted, &files, &mut sources);
            if !missing.is_empty() {
                return Ok(Looked::Wanted(missing));
            }
            for wanted in mirrored {
                let Wanted::Mirrored { repository, reference, path } = &wanted else { continue };
                let found = lookups.open(repository, reference, path).await?;
                sources.put(wanted, found);
            }
        }
        Ok(Looked::At(Err(refused(path, "files lead to files without an end"))))
    }
}

/// Gives the reader what was sent, and says what was not, and what is the mirror's.
fn put_own(
    wanted: Vec<Wanted>,
    files: &SentFiles,
    sources: &mut Sources,
) -> (Vec<String>, Vec<Wanted>) {
    let (mut missing, mut mirrored) = (Vec::new(), Vec::new());
    for wanted in wanted {
        let found = match &wanted {
            Wanted::Mirrored { .. } => {
                mirrored.push(wanted);
                continue;
            }
            Wanted::Own { path } => match files.get(path) {
                Some(Some(text)) => Found::File { text: text.clone(), commit: None },
                Some(None) => Found::Missing,
                None => {
                    missing.push(path.clone());
                    continue;
                }
            },
        };
        sources.put(wanted, found);
    }
    (missing, mirrored)
}

enum Which {
    BuiltIn(&'static BuiltInWorkflow),
    File(String),
}

/// Which workflow a scenario is about: the one that was given with it goes before the one that it names.
fn which(file: &str, scenario: &Scenario, given: Option<String>) -> Result<Which, Mistake> {
    let mistake = |message| Mistake { file: file.to_owned(), at: None, message };
    if let Some(path) = given {
        return Ok(Which::File(path));
    }
    let Some(name) = scenario.workflow() else {
        let message = "which workflow? Write 'workflow FILE' in it, or name one beside it";
        return Err(mistake(message.to_owned()));
    };
    if name.ends_with(".yml") || name.ends_with(".yaml") {
        let folder = file.rsplit_once('/').map_or("", |(folder, _)| folder);
        let path = beside_file(folder, name).ok_or_else(|| {
            mistake(format!("the workflow '{name}' is outside of the repository"))
        })?;
        return Ok(Which::File(path));
    }
    BuiltInWorkflow::named(name).map(Which::BuiltIn).ok_or_else(|| {
        let names = BuiltInWorkflow::all().iter().map(|workflow| workflow.name);
        let hint = document::suggestion(name, names.clone());
        let names: Vec<_> = names.collect();
        mistake(format!(
            "Solum brings no workflow '{name}'{hint}: name a file that ends in .yml, or one of {}",
            names.join(", ")
        ))
    })
}

/// A path as it is written in a file of `folder`, from the root; nothing if it leads out of that.
fn beside_file(folder: &str, path: &str) -> Option<String> {
    if path.starts_with('/') {
        return None;
    }
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

fn refused(file: &str, message: &str) -> Refused {
    let mistake = Mistake { file: file.to_owned(), at: None, message: message.to_owned() };
    let (warnings, not_done) = (Vec::new(), Vec::new());
    Refused { mistakes: vec![mistake], more_mistakes: 0, warnings, not_done }
}

/// Beside the tasks that serve.
async fn beside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
    let _place = AT_ONCE.acquire().await;
    let broke_off = |error: tokio::task::JoinError| Error::io("look at a workflow")(error.into());
    tokio::task::spawn_blocking(work).await.map_err(broke_off)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testbed::Testbed;

    fn files(files: &[(&str, Option<&str>)]) -> SentFiles {
        let own =
            |(path, text): &(&str, Option<&str>)| ((*path).to_owned(), text.map(str::to_owned));
        files.iter().map(own).collect()
    }

    const CALLS: &str = "on: push\njobs: { a: { uses: ./shared/b.yml } }\n";
    const CALLED: &str =
        "on: workflow_call\njobs: { b: { runs-on: solum, steps: [{ uses: solum/test }] } }\n";

    #[tokio::test]
    async fn what_a_workflow_leads_to_is_asked_for_until_it_is_there() {
        let bed = Testbed::start().await;
        let read =
            async |sent: &SentFiles| bed.control.read_sent("w.yml", sent.clone()).await.unwrap();
        let wanted = async |sent: &SentFiles| match read(sent).await {
            Looked::Wanted(paths) => paths,
            Looked::At(read) => panic!("{read:?}"),
        };
        assert_eq!(wanted(&SentFiles::new()).await, ["w.yml"]);
        assert_eq!(wanted(&files(&[("w.yml", Some(CALLS))])).await, ["shared/b.yml"]);
        let whole = files(&[("w.yml", Some(CALLS)), ("shared/b.yml", Some(CALLED))]);
        assert!(matches!(read(&whole).await, Looked::At(Ok(_))));
        let without = files(&[("w.yml", Some(CALLS)), ("shared/b.yml", None)]);
        let Looked::At(Err(refused)) = read(&without).await else { panic!("it has a mistake") };
        let mistake = refused.mistakes[0].to_string();
        assert!(mistake.contains("there is no file 'shared/b.yml'"), "{mistake}");
        bed.stop().await;
    }

    #[tokio::test]
    async fn a_scenario_names_a_file_beside_it_or_one_that_solum_brings() {
        let bed = Testbed::start().await;
        let play = async |workflow: &str| {
            let text = format!("{workflow}\non push main\nexpect run succeeded\n");
            let scenario = ("tests/a.scenario".to_owned(), text);
            bed.control.rehearse_workflow(scenario, None, SentFiles::new()).await.unwrap()
        };
        let Looked::Wanted(paths) = play("workflow ../flows/w.yml").await else { panic!("wanted") };
        assert_eq!(paths, ["flows/w.yml"]);
        let Looked::At(Ok(played)) = play("workflow deliver").await else { panic!("played") };
        assert_eq!((played.held, played.broken), (1, None));
        for (workflow, message) in [
            (
                "workflow ../../w.yml",
                "tests/a.scenario: the workflow '../../w.yml' is outside of the repository",
            ),
            (
                "workflow delivr",
                "tests/a.scenario: Solum brings no workflow 'delivr'; did you mean 'deliver'?: \
                 name a file that ends in .yml, or one of deliver, deploy, promote, rollback",
            ),
            (
                "",
                "tests/a.scenario: which workflow? Write 'workflow FILE' in it, or name one beside it",
            ),
        ] {
            let Looked::At(Err(mistakes)) = play(workflow).await else { panic!("{workflow}") };
            assert_eq!(mistakes[0].to_string(), message);
        }
        bed.stop().await;
    }
}
