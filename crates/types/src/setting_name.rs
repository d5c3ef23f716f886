//! The names under which workflows see secrets and variables.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::InvalidName;

/// The name of a secret, or of a variable of workflows. Case does not matter: it is kept in capitals, as GitHub does.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SettingName(String);

const LONGEST: usize = 128;
const RULE: &str =
    "use 1 to 128 letters, digits and underscores, not starting with a digit or with GITHUB_";

impl SettingName {
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for SettingName {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let name = text.to_ascii_uppercase();
        let first = |first: char| first.is_ascii_alphabetic() || first == '_';
        let good = name.len() <= LONGEST
            && name.starts_with(first)
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
            && !name.starts_with("GITHUB_");
        if good { Ok(Self(name)) } else { Err(InvalidName::new("name", text, RULE)) }
    }
}

impl TryFrom<String> for SettingName {
    type Error = InvalidName;

    fn try_from(text: String) -> Result<Self, InvalidName> {
        text.parse()
    }
}

impl From<SettingName> for String {
    fn from(name: SettingName) -> Self {
        name.0
    }
}

impl fmt::Display for SettingName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for SettingName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_does_not_matter() {
        let name: SettingName = "deploy_Key2".parse().unwrap();
        assert_eq!(name.as_str(), "DEPLOY_KEY2");
        assert_eq!(Ok(name), "DEPLOY_key2".parse());
    }

    #[test]
    fn names_are_restricted_as_on_github() {
        for good in ["_", "A1", "github", "MY_GITHUB_TOKEN"] {
            assert!(good.parse::<SettingName>().is_ok(), "{good}");
        }
        let long = "A".repeat(129);
        for bad in ["", "1A", "A-B", "A B", "É", "GITHUB_TOKEN", "github_x", &long] {
            assert!(bad.parse::<SettingName>().is_err(), "{bad}");
        }
    }
}
