//! Every Rust file of a crate belongs to one of its targets, and no file is a `mod.rs`.
//!
//! A test file that no test binary declares would never run, and nothing else would say so.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::report::Report;
use super::workspace::{Workspace, files};

/// Folders whose Rust files are data.
const DATA: [&str; 2] = ["fixtures", "golden"];

pub(super) fn check(workspace: &Workspace, report: &mut Report) -> Result<()> {
    for package in &workspace.members {
        let mut declared = BTreeSet::new();
        for target in &package.targets {
            follow(&target.src_path, true, &mut declared)?;
        }
        for file in files(package.folder(), "*.rs")? {
            let place = workspace.place(&file);
            if file.file_name().is_some_and(|name| name == "mod.rs") {
                report.error(&place, "write `foo.rs` beside `foo/`, never `mod.rs`");
            }
            let is_data = file.iter().any(|part| DATA.iter().any(|data| part == *data));
            if !is_data && !declared.contains(&file) {
                report.error(&place, "no target declares this file, so it is never compiled");
            }
        }
    }
    Ok(())
}

/// Adds `file` and every file that it declares, directly or not.
fn follow(file: &Path, is_root: bool, declared: &mut BTreeSet<PathBuf>) -> Result<()> {
    if !file.is_file() || !declared.insert(file.to_owned()) {
        return Ok(());
    }
    let text =
        fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let folder = file.parent().unwrap_or(Path::new("")).to_owned();
    let below = if is_root { folder.clone() } else { file.with_extension("") };
    for module in declarations(&text) {
        match module {
            Module::Named(name) => follow(&below.join(format!("{name}.rs")), false, declared)?,
            Module::At(path) => follow(&folder.join(path), false, declared)?,
        }
    }
    Ok(())
}

#[derive(Debug, PartialEq, Eq)]
enum Module {
    Named(String),
    At(String),
}

/// The modules that a file declares and that are files of their own.
fn declarations(text: &str) -> Vec<Module> {
    let mut found = Vec::new();
    let mut path = None;
    for line in text.lines().map(str::trim) {
        if let Some(rest) = line.strip_prefix("#[path = \"") {
            path = rest.split('"').next().map(str::to_owned);
        } else if let Some(name) = declared(line) {
            found.push(path.take().map_or_else(|| Module::Named(name.to_owned()), Module::At));
        } else if !line.starts_with("#[") && !line.starts_with("//") {
            path = None;
        }
    }
    found
}

fn declared(line: &str) -> Option<&str> {
    let line = match line.strip_prefix("pub") {
        Some(rest) if rest.starts_with('(') => rest.split_once(')')?.1.trim_start(),
        Some(rest) => rest.trim_start(),
        None => line,
    };
    line.strip_prefix("mod ")?.split_once(';').map(|(name, _)| name.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_with_files_are_told_from_inline_ones() {
        let text = "mod a;\npub mod b;\npub(crate) mod c; // why\n#[path = \"x/y.rs\"]\nmod d;\n\
                    #[cfg(test)]\nmod tests {\n    fn modest() {}\n}\n// mod e;\n";
        let named = |name: &str| Module::Named(name.to_owned());
        let expected = [named("a"), named("b"), named("c"), Module::At("x/y.rs".to_owned())];
        assert_eq!(declarations(text), expected);
    }

    #[test]
    fn files_are_followed_from_the_root_of_a_target() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path();
        fs::create_dir_all(root.join("apps")).unwrap();
        for (name, text) in
            [("main.rs", "mod apps;\n"), ("apps.rs", "mod create;\n"), ("apps/create.rs", "")]
        {
            fs::write(root.join(name), text).unwrap();
        }
        fs::write(root.join("forgotten.rs"), "").unwrap();
        let mut declared = BTreeSet::new();
        follow(&root.join("main.rs"), true, &mut declared).unwrap();
        let expected = ["apps.rs", "apps/create.rs", "main.rs"].map(|name| root.join(name));
        assert_eq!(declared, expected.into());
    }
}
