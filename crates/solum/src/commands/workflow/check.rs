use std::path::{Path, PathBuf};

use api::workflow_checks::{CheckWorkflow, FileMistake, WorkflowCheck};
use clap::Args;
use serde::Serialize;
use types::AppName;

use crate::cli::arguments::JsonOption;
use crate::cli::failure::Failure;
use crate::cli::session::Session;
use crate::cli::tree::{Tree, WORKFLOW_FOLDER};
use crate::cli::{Outcome, output};

#[derive(Debug, Args)]
pub(crate) struct Check {
    /// Workflow files, or folders of them; the folder that `solum.yaml` names, or `.solum/workflows`, if none is named
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Warn of secrets that this app does not have
    #[arg(long, value_name = "APP")]
    app: Option<AppName>,
    #[command(flatten)]
    json: JsonOption,
}

/// A file with what is wrong with it.
#[derive(Debug, Serialize)]
struct Checked {
    workflow: String,
    #[serde(flatten)]
    check: WorkflowCheck,
}

impl Check {
    pub(crate) fn run(self, session: &Session) -> Outcome {
        let tree = Tree::here()?;
        let workflows = workflows(&tree, self.paths)?;
        let client = session.client()?;
        let mut checked = Vec::new();
        for workflow in workflows {
            let check = tree.ask(&[&workflow], |files| {
                let (workflow, files) = (workflow.clone(), files.clone());
                let ask = CheckWorkflow { workflow, files, app: self.app.clone() };
                let check = client.check_workflow(&ask)?;
                Ok((check.wanted.clone(), check))
            })?;
            checked.push(Checked { workflow, check });
        }
        if self.json.json {
            output::print_json(&checked)?;
        } else {
            for Checked { check, .. } in &checked {
                print(check)?;
            }
        }
        conclude(&checked)
    }
}

/// Mistakes on stdout, warnings beside it.
fn print(check: &WorkflowCheck) -> Outcome {
    for mistake in &check.mistakes {
        output::print(&line(mistake))?;
    }
    if check.more_mistakes > 0 {
        output::print(&format!("and {} more", check.more_mistakes))?;
    }
    for warning in &check.warnings {
        output::say(&format!("warning: {}", line(warning)));
    }
    Ok(())
}

fn conclude(checked: &[Checked]) -> Outcome {
    let mistakes = |checked: &Checked| checked.check.mistakes.len() + checked.check.more_mistakes;
    let (all, files) = (checked.iter().map(mistakes).sum(), checked.len());
    let wrong = checked.iter().filter(|checked| mistakes(checked) > 0).count();
    let workflows = if files == 1 { "workflow" } else { "workflows" };
    match all {
        0 => {
            output::say(&format!("{files} {workflows}, without a mistake"));
            Ok(())
        }
        1 => Err(Failure::failed(format!("one mistake in {wrong} of {files} {workflows}"))),
        all => Err(Failure::failed(format!("{all} mistakes in {wrong} of {files} {workflows}"))),
    }
}

/// `file:line:column: words`
pub(super) fn line(mistake: &FileMistake) -> String {
    let FileMistake { file, line, column, message } = mistake;
    match (line, column) {
        (Some(line), Some(column)) => format!("{file}:{line}:{column}: {message}"),
        _ => format!("{file}: {message}"),
    }
}

/// The files that are meant, by their paths from the root, each once.
fn workflows(tree: &Tree, named: Vec<PathBuf>) -> Result<Vec<String>, Failure> {
    let named = if named.is_empty() { vec![own_folder(tree)?] } else { named };
    let mut found = Vec::new();
    for path in &named {
        let files = if path.is_dir() { in_folder(path)? } else { vec![path.clone()] };
        if files.is_empty() {
            return Err(Failure::failed(format!("{} has no workflow files", path.display()))
                .hint("a workflow's name ends in .yml or .yaml"));
        }
        for file in files {
            let file = tree.path_of(&file)?;
            if !found.contains(&file) {
                found.push(file);
            }
        }
    }
    Ok(found)
}

/// Where the repository has its workflows: `solum.yaml` may say so.
fn own_folder(tree: &Tree) -> Result<PathBuf, Failure> {
    let named = match std::fs::read_to_string(tree.root().join(build::MANIFEST_FILE)) {
        Ok(text) => build::outline(&text).map_err(|mistakes| unreadable(&mistakes))?.workflows,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => {
            return Err(Failure::because(format!("cannot read {}", build::MANIFEST_FILE), &error));
        }
    };
    let (name, by) = match &named {
        Some(folder) => (folder.as_str(), ", which solum.yaml names"),
        None => (WORKFLOW_FOLDER, ""),
    };
    let folder = tree.root().join(name);
    if !folder.is_dir() {
        return Err(Failure::failed(format!("there is no folder {name} here{by}"))
            .hint("name the files or the folder: solum workflow check PATH"));
    }
    Ok(folder)
}

fn unreadable(mistakes: &[build::Mistake]) -> Failure {
    let lines: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
    Failure::failed(lines.join("\n"))
        .hint("or name the files or the folder: solum workflow check PATH")
}

/// In the order of their names; not those of its folders.
fn in_folder(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let failed =
        |error| Failure::because(format!("cannot read the folder {}", folder.display()), &error);
    let entries = std::fs::read_dir(folder).map_err(failed)?;
    let paths = entries.map(|entry| entry.map(|entry| entry.path()));
    let mut paths: Vec<PathBuf> = paths.collect::<Result<_, _>>().map_err(failed)?;
    paths.retain(|path| {
        let is_named_so = path.extension().is_some_and(|end| end == "yml" || end == "yaml");
        is_named_so && path.is_file()
    });
    paths.sort();
    Ok(paths)
}
