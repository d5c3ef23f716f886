//! Identifiers: a prefix that tells what it names, and a ULID, so that they sort by age.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use ulid::Ulid;

use crate::Clock;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{given}` is not an id of the form {prefix}_01h2xcejqtf2nbrexx3vqjhp41")]
pub struct InvalidId {
    given: String,
    prefix: &'static str,
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Ulid);

        impl $name {
            pub const PREFIX: &'static str = $prefix;

            /// A new id: the clock's time and 80 random bits.
            #[must_use]
            pub fn generate(clock: &dyn Clock) -> Self {
                Self::from_parts(clock.now(), rand::random())
            }

            /// The id that this time and the low 80 bits of `random` make.
            #[must_use]
            pub fn from_parts(at: jiff::Timestamp, random: u128) -> Self {
                let milliseconds = u64::try_from(at.as_millisecond()).unwrap_or(0);
                Self(Ulid::from_parts(milliseconds, random))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let mut text = [0; ulid::ULID_LEN];
                let text = self.0.array_to_str(&mut text);
                text.make_ascii_lowercase();
                write!(f, concat!($prefix, "_{}"), text)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                text.strip_prefix(concat!($prefix, "_"))
                    .filter(|rest| !rest.bytes().any(|byte| byte.is_ascii_uppercase()))
                    .and_then(|rest| Ulid::from_string(rest).ok())
                    .map(Self)
                    .ok_or_else(|| InvalidId { given: text.chars().take(64).collect(), prefix: $prefix })
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;

            fn try_from(text: String) -> Result<Self, InvalidId> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.to_string()
            }
        }
    )+};
}

ids! {
    AppId = "app";
    ChangeId = "chg";
    ConfigRevisionId = "cfg";
    DeploymentId = "dep";
    EnvironmentId = "env";
    EventId = "evt";
    InstanceId = "ins";
    ReleaseId = "rel";
    /// One HTTP request to the API, as its answer and its log lines name it.
    RequestId = "req";
    RunId = "run";
    TokenId = "tok";
    /// A bundle on its way in from somebody else's build.
    UploadId = "upl";
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SystemClock;

    #[test]
    fn an_id_reads_back_from_what_it_prints() {
        let id = RunId::generate(&SystemClock);
        assert!(id.to_string().starts_with("run_"));
        assert_eq!(id.to_string().parse::<RunId>().unwrap(), id);
    }

    #[test]
    fn an_id_of_another_kind_is_refused() {
        let id = AppId::generate(&SystemClock).to_string();
        assert!(id.parse::<RunId>().is_err());
    }

    #[test]
    fn there_is_one_spelling() {
        let id = RunId::generate(&SystemClock).to_string();
        let shouted = format!("run_{}", id.trim_start_matches("run_").to_uppercase());
        assert!(shouted.parse::<RunId>().is_err());
    }
}
