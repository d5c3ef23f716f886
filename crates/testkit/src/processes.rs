//! What runs on this machine, as `/proc` tells it.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

/// A process that belongs to a server under test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    pub pid: i32,
    pub arguments: Vec<String>,
}

impl Process {
    /// The subcommand of a `solum` process: `server`, `router`, `shim`, …
    #[must_use]
    pub fn is_solum(&self, subcommand: &str) -> bool {
        let program = self.arguments.first().map(|word| word.rsplit('/').next() == Some("solum"));
        program == Some(true) && self.arguments.get(1).is_some_and(|word| word == subcommand)
    }
}

/// Memory of one process, from `smaps_rollup`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Memory {
    /// Proportional: what several processes share counts to each of them in parts.
    pub pss_kib: u64,
    /// What would be free if it ended.
    pub private_kib: u64,
}

/// The processes whose arguments, environment, program, working directory or mounts name
/// `directory`. This process is never among them.
#[must_use]
pub fn of(directory: &Path) -> Vec<Process> {
    // A box sees the directory through a bind mount, whose root is told relative to its file system:
    // the last part of the name is what is there in any case.
    let name = directory.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let path = directory.to_string_lossy().into_owned();
    let ours = std::process::id();
    let mounted_here = mounts(Path::new("/proc/self"), &name);
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let mut found: Vec<_> = entries
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path())))
        .filter(|(pid, _): &(i32, _)| u32::try_from(*pid) != Ok(ours))
        .filter(|(_, proc)| names(proc, &path) || (!mounted_here && mounts(proc, &name)))
        .map(|(pid, proc)| Process { pid, arguments: strings(&proc.join("cmdline")) })
        // A zombie has no arguments; it holds nothing any more.
        .filter(|process| !process.arguments.is_empty())
        .collect();
    found.sort_by_key(|process| process.pid);
    found
}

/// # Errors
/// When the process is gone, or belongs to somebody else.
pub fn memory(pid: i32) -> Result<Memory> {
    let path = format!("/proc/{pid}/smaps_rollup");
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
    let sum = |keys: &[&str]| {
        let lines = text.lines().filter_map(|line| line.split_once(':'));
        let wanted = lines.filter(|(key, _)| keys.contains(key));
        wanted.filter_map(|(_, value)| value.trim().strip_suffix(" kB")?.parse::<u64>().ok()).sum()
    };
    Ok(Memory { pss_kib: sum(&["Pss"]), private_kib: sum(&["Private_Clean", "Private_Dirty"]) })
}

fn names(proc: &Path, path: &str) -> bool {
    let links = ["exe", "cwd", "root"];
    let in_links = links
        .iter()
        .any(|link| fs::read_link(proc.join(link)).is_ok_and(|target| target.starts_with(path)));
    in_links
        || ["cmdline", "environ"]
            .iter()
            .any(|file| strings(&proc.join(file)).iter().any(|text| text.contains(path)))
}

fn mounts(proc: &Path, name: &str) -> bool {
    !name.is_empty()
        && fs::read_to_string(proc.join("mountinfo")).is_ok_and(|text| text.contains(name))
}

fn strings(file: &Path) -> Vec<String> {
    let bytes = fs::read(file).unwrap_or_default();
    let parts = bytes.split(|byte| *byte == 0).filter(|part| !part.is_empty());
    parts.map(|part| String::from_utf8_lossy(part).into_owned()).collect()
}

#[cfg(test)]
mod tests {
    use std::process::{Child, Command, Stdio};

    use super::*;

    struct Killed(Child);

    impl Drop for Killed {
        fn drop(&mut self) {
            self.0.kill().unwrap();
            self.0.wait().unwrap();
        }
    }

    fn start(command: &mut Command) -> Killed {
        Killed(command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap())
    }

    fn pids(directory: &Path) -> Vec<u32> {
        of(directory).iter().map(|process| u32::try_from(process.pid).unwrap()).collect()
    }

    #[test]
    fn a_process_is_found_by_what_names_its_directory() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path();
        assert_eq!(of(path), []);
        let by_argument = start(Command::new("cat").arg("-").arg(path.join("x")));
        let by_environment = start(Command::new("cat").env("STATE", path));
        let by_place = start(Command::new("cat").current_dir(path));
        let unrelated = start(&mut Command::new("cat"));
        let mut expected = [by_argument.0.id(), by_environment.0.id(), by_place.0.id()];
        expected.sort_unstable();
        assert_eq!(pids(path), expected);
        assert!(!pids(path).contains(&unrelated.0.id()));
        drop((by_argument, by_environment, by_place));
        assert_eq!(of(path), []);
    }

    #[test]
    fn memory_of_a_running_process_is_told() {
        let memory = memory(i32::try_from(std::process::id()).unwrap()).unwrap();
        assert!(memory.pss_kib > 100, "{memory:?}");
        assert!(memory.private_kib > 0, "{memory:?}");
    }
}
