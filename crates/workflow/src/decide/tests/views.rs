//! Steps as whoever carries them out sees them.

use super::*;
use crate::expression::{HashFilesError, Object};
use crate::{Late, StepView};

struct Machine;

impl Late for Machine {
    fn secrets(&self) -> Value {
        [("TOKEN", "hush")].into_iter().collect()
    }

    fn hash_files(&self, patterns: &[String]) -> Result<String, HashFilesError> {
        Ok(format!("hash of {}", patterns.join(" ")))
    }

    fn more(&self, context: &str) -> Option<Object> {
        (context == "runner").then(|| [("temp", "/tmp/x")].into_iter().collect())
    }
}

const TEXT: &str = "
on: push
env: { A: workflow, B: workflow, T: '${{ secrets.TOKEN }}' }
defaults: { run: { shell: sh, working-directory: up } }
jobs:
  a:
    runs-on: linux
    env: { B: job }
    defaults: { run: { working-directory: down } }
    steps:
      - { id: one, run: x }
      - { id: two, run: \"echo ${{ runner.temp }} ${{ hashFiles('x') }} ${{ env.C }}\", env: { C: '${{ env.B }}!' } }
";

#[test]
fn keys_are_evaluated_with_what_only_the_machine_has() {
    let mut run = Run::started(TEXT);
    let produced = Produced {
        env: [("B".to_owned(), "written".to_owned())].into(),
        path: vec!["/first".to_owned(), "/second".to_owned()],
        ..Produced::default()
    };
    run.report("a one", StepResult::Succeeded { produced });
    let task = run.task("a two");
    let view = StepView::of(&run.state, &task).unwrap();
    let script = view.script(&Machine).unwrap().unwrap();
    assert_eq!(script.text, "echo /tmp/x hash of x written!");
    assert_eq!(script.shell.as_deref(), Some("sh"));
    assert_eq!(script.working_directory.as_deref(), Some("down"));
    let env: BTreeMap<String, String> = view.env(&Machine).unwrap().into_iter().collect();
    let expected = [("A", "workflow"), ("B", "written"), ("C", "written!"), ("T", "hush")];
    assert_eq!(env, expected.map(|(name, value)| (name.to_owned(), value.to_owned())).into());
    assert_eq!(view.path(), ["/second", "/first"]);
}

#[test]
fn a_variable_that_cannot_be_evaluated_fails_with_its_place() {
    let mut run = Run::started(TEXT);
    run.succeed("a one");
    let task = run.task("a two");
    let failed = StepView::of(&run.state, &task).unwrap().env(&NoTokens).unwrap_err();
    assert_eq!(failed.code, "expression");
    assert!(failed.message.starts_with("w.yml:3:"), "{}", failed.message);
}

/// One whose secrets are none, so that what is asked of them cannot be text.
struct NoTokens;

impl Late for NoTokens {
    fn secrets(&self) -> Value {
        [("TOKEN", Value::from(Object::new()))].into_iter().collect()
    }

    fn hash_files(&self, _patterns: &[String]) -> Result<String, HashFilesError> {
        Err(HashFilesError::NotHere)
    }
}
