//! What `runs-on` may say here: all of it means a box on this machine.

/// A box without a network, but for a loopback device of its own.
const NO_NETWORK: &str = "no-network";

/// What the labels of a job ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Runner {
    pub(crate) network: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "nothing here runs jobs for '{0}': use 'linux', which is a box on this machine ('no-network' beside it takes its network \
     away), or 'solum' for solum/* steps alone"
)]
pub(crate) struct UnknownLabel(String);

impl Runner {
    pub(crate) fn of<'l>(labels: impl IntoIterator<Item = &'l str>) -> Result<Self, UnknownLabel> {
        let architecture = match std::env::consts::ARCH {
            "x86_64" => "x64",
            "aarch64" => "arm64",
            other => other,
        };
        let mut runner = Self { network: true };
        for label in labels {
            match label.to_ascii_lowercase().as_str() {
                NO_NETWORK => runner.network = false,
                "solum" | "linux" | "self-hosted" => {}
                other if other == architecture || other.starts_with("ubuntu-") => {}
                _ => return Err(UnknownLabel(label.to_owned())),
            }
        }
        Ok(runner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_of_this_machine_are_a_box_and_others_are_refused() {
        for labels in [&["linux"][..], &["ubuntu-latest"], &["self-hosted", "Linux"], &["solum"]] {
            assert_eq!(Runner::of(labels.iter().copied()), Ok(Runner { network: true }));
        }
        assert_eq!(Runner::of(["linux", "no-network"]), Ok(Runner { network: false }));
        for label in ["windows-latest", "macos-14", "gpu"] {
            let refused = Runner::of([label]).unwrap_err().to_string();
            assert!(refused.contains(label), "{refused}");
        }
    }
}
