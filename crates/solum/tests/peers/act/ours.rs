//! What Solum makes of the workflows: pushed to a server, and asked for with `solum run show`.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use testkit::{Repository, Server};

use super::SECRET;
use super::outcome::{self, Leg, Lines};

const APP: &str = "compared";

/// By the names of the workflows.
type Outcomes = BTreeMap<String, Lines>;

/// Pushes the commit, and waits for all that it starts.
pub(super) fn push(server: &Server, repository: &Repository) -> Result<Outcomes> {
    repository.create_app(APP)?;
    let (name, value) = SECRET;
    let path = format!("/api/v1/secrets/{name}?app={APP}");
    let set = server.api("PUT", &path, Some(&json!({ "value": value })))?;
    ensure!(set.status == 200, "{}: {}", set.status, set.text());

    // It is refused when one of the workflows fails, and has waited for all of them.
    let push = repository.push()?;
    let runs = server.solum_json(&["run", "list", "--json"])?;
    let mut outcomes = Outcomes::new();
    for run in list(&runs) {
        let shown = server.solum_json(&["run", "show", text(&run["id"])?, "--json"])?;
        let status = text(&shown["status"])?;
        ensure!(matches!(status, "succeeded" | "failed"), "a run {status}: {shown}");
        let earlier = outcomes.insert(text(&run["workflow"])?.to_owned(), lines(&shown)?);
        ensure!(earlier.is_none(), "two runs of {}", run["workflow"]);
    }
    ensure!(!outcomes.is_empty(), "nothing was started: {}", push.output());
    Ok(outcomes)
}

fn lines(run: &Value) -> Result<Lines> {
    let paths = list(&run["jobs"]).map(|job| text(&job["name"]));
    let paths: Vec<_> = paths.collect::<Result<_>>()?;
    let calls = |path: &str| paths.iter().any(|other| other.starts_with(&format!("{path}/")));
    let mut legs = BTreeMap::<String, Vec<Leg>>::new();
    for job in list(&run["jobs"]) {
        let path = text(&job["name"])?;
        // act shows the jobs of a called workflow, and not the one that calls it.
        if !calls(path) {
            legs.entry(job_of(path)).or_default().push(leg(job)?);
        }
    }
    Ok(outcome::lines(legs))
}

/// `legs.1/say` is `legs/say`, and of `one/inner/say` act says `inner/say`.
fn job_of(path: &str) -> String {
    let parts = path.split('/').map(|part| part.split('.').next().unwrap_or(part));
    let parts: Vec<_> = parts.collect();
    parts[parts.len().saturating_sub(2)..].join("/")
}

fn leg(job: &Value) -> Result<Leg> {
    let mut leg = Leg::default();
    text(&job["conclusion"])?.clone_into(&mut leg.conclusion);
    let mut number = 0;
    for step in list(&job["steps"]) {
        let (name, uses) = (text(&step["name"])?, text(&step["uses"])?);
        // `three:post` is the part of an action that runs afterwards, and `__run_2` has no id.
        let is_in_action = name.contains('/');
        let has_no_id = name.split('/').any(|part| part.starts_with("__"));
        if name.contains(':') || is_in_action && has_no_id {
            continue;
        }
        let own = if has_no_id { number.to_string() } else { name.to_owned() };
        number += usize::from(!is_in_action);
        let name = own.as_str();
        leg.ended(name, text(&step["conclusion"])?);
        // act's checkout hands on nothing.
        let outputs = step["outputs"].as_object().filter(|_| !uses.starts_with("actions/"));
        for (output, value) in outputs.into_iter().flatten() {
            leg.handed_on(name, output, text(value)?);
        }
    }
    Ok(leg)
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text(value: &Value) -> Result<&str> {
    value.as_str().with_context(|| format!("{value} is no text"))
}
