//! Control groups: what holds an instance to its limits.
//!
//! One group per box, below a parent called `solum`, made and removed by whoever runs the box. Both versions of the
//! kernel's interface are spoken; where neither can be written (no root, a container that hides it) there are no groups
//! and [`Cgroups::detect`] says so.
//!
//! Version 1 nests below the group that we run in, so that limits put on us hold for what we run. Version 2 forbids that
//! (a group with processes has no children with limits), and the parent stands at the root.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::process::{Pid, Signal};
use serde::{Deserialize, Serialize};
use types::Limits;

use crate::boxes::Priority;

const PARENT: &str = "solum";

/// How long the box of a maker that was killed may take to be gone.
const SWEEP: Duration = Duration::from_secs(5);

/// How the names of groups begin that live no longer than their makers.
const PASSING: &str = "box-";

/// Holds a fork bomb where nobody set a limit.
pub(crate) const DEFAULT_PIDS: u32 = 1024;

/// Of the length of a scheduling period in which a share of a processor is used up.
const CPU_PERIOD_US: u64 = 100_000;

/// Where groups can be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Cgroups {
    V2 { parent: PathBuf },
    V1 { memory: Option<PathBuf>, pids: Option<PathBuf>, cpu: Option<PathBuf> },
}

/// One group that was made: a directory, or with version 1 up to three.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Group {
    V2 { directory: PathBuf },
    V1 { memory: Option<PathBuf>, pids: Option<PathBuf>, cpu: Option<PathBuf> },
}

impl Cgroups {
    /// Finds where groups can be made, by making one.
    pub(crate) fn detect() -> Option<Self> {
        let mounts = fs::read_to_string("/proc/self/mounts").ok()?;
        let own = fs::read_to_string("/proc/self/cgroup").ok()?;
        let found = Self::find(&mounts, &own, |root| {
            fs::read_to_string(root.join("cgroup.controllers")).unwrap_or_default()
        })?;
        let group = found.create(&passing_name(), &Limits::default(), Priority::App).ok()?;
        group.remove();
        found.sweep();
        Some(found)
    }

    /// Clears away the boxes of makers that were killed. Such a box dies by itself, unless it was just being set up: then its
    /// init waits for ever for a monitor that is gone.
    fn sweep(&self) {
        let names: BTreeSet<String> = self
            .parents()
            .into_iter()
            .flat_map(|parent| fs::read_dir(parent).into_iter().flatten().flatten())
            .filter_map(|entry| entry.file_name().into_string().ok())
            .collect();
        for name in names {
            let maker = name.strip_prefix(PASSING).and_then(|name| name.split('-').next());
            if maker.is_some_and(|pid| !Path::new("/proc").join(pid).exists()) {
                let group = self.group(|parent| parent.join(&name));
                group.kill_all(SWEEP);
                group.remove();
            }
        }
    }

    fn group(&self, below: impl Fn(&Path) -> PathBuf) -> Group {
        let of = |parent: &Option<PathBuf>| parent.as_deref().map(&below);
        match self {
            Self::V2 { parent } => Group::V2 { directory: below(parent) },
            Self::V1 { memory, pids, cpu } => {
                Group::V1 { memory: of(memory), pids: of(pids), cpu: of(cpu) }
            }
        }
    }

    fn parents(&self) -> Vec<&Path> {
        match self {
            Self::V2 { parent } => vec![parent],
            Self::V1 { memory, pids, cpu } => {
                [memory, pids, cpu].into_iter().flatten().map(PathBuf::as_path).collect()
            }
        }
    }

    fn find(mounts: &str, own: &str, controllers: impl Fn(&Path) -> String) -> Option<Self> {
        let mut v1 = (None, None, None);
        for line in mounts.lines() {
            let mut fields = line.split(' ').skip(1);
            let (Some(at), Some(kind), Some(options)) =
                (fields.next(), fields.next(), fields.next())
            else {
                continue;
            };
            match kind {
                "cgroup2" => {
                    let all = controllers(Path::new(at));
                    if all.split_whitespace().any(|name| name == "pids") {
                        return Some(Self::V2 { parent: Path::new(at).join(PARENT) });
                    }
                }
                "cgroup" => {
                    let here = |controller: &str| {
                        options.split(',').any(|option| option == controller).then(|| {
                            let own = own_path(own, controller);
                            Path::new(at).join(own.trim_start_matches('/')).join(PARENT)
                        })
                    };
                    v1.0 = v1.0.or_else(|| here("memory"));
                    v1.1 = v1.1.or_else(|| here("pids"));
                    v1.2 = v1.2.or_else(|| here("cpu"));
                }
                _ => {}
            }
        }
        let (memory, pids, cpu) = v1;
        pids.is_some().then_some(Self::V1 { memory, pids, cpu })
    }

