//! Names that people choose. Each is checked once, where it comes in.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{given}` is not a valid {what}: {rule}")]
pub struct InvalidName {
    what: &'static str,
    given: String,
    rule: &'static str,
}

impl InvalidName {
    pub(crate) fn new(what: &'static str, given: &str, rule: &'static str) -> Self {
        Self { what, given: given.chars().take(80).collect(), rule }
    }
}

macro_rules! names {
    ($($(#[$doc:meta])* $name:ident, $what:literal, $rule:literal, $check:path;)+) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = InvalidName;

            fn from_str(text: &str) -> Result<Self, InvalidName> {
                if $check(text) {
                    Ok(Self(text.to_owned()))
                } else {
                    Err(InvalidName::new($what, text, $rule))
                }
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidName;

            fn try_from(text: String) -> Result<Self, InvalidName> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0
            }
        }
    )+};
}

names! {
    AppName, "app name",
        "use 1 to 40 lower-case letters, digits and single hyphens, starting with a letter and not ending with a hyphen",
        is_app_name;
    EnvironmentName, "environment name",
        "use 1 to 20 lower-case letters, digits and single hyphens, starting with a letter and not ending with a hyphen",
        is_environment_name;
    /// The name of a process in a Procfile: `web`, `worker`, …
    ProcessType, "process type",
        "use 1 to 30 letters, digits, hyphens and underscores, starting with a letter",
        is_process_type;
    /// The name of an environment variable.
    VariableName, "variable name",
        "use 1 to 128 letters, digits and underscores, not starting with a digit",
        is_variable_name;
    /// A DNS host name in lower case, without a port and without a trailing dot (RFC 1123, section 2.1).
    HostName, "host name",
        "use labels of 1 to 63 lower-case letters, digits and hyphens, joined by dots, 253 characters at most",
        is_host_name;
}

impl ProcessType {
    /// The process that the router sends requests to.
    #[must_use]
    pub fn web() -> Self {
        Self("web".to_owned())
    }

    #[must_use]
    pub fn is_web(&self) -> bool {
        self.0 == "web"
    }
}

impl EnvironmentName {
    /// The one that is there when a manifest names none.
    #[must_use]
    pub fn dev() -> Self {
        Self("dev".to_owned())
    }
}

fn is_app_name(text: &str) -> bool {
    text.len() <= 40 && is_hyphenated(text)
}

fn is_environment_name(text: &str) -> bool {
    text.len() <= 20 && is_hyphenated(text)
}

fn is_hyphenated(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_lowercase())
        && !text.ends_with('-')
        && !text.contains("--")
        && text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
}

fn is_process_type(text: &str) -> bool {
    text.len() <= 30
        && text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

fn is_variable_name(text: &str) -> bool {
    text.len() <= 128
        && text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

fn is_host_name(text: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
    };
    text.len() <= 253 && text.split('.').all(is_label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_app_name_can_stand_in_a_host_name() {
        for good in ["a", "shop", "my-shop-2"] {
            assert!(good.parse::<AppName>().is_ok(), "{good}");
            assert!(good.parse::<HostName>().is_ok(), "{good}");
        }
        for bad in ["", "Shop", "2shop", "-a", "a-", "a--b", "a.b", "a/b", "ä", &"a".repeat(41)] {
            assert!(bad.parse::<AppName>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_refusal_says_the_rule() {
        let error = "My App".parse::<AppName>().unwrap_err().to_string();
        assert_eq!(
            error,
            "`My App` is not a valid app name: use 1 to 40 lower-case letters, digits and single \
             hyphens, starting with a letter and not ending with a hyphen"
        );
    }
}
