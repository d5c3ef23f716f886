//! The ground a bundle was built on, and whether another machine offers the same.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

/// What built code leans on without carrying it: the operating system's release, its C library, the
/// processor, and the language runtimes that were found at fixed paths.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Stack {
    /// `ID` and `VERSION_ID` of os-release(5): `debian-12`.
    pub os: String,
    /// `glibc-2.36`, `musl-1.2.5`.
    pub libc: String,
    /// As Rust names it: `x86_64`, `aarch64`.
    pub architecture: String,
    /// What the bundle runs with, path to version: `/usr/bin/python3` → `3.11.2`. Empty for a bundle that
    /// carries everything it needs. On a machine: all that is there.
    pub runtimes: BTreeMap<String, String>,
}

/// Why a bundle does not run on a machine.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StackMismatch {
    #[error("it was built for {built} and this machine is {here}")]
    Architecture { built: String, here: String },
    #[error("it was built on {built} and this machine runs {here}")]
    OperatingSystem { built: String, here: String },
    #[error("it was built against {built} and this machine has {here}")]
    Libc { built: String, here: String },
    #[error("it needs {path} {built} and this machine has {}", Found(.here.as_deref()))]
    Runtime { path: String, built: String, here: Option<String> },
}

struct Found<'a>(Option<&'a str>);

impl fmt::Display for Found<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.unwrap_or("none"))
    }
}

impl Stack {
    /// Whether a bundle with this stack runs on `machine`. Runtimes have to agree in major and minor version: that is
    /// as far as CPython's and Node's binary interfaces go.
    pub fn check_on(&self, machine: &Stack) -> Result<(), StackMismatch> {
        if self.architecture != machine.architecture {
            return Err(StackMismatch::Architecture {
                built: self.architecture.clone(),
                here: machine.architecture.clone(),
            });
        }
        if self.os != machine.os {
            return Err(StackMismatch::OperatingSystem {
                built: self.os.clone(),
                here: machine.os.clone(),
            });
        }
        if self.libc != machine.libc {
            return Err(StackMismatch::Libc {
                built: self.libc.clone(),
                here: machine.libc.clone(),
            });
        }
        for (path, built) in &self.runtimes {
            let here = machine.runtimes.get(path);
            if here.is_none_or(|here| !minor(here).eq(minor(built))) {
                return Err(StackMismatch::Runtime {
                    path: path.clone(),
                    built: built.clone(),
                    here: here.cloned(),
                });
            }
        }
        Ok(())
    }
}

fn minor(version: &str) -> impl Iterator<Item = &str> {
    version.split('.').take(2)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine() -> Stack {
        Stack {
            os: "debian-12".into(),
            libc: "glibc-2.36".into(),
            architecture: "x86_64".into(),
            runtimes: [("/usr/bin/python3".to_owned(), "3.11.2".to_owned())].into(),
        }
    }

    #[test]
    fn a_patch_release_of_a_runtime_still_matches() {
        let mut built = machine();
        built.runtimes.insert("/usr/bin/python3".into(), "3.11.9".into());
        assert_eq!(built.check_on(&machine()), Ok(()));
    }

    #[test]
    fn another_minor_release_is_refused_with_both_versions() {
        let mut built = machine();
        built.runtimes.insert("/usr/bin/python3".into(), "3.12.1".into());
        assert_eq!(
            built.check_on(&machine()).unwrap_err().to_string(),
            "it needs /usr/bin/python3 3.12.1 and this machine has 3.11.2"
        );
    }

    #[test]
    fn a_bundle_without_runtimes_needs_only_the_ground() {
        let mut built = machine();
        built.runtimes.clear();
        assert_eq!(built.check_on(&machine()), Ok(()));
        built.os = "ubuntu-24.04".into();
        assert!(matches!(built.check_on(&machine()), Err(StackMismatch::OperatingSystem { .. })));
    }
}
