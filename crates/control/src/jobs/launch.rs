//! What a step's process is started with: its command, its variables, its place.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use deploy::boxes::{Bind, BoxSpec, Priority};
use deploy::steps::StepSpec;
use types::Limits;
use workflow::expression::Object;
use workflow::language::Action;
use workflow::{Script, Stage, StepView};

use super::Here;
use super::action_files::ActionFiles;
use super::ground::StepFiles;
use super::labels::Runner;
use super::vault::Vault;
use crate::actions::env_files::EnvFile;
use crate::actions::environment::{self, Facts};
use crate::actions::javascript::{self, PRELUDE, PRELUDE_FILE};
use crate::actions::job::{JobDirectory, Root};
use crate::actions::shells::{self, Shell};
use crate::error::chain;
use crate::steps::{Problem, Step};

/// What one step may take.
const LIMITS: Limits = Limits { memory_bytes: None, cpu_millis: None, pids: Some(4_096) };
const TMP_BYTES: u64 = 4 << 30;

const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// Go from go.dev, which unpacks to a place of its own.
const GO: &str = "/usr/local/go/bin";
/// Where a box sees the toolchain of rustup that is the server's default.
const RUST: &str = "/rust";

/// In the temporary directory of the job.
const EVENT_FILE: &str = "_solum/event.json";

pub(super) struct Launch<'a> {
    pub(super) step: &'a Step,
    pub(super) view: StepView<'a>,
    pub(super) job: &'a JobDirectory,
    pub(super) files: &'a StepFiles,
    pub(super) action: Option<&'a ActionFiles>,
    pub(super) vault: &'a Vault,
}

