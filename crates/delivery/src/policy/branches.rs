use std::fmt;

use glob::{MatchOptions, Pattern};
use serde::{Deserialize, Serialize};

/// Patterns of branch names: `*` stands for anything but `/`, `**` between slashes for any number of parts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<String>", into = "Vec<String>")]
pub struct Branches(Vec<Pattern>);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPattern {
    #[error("'{given}' is no pattern of branches: {why}; use names as 'main' and 'release/*'")]
    Pattern { given: String, why: &'static str },
    #[error(
        "the list of branches is empty, so that no release could ever come; name one, or leave the key out"
    )]
    Empty,
}

const OPTIONS: MatchOptions = MatchOptions {
    case_sensitive: true,
    require_literal_separator: true,
    require_literal_leading_dot: false,
};

impl Branches {
    pub fn new<'a>(patterns: impl IntoIterator<Item = &'a str>) -> Result<Self, InvalidPattern> {
        let patterns: Vec<_> = patterns.into_iter().map(pattern).collect::<Result<_, _>>()?;
        if patterns.is_empty() { Err(InvalidPattern::Empty) } else { Ok(Self(patterns)) }
    }

    #[must_use]
    pub fn allow(&self, branch: &str) -> bool {
        self.0.iter().any(|pattern| pattern.matches_with(branch, OPTIONS))
    }

    /// Those patterns that the other list does not have word for word.
    pub(super) fn not_in<'a>(&'a self, other: &'a Self) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(|pattern| !other.0.contains(pattern)).map(Pattern::as_str)
    }
}

fn pattern(given: &str) -> Result<Pattern, InvalidPattern> {
    let wrong = |why| InvalidPattern::Pattern { given: given.chars().take(80).collect(), why };
    if given.is_empty() {
        return Err(wrong("it is empty"));
    }
    Pattern::new(given).map_err(|error| wrong(error.msg))
}

impl fmt::Display for Branches {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.0.iter().map(Pattern::as_str).collect();
        f.write_str(&names.join(", "))
    }
}

impl TryFrom<Vec<String>> for Branches {
    type Error = InvalidPattern;

    fn try_from(patterns: Vec<String>) -> Result<Self, InvalidPattern> {
        Self::new(patterns.iter().map(String::as_str))
    }
}

impl From<Branches> for Vec<String> {
    fn from(branches: Branches) -> Self {
        branches.0.iter().map(|pattern| pattern.as_str().to_owned()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_name_branches() {
        let branches = Branches::new(["main", "release/*", "team/**/ready"]).unwrap();
        for (branch, allowed) in [
            ("main", true),
            ("Main", false),
            ("maintenance", false),
            ("release/1", true),
            ("release/1/fix", false),
            ("team/a/b/ready", true),
        ] {
            assert_eq!(branches.allow(branch), allowed, "{branch}");
        }
        assert_eq!(branches.to_string(), "main, release/*, team/**/ready");
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        assert_eq!(Branches::new([]), Err(InvalidPattern::Empty));
        assert!(Branches::new([""]).is_err());
        let error = Branches::new(["[a"]).unwrap_err().to_string();
        assert!(error.starts_with("'[a' is no pattern of branches"), "{error}");
    }
}
