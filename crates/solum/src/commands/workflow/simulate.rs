use std::path::{Path, PathBuf};
use std::time::Duration;

use api::client::Client;
use api::workflow_simulations::{Rehearsal, SimulateWorkflow, WorkflowSimulation};
use clap::Args;
use serde::Serialize;

use super::check::line;
use crate::cli::arguments::JsonOption;
use crate::cli::failure::Failure;
use crate::cli::session::Session;
use crate::cli::tree::Tree;
use crate::cli::{Outcome, output};

#[derive(Debug, Args)]
pub(crate) struct Simulate {
    /// Scenarios
    #[arg(value_name = "FILE", required = true)]
    scenarios: Vec<PathBuf>,
    /// The workflow, instead of the one that a scenario names
    #[arg(long, value_name = "FILE")]
    workflow: Option<PathBuf>,
    /// Print all that happens
    #[arg(long, conflicts_with = "json")]
    story: bool,
    #[command(flatten)]
    json: JsonOption,
}

#[derive(Debug, Serialize)]
struct Played {
    scenario: String,
    #[serde(flatten)]
    simulation: WorkflowSimulation,
}

impl Simulate {
    pub(crate) fn run(self, session: &Session) -> Outcome {
        let tree = Tree::here()?;
        let workflow = self.workflow.as_deref().map(|path| tree.path_of(path)).transpose()?;
        let client = session.client()?;
        let mut played = Vec::new();
        for path in &self.scenarios {
            played.push(play(&tree, &client, path, workflow.as_deref())?);
        }
        if self.json.json {
            output::print_json(&played)?;
        } else {
            for played in &played {
                self.tell(played)?;
            }
        }
        let failed = played.iter().filter(|played| !holds(&played.simulation)).count();
        let all = played.len();
        match (failed, all) {
            (0, _) => Ok(()),
            (_, 1) => Err(Failure::failed("the scenario does not hold")),
            _ => Err(Failure::failed(format!("{failed} of {all} scenarios do not hold"))),
        }
    }

    /// What does not hold is data; that something does is talk.
    fn tell(&self, Played { scenario, simulation }: &Played) -> Outcome {
        for mistake in &simulation.mistakes {
            output::print(&line(mistake))?;
        }
        let Some(rehearsal) = &simulation.rehearsal else { return Ok(()) };
        if self.story {
            output::print(&rehearsal.story.join("\n"))?;
        }
        match &rehearsal.broken {
            None => output::say(&format!("{scenario}: {}", held(rehearsal))),
            Some(broken) => {
                output::print(&format!("{scenario}:{}: {}", broken.line, broken.message))?;
                if !self.story {
                    output::print(&broken.last.join("\n"))?;
                }
            }
        }
        Ok(())
    }
}

fn play(
    tree: &Tree,
    client: &Client,
    path: &Path,
    workflow: Option<&str>,
) -> Result<Played, Failure> {
    let scenario = tree.path_of(path)?;
    let first: Vec<&str> = std::iter::once(scenario.as_str()).chain(workflow).collect();
    let simulation = tree.ask(&first, |files| {
        let ask = SimulateWorkflow {
            scenario: scenario.clone(),
            workflow: workflow.map(str::to_owned),
            files: files.clone(),
        };
        let simulation = client.simulate_workflow(&ask)?;
        Ok((simulation.wanted.clone(), simulation))
    })?;
    Ok(Played { scenario, simulation })
}

fn holds(simulation: &WorkflowSimulation) -> bool {
    let played = simulation.rehearsal.as_ref();
    simulation.mistakes.is_empty() && played.is_some_and(|played| played.broken.is_none())
}

fn held(rehearsal: &Rehearsal) -> String {
    let expectations = match rehearsal.held {
        1 => "one expectation holds".to_owned(),
        held => format!("{held} expectations hold"),
    };
    format!("{expectations}, in {}", virtual_time(Duration::from_millis(rehearsal.elapsed_ms)))
}

/// `3d2h` of virtual time: its two largest units.
fn virtual_time(time: Duration) -> String {
    let mut rest = time.as_secs();
    let mut parts = Vec::new();
    for (unit, seconds) in [("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)] {
        if rest >= seconds {
            parts.push(format!("{}{unit}", rest / seconds));
            rest %= seconds;
        }
    }
    parts.truncate(2);
    if parts.is_empty() {
        "no time".to_owned()
    } else {
        format!("{} of virtual time", parts.concat())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn virtual_time_is_told_roughly() {
        for (seconds, text) in [
            (0, "no time"),
            (20, "20s of virtual time"),
            (7_530, "2h5m of virtual time"),
            (266_400, "3d2h of virtual time"),
        ] {
            assert_eq!(virtual_time(Duration::from_secs(seconds)), text);
        }
    }
}
