use tempfile::TempDir;

use super::*;
use crate::boxes::Bind;
use crate::boxes::etc::Etc;
use crate::boxes::ground::Ground;

fn boxes(isolation: Isolation, etc: &TempDir) -> Boxes {
    let ground =
        Ground { links: vec![("bin".into(), "usr/bin".into())], directories: vec!["/usr".into()] };
    Boxes { isolation, cgroups: None, ground, etc: Etc::new(etc.path().to_owned()) }
}

fn line(isolation: Isolation, spec: &BoxSpec) -> CommandLine {
    boxes(isolation, &TempDir::new().unwrap()).command_line(spec).unwrap()
}

fn spec() -> BoxSpec {
    BoxSpec {
        uid: 20001,
        command: ["/bin/sh", "-c", "./server"].map(str::to_owned).to_vec(),
        env: [("HOME", "/app"), ("LD_PRELOAD", "/app/evil.so"), ("TOKEN", "it's a \"secret\"")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
        workdir: "/app".into(),
        binds: vec![Bind { source: "/srv/root/app".into(), target: "/app".into(), writable: true }],
        network: true,
        limits: types::Limits::default(),
        priority: Priority::App,
        tmp_bytes: 1024,
    }
}

/// With the copy of `/etc` by another name: its own depends on the machine.
fn text(line: &CommandLine) -> String {
    let words: Vec<_> = line.arguments.iter().map(|word| word.to_string_lossy()).collect();
    assert_eq!(words[..2], ["/bin/sh", "-c"]);
    let shown = |at: usize| match words.get(at + 1).map(|next| &**next) {
        Some("/etc") => "COPY",
        _ => &*words[at],
    };
    (3..words.len()).map(shown).collect::<Vec<_>>().join(" ")
}

#[test]
fn as_root_the_command_becomes_its_user_and_gives_everything_up() {
    let line = line(Isolation::Root, &spec());
    assert_eq!(
        text(&line),
        "sh 20001 20001 /app -- bwrap --info-fd 3 --unshare-pid --unshare-ipc --unshare-uts \
         --unshare-cgroup-try --die-with-parent --new-session --cap-drop ALL --cap-add CAP_SETUID \
         --cap-add CAP_SETGID --cap-add CAP_SETPCAP --ro-bind /usr /usr --symlink usr/bin /bin \
         --ro-bind COPY /etc --perms 0444 --ro-bind-data 4 \
         /etc/passwd --perms 0444 --ro-bind-data 5 /etc/group --proc /proc --dev /dev --perms 1777 --size \
         1024 --tmpfs /dev/shm --perms 1777 --size 1024 --tmpfs /tmp --dir /var --symlink ../tmp \
         /var/tmp --bind /srv/root/app /app --chdir / -- prlimit --nproc=1024:1024 setpriv \
         --reuid=20001 --regid=20001 --clear-groups --inh-caps=-all --bounding-set=-all \
         --no-new-privs -- /bin/sh -s -- /app /bin/sh -c \
         ./server"
    );
    assert_eq!(
        line.script,
        "{\ncd -- \"$1\" || exit 125\nshift\nunset OLDPWD\numask 022\nunset PATH\nexport HOME='/app'\n\
         export LD_PRELOAD='/app/evil.so'\nexport TOKEN='it'\\''s a \"secret\"'\n\
         exec \"$@\" </dev/null\n}\n"
    );
}

#[test]
fn what_is_mounted_deep_can_be_reached_by_others_than_root() {
    let mut spec = spec();
    for target in ["/opt/tools/rust", "/app/node_modules"] {
        spec.binds.push(Bind { source: "/srv".into(), target: target.into(), writable: false });
    }
    let text = text(&line(Isolation::Root, &spec));
    assert!(text.contains("--dir /opt --dir /opt/tools"), "{text}");
    assert!(!text.contains("--dir /app"), "inside of what is mounted nothing is made: {text}");
}

#[test]
fn no_value_stands_on_a_command_line_or_in_a_debug_print() {
    for isolation in [Isolation::Root, Isolation::Bare { root: true }] {
        let line = line(isolation, &spec());
        assert!(!text(&line).contains("secret"));
        assert!(!format!("{line:?}").contains("secret"));
    }
    assert!(!format!("{:?}", spec()).contains("secret"));
}

#[test]
fn in_a_control_group_there_is_no_limit_per_user() {
    let group = Group::V2 { directory: "/cg/x".into() };
    let line = boxes(Isolation::Root, &TempDir::new().unwrap())
        .command_line_in(&spec(), Some(&group))
        .unwrap();
    let text = text(&line);
    assert!(text.starts_with("sh 20001 20001 /app /cg/x/cgroup.procs -- bwrap "), "{text}");
    assert!(!text.contains("prlimit"), "{text}");
}

#[test]
fn without_root_the_box_is_a_user_namespace() {
    let line = line(Isolation::User { uid: 1000, gid: 100 }, &spec());
    assert!(text(&line).starts_with("sh 1000 100 /app -- bwrap "), "{}", text(&line));
    assert!(!text(&line).contains("setpriv"));
    assert!(text(&line).contains(" --unshare-user "));
    assert!(!text(&line).contains("--cap"));
}

#[test]
fn a_build_stands_back() {
    let line =
        line(Isolation::Root, &BoxSpec { priority: Priority::Build, network: false, ..spec() });
    let text_of = text(&line);
    assert!(text_of.contains(" -- nice -n 15 /bin/sh -s -- "), "{text_of}");
    assert!(text(&line).contains(" --unshare-net "));
}

#[test]
fn a_bare_command_starts_where_its_directory_comes_from() {
    let line = line(Isolation::Bare { root: false }, &spec());
    assert!(
        text(&line).contains(" /bin/sh -s -- /srv/root/app /bin/sh -c ./server"),
        "{}",
        text(&line)
    );
    assert!(!text(&line).contains("bwrap"));
}

#[test]
fn what_cannot_be_is_refused() {
    let etc = TempDir::new().unwrap();
    let boxes = boxes(Isolation::Root, &etc);
    for bad in [
        BoxSpec { uid: 0, ..spec() },
        BoxSpec { command: Vec::new(), ..spec() },
        BoxSpec { env: [("A;B".to_owned(), String::new())].into(), ..spec() },
        BoxSpec { env: [("A".to_owned(), "\0".to_owned())].into(), ..spec() },
    ] {
        assert!(matches!(boxes.command_line(&bad), Err(BoxError::Invalid(_))), "{bad:?}");
    }
}