    /// Makes a group with these limits.
    pub(crate) fn create(
        &self,
        name: &str,
        limits: &Limits,
        priority: Priority,
    ) -> io::Result<Group> {
        let group = match self {
            Self::V2 { parent } => {
                let directory = make(parent, name)?;
                // Not before: a parent with a child in it cannot vanish any more and come back without controllers.
                enable_controllers(parent);
                Group::V2 { directory }
            }
            Self::V1 { memory, pids, cpu } => Group::V1 {
                memory: memory.as_deref().map(|parent| make(parent, name)).transpose()?,
                pids: pids.as_deref().map(|parent| make(parent, name)).transpose()?,
                cpu: cpu.as_deref().map(|parent| make(parent, name)).transpose()?,
            },
        };
        if let Err(error) = group.limit(limits, priority) {
            group.remove();
            return Err(error);
        }
        Ok(group)
    }
}

/// For a group that lives no longer than the process that makes it: says which process that is.
pub(crate) fn passing_name() -> String {
    format!("{PASSING}{}-{:08x}", std::process::id(), rand::random::<u32>())
}

/// Which group we are in, of the hierarchy with this controller; the root where our namespace does not show it.
fn own_path<'a>(own: &'a str, controller: &str) -> &'a str {
    own.lines()
        .find_map(|line| {
            let (_, rest) = line.split_once(':')?;
            let (controllers, path) = rest.split_once(':')?;
            controllers.split(',').any(|name| name == controller).then_some(path)
        })
        .filter(|path| !path.starts_with("/.."))
        .unwrap_or("/")
}

fn enable_controllers(parent: &Path) {
    // Each by itself: one that the kernel lacks must not keep the others off. What is missing in the end shows when a
    // limit is written.
    for directory in parent.parent().into_iter().chain([parent]) {
        for controller in ["+pids", "+memory", "+cpu"] {
            let _ = fs::write(directory.join("cgroup.subtree_control"), controller);
        }
    }
}

/// Makes `parent/name`. The parent may vanish in between, when the last box of another server ends.
fn make(parent: &Path, name: &str) -> io::Result<PathBuf> {
    let directory = parent.join(name);
    let mut attempts = 0;
    loop {
        if let Err(error) = fs::create_dir(parent)
            && error.kind() != io::ErrorKind::AlreadyExists
        {
            return Err(error);
        }
        match fs::create_dir(&directory) {
            Ok(()) => return Ok(directory),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(directory),
            Err(error) if error.kind() == io::ErrorKind::NotFound && attempts < 10 => attempts += 1,
            Err(error) => return Err(error),
        }
    }
}

impl Group {
    fn limit(&self, limits: &Limits, priority: Priority) -> io::Result<()> {
        let pids = limits.pids.unwrap_or(DEFAULT_PIDS).to_string();
        let quota = limits.cpu_millis.map(|millis| u64::from(millis) * CPU_PERIOD_US / 1000);
        match self {
            Self::V2 { directory } => {
                set(directory, "pids.max", &pids)?;
                if let Some(bytes) = limits.memory_bytes {
                    set(directory, "memory.max", &bytes.to_string())?;
                    // Absent where the kernel does not account for swap.
                    let _ = set(directory, "memory.swap.max", "0");
                }
                if let Some(quota) = quota {
                    set(directory, "cpu.max", &format!("{quota} {CPU_PERIOD_US}"))?;
                }
                if priority == Priority::Build {
                    let _ = set(directory, "cpu.weight", "20");
                }
            }
            Self::V1 { memory, pids: pids_group, cpu } => {
                if let Some(group) = pids_group {
                    set(group, "pids.max", &pids)?;
                }
                if let (Some(group), Some(bytes)) = (memory, limits.memory_bytes) {
                    set(group, "memory.limit_in_bytes", &bytes.to_string())?;
                    let _ = set(group, "memory.memsw.limit_in_bytes", &bytes.to_string());
                }
                if let (Some(group), Some(quota)) = (cpu, quota) {
                    set(group, "cpu.cfs_period_us", &CPU_PERIOD_US.to_string())?;
                    set(group, "cpu.cfs_quota_us", &quota.to_string())?;
                }
                if let (Some(group), Priority::Build) = (cpu, priority) {
                    let _ = set(group, "cpu.shares", "205");
                }
            }
        }
        Ok(())
    }

    fn directories(&self) -> Vec<&Path> {
        match self {
            Self::V2 { directory } => vec![directory],
            Self::V1 { memory, pids, cpu } => {
                [memory, pids, cpu].into_iter().flatten().map(PathBuf::as_path).collect()
            }
        }
    }

