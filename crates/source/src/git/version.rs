use std::fmt;
use std::str::FromStr;

/// Major and minor version of git, as `git version` prints them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct GitVersion {
    pub major: u32,
    pub minor: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not what `git version` prints")]
pub struct InvalidGitVersion(String);

impl GitVersion {
    /// The oldest that will do; it is Debian 12's.
    pub const OLDEST: Self = Self { major: 2, minor: 39 };
}

impl fmt::Display for GitVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

impl FromStr for GitVersion {
    type Err = InvalidGitVersion;

    /// Reads `git version 2.47.3`, and what vendors make of it: `git version 2.39.2 (Apple Git-143)`.
    fn from_str(text: &str) -> Result<Self, InvalidGitVersion> {
        let read = || {
            let mut numbers = text.strip_prefix("git version ")?.split(['.', ' ', '-']);
            Some(Self {
                major: numbers.next()?.parse().ok()?,
                minor: numbers.next()?.parse().ok()?,
            })
        };
        read().ok_or_else(|| InvalidGitVersion(text.chars().take(80).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vendors_spellings_are_read() {
        for (text, major, minor) in [
            ("git version 2.47.3", 2, 47),
            ("git version 2.39.2 (Apple Git-143)", 2, 39),
            ("git version 2.45.windows.1", 2, 45),
            ("git version 3.0-rc1", 3, 0),
        ] {
            assert_eq!(text.parse(), Ok(GitVersion { major, minor }), "{text}");
        }
    }

    #[test]
    fn versions_are_compared_as_numbers() {
        let old: GitVersion = "git version 2.9.5".parse().unwrap();
        assert!(old < GitVersion::OLDEST);
    }

    #[test]
    fn other_programs_are_not_taken_for_git() {
        assert!("hub version 2.14".parse::<GitVersion>().is_err());
        assert!("".parse::<GitVersion>().is_err());
    }
}
