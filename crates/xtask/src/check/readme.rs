//! A block of code in README.md that says it is tested is tested.
//!
//! `<!-- tested: NAME -->` before a block promises that a test runs it; that test reads it by
//! `readme_block("NAME")`. Either without the other is an error.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use super::report::Report;
use super::workspace::files;

const CALL: &str = "readme_block(\"";

pub(super) fn check(root: &Path, report: &mut Report) -> Result<()> {
    let readme = fs::read_to_string(root.join("README.md")).context("cannot read README.md")?;
    let promised = promised(&readme);
    let mut run = BTreeSet::new();
    for file in files(root, "crates/*/tests/*.rs")? {
        let text =
            fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
        run.extend(run_blocks(&text).map(str::to_owned));
    }
    for name in promised.iter().filter(|name| !run.contains(**name)) {
        report.error("README.md", &format!("no test calls readme_block(\"{name}\")"));
    }
    for name in run.iter().filter(|name| !promised.contains(name.as_str())) {
        report.error("README.md", &format!("there is no block `{name}`, which a test runs"));
    }
    Ok(())
}

fn promised(readme: &str) -> BTreeSet<&str> {
    let lines = readme.lines().filter_map(|line| line.trim().strip_prefix("<!-- tested: "));
    lines.filter_map(|rest| rest.strip_suffix(" -->")).collect()
}

fn run_blocks(text: &str) -> impl Iterator<Item = &str> {
    text.split(CALL).skip(1).filter_map(|rest| rest.split('"').next())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn promises_and_tests_are_found() {
        let readme = "# T\n\n<!-- tested: first-app -->\n```sh\nls\n```\n<!-- a remark -->\n";
        assert_eq!(promised(readme), ["first-app"].into());
        let test = format!("let block = testkit::{CALL}first-app\");");
        assert_eq!(run_blocks(&test).collect::<Vec<_>>(), ["first-app"]);
    }
}