    /// A process that writes 0 into each of these has joined.
    pub(crate) fn joining_files(&self) -> Vec<PathBuf> {
        self.directories().into_iter().map(|directory| directory.join("cgroup.procs")).collect()
    }

    /// How often the kernel killed one of its processes for want of memory.
    pub(crate) fn out_of_memory_kills(&self) -> u64 {
        let text = match self {
            Self::V2 { directory } => fs::read_to_string(directory.join("memory.events")),
            Self::V1 { memory: Some(memory), .. } => {
                fs::read_to_string(memory.join("memory.oom_control"))
            }
            Self::V1 { memory: None, .. } => return 0,
        };
        text.unwrap_or_default()
            .lines()
            .find_map(|line| line.strip_prefix("oom_kill ")?.trim().parse().ok())
            .unwrap_or(0)
    }

    fn processes(&self) -> BTreeSet<i32> {
        let directories = self.directories().into_iter();
        let lists = directories.filter_map(|it| fs::read_to_string(it.join("cgroup.procs")).ok());
        lists
            .flat_map(|list| {
                list.lines().map(str::parse).filter_map(Result::ok).collect::<Vec<_>>()
            })
            .collect()
    }

    /// Kills whatever is in it until nothing is. Says whether that came about within `within`.
    pub(crate) fn kill_all(&self, within: Duration) -> bool {
        let deadline = std::time::Instant::now() + within;
        loop {
            let processes = self.processes();
            if processes.is_empty() {
                return true;
            }
            if std::time::Instant::now() > deadline {
                return false;
            }
            if let Self::V2 { directory } = self {
                let _ = fs::write(directory.join("cgroup.kill"), "1");
            }
            for pid in processes.into_iter().filter_map(Pid::from_raw) {
                let _ = rustix::process::kill_process(pid, Signal::KILL);
            }
            // The kernel tells version 2 when a group is empty and version 1 never; this is the end of a box whose keeper
            // was killed, where a few milliseconds do not matter.
            pause(Duration::from_millis(2));
        }
    }

    /// Removes it. A group that still holds a dying process is tried again for a moment, then left.
    pub(crate) fn remove(&self) {
        for directory in self.directories() {
            for _ in 0..200 {
                match fs::remove_dir(directory) {
                    Err(error) if error.kind() == io::ErrorKind::ResourceBusy => {
                        pause(Duration::from_millis(2));
                    }
                    _ => break,
                }
            }
            // Only the last one out succeeds.
            if let Some(parent) = directory.parent() {
                let _ = fs::remove_dir(parent);
            }
        }
    }
}

fn set(directory: &Path, file: &str, value: &str) -> io::Result<()> {
    let path = directory.join(file);
    fs::write(&path, value)
        .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))
}

/// Lets go of the processor for a while, where the kernel offers nothing to wait for.
fn pause(lapse: Duration) {
    let lapse = rustix::event::Timespec { tv_sec: 0, tv_nsec: i64::from(lapse.subsec_nanos()) };
    let _ = rustix::event::poll(&mut [], Some(&lapse));
}

#[cfg(test)]
mod tests {
    use super::*;

    const HYBRID: &str = "\
cgroup /sys/fs/cgroup/memory cgroup rw,relatime,memory 0 0
cgroup /sys/fs/cgroup/pids cgroup rw,relatime,pids 0 0
cgroup /sys/fs/cgroup/cpu,cpuacct cgroup rw,relatime,cpu,cpuacct 0 0
cgroup2 /sys/fs/cgroup/unified cgroup2 rw,relatime 0 0
";

    #[test]
    fn version_1_nests_below_the_group_we_are_in() {
        let own = "8:pids:/\n4:memory:/user/7\n1:cpu,cpuacct:/../out\n0::/\n";
        assert_eq!(
            Cgroups::find(HYBRID, own, |_| "hugetlb".into()),
            Some(Cgroups::V1 {
                memory: Some("/sys/fs/cgroup/memory/user/7/solum".into()),
                pids: Some("/sys/fs/cgroup/pids/solum".into()),
                cpu: Some("/sys/fs/cgroup/cpu,cpuacct/solum".into()),
            })
        );
    }

    #[test]
    fn version_2_is_taken_where_it_has_the_controllers() {
        let mounts = "cgroup2 /sys/fs/cgroup cgroup2 rw,nosuid 0 0\n";
        assert_eq!(
            Cgroups::find(mounts, "0::/x\n", |_| "cpu io memory pids".into()),
            Some(Cgroups::V2 { parent: "/sys/fs/cgroup/solum".into() })
        );
        assert_eq!(Cgroups::find(mounts, "0::/x\n", |_| String::new()), None);
    }
}
