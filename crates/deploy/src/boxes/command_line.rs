//! What is run to make a box. Builds it and runs nothing.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

use super::{Bind, BoxError, BoxSpec, Boxes, Isolation, Priority};
use crate::cgroup::{DEFAULT_PIDS, Group};

/// The programs that make a box are looked up here, and nowhere that an app has a say in.
const PATH: &str = "/usr/sbin:/usr/bin:/sbin:/bin";

/// Joins the control groups, and gives bubblewrap the two files of the box's user data base to read. Whatever follows
/// `--` comes next. Standard input is the socket that we come with; descriptor 3 is its other direction.
const ENTER_BOXED: &str = "\
uid=$1 gid=$2 home=$3; shift 3
while [ \"$1\" != -- ]; do echo 0 >\"$1\" || exit 125; shift; done; shift
exec 3>&0 4<<PASSWD 5<<GROUP
root:x:0:0:root:/root:/usr/sbin/nologin
app:x:$uid:$gid:app:$home:/bin/sh
nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
PASSWD
root:x:0:
app:x:$gid:
nogroup:x:65534:
GROUP
exec \"$@\"";

const ENTER_BARE: &str = "\
while [ \"$1\" != -- ]; do echo 0 >\"$1\" || exit 125; shift; done; shift
exec \"$@\"";

/// Told to the shell in the box, which has no privileges left, before it is there: it says so, and takes the rest of its script
/// from the socket.
pub(super) const GREETING: &[u8] = b"echo up >&0 || exit 125\n";

/// What the box says when it is ready for the script.
pub(super) const UP_SAID: &[u8] = b"up\n";

/// How a box is made: a program to run, and what to tell it once it is up.
#[derive(Clone, PartialEq, Eq)]
pub struct CommandLine {
    /// The program and its arguments. Shows no value of the box's environment.
    pub arguments: Vec<OsString>,
    /// For the shell in the box, by the socket that is its standard input. Holds secrets.
    pub(super) script: String,
    pub(super) boxed: bool,
}

impl fmt::Debug for CommandLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CommandLine").field("arguments", &self.arguments).finish_non_exhaustive()
    }
}

impl CommandLine {
    /// All of the environment that the program needs.
    pub(super) const PATH: &str = PATH;
}

impl Boxes {
    /// How a box is made on this machine, outside of any control group.
    pub fn command_line(&self, spec: &BoxSpec) -> Result<CommandLine, BoxError> {
        self.command_line_in(spec, None)
    }

    pub(crate) fn command_line_in(
        &self,
        spec: &BoxSpec,
        group: Option<&Group>,
    ) -> Result<CommandLine, BoxError> {
        check(spec)?;
        let mut line = Words::default();
        line.add(&["/bin/sh", "-c"]);
        let ids = match self.isolation {
            Isolation::Root => Some((spec.uid, spec.uid)),
            Isolation::User { uid, gid } => Some((uid, gid)),
            Isolation::Bare { .. } => None,
        };
        match ids {
            Some((uid, gid)) => {
                line.add(&[ENTER_BOXED, "sh", &uid.to_string(), &gid.to_string(), home(spec)])
            }
            None => line.add(&[ENTER_BARE, "sh"]),
        };
        line.words.extend(group.iter().flat_map(|it| it.joining_files()).map(OsString::from));
        line.add(&["--"]);
        if ids.is_some() {
            let make = |source| BoxError::Make { doing: "its /etc", source };
            self.bubblewrap(spec, &self.etc.current().map_err(make)?, &mut line);
        }
        line.words.extend(self.drop_privileges(spec, group).into_iter().map(OsString::from));
        // The command stands back, and not the making of its box: on a busy machine that would take long. A priority of the
        // disk follows from that of the processor: of 15, the lowest (`ioprio_set(2)`).
        if spec.priority == Priority::Build {
            line.add(&["nice", "-n", "15"]);
        }
        line.add(&["/bin/sh", "-s", "--"]);
        line.words.push(self.seen(&spec.binds, &spec.workdir).into());
        line.words.extend(spec.command.iter().map(OsString::from));
        let script = script(spec);
        Ok(CommandLine { arguments: line.words, script, boxed: ids.is_some() })
    }

    /// What comes between bubblewrap and the command's own user.
    fn drop_privileges(&self, spec: &BoxSpec, group: Option<&Group>) -> Vec<String> {
        let mut words = Vec::new();
        if group.is_none() {
            // Counts all processes of the user, other instances of the app included; better than no bound.
            let pids = spec.limits.pids.unwrap_or(DEFAULT_PIDS);
            words.extend(["prlimit".to_owned(), format!("--nproc={pids}:{pids}")]);
        }
        let become_user = [
            format!("--reuid={}", spec.uid),
            format!("--regid={}", spec.uid),
            "--clear-groups".to_owned(),
            "--inh-caps=-all".to_owned(),
            "--bounding-set=-all".to_owned(),
        ];
        let (root, bare) = match self.isolation {
            Isolation::Root => (true, false),
            // Bubblewrap has taken care of privileges, and the user stays.
            Isolation::User { .. } => return words,
            Isolation::Bare { root } => (root, true),
        };
        words.push("setpriv".to_owned());
        if root {
            words.extend(become_user);
        }
        if bare {
            words.push("--pdeathsig=KILL".to_owned());
        }
        words.extend(["--no-new-privs".to_owned(), "--".to_owned()]);
        words
    }

