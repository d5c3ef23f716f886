//! What act makes of a workflow, carried out on the machine itself (`-self-hosted`): its log says it, a JSON object a line.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use tempfile::TempDir;
use testkit::{Repository, command};

use super::mirrored::Mirror;
use super::outcome::{self, Leg, Lines};
use super::{FOLDER, SECRET};

const WITHIN: Duration = Duration::from_secs(620);
/// Ends act before that, with what it has started.
const BOUND: [&str; 3] = ["--kill-after=10", "600", "act"];
/// The system's programs, which are what a box sees too.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// Prints the folder of Rust's tools, which a box sees as well.
const TOOLCHAIN: &str = "dirname \"$(rustup which cargo)\"";

const LOG: &str = "log";
const LAST_LINES: usize = 60;

pub(super) struct Act {
    /// A home with nothing else in it, the event, and a folder for `PATH`.
    own: TempDir,
    path: String,
    repository: PathBuf,
    /// Folders that stand for other repositories.
    replacements: Vec<String>,
}

impl Act {
    pub(super) fn new(repository: &Repository) -> Result<Self> {
        let own = tempfile::Builder::new().prefix("act-").tempdir()?;
        let head = repository.head()?;
        let message = repository.git(&["log", "-1", "--format=%s"])?.stdout.trim().to_owned();
        let event = json!({
            "ref": "refs/heads/main",
            "before": "0".repeat(40),
            "after": head,
            "head_commit": { "id": head, "message": message },
        });
        fs::write(own.path().join("event.json"), event.to_string())?;
        // `shell: python` is `python` for act, as on GitHub's machines. Debian calls it otherwise.
        let programs = own.path().join("programs");
        fs::create_dir(&programs)?;
        std::os::unix::fs::symlink("/usr/bin/python3", programs.join("python"))?;
        let rust = command::run(Command::new("sh").args(["-c", TOOLCHAIN]), WITHIN)?.require()?;
        let path = format!("{}:{PATH}:{}", programs.display(), rust.stdout.trim());
        let (repository, replacements) = (repository.path().to_owned(), Vec::new());
        Ok(Self { own, path, repository, replacements })
    }

    /// Takes actions of other repositories from there, and not from GitHub.
    pub(super) fn with_mirror(self, mirror: &Mirror) -> Self {
        Self { replacements: mirror.replacements().collect(), ..self }
    }

    /// Runs the workflow in the file of this name.
    pub(super) fn run(&self, workflow: &str) -> Result<Lines> {
        let own = self.own.path();
        let (secret, value) = SECRET;
        let mut act = Command::new("timeout");
        act.args(BOUND)
            .args(["push", "--json", "-P", "ubuntu-latest=-self-hosted"])
            .args(["-W", &format!("{FOLDER}/{workflow}.yml")])
            .args(["-s", &format!("{secret}={value}"), "-e"])
            .arg(own.join("event.json"))
            .args(self.replacements.iter().flat_map(|it| ["--local-repository", it]))
            .current_dir(&self.repository)
            .env_clear()
            .env("HOME", own)
            .env("PATH", &self.path)
            .env("ACT_DISABLE_VERSION_CHECK", "1");
        let finished = command::run(&mut act, WITHIN)?;
        fs::write(own.join(LOG), &finished.stdout)?;
        let legs = legs(&finished.stdout)?;
        ensure!(
            !legs.is_empty(),
            "act ran nothing (scripts/install-deps peers has it): {finished}"
        );
        Ok(outcome::lines(legs))
    }

    /// The end of what act said last.
    pub(super) fn last_words(&self) -> Result<String> {
        let log = fs::read_to_string(self.own.path().join(LOG))?;
        let lines: Vec<_> = log.lines().collect();
        Ok(lines[lines.len().saturating_sub(LAST_LINES)..].join("\n"))
    }
}

fn legs(log: &str) -> Result<BTreeMap<String, Vec<Leg>>> {
    let mut legs = BTreeMap::<String, (String, Leg)>::new();
    for line in log.lines() {
        let said: Value =
            serde_json::from_str(line).with_context(|| format!("act said: {line}"))?;
        let (Some(name), Some(job)) = (said["job"].as_str(), said["jobID"].as_str()) else {
            continue;
        };
        let entry = legs.entry(name.trim().to_owned()).or_default();
        entry.0 = job_of(name.trim(), job);
        take(&mut entry.1, &said);
    }
    let mut by_job = BTreeMap::<String, Vec<Leg>>::new();
    for (job, leg) in legs.into_values() {
        by_job.entry(job).or_default().push(leg);
    }
    Ok(by_job)
}

/// `workflow/job-2` is a leg of the job; `caller-2/workflow/job` is in a workflow that `caller` calls.
fn job_of(name: &str, job: &str) -> String {
    let parts: Vec<_> = Path::new(name).iter().filter_map(|part| part.to_str()).collect();
    match parts.as_slice() {
        [.., caller, _, _] => {
            let leg = |end: &str| end.bytes().all(|byte| byte.is_ascii_digit());
            let caller =
                caller.rsplit_once('-').filter(|(_, end)| leg(end)).map_or(*caller, |it| it.0);
            format!("{caller}/{job}")
        }
        _ => job.to_owned(),
    }
}

fn take(leg: &mut Leg, said: &Value) {
    if let Some(conclusion) = said["jobResult"].as_str() {
        conclusion.clone_into(&mut leg.conclusion);
    }
    let path = said["stepID"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let path: Vec<_> = path.collect();
    // A step without an id is called by its number.
    let has_no_id = path.iter().any(|part| part.starts_with(|first: char| first.is_ascii_digit()));
    if said["stage"] != "Main" || path.len() > 1 && has_no_id {
        return;
    }
    let step = path.join("/");
    if let Some(outcome) = said["stepResult"].as_str() {
        leg.ended(&step, outcome);
    }
    if let (Some("set-output"), Some(name), Some(value)) =
        (said["command"].as_str(), said["name"].as_str(), said["arg"].as_str())
    {
        leg.handed_on(&step, name, value);
    }
}
