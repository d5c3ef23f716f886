//! What is decided about a tree, and how it reads when nothing can be.

use build::{Language, PlanError, Tested};
use types::ProcessType;

use crate::site::Site;

async fn refusal(files: &[(&str, &str)]) -> PlanError {
    let site = Site::with_files(files).await;
    site.builder.plan(&site.source()).await.unwrap_err()
}

#[tokio::test]
async fn a_tree_without_a_language_says_what_is_looked_for() {
    let error = refusal(&[("README.md", "hello")]).await;
    assert!(matches!(error, PlanError::NoLanguage { .. }));
    let text = error.to_string();
    assert!(text.contains("requirements.txt") && text.contains("package.json"), "{text}");
    assert!(error.hint().unwrap().contains("buildpack"));
}

#[tokio::test]
async fn mistakes_of_all_files_come_together() {
    let error =
        refusal(&[("Procfile", "web ./x"), ("solum.yaml", "evn: {}"), ("app.json", "{")]).await;
    let text = error.to_string();
    assert!(text.contains("solum.yaml:1:1: unknown key 'evn'; did you mean 'env'?"), "{text}");
    assert!(text.contains("Procfile:1:1: a line reads 'web: command'"), "{text}");
    assert!(text.contains("app.json:1:1: not valid JSON"), "{text}");
}

#[tokio::test]
async fn a_version_that_the_machine_lacks_is_named_with_its_package() {
    let files = [("requirements.txt", ""), (".python-version", "3.99.1"), ("Procfile", "web: x")];
    let error = refusal(&files).await;
    assert!(matches!(error, PlanError::WrongVersion { .. }));
    let text = error.to_string();
    assert!(text.starts_with("the app asks for Python 3.99.1 (.python-version)"), "{text}");
    assert!(error.hint().unwrap().contains("python3.99-venv"));

    let package = r#"{ "engines": { "node": ">=99" }, "scripts": { "start": "node x.js" } }"#;
    let error = refusal(&[("package.json", package)]).await;
    let text = error.to_string();
    assert!(text.starts_with("the app asks for Node.js >=99"), "{text}");
    assert!(error.hint().unwrap().contains("nodejs"));

    let error = refusal(&[("go.mod", "module x\n\ngo 1.99\n"), ("main.go", "package main")]).await;
    assert!(error.to_string().starts_with("the app asks for Go 1.99 (go.mod)"), "{error}");

    let toolchain = "[toolchain]\nchannel = \"1.2.3\"\n";
    let cargo = "[package]\nname = \"x\"\n";
    let error = refusal(&[("Cargo.toml", cargo), ("rust-toolchain.toml", toolchain)]).await;
    assert!(error.hint().unwrap().contains("rustup toolchain install 1.2.3"), "{error:?}");
}

#[tokio::test]
async fn nothing_to_start_is_said_with_a_line_to_add() {
    let error = refusal(&[("requirements.txt", "requests")]).await;
    assert_eq!(error.to_string(), "nothing says how to start this Python app");
    assert!(error.hint().unwrap().contains("Procfile"));
}

#[tokio::test]
async fn a_manifest_that_is_a_link_to_elsewhere_is_not_read() {
    let site = Site::with_files(&[("index.html", "x")]).await;
    std::os::unix::fs::symlink("/etc/passwd", site.source().join("Procfile")).unwrap();
    let error = site.builder.plan(&site.source()).await.unwrap_err();
    assert_eq!(error.to_string(), "'Procfile' points outside of the repository");
}

#[tokio::test]
async fn a_procfile_is_enough_for_programs_that_need_no_build() {
    let site = Site::with_files(&[("Procfile", "web: ./run"), ("run", "#!/bin/sh")]).await;
    assert_eq!(site.plan().await.language, Language::Plain);
}

#[tokio::test]
async fn what_is_said_covers_what_was_found() {
    let site = Site::with_files(&[
        ("package.json", r#"{ "dependencies": { "x": "1" }, "scripts": { "start": "node ." } }"#),
        ("app.json", r#"{ "addons": ["db"] }"#),
    ])
    .await;
    let plan = site.plan().await;
    plan.tell(&site.recorder);
    let text = site.recorder.text();
    assert!(text.starts_with("-----> Node.js app detected\n       Using Node.js "), "{text}");
    assert!(text.contains(" !     there is no lock file, so that 'npm install'"), "{text}");
    assert!(text.contains(" !     app.json: 'addons' has no meaning here"), "{text}");
    assert_eq!(plan.manifest.processes[&ProcessType::web()].run, "exec node .");
}

#[tokio::test]
async fn single_commands_can_be_overridden() {
    let site = Site::with_files(&[
        ("go.mod", "module example.org/x\n\ngo 1.19\n"),
        ("main.go", "package main\n\nfunc main() {}\n"),
        ("solum.yaml", "build: { run: [echo built > made.txt], cache: [kept/deep] }\ntest: test -f main.go && touch kept/deep/tested\n"),
    ])
    .await;
    assert_eq!(site.test().await, Tested::Passed);
    let bundle = site.build().await;
    let root = site.unpack(&bundle);
    assert_eq!(std::fs::read_to_string(root.path().join("app/made.txt")).unwrap(), "built\n");
    assert!(!root.path().join("app/bin").exists());
    assert!(root.path().join("app/kept/deep/tested").exists(), "the cache outlives a call");
    site.edit("solum.yaml", "test: test -f main.go && touch kept/deep/tested", "test: off");
    assert!(matches!(site.test().await, Tested::Skipped(_)));
}

#[tokio::test]
async fn a_file_that_the_servers_environment_names_can_be_read_in_the_box() {
    let files = [("Procfile", "web: x"), ("solum.yaml", "build: cat $PASSED_FILE > seen")];
    let site = Site::with_files(&files).await;
    let root = site.unpack(&site.build().await);
    assert_eq!(std::fs::read_to_string(root.path().join("app/seen")).unwrap(), "passed on");
}
