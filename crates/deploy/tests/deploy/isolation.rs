//! What an app sees of the machine, and what it can do to it.

use std::collections::BTreeMap;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

use deploy::{Driver, Exit, InstanceSpec, Restart, StartError};
use types::VariableName;

use crate::world::{NO_GRACE, World, processes};

fn env<const N: usize>(variables: [(&str, &str); N]) -> BTreeMap<VariableName, String> {
    variables.map(|(name, value)| (name.parse().unwrap(), value.to_owned())).into()
}

#[tokio::test]
async fn a_process_gets_its_environment_and_nothing_else() {
    let world = World::new();
    let spec = world.running("exec env -0").await;
    let odd = "a'b \"c\" $HOME `id` \\ \n\tü=\u{1F600}";
    let mut bundle = spec.bundle.clone();
    bundle.env = [("FROM_BUNDLE", "yes"), ("OVERRIDDEN", "bundle")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
    let spec = InstanceSpec {
        bundle,
        port: true,
        restart: Restart::Never,
        env: env([("ODD", odd), ("EMPTY", ""), ("OVERRIDDEN", "app"), ("solum_0", "mine")]),
        ..spec
    };
    let started = world.driver.start(&spec).await;
    let port = started.unwrap().address.unwrap().port().to_string();
    world.exit_of(spec.id).await;
    // The log's lines are joined by newlines, and the odd value has one.
    let text = world.log(spec.id).await;
    let seen: BTreeMap<&str, &str> =
        text.trim_end().split('\0').filter_map(|line| line.split_once('=')).collect();
    let expected: BTreeMap<&str, &str> = [
        ("EMPTY", ""),
        ("FROM_BUNDLE", "yes"),
        ("HOME", "/app"),
        ("ODD", odd),
        ("OVERRIDDEN", "app"),
        ("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
        ("PORT", &port),
        ("PWD", "/app"),
        ("SOLUM_APP", "shop"),
        ("SOLUM_DATA_DIR", "/data"),
        ("SOLUM_ENVIRONMENT", "dev"),
        ("SOLUM_PROCESS", "web"),
        ("SOLUM_RELEASE", "v1"),
        ("solum_0", "mine"),
    ]
    .into();
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn an_environment_may_be_large_but_not_larger_than_a_process_can_take() {
    let world = World::new();
    let spec = world.running("echo ${#A} ${#B} ${#C} ${#D} ${#E} ${#F}").await;
    let big = "'".repeat(120_000);
    let mut variables = env(["A", "B", "C", "D", "E", "F"].map(|name| (name, big.as_str())));
    let fits = InstanceSpec { env: variables.clone(), ..world.spec(&spec.bundle, &spec.command) };
    assert_eq!(world.output_of(fits).await.1, "120000 120000 120000 120000 120000 120000\n");
    variables.insert("A".parse().unwrap(), "x".repeat(130_500));
    let error = world.driver.start(&InstanceSpec { env: variables.clone(), ..spec.clone() }).await;
    assert!(
        matches!(error, Err(StartError::EnvironmentTooLarge { bytes: 130_500, .. })),
        "{error:?}"
    );
    variables.insert("A".parse().unwrap(), "\0".into());
    let error = world.driver.start(&InstanceSpec { env: variables, ..spec }).await;
    assert!(matches!(error, Err(StartError::NulInVariable(name)) if name == "A"));
}

#[tokio::test]
async fn a_process_is_its_apps_user_and_can_become_nobody_else() {
    let world = World::new();
    let spec = world
        .running(
            "id -u; id -g; id -G; id -un; grep -E '^(Cap|NoNewPrivs)' /proc/self/status; umask",
        )
        .await;
    let (exit, text) = world.output_of(spec).await;
    assert_eq!(exit, Exit::Code(0));
    let uid = world.owner.uid;
    let none = "0000000000000000";
    assert_eq!(
        text,
        format!(
            "{uid}\n{uid}\n{uid}\napp\nCapInh:\t{none}\nCapPrm:\t{none}\nCapEff:\t{none}\n\
             CapBnd:\t{none}\nCapAmb:\t{none}\nNoNewPrivs:\t1\n0022\n"
        )
    );
}

#[tokio::test]
async fn the_machine_is_hidden() {
    let world = World::new();
    let hidden = world.directory.join("instances");
    let spec = world
        .running(&format!(
            "ls -A / | tr '\\n' ' '; echo; ls /root /home /srv /var/lib {} 2>&1 | wc -l; \
             cat /etc/shadow /proc/1/environ 2>&1; ls /proc | grep -c '^[0-9]'",
            hidden.display()
        ))
        .await;
    let (_, text) = world.output_of(spec).await;
    let lines: Vec<&str> = text.lines().collect();
    let top: Vec<&str> = lines[0].split_whitespace().collect();
    let allowed = [
        "app", "bin", "data", "dev", "etc", "lib", "lib32", "lib64", "libx32", "proc", "sbin",
        "tmp", "usr", "var",
    ];
    assert!(top.iter().all(|name| allowed.contains(name)), "{top:?}");
    assert_eq!(lines[1], "5", "each of them is refused\n{text}");
    assert!(lines[2].contains("No such file"), "{text}");
    assert!(lines[3].contains("Permission denied"), "{text}");
    // The box's first process, the shell, and the pipeline.
    assert!(lines[4].parse::<u32>().unwrap() <= 5, "{text}");
}

#[tokio::test]
async fn only_what_is_said_to_be_writable_is() {
    let world = World::new();
    let spec = world
        .running(
            "for d in / /etc /usr /usr/bin /dev /proc/sys/kernel /var /opt /app /data /tmp /var/tmp \
             /dev/shm; do if touch $d/x 2>/dev/null; then echo $d; fi; done",
        )
        .await;
    let (_, text) = world.output_of(spec).await;
    assert_eq!(text, "/app\n/data\n/tmp\n/var/tmp\n/dev/shm\n");
}

#[tokio::test]
async fn an_app_keeps_its_data_and_nothing_else_and_shares_it_with_nobody() {
    let world = World::new();
    let spec =
        world.running("echo kept >/data/f; echo gone >/app/f; echo gone >/tmp/f; cat /app/f").await;
    let bundle = spec.bundle.clone();
    let (_, text) = world.output_of(spec).await;
    assert_eq!(text, "gone\n");
    let look = "cat /data/f; cat /app/f /tmp/f 2>/dev/null; true";
    let (_, text) = world.output_of(world.spec(&bundle, look)).await;
    assert_eq!(text, "kept\n");
    let elsewhere = InstanceSpec {
        environment: "stage".parse().unwrap(),
        ..world.spec(&bundle, "ls -A /data")
    };
    assert_eq!(world.output_of(elsewhere).await.1, "");
    let data = world.directory.join("data").join(world.owner.app.to_string()).join("dev");
    let metadata = std::fs::metadata(data).unwrap();
    assert_eq!((metadata.uid(), metadata.permissions().mode() & 0o777), (world.owner.uid, 0o700));
}

#[tokio::test]
async fn no_secret_shows_on_a_command_line_or_in_a_readable_file() {
    let world = World::new();
    let secret = "s3cr3t-that-nobody-sees";
    let spec = InstanceSpec {
        env: env([("TOKEN", secret)]),
        ..world.running("echo up; exec sleep 600").await
    };
    world.driver.start(&spec).await.unwrap();
    world.until_written(spec.id, "up").await;
    let lines: Vec<String> =
        processes().map(|(_, line)| line).filter(|line| line.contains(secret)).collect();
    assert_eq!(lines, Vec::<String>::new());
    for entry in std::fs::read_dir(world.of(spec.id)).unwrap() {
        let entry = entry.unwrap();
        let text = std::fs::read(entry.path()).unwrap_or_default();
        if String::from_utf8_lossy(&text).contains(secret) {
            assert_eq!(entry.metadata().unwrap().mode() & 0o077, 0, "{:?}", entry.path());
        }
    }
    assert_eq!(std::fs::metadata(&world.directory).unwrap().mode() & 0o077, 0);
    assert!(!format!("{spec:?}").contains(secret));
}

#[tokio::test]
async fn no_variable_reaches_a_process_that_is_still_privileged() {
    let world = World::new();
    let spec = InstanceSpec {
        env: env([("LD_PRELOAD", "/app/none.so")]),
        ..world.running("echo up").await
    };
    let (exit, text) = world.output_of(spec).await;
    assert_eq!(exit, Exit::Code(0));
    // The loader complains in each process that has the variable: the app's own shell, and no other.
    assert_eq!(text.matches("/app/none.so").count(), 1, "{text}");
}

#[tokio::test]
async fn an_app_has_no_files_open_but_its_own() {
    let world = World::new();
    let (_, text) =
        world.output_of(world.running("ls /proc/$$/fd; readlink /proc/$$/fd/0").await).await;
    // What whoever runs the tests left open for everybody has two digits and more.
    let lines: Vec<&str> =
        text.lines().filter(|line| line.len() == 1 || line.starts_with('/')).collect();
    assert_eq!(lines, ["0", "1", "2", "/dev/null"], "{text}");
}

#[tokio::test]
async fn a_directory_that_is_closed_to_others_is_open_to_its_app() {
    let world = World::new();
    let mut tar = tar::Builder::new(Vec::new());
    crate::world::append(&mut tar, tar::EntryType::Directory, "app/", 0o700, "", b"");
    crate::world::append(&mut tar, tar::EntryType::Regular, "app/f", 0o600, "", b"mine\n");
    let bundle = world.bundle(vec![world.layer(&tar.into_inner().unwrap())]);
    world.driver.prepare(&bundle, &world.owner, world.blobs()).await.unwrap();
    assert_eq!(world.output_of(world.spec(&bundle, "cat f")).await.1, "mine\n");
}

#[tokio::test]
async fn a_bare_process_runs_as_its_user_in_its_tree() {
    let world = World::with(|config| config.bare = true);
    let bundle = world.prepared(&[("f", "mine\n")]).await;
    let spec = world.spec(&bundle, "cat f; id -u; cd $HOME && cat f; echo kept >$SOLUM_DATA_DIR/f && cat $SOLUM_DATA_DIR/f; grep NoNewPrivs /proc/self/status");
    let (_, text) = world.output_of(spec).await;
    assert_eq!(text, format!("mine\n{}\nmine\nkept\nNoNewPrivs:\t1\n", world.owner.uid));
    // And all of it ends.
    let mark = crate::world::mark();
    let spec =
        world.spec(&bundle, &format!("setsid sleep {mark} & setsid sleep {mark} & echo up; wait"));
    world.driver.start(&spec).await.unwrap();
    world.until_written(spec.id, "up").await;
    world.driver.stop(spec.id, NO_GRACE).await.unwrap();
    assert!(!crate::world::is_running(&mark));
}