impl Launch<'_> {
    /// Writes down what the step needs, and says how it is started. Blocks.
    pub(super) fn prepare(&self, here: &Here<'_>) -> Result<StepSpec, Problem> {
        let labels = self.view.leg().terms.runs_on.iter().map(String::as_str);
        let runner = Runner::of(labels)
            .map_err(|error| Problem::failed("unknown_label", error.to_string()))?;
        self.files.make(self.job).map_err(unwritten)?;
        self.write_event().map_err(unwritten)?;
        let mut binds = self.job.binds();
        binds.extend(self.action.and_then(ActionFiles::bind));
        let mut env = self.environment(here, &mut binds)?;
        let (command, workdir) = match self.view.action() {
            Action::JavaScript { action, .. } => {
                let script = match self.view.step().stage {
                    Stage::Pre => action.pre.as_deref(),
                    Stage::Post => action.post.as_deref(),
                    Stage::Main | Stage::Undo => Some(action.main.as_str()),
                };
                let script = script
                    .ok_or_else(|| Problem::internal("the action has no script for this part"))?;
                (self.javascript(here, script, &mut env)?, None)
            }
            _ => {
                let script = self.view.script(here).map_err(Problem::Failed)?;
                let script = script.ok_or_else(|| Problem::internal("the step runs nothing"))?;
                let workdir = script.working_directory.clone();
                (self.script(&script)?, workdir)
            }
        };
        let boxed = BoxSpec {
            uid: self.job.owner(),
            command,
            env,
            workdir: self.workdir(workdir.as_deref())?,
            binds,
            network: runner.network,
            limits: LIMITS,
            priority: Priority::Build,
            tmp_bytes: TMP_BYTES,
        };
        let output_bytes = self.step.control.inner.settings.limits.step_log_bytes;
        Ok(StepSpec { boxed, output_bytes })
    }

    fn write_event(&self) -> std::io::Result<()> {
        let event = github(self.step).get("event").cloned().unwrap_or_default();
        let text = serde_json::to_vec(&event)?;
        self.job.open(Root::Temp)?.write(Path::new(EVENT_FILE), &text, 0o644)
    }

    fn script(&self, script: &Script) -> Result<Vec<String>, Problem> {
        let shell = script.shell.as_deref().map(|shell| self.vault.open(shell));
        let shell = Shell::parse(shell.as_deref())
            .map_err(|error| Problem::failed("unknown_shell", error.to_string()))?;
        let path = self.files.script(shell.suffix());
        let text = shells::script(&self.vault.open(&script.text));
        let temp = self.job.open(Root::Temp).map_err(unwritten)?;
        temp.write(&path, text.as_bytes(), 0o755).map_err(unwritten)?;
        let has_bash = ["/bin/bash", "/usr/bin/bash"].iter().any(|path| Path::new(path).exists());
        Ok(shell.command(&format!("{}/{}", self.job.places().temp, path.display()), has_bash))
    }

    fn javascript(
        &self,
        here: &Here<'_>,
        script: &str,
        env: &mut BTreeMap<String, String>,
    ) -> Result<Vec<String>, Problem> {
        let action = self.action.ok_or_else(|| Problem::internal("the step is no action"))?;
        action.check(script, self.job)?;
        let temp = self.job.open(Root::Temp).map_err(unwritten)?;
        temp.write(Path::new(PRELUDE_FILE), PRELUDE.as_bytes(), 0o644).map_err(unwritten)?;
        let inputs = self.view.inputs(here).map_err(Problem::Failed)?;
        let opened = |(name, value): (String, String)| (name, self.vault.open(&value).into_owned());
        let inputs = inputs.into_iter().map(opened).collect();
        let state = self.view.action_state().into_iter();
        let state =
            state.map(|(name, value)| opened((name.to_owned(), value.to_owned()))).collect();
        let places = self.job.places();
        let directory = action.path(places);
        let started = javascript::start(&directory, script, &places.temp, &inputs, &state);
        env.extend(started.env);
        Ok(started.command)
    }

    /// In the box.
    fn workdir(&self, wanted: Option<&str>) -> Result<PathBuf, Problem> {
        let places = self.job.places();
        let wanted = wanted.map(|wanted| self.vault.open(wanted)).unwrap_or_default();
        let wrong = |why: String| Problem::failed("no_directory", why);
        let (root, path) =
            self.job.locate(wanted.trim()).map_err(|error| wrong(error.to_string()))?;
        let there = self.job.open(root).and_then(|base| {
            if path.as_os_str().is_empty() { Ok(base) } else { base.open_directory(&path) }
        });
        if let Err(error) = there {
            return Err(wrong(format!("`working-directory: {wanted}` cannot be used: {error}")));
        }
        let base = match root {
            Root::Workspace => &places.workspace,
            Root::Home => &places.home,
            Root::Temp => &places.temp,
            Root::Tools => &places.tools,
        };
        Ok(Path::new(base).join(path))
    }

    /// All variables of the step. What belongs to the platform is not the user's to set.
    fn environment(
        &self,
        here: &Here<'_>,
        binds: &mut Vec<Bind>,
    ) -> Result<BTreeMap<String, String>, Problem> {
        let settings = &self.step.control.inner.settings;
        let places = self.job.places();
        let mut env: BTreeMap<String, String> =
            settings.build_environment.iter().cloned().collect();
        let mut ours = self.defaults();
        for file in EnvFile::ALL {
            ours.insert(file.variable().to_owned(), self.files.in_box(places, file));
        }
        if let Some(path) = &here.action_path {
            ours.insert("GITHUB_ACTION_PATH".to_owned(), path.clone());
        }
        let (repository, reference) =
            self.action.and_then(ActionFiles::repository).unwrap_or_default();
        for (name, value) in [("REPOSITORY", repository), ("REF", reference)] {
            ours.insert(format!("GITHUB_ACTION_{name}"), value.to_owned());
        }
        let is_ours = |name: &str| {
            ["GITHUB_", "RUNNER_", "SOLUM_"].iter().any(|prefix| name.starts_with(prefix))
        };
        let given = self.view.env(here).map_err(Problem::Failed)?;
        let given = given.into_iter().filter(|(name, _)| !is_ours(name));
        let given = given.map(|(name, value)| (name, self.vault.open(&value).into_owned()));
        env.extend(ours);
        env.extend(given);
        let base =
            env.remove("PATH").unwrap_or_else(|| search_path(settings.rustup.as_deref(), binds));
        let added = self.view.path().into_iter().map(|entry| self.vault.open(entry).into_owned());
        let path: Vec<String> = added.chain([base]).collect();
        env.insert("PATH".to_owned(), path.join(":"));
        Ok(env)
    }

    fn defaults(&self) -> BTreeMap<String, String> {
        let (step, leg) = (self.step, self.view.leg());
        let places = self.job.places();
        environment::defaults(&Facts {
            github: &github(step),
            runner: &step.state.context().runner.as_object().cloned().unwrap_or_default(),
            app: step.app.name.as_str(),
            job: &step.state.job_of(leg).key,
            action: &step.task.step.replace(['/', ':'], "_"),
            environment: leg.terms.environment.as_deref(),
            places,
            event_path: &format!("{}/{EVENT_FILE}", places.temp),
        })
    }
}

/// Of the run.
pub(super) fn github(step: &Step) -> Object {
    step.state.context().github.as_object().cloned().unwrap_or_default()
}

/// Where programs are looked for, with the toolchains that lie elsewhere than the system's.
fn search_path(rustup: Option<&Path>, binds: &mut Vec<Bind>) -> String {
    let mut path = PATH.to_owned();
    if Path::new(GO).is_dir() {
        path.push(':');
        path.push_str(GO);
    }
    if let Some(source) = rustup.and_then(build::default_rust_toolchain) {
        binds.push(Bind { source, target: RUST.into(), writable: false });
        path = format!("{path}:{RUST}/bin");
    }
    path
}

pub(super) fn unwritten(error: std::io::Error) -> Problem {
    Problem::internal(format!("the job's directories cannot be written: {}", chain(&error)))
}
