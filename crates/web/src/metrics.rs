//! `/metrics`, in Prometheus' text format (version 0.0.4).

use std::fmt::{self, Write as _};
use std::time::Duration;

use axum::extract::State;
use axum::http::header::{CONTENT_TYPE, HeaderName};
use control::{Control, Histogram, Metrics, ReleaseMetrics};

use crate::refusal::Answer;

const MEDIA_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";
/// Upper bounds of the latency histogram, in milliseconds.
const BOUNDS_MS: [u64; 15] =
    [1, 2, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000];

pub(crate) async fn show(
    State(control): State<Control>,
) -> Answer<([(HeaderName, &'static str); 1], String)> {
    let text = render(&control.metrics().await?);
    Ok(([(CONTENT_TYPE, MEDIA_TYPE)], text))
}

fn render(metrics: &Metrics) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = write_all(&mut text, metrics);
    text
}

fn write_all(out: &mut String, metrics: &Metrics) -> fmt::Result {
    let gauges = [
        ("solum_apps", "Apps that there are.", metrics.apps),
        ("solum_runs_unfinished", "Runs that have not ended.", metrics.unfinished_runs),
        (
            "solum_deployments_unfinished",
            "Deployments that are under way or queued.",
            metrics.unfinished_deployments,
        ),
        ("solum_instances", "Instances that are not stopped.", metrics.instances),
        ("solum_router_up", "Whether the router answers.", usize::from(metrics.router_running)),
    ];
    for (name, help, value) in gauges {
        heading(out, name, "gauge", help)?;
        writeln!(out, "{name} {value}")?;
    }
    requests(out, &metrics.releases)?;
    errors(out, &metrics.releases)?;
    latencies(out, &metrics.releases)
}

fn heading(out: &mut String, name: &str, kind: &str, help: &str) -> fmt::Result {
    writeln!(out, "# HELP {name} {help}\n# TYPE {name} {kind}")
}

/// Names and release labels have no character that would have to be escaped.
fn labels(release: &ReleaseMetrics) -> String {
    let ReleaseMetrics { app, environment, release, .. } = release;
    format!(r#"app="{app}",environment="{environment}",release="{release}""#)
}

fn requests(out: &mut String, releases: &[ReleaseMetrics]) -> fmt::Result {
    let name = "solum_router_requests_total";
    heading(out, name, "counter", "Requests by the class of their answer.")?;
    for release in releases {
        let requests = &release.requests;
        let classes = [
            ("1xx", requests.informational),
            ("2xx", requests.success),
            ("3xx", requests.redirection),
            ("4xx", requests.client_error),
            ("5xx", requests.server_error),
        ];
        for (class, count) in classes {
            writeln!(out, r#"{name}{{{},class="{class}"}} {count}"#, labels(release))?;
        }
    }
    Ok(())
}

fn errors(out: &mut String, releases: &[ReleaseMetrics]) -> fmt::Result {
    let name = "solum_router_errors_total";
    heading(out, name, "counter", "Requests that went wrong between router and instance.")?;
    for release in releases {
        let errors = &release.errors;
        let kinds = [
            ("refused", errors.refused),
            ("closed", errors.closed),
            ("timed_out", errors.timed_out),
            ("no_instance", errors.no_instance),
            ("broken_off", errors.broken_off),
            ("abandoned", errors.abandoned),
        ];
        for (kind, count) in kinds {
            writeln!(out, r#"{name}{{{},kind="{kind}"}} {count}"#, labels(release))?;
        }
    }
    Ok(())
}

fn latencies(out: &mut String, releases: &[ReleaseMetrics]) -> fmt::Result {
    let name = "solum_router_request_duration_seconds";
    heading(
        out,
        name,
        "histogram",
        "From the end of a request's head to its answer's first byte.",
    )?;
    for release in releases {
        let (labels, latency) = (labels(release), &release.latency);
        for bound in BOUNDS_MS {
            let count = up_to(latency, Duration::from_millis(bound));
            let seconds = Duration::from_millis(bound).as_secs_f64();
            writeln!(out, r#"{name}_bucket{{{labels},le="{seconds}"}} {count}"#)?;
        }
        let count = latency.count();
        let sum = Duration::from_micros(latency.sum_us).as_secs_f64();
        writeln!(out, r#"{name}_bucket{{{labels},le="+Inf"}} {count}"#)?;
        writeln!(out, "{name}_sum{{{labels}}} {sum}\n{name}_count{{{labels}}} {count}")?;
    }
    Ok(())
}

/// The lapses that surely stayed below the bound: a bucket that reaches across it is counted above.
fn up_to(latency: &Histogram, bound: Duration) -> u64 {
    latency.filled().filter(|(end, _)| *end <= bound).map(|(_, count)| count).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metrics(releases: Vec<ReleaseMetrics>) -> Metrics {
        Metrics {
            apps: 3,
            unfinished_runs: 2,
            instances: 1,
            unfinished_deployments: 0,
            releases,
            router_running: true,
        }
    }

    #[test]
    fn the_counts_of_the_server_are_gauges() {
        let text = render(&metrics(Vec::new()));
        assert!(text.starts_with(
            "# HELP solum_apps Apps that there are.\n# TYPE solum_apps gauge\nsolum_apps 3\n"
        ));
        assert!(text.contains("\nsolum_router_up 1\n"), "{text}");
    }

    #[test]
    fn a_release_has_its_counts_and_a_cumulative_histogram() {
        // Below 16 µs each bucket is one microsecond wide.
        let mut buckets = vec![0; 16];
        buckets[3] = 5;
        let release = serde_json::from_value(serde_json::json!({
            "app": "shop", "environment": "dev", "release": "v3",
            "requests": {"informational": 0, "success": 4, "redirection": 0, "client_error": 1, "server_error": 0},
            "errors": {"refused": 0, "closed": 0, "timed_out": 0, "no_instance": 0, "broken_off": 0, "abandoned": 1},
            "latency": {"buckets": buckets, "sum_us": 20},
        }))
        .unwrap();
        let text = render(&metrics(vec![release]));
        let labels = r#"app="shop",environment="dev",release="v3""#;
        for line in [
            format!(r#"solum_router_requests_total{{{labels},class="2xx"}} 4"#),
            format!(r#"solum_router_errors_total{{{labels},kind="abandoned"}} 1"#),
            format!(r#"solum_router_request_duration_seconds_bucket{{{labels},le="0.001"}} 5"#),
            format!(r#"solum_router_request_duration_seconds_bucket{{{labels},le="+Inf"}} 5"#),
            format!("solum_router_request_duration_seconds_sum{{{labels}}} 0.00002"),
            format!("solum_router_request_duration_seconds_count{{{labels}}} 5"),
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
        }
    }
}
