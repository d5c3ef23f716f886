//! The files that a workflow leads to: called workflows and actions.
//!
//! The reader opens nothing itself. It says what it wants, is given it, and begins again, until nothing is missing:
//! whoever has the files may be async, and what was given decides what is read.

use std::collections::BTreeMap;

/// A file that the reader has to see before it can go on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Wanted {
    /// Of the repository of the run, at its commit; relative to the root, with no `.` or `..` in it.
    Own { path: String },
    /// Of `owner/repo` in the mirror of actions, at what `reference` (a tag, a branch, a commit) is now.
    Mirrored { repository: String, reference: String, path: String },
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// Its text. Of a mirrored file also the commit that has it: the run is pinned to that.
    File { text: String, commit: Option<String> },
    /// There is no such file.
    Missing,
    /// There is no mirror, or it does not have that repository or reference; in words for people.
    Unavailable(String),
}

/// Everything that was found so far.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    found: BTreeMap<Wanted, Found>,
}

impl Sources {
    pub fn put(&mut self, wanted: Wanted, found: Found) {
        self.found.insert(wanted, found);
    }

    pub(super) fn get(&self, wanted: &Wanted) -> Option<&Found> {
        self.found.get(wanted)
    }
}

/// `./a//b/../c` as `a/c`, or nothing when it leads out of the repository.
pub(super) fn normal(path: &str) -> Option<String> {
    let mut parts = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_cannot_leave_the_repository() {
        assert_eq!(normal("./.github/actions//x/"), Some(".github/actions/x".to_owned()));
        assert_eq!(normal("./a/../b"), Some("b".to_owned()));
        assert_eq!(normal("./"), Some(String::new()));
        assert_eq!(normal("./../x"), None);
    }
}
