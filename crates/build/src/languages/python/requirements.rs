//! What pip is to install: requirements files and the lists of `pyproject.toml`.

use std::collections::BTreeSet;

use toml::{Table, Value};

use crate::languages::quoted;
use crate::plan::PlanError;
use crate::source::Source;

/// A requirements file with all that it includes.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Requirements {
    /// The file and those that it includes.
    pub(super) files: Vec<String>,
    /// Normalised names of what it asks for.
    pub(super) names: Vec<String>,
    /// It installs something out of the repository.
    pub(super) from_tree: bool,
}

impl Requirements {
    pub(super) fn read(source: &Source, file: &str) -> Result<Self, PlanError> {
        let mut requirements = Self::default();
        let mut seen = BTreeSet::new();
        let mut waiting = vec![file.to_owned()];
        while let Some(file) = waiting.pop() {
            if !seen.insert(file.clone()) || seen.len() > 100 {
                continue;
            }
            let Some(text) = source.declaration(&file)? else { continue };
            let folder = file.rsplit_once('/').map_or("", |(folder, _)| folder);
            for line in text.replace("\\\n", " ").lines() {
                let line = line.split(" #").next().unwrap_or_default().trim();
                if line.is_empty() || line.starts_with('#') {
                    continue;
                }
                match included(line) {
                    Some(path) => waiting.push(join(folder, path)),
                    None => requirements.take(source, line),
                }
            }
            requirements.files.push(file);
        }
        requirements.files.sort();
        Ok(requirements)
    }

    fn take(&mut self, source: &Source, line: &str) {
        let first = line.split([' ', ';', '=']).next().unwrap_or_default();
        let is_path = line.starts_with(['.', '/'])
            || line.contains("file:")
            || matches!(first, "-e" | "--editable" | "-f" | "--find-links")
            || (!line.starts_with('-')
                && (source.is_file(first) || source.is_dir(first))
                && first.contains(['/', '.']));
        self.from_tree |= is_path;
        if !line.starts_with('-') && !is_path {
            self.names.extend(name(line));
        }
    }
}

/// `-r other.txt`, `--constraint=limits.txt`.
fn included(line: &str) -> Option<&str> {
    ["--requirement", "--constraint", "-r", "-c"].iter().find_map(|option| {
        let rest = line.strip_prefix(option)?;
        let is_short = option.len() == 2;
        let path = rest.trim_start_matches([' ', '=']);
        (is_short || path.len() < rest.len()).then_some(path)
    })
}

fn join(folder: &str, path: &str) -> String {
    if folder.is_empty() { path.to_owned() } else { format!("{folder}/{path}") }
}

/// The normalised name at the start of a requirement (PEP 503): `Flask[async]>=2` → `flask`.
fn name(requirement: &str) -> Option<String> {
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.".contains(byte);
    let length = requirement.trim().bytes().take_while(is_name).count();
    let name = requirement.trim()[..length].to_ascii_lowercase();
    (!name.is_empty()).then(|| name.replace(['_', '.'], "-"))
}

/// `project.dependencies`.
pub(super) fn dependencies(project: &Table) -> Vec<String> {
    texts(project.get("project").and_then(|project| project.get("dependencies")))
}

/// What extras and dependency groups of these names ask for.
pub(super) fn groups(project: &Table, names: &[&str]) -> Vec<String> {
    let extras = project.get("project").and_then(|project| project.get("optional-dependencies"));
    let groups = project.get("dependency-groups");
    let tables = [extras, groups].into_iter().flatten().filter_map(Value::as_table);
    let mut asked: Vec<_> = tables
        .flat_map(|table| names.iter().filter_map(|name| table.get(*name)))
        .flat_map(|list| texts(Some(list)))
        .collect();
    asked.sort();
    asked.dedup();
    asked
}

/// Names of all that a project declares, Poetry's tables included.
pub(super) fn of_project(project: &Table, names: &[&str]) -> Vec<String> {
    let listed = dependencies(project).into_iter().chain(groups(project, names));
    let mut declared: Vec<_> = listed.filter_map(|requirement| name(&requirement)).collect();
    if let Some(poetry) = project.get("tool").and_then(|tool| tool.get("poetry")) {
        let groups = poetry.get("group").and_then(Value::as_table).into_iter().flatten();
        let tables = groups.map(|(_, group)| group.get("dependencies"));
        let tables = tables.chain([poetry.get("dependencies"), poetry.get("dev-dependencies")]);
        let tables = tables.flatten().filter_map(Value::as_table);
        declared.extend(tables.flat_map(Table::keys).filter_map(|key| name(key)));
    }
    declared
}

/// One `pip install` for all of them; none for none.
pub(super) fn install_line(requirements: &[String]) -> Vec<String> {
    if requirements.is_empty() {
        return Vec::new();
    }
    let words: Vec<_> = requirements.iter().map(|requirement| quoted(requirement)).collect();
    vec![format!("pip install --no-compile -- {}", words.join(" "))]
}

fn texts(list: Option<&Value>) -> Vec<String> {
    let items = list.and_then(Value::as_array).into_iter().flatten();
    items.filter_map(Value::as_str).map(ToOwned::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(files: &[(&str, &str)]) -> Requirements {
        let tree = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = tree.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        Requirements::read(&Source::open(tree.path()).unwrap(), "requirements.txt").unwrap()
    }

    #[test]
    fn included_files_decide_too() {
        let read = read(&[
            ("requirements.txt", "Flask==3.0 # web\n-r requirements/base.txt\n-c limits.txt\n"),
            ("requirements/base.txt", "Pillow\n-r more.txt\n"),
            ("requirements/more.txt", "zope.interface[x]>=5 ; python_version > '3'\n"),
            ("limits.txt", "urllib3<2\n"),
        ]);
        assert_eq!(
            read.files,
            ["limits.txt", "requirements.txt", "requirements/base.txt", "requirements/more.txt"]
        );
        assert!(read.names.contains(&"flask".to_owned()));
        assert!(read.names.contains(&"zope-interface".to_owned()), "{read:?}");
        assert!(!read.from_tree);
    }

    #[test]
    fn what_comes_out_of_the_repository_is_noticed() {
        for line in ["-e .", "./vendor/x.whl", "x @ file:vendor/x", "--find-links=wheels"] {
            assert!(read(&[("requirements.txt", line)]).from_tree, "{line}");
        }
        assert!(!read(&[("requirements.txt", "app\n"), ("app/x.py", "")]).from_tree);
    }

    #[test]
    fn requirements_are_words_of_one_command() {
        assert_eq!(
            install_line(&["flask>=3".into(), "x".into()]),
            ["pip install --no-compile -- 'flask>=3' x"]
        );
        assert!(install_line(&[]).is_empty());
    }
}
