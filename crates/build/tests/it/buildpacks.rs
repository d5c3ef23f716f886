//! Buildpacks from folders and git addresses, one and several.

use std::net::Ipv4Addr;
use std::path::Path;
use std::process::Command;

use build::{BuildError, Language, PlanError};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use types::ProcessType;

use crate::site::Site;

fn git(directory: &Path, arguments: &[&str]) {
    let output = Command::new("git")
        .args([
            "-c",
            "user.name=t",
            "-c",
            "user.email=t@example.org",
            "-c",
            "init.defaultBranch=main",
        ])
        .args(arguments)
        .current_dir(directory)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .output()
        .unwrap();
    assert!(output.status.success(), "git {arguments:?}: {output:?}");
}

/// A buildpack that leaves what it saw.
fn write_pack(directory: &Path, name: &str) {
    use std::os::unix::fs::PermissionsExt as _;
    let bin = directory.join("bin");
    std::fs::create_dir_all(&bin).unwrap();
    let files = [
        ("detect", format!("#!/bin/sh\necho {name}\n")),
        (
            "compile",
            format!(
                "#!/bin/sh\nset -e\necho \"$SEEN {name}\" > $1/{name}.txt\ncat $3/GREETING > $1/greeting\n\
                 date > $2/{name}\necho 'export SEEN={name}' > $(dirname $0)/../export\n\
                 mkdir -p $1/.profile.d && echo 'export FROM_PROFILE={name}' > $1/.profile.d/{name}.sh\n"
            ),
        ),
        (
            "release",
            "#!/bin/sh\necho '--- { default_process_types: { web: ./serve, worker: ./work } }'\n"
                .to_owned(),
        ),
    ];
    for (file, text) in files {
        let path = bin.join(file);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
}

#[tokio::test]
async fn several_buildpacks_run_in_order_and_the_procfile_wins() {
    let app_json = r#"{ "buildpacks": [{ "url": "./one" }, { "url": "./two" }], "env": { "GREETING": "hello" } }"#;
    let procfile = "web: echo \"$FROM_PROFILE 'quoted'\"\n";
    let site = Site::with_files(&[("app.json", app_json), ("Procfile", procfile)]).await;
    write_pack(&site.source().join("one"), "one");
    write_pack(&site.source().join("two"), "two");
    assert_eq!(site.plan().await.language, Language::Buildpack);
    let bundle = site.build().await;
    let root = site.unpack(&bundle);
    let read = |path: &str| std::fs::read_to_string(root.path().join("app").join(path)).unwrap();
    assert_eq!(read("one.txt"), " one\n");
    assert_eq!(read("two.txt"), "one two\n", "the second sees what the first exports");
    assert_eq!(read("greeting"), "hello");
    let processes: Vec<_> = bundle.manifest.processes.keys().map(ProcessType::as_str).collect();
    assert_eq!(processes, ["web", "worker"]);
    let web = &bundle.manifest.processes[&ProcessType::web()].run;
    let script = web.replace("/app/", &format!("{}/app/", root.path().display()));
    let start = root.path().join("app/.solum/start");
    let text = std::fs::read_to_string(&start).unwrap();
    std::fs::write(&start, text.replace("/app/", &format!("{}/app/", root.path().display())))
        .unwrap();
    let output = Command::new("sh").args(["-c", &script]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "two 'quoted'\n", "{output:?}");
}

#[tokio::test]
async fn a_buildpack_that_refuses_the_app_is_named() {
    let site = Site::with_files(&[("solum.yaml", "build: { buildpack: pack }")]).await;
    write_pack(&site.source().join("pack"), "pack");
    site.write("pack/bin/detect", "#!/bin/sh\nexit 1\n");
    let error = site.try_build().await.unwrap_err();
    let text = error.to_string();
    assert_eq!(text, "building failed: `/buildpack-0/bin/detect /build` ended with exit code 1");
}

#[tokio::test]
async fn a_buildpack_that_is_not_there_is_said_before_anything_runs() {
    let site = Site::with_files(&[("solum.yaml", "build: { buildpack: ./none }")]).await;
    let error = site.builder.plan(&site.source()).await.unwrap_err();
    assert!(matches!(error, PlanError::Mistakes(_)));
    assert_eq!(error.to_string(), "solum.yaml: buildpack: the folder 'none' has no bin/compile");
}

#[tokio::test]
async fn a_buildpack_from_a_git_address_is_fetched_and_kept() {
    let site = Site::new().await;
    let pack = site.directory.path().join("pack");
    write_pack(&pack, "pack");
    git(&pack, &["init", "-q"]);
    git(&pack, &["add", "."]);
    git(&pack, &["commit", "-q", "-m", "one"]);
    git(&pack, &["tag", "v1"]);
    let served = site.directory.path().join("served");
    std::fs::create_dir(&served).unwrap();
    git(&served, &["clone", "-q", "--bare", pack.to_str().unwrap(), "pack.git"]);
    git(&served.join("pack.git"), &["update-server-info"]);

    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (stop, mut serving) = (CancellationToken::new(), JoinSet::new());
    let stopped = stop.clone();
    serving.spawn(async move { build::static_site::serve(&served, listener, stopped).await });

    let address = format!("http://127.0.0.1:{port}/pack.git#v1");
    site.write(
        "solum.yaml",
        &format!("build: {{ buildpack: \"{address}\" }}\nenv: {{ GREETING: hi }}"),
    );
    let bundle = site.build().await;
    assert!(site.unpack(&bundle).path().join("app/pack.txt").exists());
    stop.cancel();
    serving.join_next().await.unwrap().unwrap().unwrap();
    assert_eq!(
        site.build().await.digest,
        bundle.digest,
        "without the server, from what was fetched"
    );
    assert!(site.recorder.text().contains("Using what was fetched before"));

    site.edit("solum.yaml", "#v1", "#v2");
    let error = site.try_build().await.unwrap_err();
    assert!(matches!(error, BuildError::Failed { .. }), "{error:?}");
}
