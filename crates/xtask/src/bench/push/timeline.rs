//! What the server says about one push: when each line of the transcript came, and how long each
//! step of the run took by the server's own clock.

use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::Value;
use testkit::Server;

use super::super::{median, milliseconds};

#[derive(Debug, Default)]
pub(super) struct Timeline {
    /// Headings of the transcript, by the time since the push began.
    lines: Vec<(String, Duration)>,
    /// Steps of the run, by how long they took.
    steps: Vec<(String, Duration)>,
}

impl Timeline {
    pub(super) fn line(&mut self, since: Duration, line: &str) {
        let Some(text) = line.strip_prefix("remote: ") else { return };
        if text.starts_with("----->") || text.starts_with("=====>") {
            self.lines.push((text.trim_end().to_owned(), since));
        }
    }

    /// Adds the steps of the app's newest run, and the states of its newest deployment.
    pub(super) fn ask(&mut self, server: &Server, app: &str) -> Result<()> {
        let runs = server.solum_json(&["run", "list", app, "--json"])?;
        let id = runs.pointer("/0/id").and_then(Value::as_str).context("the app has no run")?;
        let run = server.solum_json(&["run", "show", id, "--json"])?;
        for job in list(&run, "jobs") {
            for step in list(job, "steps") {
                if let (Some(name), Some(took)) = (text(step, "name"), lasted(step)) {
                    let job = text(job, "name").unwrap_or_default();
                    self.steps.push((format!("{job}: {name}"), took));
                }
            }
        }
        let environment = server.solum_json(&["env", "show", app, "--json"])?;
        let deployment = environment.pointer("/deployments/0").context("nothing was deployed")?;
        self.steps.extend(states(deployment));
        Ok(())
    }
}

/// From a deployment's entry into each of its states to the next one.
fn states(deployment: &Value) -> Vec<(String, Duration)> {
    let entered = list(deployment, "phases");
    let pairs = entered.iter().zip(entered.iter().skip(1));
    let lengths = pairs.filter_map(|(state, next)| {
        let length = lapse(state, "entered_at", next, "entered_at")?;
        Some((format!("  of that, {}", text(state, "state")?), length))
    });
    lengths.collect()
}

pub(super) fn print<'a>(timelines: impl Iterator<Item = &'a Timeline>) {
    let all: Vec<_> = timelines.collect();
    let lines: Vec<_> = all.iter().map(|timeline| timeline.lines.as_slice()).collect();
    let steps: Vec<_> = all.iter().map(|timeline| timeline.steps.as_slice()).collect();
    for (name, at) in medians(&lines) {
        println!("  after {:>6.0} ms  {name}", milliseconds(at));
    }
    println!();
    for (name, took) in medians(&steps) {
        println!("  took  {:>6.0} ms  {name}", milliseconds(took));
    }
}

/// By place in the list: the same line may differ by a number from push to push.
fn medians(lists: &[&[(String, Duration)]]) -> Vec<(String, Duration)> {
    let Some(last) = lists.last() else { return Vec::new() };
    let named = last.iter().enumerate().map(|(place, (name, _))| {
        let all: Vec<_> = lists.iter().filter_map(|list| list.get(place)).collect();
        let all: Vec<_> = all.iter().map(|(_, duration)| *duration).collect();
        (name.clone(), median(&all))
    });
    named.collect()
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn text<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    value.get(key)?.as_str()
}

fn lasted(step: &Value) -> Option<Duration> {
    lapse(step, "started_at", step, "finished_at")
}

fn lapse(from: &Value, start: &str, to: &Value, end: &str) -> Option<Duration> {
    let start = text(from, start)?.parse::<jiff::Timestamp>().ok()?;
    let end = text(to, end)?.parse::<jiff::Timestamp>().ok()?;
    end.duration_since(start).try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_headings_are_kept() {
        let mut timeline = Timeline::default();
        for line in ["remote: -----> Building", "remote:        $ make", "To http://x"] {
            timeline.line(Duration::from_millis(7), line);
        }
        assert_eq!(timeline.lines, [("-----> Building".to_owned(), Duration::from_millis(7))]);
    }

    #[test]
    fn a_step_that_has_not_ended_has_no_length() {
        let ended = serde_json::json!({
            "started_at": "2026-01-01T00:00:00Z", "finished_at": "2026-01-01T00:00:00.25Z"
        });
        assert_eq!(lasted(&ended), Some(Duration::from_millis(250)));
        assert_eq!(lasted(&serde_json::json!({ "started_at": "2026-01-01T00:00:00Z" })), None);
    }

    #[test]
    fn a_state_lasts_until_the_next_one() {
        let deployment = serde_json::json!({ "phases": [
            { "state": "starting", "entered_at": "2026-01-01T00:00:00Z" },
            { "state": "switching", "entered_at": "2026-01-01T00:00:00.12Z" },
        ]});
        let expected = ("  of that, starting".to_owned(), Duration::from_millis(120));
        assert_eq!(states(&deployment), [expected]);
    }
}