    fn bubblewrap(&self, spec: &BoxSpec, etc: &Path, options: &mut Words) {
        options.add(&[
            "bwrap",
            "--info-fd",
            "3",
            "--unshare-pid",
            "--unshare-ipc",
            "--unshare-uts",
        ]);
        options.add(&["--unshare-cgroup-try", "--die-with-parent", "--new-session"]);
        match self.isolation {
            Isolation::Root => {
                options.add(&["--cap-drop", "ALL"]);
                for capability in ["CAP_SETUID", "CAP_SETGID", "CAP_SETPCAP"] {
                    options.add(&["--cap-add", capability]);
                }
            }
            Isolation::User { .. } | Isolation::Bare { .. } => {
                options.add(&["--unshare-user"]);
            }
        }
        if !spec.network {
            options.add(&["--unshare-net"]);
        }
        for directory in &self.ground.directories {
            options.bind("--ro-bind", directory, directory);
        }
        for (name, leads_to) in &self.ground.links {
            options.bind("--symlink", leads_to, &Path::new("/").join(name));
        }
        for directory in passages(&spec.binds) {
            options.words.push("--dir".into());
            options.words.push(directory.into());
        }
        options.bind("--ro-bind", etc, Path::new("/etc"));
        options.add(&["--perms", "0444", "--ro-bind-data", "4", "/etc/passwd"]);
        options.add(&["--perms", "0444", "--ro-bind-data", "5", "/etc/group"]);
        options.add(&["--proc", "/proc"]).add(&["--dev", "/dev"]);
        let size = spec.tmp_bytes.to_string();
        for target in ["/dev/shm", "/tmp"] {
            options.add(&["--perms", "1777", "--size", &size, "--tmpfs", target]);
        }
        options.add(&["--dir", "/var"]).add(&["--symlink", "../tmp", "/var/tmp"]);
        for bind in &spec.binds {
            let option = if bind.writable { "--bind" } else { "--ro-bind" };
            options.bind(option, &bind.source, &bind.target);
        }
        options.add(&["--chdir", "/", "--"]);
    }
}

/// The directories on the way to what is mounted. Bubblewrap would make them too, but for root alone to pass.
fn passages(binds: &[Bind]) -> BTreeSet<PathBuf> {
    let targets = binds.iter().map(|bind| bind.target.as_path());
    let above = targets.flat_map(|target| target.ancestors().skip(1));
    // What lies inside of something mounted is not ours to make.
    let inside = |path: &Path| binds.iter().any(|bind| path.starts_with(&bind.target));
    let is_there = |path: &Path| {
        path.parent().is_none() || path.starts_with("/usr") || path.starts_with("/etc")
    };
    above.filter(|path| !inside(path) && !is_there(path)).map(Path::to_owned).collect()
}

fn home(spec: &BoxSpec) -> &str {
    spec.env.get("HOME").filter(|home| !home.contains(['\n', ':'])).map_or("/", String::as_str)
}

fn check(spec: &BoxSpec) -> Result<(), BoxError> {
    let invalid = |what: String| Err(BoxError::Invalid(what));
    if spec.uid == 0 {
        return invalid("its user is root".to_owned());
    }
    if spec.command.is_empty() {
        return invalid("it has no command".to_owned());
    }
    if spec.command.iter().any(|word| word.contains('\0')) {
        return invalid("its command holds a NUL byte".to_owned());
    }
    for (name, value) in &spec.env {
        if name.parse::<types::VariableName>().is_err() {
            return invalid(format!("`{name}` is no name for a variable"));
        }
        if value.contains('\0') {
            return invalid(format!("the value of {name} holds a NUL byte"));
        }
    }
    Ok(())
}

/// The last step, taken by a shell that has no privileges any more: directory, environment, command. One compound command,
/// so that a script that was cut off is a mistake and does nothing.
fn script(spec: &BoxSpec) -> String {
    let mut script = "{\ncd -- \"$1\" || exit 125\nshift\nunset OLDPWD\numask 022\n".to_owned();
    if !spec.env.contains_key("PATH") {
        script.push_str("unset PATH\n");
    }
    for (name, value) in &spec.env {
        script.push_str(&format!("export {name}='{}'\n", value.replace('\'', r"'\''")));
    }
    script.push_str("exec \"$@\" </dev/null\n}\n");
    script
}

#[derive(Default)]
struct Words {
    words: Vec<OsString>,
}

impl Words {
    fn add(&mut self, words: &[&str]) -> &mut Self {
        self.words.extend(words.iter().map(OsString::from));
        self
    }

    fn bind(&mut self, option: &str, source: &Path, target: &Path) {
        self.words.extend([option.into(), source.into(), target.into()]);
    }
}

#[cfg(test)]
mod tests;
