//! Every `.scenario` file beside this folder holds, and tells the story that stands beside it. `UPDATE_STORIES=1` writes
//! the stories.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use control::BuiltInWorkflow;
use control::rehearsal::{read, rehearse};
use workflow::language::{Found, Wanted, Workflow, read_with};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios")
}

fn files(extension: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> =
        entries.filter(|path| path.extension().is_some_and(|e| e == extension)).collect();
    files.sort();
    files
}

fn name(path: &Path) -> String {
    path.file_name().unwrap().to_str().unwrap().to_owned()
}

#[track_caller]
fn workflow(named: &str) -> Workflow {
    if let Some(built_in) = BuiltInWorkflow::named(named) {
        return read_with(built_in.name, built_in.text, |_| Found::Missing).unwrap();
    }
    let text =
        fs::read_to_string(folder().join(named)).unwrap_or_else(|error| panic!("{named}: {error}"));
    let read = read_with(named, &text, |wanted| match wanted {
        Wanted::Own { path } => match fs::read_to_string(folder().join(path)) {
            Ok(text) => Found::File { text, commit: None },
            Err(_) => Found::Missing,
        },
        Wanted::Mirrored { .. } => Found::Missing,
    });
    read.unwrap_or_else(|refused| panic!("{named}: {:#?}", refused.mistakes))
}

/// What a scenario tells, and what it did not keep.
fn play(path: &Path) -> (String, Option<String>) {
    let text = fs::read_to_string(path).unwrap();
    let scenario = match read(&name(path), &text) {
        Ok(scenario) => scenario,
        Err(mistakes) => {
            let mistakes: Vec<_> = mistakes.iter().map(ToString::to_string).collect();
            return (String::new(), Some(mistakes.join("\n")));
        }
    };
    let rehearsal = rehearse(&scenario, &workflow(scenario.workflow().unwrap()));
    let mut story = rehearsal.story.join("\n");
    story.push('\n');
    let broken = rehearsal.broken.map(|broken| {
        format!("{}:{}: {}\n{}", name(path), broken.line, broken.message, broken.last.join("\n"))
    });
    (story, broken)
}

#[test]
fn every_scenario_holds_and_tells_its_story() {
    let update = std::env::var_os("UPDATE_STORIES").is_some();
    let mut wrong = Vec::new();
    let scenarios = files("scenario");
    assert!(!scenarios.is_empty(), "there are scenarios");
    for path in &scenarios {
        let (story, broken) = play(path);
        wrong.extend(broken);
        let golden = path.with_extension("story");
        if update {
            fs::write(&golden, &story).unwrap();
        } else if fs::read_to_string(&golden).unwrap_or_default() != story {
            wrong.push(format!("{}: it tells another story now:\n{story}", name(path)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn nothing_in_the_folder_is_left_over() {
    let stems = |extension| {
        files(extension).iter().map(|path| path.with_extension("")).collect::<BTreeSet<_>>()
    };
    assert_eq!(stems("scenario"), stems("story"), "each scenario has its story");
    let read_all = |path: &PathBuf| fs::read_to_string(path).unwrap();
    let texts: String = files("scenario").iter().chain(&files("yml")).map(read_all).collect();
    for file in files("yml") {
        assert!(texts.contains(&name(&file)), "no scenario is about {}", name(&file));
    }
}

#[test]
fn a_scenario_tells_the_same_story_every_time() {
    for path in files("scenario") {
        assert_eq!(play(&path), play(&path), "{}", name(&path));
    }
}
