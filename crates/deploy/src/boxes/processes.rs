//! Which processes of the machine belong together, from `/proc`.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs;
use std::path::PathBuf;

use rustix::process::Pid;

/// All processes in the process namespace of `init`, without itself.
pub(crate) fn in_namespace_of(init: Pid) -> Vec<Pid> {
    let namespace = |pid: Pid| fs::read_link(format!("/proc/{pid}/ns/pid")).ok();
    let Some(wanted) = namespace(init) else { return Vec::new() };
    // Where the init shares our namespace there is no box, and these are not its processes.
    if fs::read_link("/proc/self/ns/pid").ok().as_ref() == Some(&wanted) {
        return Vec::new();
    }
    all().filter(|pid| *pid != init && namespace(*pid).as_ref() == Some(&wanted)).collect()
}

/// All processes that have `root` among their ancestors, those apart that have ended and were not waited for.
pub(crate) fn descendants(root: Pid) -> Vec<Pid> {
    let mut children: HashMap<Pid, Vec<(Pid, bool)>> = HashMap::new();
    for pid in all() {
        if let Some((parent, alive)) = parent(pid) {
            children.entry(parent).or_default().push((pid, alive));
        }
    }
    let mut found = Vec::new();
    let mut ahead = vec![root];
    while let Some(pid) = ahead.pop() {
        for (child, alive) in children.remove(&pid).unwrap_or_default() {
            ahead.push(child);
            if alive {
                found.push(child);
            }
        }
    }
    found
}

/// Whether this is a process that runs bubblewrap.
pub(super) fn is_bubblewrap(pid: Pid) -> bool {
    fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|name| name.trim() == "bwrap")
}

/// When a process started, in clock ticks since the machine did: with its number, a name that is never used twice.
pub(crate) fn start_ticks(pid: Pid) -> Option<u64> {
    // proc_pid_stat(5): field 22.
    stat(pid)?.split(' ').nth(19)?.parse().ok()
}

/// The file that each descriptor of a process stands for.
pub(crate) fn open_files(pid: Pid) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(format!("/proc/{pid}/fd")) else { return Vec::new() };
    entries.filter_map(|entry| fs::read_link(entry.ok()?.path()).ok()).collect()
}

fn all() -> impl Iterator<Item = Pid> {
    let entries = fs::read_dir("/proc").into_iter().flatten();
    entries.filter_map(|entry| pid_from(&entry.ok()?.file_name()))
}

fn pid_from(name: &OsStr) -> Option<Pid> {
    Pid::from_raw(name.to_str()?.parse().ok()?)
}

fn parent(pid: Pid) -> Option<(Pid, bool)> {
    let stat = stat(pid)?;
    let mut fields = stat.split(' ');
    let alive = !matches!(fields.next()?, "Z" | "X");
    Some((Pid::from_raw(fields.next()?.parse().ok()?)?, alive))
}

/// What `/proc/PID/stat` says behind the name, which may hold anything: from field 3 on.
fn stat(pid: Pid) -> Option<String> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    Some(text.rsplit_once(") ")?.1.to_owned())
}
