//! What the files declare and what detection found, brought together into the manifest that everything else meets.

use std::collections::BTreeMap;

use types::{Environment, EnvironmentName, HealthCheck, Manifest, Process, ProcessType, Test};

use super::declared::DeclaredProcess;
use super::{Declarations, SOLUM_YAML};
use document::Mistake;

/// What a language's convention says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Detected {
    pub(crate) processes: BTreeMap<ProcessType, String>,
}

impl Detected {
    pub(crate) fn web(command: impl Into<String>) -> Self {
        Self { processes: [(ProcessType::web(), command.into())].into() }
    }
}

impl Declarations {
    /// The buildpacks that are to build the app instead of our own detection, in order.
    pub(crate) fn buildpacks(&self) -> Vec<String> {
        match &self.solum.build.buildpack {
            Some(buildpack) => vec![buildpack.clone()],
            None => self.app.buildpacks.clone(),
        }
    }

    pub(crate) fn warnings(&self) -> &[String] {
        &self.app.warnings
    }

    /// Whether the files themselves say what to run, so that detection need not.
    pub(crate) fn has_processes(&self) -> bool {
        let lines = self.procfile.as_ref().is_some_and(|file| !file.processes.is_empty());
        let declared = self.solum.processes.as_ref();
        lines || declared.is_some_and(|them| them.values().all(|process| process.run.is_some()))
    }

    /// Whether `solum.yaml` lists the processes: then there are no others.
    pub(crate) fn lists_processes(&self) -> bool {
        self.solum.processes.is_some()
    }

    /// The whole manifest. `solum.yaml` wins over `Procfile` and `app.json`, and these over detection.
    pub(crate) fn resolve(&self, detected: &Detected) -> Result<Manifest, Vec<Mistake>> {
        let mut processes = self.processes(detected)?;
        for (process, scale) in &self.app.scale {
            let declared = self.declared(process).and_then(|declared| declared.scale);
            if let (Some(process), None) = (processes.get_mut(process), declared) {
                process.scale = *scale;
            }
        }
        let mut env = self.app.env.clone();
        env.extend(self.solum.env.clone());
        let mut required_env = self.app.required.clone();
        required_env.retain(|name, _| !env.contains_key(name));
        let mut generated_env = self.app.generated.clone();
        generated_env.retain(|name| !env.contains_key(name));
        let release = self.solum.release.clone();
        let from_procfile = || self.procfile.as_ref().and_then(|file| file.release.clone());
        let mut environments = self.solum.environments.clone();
        if environments.is_empty() {
            environments.push(Environment::new(EnvironmentName::dev()));
        }
        self.check_scaled(&processes)?;
        Ok(Manifest {
            processes,
            build: self.solum.build.clone(),
            test: self.test(),
            release: release.or_else(from_procfile),
            after_first_deploy: self.app.after_first_deploy.clone(),
            env,
            required_env,
            generated_env,
            push: self.solum.push.clone(),
            environments,
        })
    }

    pub(crate) fn test(&self) -> Test {
        match (&self.solum.test, &self.app.test) {
            (Some(test), _) => test.clone(),
            (None, Some(line)) => Test::Run(vec![line.clone()]),
            (None, None) => Test::Detect,
        }
    }

    fn declared(&self, process: &ProcessType) -> Option<&DeclaredProcess> {
        self.solum.processes.as_ref()?.get(process)
    }

    fn processes(
        &self,
        detected: &Detected,
    ) -> Result<BTreeMap<ProcessType, Process>, Vec<Mistake>> {
        let lines = match &self.procfile {
            Some(file) if !file.processes.is_empty() => &file.processes,
            _ => &detected.processes,
        };
        let Some(declared) = &self.solum.processes else {
            return Ok(lines
                .iter()
                .map(|(name, run)| (name.clone(), self.process(name, run.clone(), None)))
                .collect());
        };
        let mut mistakes = Vec::new();
        let mut processes = BTreeMap::new();
        for (name, part) in declared {
            match part.run.as_ref().or_else(|| lines.get(name)) {
                Some(run) => {
                    processes.insert(name.clone(), self.process(name, run.clone(), Some(part)));
                }
                None => mistakes.push(Mistake::new(
                    SOLUM_YAML,
                    part.at,
                    format!("'{name}' has no 'run', and neither a Procfile nor detection has one"),
                )),
            }
        }
        if mistakes.is_empty() { Ok(processes) } else { Err(mistakes) }
    }

    fn process(&self, name: &ProcessType, run: String, part: Option<&DeclaredProcess>) -> Process {
        let health = self.app.health.get(name);
        let default = HealthCheck::default();
        let path = part.and_then(|part| part.health_path.clone());
        let timeout = part.and_then(|part| part.health_timeout);
        Process {
            scale: part.and_then(|part| part.scale).unwrap_or(1),
            health: HealthCheck {
                path: path.or_else(|| health.and_then(|health| health.path.clone())),
                timeout: timeout
                    .or_else(|| health.and_then(|health| health.timeout))
                    .unwrap_or(default.timeout),
            },
            limits: part.map(|part| part.limits).unwrap_or_default(),
            drain: part.and_then(|part| part.drain).unwrap_or(Process::DEFAULT_DRAIN),
            run,
        }
    }

    /// An environment scales only processes that there are.
    fn check_scaled(&self, processes: &BTreeMap<ProcessType, Process>) -> Result<(), Vec<Mistake>> {
        // A buildpack adds its processes later; without any there is nothing to compare with.
        if processes.is_empty() {
            return Ok(());
        }
        let unknown = self.solum.scaled_at.iter().filter(|(name, _)| !processes.contains_key(name));
        let mistakes: Vec<_> = unknown
            .map(|(name, at)| {
                let known: Vec<_> = processes.keys().map(ProcessType::as_str).collect();
                let message =
                    format!("there is no process '{name}'; there are: {}", known.join(", "));
                Mistake::new(SOLUM_YAML, *at, message)
            })
            .collect();
        if mistakes.is_empty() { Ok(()) } else { Err(mistakes) }
    }
}
