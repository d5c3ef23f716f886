//! Everything that the end of a run consists of, without what differs from run to run.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use testkit::Server;

/// Of these outputs only that they are there counts.
const OF_ITS_OWN: [&str; 4] = ["artifact", "artifact-digest", "deployment", "release"];
/// Where these may have acted and nobody knows, they are not tried again: they say so, and leave other outputs.
const ONCE: [&str; 2] = ["solum/http", "solum/notify"];

#[derive(Debug, PartialEq, Eq)]
pub(super) struct End {
    pub(super) status: String,
    /// How each job and step ended, with why it failed, and what it handed on.
    parts: BTreeMap<String, (String, BTreeMap<String, String>)>,
    /// How many steps were carried out, or begun.
    pub(super) steps: u32,
    /// How often each `noted` line is in the run's transcript.
    pub(super) noted: BTreeMap<String, usize>,
}

impl End {
    pub(super) fn of(server: &Server, run: &str, mark: &str) -> Result<Self> {
        let shown = server.solum_json(&["run", "show", run, "--json"])?;
        let commit = text(&shown["commit"]);
        let plain = |value: &str| {
            let value = value.replace(&commit, "COMMIT").replace(run, "RUN");
            value.replace(mark, "MARK")
        };
        let (mut parts, mut steps) = (BTreeMap::new(), 0);
        for job in shown["jobs"].as_array().context("a run has jobs")? {
            let name = text(&job["name"]);
            parts.insert(name.clone(), (text(&job["conclusion"]), outputs(job, plain)));
            for step in job["steps"].as_array().context("a job has steps")? {
                steps += u32::from(step["attempt"] != 0);
                let path = format!("{name}/{}", text(&step["name"]));
                let failure = text(&step["failure"]["message"]);
                let unknown = is_once(step) && failure.starts_with("the server ended while ");
                let how = match unknown {
                    true => "success ".to_owned(),
                    false => format!("{} {failure}", text(&step["conclusion"])),
                };
                parts.insert(path, (how, outputs(step, plain)));
            }
        }
        let status = text(&shown["status"]);
        Ok(Self { status, parts, steps, noted: noted(server, run)? })
    }
}

fn outputs(part: &Value, plain: impl Fn(&str) -> String) -> BTreeMap<String, String> {
    let outputs = part["outputs"].as_object().into_iter().flatten().filter(|_| !is_once(part));
    let shown = |(name, value): (&String, &Value)| {
        let value = match OF_ITS_OWN.contains(&name.as_str()) {
            true => "…".to_owned(),
            false => plain(&text(value)),
        };
        (name.clone(), value)
    };
    outputs.map(shown).collect()
}

fn is_once(part: &Value) -> bool {
    ONCE.contains(&text(&part["uses"]).as_str())
}

fn noted(server: &Server, run: &str) -> Result<BTreeMap<String, usize>> {
    let log = server.api("GET", &format!("/api/v1/runs/{run}/log"), None)?;
    ensure!(log.status == 200, "{}: {}", log.status, log.text());
    let mut counts = BTreeMap::new();
    for line in log.text().lines() {
        if let Some(what) = line.trim().strip_prefix("noted ").filter(|what| !what.contains(' ')) {
            *counts.entry(what.to_owned()).or_default() += 1;
        }
    }
    Ok(counts)
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
