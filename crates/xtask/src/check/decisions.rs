//! Decisions are numbered once: `docs/decisions/NNNN-words.md`.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Result;

use super::report::Report;
use super::workspace::files;

const FOLDER: &str = "docs/decisions";

pub(super) fn check(root: &Path, report: &mut Report) -> Result<()> {
    let paths = files(root, FOLDER)?;
    let names = paths.iter().filter_map(|path| path.file_name()?.to_str());
    for (name, what) in wrong(names) {
        report.error(&format!("{FOLDER}/{name}"), &what);
    }
    Ok(())
}

fn wrong<'a>(names: impl Iterator<Item = &'a str>) -> Vec<(&'a str, String)> {
    let mut taken: BTreeMap<&str, &str> = BTreeMap::new();
    let mut wrong = Vec::new();
    for name in names {
        match number(name) {
            None => wrong.push((name, "a decision is called NNNN-some-words.md".to_owned())),
            Some(number) => {
                if let Some(other) = taken.insert(number, name) {
                    wrong.push((name, format!("{other} has the same number")));
                }
            }
        }
    }
    wrong
}

fn number(name: &str) -> Option<&str> {
    let (number, words) = name.strip_suffix(".md")?.split_once('-')?;
    let good = number.len() == 4
        && number.bytes().all(|byte| byte.is_ascii_digit())
        && !words.is_empty()
        && words
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    good.then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_given_once() {
        let names = ["0001-one.md", "0002-two.md", "0002-zwei.md"];
        let found = wrong(names.into_iter());
        assert_eq!(found, [("0002-zwei.md", "0002-two.md has the same number".to_owned())]);
    }

    #[test]
    fn a_name_without_a_number_is_refused() {
        for name in ["router.md", "1-router.md", "0001-.md", "0001-Router.md", "0001-x.txt"] {
            assert_eq!(wrong([name].into_iter()).len(), 1, "{name}");
        }
    }
}
