//! How long a file may be, how deep a folder, and that every crate takes the workspace's lints.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use super::report::Report;
use super::workspace::{Workspace, files};

const LONG: usize = 400;
const TOO_LONG: usize = 600;
/// Folders below `src` or `tests`.
const DEEPEST: usize = 3;

pub(super) fn check(workspace: &Workspace, report: &mut Report) -> Result<()> {
    for package in &workspace.members {
        let manifest = read(&package.manifest_path)?;
        if !takes_lints(&manifest) {
            let place = workspace.place(&package.manifest_path);
            report.error(&place, "takes no lints: write `[lints]` and `workspace = true`");
        }
        for file in files(package.folder(), "*.rs")? {
            let place = workspace.place(&file);
            let inside = file.strip_prefix(package.folder()).unwrap_or(&file);
            if folders(inside) > DEEPEST {
                report.error(&place, &format!("more than {DEEPEST} folders deep"));
            }
            if is_test(inside) {
                continue;
            }
            let lines = production_lines(&read(&file)?);
            if lines > TOO_LONG {
                report.error(&place, &format!("{lines} lines: split it by what it does"));
            } else if lines > LONG {
                report.warning(&place, &format!("{lines} lines: more than {LONG}"));
            }
        }
    }
    Ok(())
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

fn takes_lints(manifest: &str) -> bool {
    let table: Option<toml::Table> = manifest.parse().ok();
    let lints = table.as_ref().and_then(|table| table.get("lints")?.get("workspace"));
    lints.and_then(toml::Value::as_bool) == Some(true)
}

/// The folders between `src` (or `tests`, …) and the file.
fn folders(inside: &Path) -> usize {
    inside.components().count().saturating_sub(2)
}

fn is_test(inside: &Path) -> bool {
    inside.file_stem().is_some_and(|stem| stem == "tests")
        || inside.iter().any(|part| part == "tests")
}

/// Lines before the tests that stand at the end of a file.
fn production_lines(text: &str) -> usize {
    let lines: Vec<_> = text.lines().collect();
    let tests = lines
        .windows(2)
        .position(|pair| pair[0].starts_with("#[cfg(test)]") && pair[1].starts_with("mod "));
    tests.unwrap_or(lines.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_at_the_end_do_not_count() {
        assert_eq!(production_lines("fn a() {}\n\n#[cfg(test)]\nmod tests {\n}\n"), 2);
        assert_eq!(production_lines("fn a() {}\n#[cfg(test)]\nfn only_for_tests() {}\n"), 3);
    }

    #[test]
    fn depth_counts_from_the_source_folder() {
        assert_eq!(folders(Path::new("src/main.rs")), 0);
        assert_eq!(folders(Path::new("src/api/apps.rs")), 1);
        assert_eq!(folders(Path::new("src/a/b/c/d.rs")), 3);
    }

    #[test]
    fn test_files_may_be_long() {
        assert!(is_test(Path::new("tests/apps.rs")));
        assert!(is_test(Path::new("src/load/tests.rs")));
        assert!(!is_test(Path::new("src/load.rs")));
    }

    #[test]
    fn a_crate_without_the_lints_of_the_workspace_is_seen() {
        assert!(takes_lints("[lints]\nworkspace = true\n"));
        assert!(!takes_lints("[lints.rust]\nunsafe_code = \"allow\"\n"));
        assert!(!takes_lints("[package]\nname = \"x\"\n"));
    }
}
