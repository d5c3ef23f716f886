//! Links in Markdown files lead to files that exist.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use super::report::Report;
use super::workspace::files;

pub(super) fn check(root: &Path, report: &mut Report) -> Result<()> {
    for file in files(root, "*.md")? {
        let text =
            fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
        let folder = file.parent().unwrap_or(root);
        let place = file.strip_prefix(root).unwrap_or(&file).display().to_string();
        for (line, target) in targets(&text) {
            if !leads_somewhere(folder, target) {
                report.error(&format!("{place}:{line}"), &format!("{target} does not exist"));
            }
        }
    }
    Ok(())
}

fn leads_somewhere(folder: &Path, target: &str) -> bool {
    let path = target.split('#').next().unwrap_or_default();
    let elsewhere = target.contains("://") || target.starts_with("mailto:");
    elsewhere || path.is_empty() || folder.join(path).exists()
}

/// What is linked, with its line; code is not read.
fn targets(text: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let mut in_code = false;
    for (index, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
        }
        if in_code {
            continue;
        }
        // Every second part stands between backticks.
        for part in line.split('`').step_by(2) {
            let links = part.split("](").skip(1).filter_map(|rest| rest.split(')').next());
            found.extend(links.map(|target| (index + 1, target)));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_found_outside_code() {
        let text = "See [a](a.md) and [b](b.md#c).\n```\n[x](y)\n```\nNot `[x](y)`, but [d](d).\n";
        assert_eq!(targets(text), [(1, "a.md"), (1, "b.md#c"), (5, "d")]);
    }

    #[test]
    fn only_what_should_be_here_has_to_be_here() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("here.md"), "").unwrap();
        for good in ["here.md", "here.md#part", "#part", "https://example.org/x"] {
            assert!(leads_somewhere(directory.path(), good), "{good}");
        }
        assert!(!leads_somewhere(directory.path(), "gone.md"));
    }
}
