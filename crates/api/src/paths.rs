//! Where things are. The constants are for the server's routes (`{name}` stands for a segment); the functions fill
//! them in.

use types::{AppName, EnvironmentName, RunId, SettingName, TokenId, UploadId};

use crate::ReleaseVersion;

pub const OPENAPI: &str = "/api/v1/openapi.json";
pub const WHOAMI: &str = "/api/v1/whoami";
pub const APPS: &str = "/api/v1/apps";
pub const APP: &str = "/api/v1/apps/{app}";
pub const RELEASES: &str = "/api/v1/apps/{app}/releases";
pub const RELEASE: &str = "/api/v1/apps/{app}/releases/{version}";
pub const ENVIRONMENTS: &str = "/api/v1/apps/{app}/environments";
pub const ENVIRONMENT: &str = "/api/v1/apps/{app}/environments/{environment}";
pub const CONFIG: &str = "/api/v1/apps/{app}/environments/{environment}/config";
pub const DEPLOYMENTS: &str = "/api/v1/apps/{app}/environments/{environment}/deployments";
pub const ROLLBACK: &str = "/api/v1/apps/{app}/environments/{environment}/rollback";
pub const PROMOTIONS: &str = "/api/v1/apps/{app}/promotions";
pub const SCALE: &str = "/api/v1/apps/{app}/environments/{environment}/scale";
pub const EXEC: &str = "/api/v1/apps/{app}/environments/{environment}/exec";
pub const UPLOADS: &str = "/api/v1/apps/{app}/uploads";
pub const UPLOAD: &str = "/api/v1/apps/{app}/uploads/{upload}";
pub const WORKFLOWS: &str = "/api/v1/apps/{app}/workflows";
pub const WORKFLOW_DISPATCHES: &str = "/api/v1/apps/{app}/workflows/{file}/dispatches";
pub const DISPATCHES: &str = "/api/v1/apps/{app}/dispatches";
pub const INSTANCES: &str = "/api/v1/apps/{app}/instances";
pub const LOGS: &str = "/api/v1/apps/{app}/logs";
pub const RUNS: &str = "/api/v1/runs";
pub const RUN: &str = "/api/v1/runs/{run}";
pub const RUN_LOG: &str = "/api/v1/runs/{run}/log";
pub const RUN_WATCH: &str = "/api/v1/runs/{run}/watch";
pub const RUN_CANCEL: &str = "/api/v1/runs/{run}/cancel";
pub const STEP_LOG: &str = "/api/v1/runs/{run}/jobs/{job}/steps/{step}/log";
pub const RUN_RETRIES: &str = "/api/v1/runs/{run}/retries";
pub const RUN_APPROVALS: &str = "/api/v1/runs/{run}/approvals";
pub const RUN_ARTIFACTS: &str = "/api/v1/runs/{run}/artifacts";
pub const RUN_ARTIFACT: &str = "/api/v1/runs/{run}/artifacts/{name}";
pub const TOKENS: &str = "/api/v1/tokens";
pub const TOKEN: &str = "/api/v1/tokens/{token}";
pub const SECRETS: &str = "/api/v1/secrets";
pub const SECRET: &str = "/api/v1/secrets/{name}";
pub const VARIABLES: &str = "/api/v1/variables";
pub const VARIABLE: &str = "/api/v1/variables/{name}";
pub const EVENTS: &str = "/api/v1/events";
pub const WORKFLOW_CHECKS: &str = "/api/v1/workflow-checks";
pub const WORKFLOW_PLANS: &str = "/api/v1/workflow-plans";
pub const WORKFLOW_SIMULATIONS: &str = "/api/v1/workflow-simulations";
pub const BUILT_IN_WORKFLOW: &str = "/api/v1/workflows/built-in/{workflow}";

/// Outside the versioned API.
pub const HEALTHZ: &str = "/healthz";
pub const READYZ: &str = "/readyz";
pub const METRICS: &str = "/metrics";

/// Text as one segment of a path, or one value of a query: all but the unreserved characters are encoded (RFC 3986, section
/// 2.1).
pub(crate) fn segment(text: &str) -> String {
    let mut segment = String::new();
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                segment.push(char::from(byte));
            }
            _ => segment.push_str(&format!("%{byte:02X}")),
        }
    }
    segment
}

#[must_use]
pub fn app(app: &AppName) -> String {
    format!("/api/v1/apps/{app}")
}

#[must_use]
pub fn releases(app: &AppName) -> String {
    format!("/api/v1/apps/{app}/releases")
}

#[must_use]
pub fn release(app: &AppName, version: ReleaseVersion) -> String {
    format!("/api/v1/apps/{app}/releases/{version}")
}

