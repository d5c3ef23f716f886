//! `permissions`: those of GITHUB_TOKEN. There is none here, so that they change nothing; their words are checked.

use document::{Node, Value, suggestion};

use super::page::Page;

const SCOPES: [&str; 20] = [
    "actions",
    "artifact-metadata",
    "attestations",
    "checks",
    "code-quality",
    "contents",
    "copilot-requests",
    "deployments",
    "discussions",
    "drives",
    "id-token",
    "issues",
    "models",
    "packages",
    "pages",
    "pull-requests",
    "repository-projects",
    "security-events",
    "statuses",
    "vulnerability-alerts",
];

pub(super) fn check(page: Page<'_>, node: &Node) {
    if !matches!(node.value, Value::Map(_)) {
        let is_known = matches!(node.text(), Some("read-all" | "write-all"));
        if !is_known {
            page.mistake(node.at, "'permissions' is 'read-all', 'write-all' or a mapping");
        }
        return;
    }
    for entry in page.entries(node).unwrap_or_default() {
        let (key, value) = (entry.key.as_str(), entry.node.text());
        if !SCOPES.contains(&key) {
            page.mistake(
                entry.at,
                format!("there is no permission '{key}'{}", suggestion(key, SCOPES)),
            );
        } else if !matches!(value, Some("read" | "write" | "none")) {
            page.mistake(entry.node.at, "a permission is 'read', 'write' or 'none'");
        }
    }
}
