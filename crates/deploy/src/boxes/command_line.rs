//! What is run to make a box. Builds it and runs nothing.

use std::ffi::OsString;
use std::path::Path;

use super::{BoxError, BoxSpec, Boxes, Isolation, Priority};
use crate::cgroup::{DEFAULT_PIDS, Group};

/// The programs that make a box are looked up here, and nowhere that an app has a say in.
const PATH: &str = "/usr/sbin:/usr/bin:/sbin:/bin";

/// Joins the control groups, puts the two descriptors that bubblewrap is told of in place (the socket that we come
/// with as standard input) and gives it the user data base of the box. Whatever follows `--` comes next.
const ENTER_BOXED: &str = "\
uid=$1 gid=$2 home=$3; shift 3
while [ \"$1\" != -- ]; do echo 0 >\"$1\" || exit 125; shift; done; shift
exec 3<&0 4>&0 5<<PASSWD 6<<GROUP
root:x:0:0:root:/root:/usr/sbin/nologin
app:x:$uid:$gid:app:$home:/bin/sh
nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
PASSWD
root:x:0:
app:x:$gid:
nogroup:x:65534:
GROUP
exec </dev/null
exec \"$@\"";

const ENTER_BARE: &str = "\
while [ \"$1\" != -- ]; do echo 0 >\"$1\" || exit 125; shift; done; shift
exec </dev/null
exec \"$@\"";

/// How a box is made: a program to run, with what it reads before it begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandLine {
    /// The program and its arguments. Shows no value of the box's environment.
    pub arguments: Vec<OsString>,
    /// More arguments, for bubblewrap to read from the socket that is the program's standard input, each with a NUL behind
    /// it. Holds secrets. `None` without bubblewrap: the socket is left alone.
    pub(crate) sealed: Option<Vec<u8>>,
    /// The environment of the program.
    pub(crate) env: Vec<(String, String)>,
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
        let carriers = Carriers::of(spec);
        let mut line = vec!["/bin/sh".into(), "-c".into()];
        match self.isolation {
            Isolation::Root => {
                let (uid, home) = (spec.uid.to_string(), home(spec));
                let ids = [uid.as_str(), &uid, home].map(OsString::from);
                line.extend([ENTER_BOXED.into(), "sh".into()].into_iter().chain(ids));
            }
            Isolation::User { uid, gid } => {
                let (uid, gid) = (uid.to_string(), gid.to_string());
                let ids = [uid.as_str(), &gid, home(spec)].map(OsString::from);
                line.extend([ENTER_BOXED.into(), "sh".into()].into_iter().chain(ids));
            }
            Isolation::Bare { .. } => line.extend([ENTER_BARE.into(), "sh".into()]),
        }
        line.extend(group.iter().flat_map(|group| group.joining_files()).map(OsString::from));
        line.push("--".into());
        if spec.priority == Priority::Build {
            let words = ["nice", "-n", "10", "ionice", "-c", "2", "-n", "7"];
            line.extend(words.map(OsString::from));
        }
        let boxed = !matches!(self.isolation, Isolation::Bare { .. });
        if boxed {
            line.extend(["bwrap", "--args", "3", "--info-fd", "4", "--"].map(OsString::from));
        }
        line.extend(self.drop_privileges(spec, group).into_iter().map(OsString::from));
        line.extend(["/bin/sh", "-c", &carriers.script, "sh"].map(OsString::from));
        line.push(self.seen(&spec.binds, &spec.workdir).into());
        line.extend(spec.command.iter().map(OsString::from));

        let mut env = vec![("PATH".to_owned(), PATH.to_owned())];
        if !boxed {
            env.extend(carriers.values.iter().cloned());
        }
        Ok(CommandLine {
            arguments: line,
            sealed: boxed.then(|| self.sealed(spec, &carriers)),
            env,
        })
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

    /// Bubblewrap's options, as it reads them from its descriptor.
    fn sealed(&self, spec: &BoxSpec, carriers: &Carriers) -> Vec<u8> {
        let mut options = Options::default();
        for word in ["--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"] {
            options.add(&[word]);
        }
        options.add(&["--die-with-parent"]).add(&["--new-session"]);
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
        for file in &self.ground.etc {
            options.bind("--ro-bind-try", file, file);
        }
        options.add(&["--perms", "0444", "--file", "5", "/etc/passwd"]);
        options.add(&["--perms", "0444", "--file", "6", "/etc/group"]);
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
        options.add(&["--clearenv", "--setenv", "PATH", PATH]);
        for (name, value) in &carriers.values {
            options.add(&["--setenv", name, value]);
        }
        options.add(&["--chdir", "/"]);
        options.bytes
    }
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

/// Brings the environment past the programs that are still privileged: values under names that mean nothing to
/// them, and a script that gives each its own name.
struct Carriers {
    values: Vec<(String, String)>,
    script: String,
}

impl Carriers {
    fn of(spec: &BoxSpec) -> Self {
        let mut prefix = "solum_".to_owned();
        while spec.env.keys().any(|name| name.starts_with(&prefix)) {
            prefix.push('_');
        }
        let mut values = Vec::new();
        let (mut export, mut unset) = (String::new(), String::new());
        for (number, (name, value)) in spec.env.iter().enumerate() {
            let carrier = format!("{prefix}{number}");
            export.push_str(&format!(" {name}=\"${carrier}\""));
            unset.push_str(&format!(" {carrier}"));
            values.push((carrier, value.clone()));
        }
        // The working directory too is the user's to enter: it may be closed to everybody else.
        let mut script = "cd -- \"$1\" || exit 125; shift; unset OLDPWD; ".to_owned();
        if !spec.env.contains_key("PATH") {
            script.push_str("unset PATH; ");
        }
        if !values.is_empty() {
            script.push_str(&format!("export{export}; unset{unset}; "));
        }
        script.push_str("exec \"$@\"");
        Self { values, script }
    }
}

/// Words, each with a NUL behind it.
#[derive(Default)]
struct Options {
    bytes: Vec<u8>,
}

impl Options {
    fn add(&mut self, words: &[&str]) -> &mut Self {
        for word in words {
            self.word(word.as_bytes());
        }
        self
    }

    fn bind(&mut self, option: &str, source: &Path, target: &Path) {
        self.word(option.as_bytes());
        self.word(source.as_os_str().as_encoded_bytes());
        self.word(target.as_os_str().as_encoded_bytes());
    }

    fn word(&mut self, word: &[u8]) {
        self.bytes.extend_from_slice(word);
        self.bytes.push(0);
    }
}

#[cfg(test)]
mod tests;
