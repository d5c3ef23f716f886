use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use types::{CommitId, Digest, EnvironmentName, RunId, Timestamp};
use utoipa::ToSchema;

/// A release's number within its app, as people write it: `v3`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ReleaseVersion(u64);

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidReleaseVersion(String);

impl fmt::Display for InvalidReleaseVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is not a release: write `v` and its number, as in `v3`", self.0)
    }
}

impl std::error::Error for InvalidReleaseVersion {}

impl ReleaseVersion {
    #[must_use]
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    #[must_use]
    pub const fn number(self) -> u64 {
        self.0
    }
}

impl fmt::Display for ReleaseVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("v{}", self.0))
    }
}

impl FromStr for ReleaseVersion {
    type Err = InvalidReleaseVersion;

    fn from_str(text: &str) -> Result<Self, InvalidReleaseVersion> {
        text.strip_prefix('v')
            .filter(|digits| digits.starts_with(|first: char| matches!(first, '1'..='9')))
            .filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))
            .and_then(|digits| digits.parse().ok())
            .map(Self)
            .ok_or_else(|| InvalidReleaseVersion(text.chars().take(40).collect()))
    }
}

impl TryFrom<String> for ReleaseVersion {
    type Error = InvalidReleaseVersion;

    fn try_from(text: String) -> Result<Self, InvalidReleaseVersion> {
        text.parse()
    }
}

impl From<ReleaseVersion> for String {
    fn from(version: ReleaseVersion) -> Self {
        version.to_string()
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Release {
    #[schema(value_type = String, example = "v3")]
    pub version: ReleaseVersion,
    /// The digest of what was built or handed in.
    #[schema(value_type = String, example = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")]
    pub artifact: Digest,
    /// What it was built from; absent where somebody else built it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub commit: Option<CommitId>,
    /// The run that made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub run_id: Option<RunId>,
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    pub created_by: String,
    /// The commit's subject line, or where the artifact came from.
    pub description: String,
    /// The environments that it serves in now.
    #[serde(default)]
    #[schema(value_type = Vec<String>, example = json!(["dev"]))]
    pub live_in: Vec<EnvironmentName>,
    /// Whether it serves or ever did; one that did not was refused, or is under way.
    #[serde(default)]
    pub has_served: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_reads_back_from_what_it_prints() {
        assert_eq!("v12".parse(), Ok(ReleaseVersion::new(12)));
        assert_eq!(ReleaseVersion::new(12).to_string(), "v12");
        assert_eq!(serde_json::to_string(&ReleaseVersion::new(3)).unwrap(), r#""v3""#);
    }

    #[test]
    fn there_is_one_spelling_of_a_version() {
        for bad in ["", "v", "3", "v0", "v03", "V3", "v+3", "v3 ", "v99999999999999999999999"] {
            assert!(bad.parse::<ReleaseVersion>().is_err(), "{bad}");
        }
    }
}