#[must_use]
pub fn environments(app: &AppName) -> String {
    format!("/api/v1/apps/{app}/environments")
}

#[must_use]
pub fn environment(app: &AppName, environment: &EnvironmentName) -> String {
    format!("/api/v1/apps/{app}/environments/{environment}")
}

#[must_use]
pub fn config(app: &AppName, environment: &EnvironmentName) -> String {
    format!("/api/v1/apps/{app}/environments/{environment}/config")
}

#[must_use]
pub fn deployments(app: &AppName, environment: &EnvironmentName) -> String {
    format!("/api/v1/apps/{app}/environments/{environment}/deployments")
}

#[must_use]
pub fn rollback(app: &AppName, environment: &EnvironmentName) -> String {
    format!("/api/v1/apps/{app}/environments/{environment}/rollback")
}

#[must_use]
pub fn promotions(app: &AppName) -> String {
    format!("/api/v1/apps/{app}/promotions")
}

#[must_use]
pub fn scale(app: &AppName, environment: &EnvironmentName) -> String {
    format!("/api/v1/apps/{app}/environments/{environment}/scale")
}

#[must_use]
pub fn exec(app: &AppName, environment: &EnvironmentName) -> String {
    format!("/api/v1/apps/{app}/environments/{environment}/exec")
}

#[must_use]
pub fn uploads(app: &AppName) -> String {
    format!("/api/v1/apps/{app}/uploads")
}

#[must_use]
pub fn upload(app: &AppName, upload: UploadId) -> String {
    format!("/api/v1/apps/{app}/uploads/{upload}")
}

#[must_use]
pub fn workflows(app: &AppName) -> String {
    format!("/api/v1/apps/{app}/workflows")
}

/// `file` is a name of a file, without folders.
#[must_use]
pub fn workflow_dispatches(app: &AppName, file: &str) -> String {
    format!("/api/v1/apps/{app}/workflows/{}/dispatches", segment(file))
}

#[must_use]
pub fn instances(app: &AppName) -> String {
    format!("/api/v1/apps/{app}/instances")
}

#[must_use]
pub fn logs(app: &AppName) -> String {
    format!("/api/v1/apps/{app}/logs")
}

#[must_use]
pub fn run(run: RunId) -> String {
    format!("/api/v1/runs/{run}")
}

#[must_use]
pub fn run_log(run: RunId) -> String {
    format!("/api/v1/runs/{run}/log")
}

#[must_use]
pub fn run_watch(run: RunId) -> String {
    format!("/api/v1/runs/{run}/watch")
}

#[must_use]
pub fn run_artifacts(run: RunId) -> String {
    format!("/api/v1/runs/{run}/artifacts")
}

#[must_use]
pub fn run_artifact(run: RunId, name: &str) -> String {
    format!("{}/{}", run_artifacts(run), segment(name))
}

#[must_use]
pub fn run_cancel(run: RunId) -> String {
    format!("/api/v1/runs/{run}/cancel")
}

/// The paths of jobs and steps have slashes in them.
#[must_use]
pub fn step_log(run: RunId, job: &str, step: &str) -> String {
    let (job, step) = (segment(job), segment(step));
    format!("/api/v1/runs/{run}/jobs/{job}/steps/{step}/log")
}

#[must_use]
pub fn run_retries(run: RunId) -> String {
    format!("/api/v1/runs/{run}/retries")
}

#[must_use]
pub fn run_approvals(run: RunId) -> String {
    format!("/api/v1/runs/{run}/approvals")
}

#[must_use]
pub fn token(token: TokenId) -> String {
    format!("/api/v1/tokens/{token}")
}

#[must_use]
pub fn built_in_workflow(name: &str) -> String {
    format!("/api/v1/workflows/built-in/{}", segment(name))
}

#[must_use]
pub fn secret(name: &SettingName) -> String {
    format!("/api/v1/secrets/{name}")
}

#[must_use]
pub fn variable(name: &SettingName) -> String {
    format!("/api/v1/variables/{name}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_one_segment_whatever_it_is_called() {
        let app: AppName = "shop".parse().unwrap();
        assert_eq!(
            workflow_dispatches(&app, "a b/c?.yml"),
            "/api/v1/apps/shop/workflows/a%20b%2Fc%3F.yml/dispatches"
        );
    }

    #[test]
    fn the_paths_of_jobs_and_steps_are_one_segment_each() {
        let run: RunId = "run_01h2xcejqtf2nbrexx3vqjhp41".parse().unwrap();
        assert_eq!(
            step_log(run, "ship/prod.1", "setup/install: ü"),
            "/api/v1/runs/run_01h2xcejqtf2nbrexx3vqjhp41/jobs/ship%2Fprod.1/steps/setup%2Finstall%3A%20%C3%BC/log"
        );
    }
}
