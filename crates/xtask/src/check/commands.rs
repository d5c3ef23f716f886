//! The subcommands that people use know a server by its API only.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use super::report::Report;
use super::workspace::files;

const FOLDERS: [&str; 2] = ["crates/solum/src/cli", "crates/solum/src/commands"];
/// Start parts of the platform, and so have to know them.
const PARTS: [&str; 5] = ["hook.rs", "router.rs", "server.rs", "shim.rs", "static_site.rs"];
const MIDDLE: [&str; 8] =
    ["build", "control", "deploy", "router", "source", "store", "web", "workflow"];

pub(super) fn check(root: &Path, report: &mut Report) -> Result<()> {
    for folder in FOLDERS {
        for file in files(root, folder)? {
            if file.file_name().is_some_and(|name| PARTS.iter().any(|part| name == *part)) {
                continue;
            }
            let text = fs::read_to_string(&file)
                .with_context(|| format!("cannot read {}", file.display()))?;
            let place = file.strip_prefix(root).unwrap_or(&file).display().to_string();
            for (line, name) in imports(&text) {
                let what = format!("a command reaches `{name}` through api::client only");
                report.error(&format!("{place}:{line}"), &what);
            }
        }
    }
    Ok(())
}

/// The crates of the platform that a file imports from, each with its line.
fn imports(text: &str) -> Vec<(usize, &'static str)> {
    let imported = |line: &str| {
        let path = line.trim_start().strip_prefix("use ")?;
        MIDDLE.into_iter().find(|name| {
            path.strip_prefix(name).is_some_and(|rest| rest.starts_with("::") || rest == ";")
        })
    };
    let lines = text.lines().enumerate();
    lines.filter_map(|(index, line)| Some((index + 1, imported(line)?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_crates_of_the_platform_are_seen() {
        let text = "use api::client::Client;\nuse control::Control;\nuse crate::commands::deploy;\n\
                    use build_helper::x;\n    use store::Store;\n";
        assert_eq!(imports(text), [(2, "control"), (5, "store")]);
    }
}
