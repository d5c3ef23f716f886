//! Against tools that a machine need not have: `make test-peers` installs them and runs these.

use std::process::Command;

use build::Tested;

use crate::site::Site;

const PROJECT: &str = "[project]\nname = \"x\"\nversion = \"1\"\nrequires-python = \">=3.9\"\n\
                       dependencies = [\"waitress==3.0.2\"]\n\n\
                       [dependency-groups]\ndev = [\"pytest==8.4.2\"]\n";
const APP: &str = "def app(_, start):\n    start('200 OK', [])\n    return [b'hello v1']\n";
const TEST: &str = "from app import app\n\n\ndef test_app():\n    assert app({}, lambda *_: None) == [b'hello v1']\n";

#[tokio::test]
#[ignore = "needs uv: make test-peers"]
async fn uv_installs_what_is_locked_and_nothing_twice() {
    let site = Site::with_files(&[
        ("pyproject.toml", PROJECT),
        ("uv.lock", include_str!("locks/uv.lock")),
        ("app.py", APP),
        ("test_app.py", TEST),
        ("Procfile", "web: waitress-serve --listen=127.0.0.1:$PORT app:app"),
    ])
    .await;
    assert_eq!(site.test().await, Tested::Passed);
    let before = site.build().await;
    assert!(site.answer(&before).await.ends_with("hello v1"));
    let root = site.unpack(&before);
    let packages = root.path().join("app/.venv/lib/python3.11/site-packages");
    assert!(!packages.join("pytest").exists(), "what development needs is not shipped");
    site.boxes.scripts();
    site.edit("app.py", "hello v1", "hello v2");
    let after = site.build().await;
    assert_eq!(before.layers[0], after.layers[0]);
    let scripts = site.boxes.scripts();
    assert!(scripts.iter().all(|script| !script.contains("uv sync")), "{scripts:?}");
}

#[tokio::test]
#[ignore = "needs skopeo: make test-peers"]
async fn skopeo_finds_every_bundle_in_the_store_and_copies_it() {
    let site = Site::with_example("static").await;
    let one = site.build().await;
    site.edit("index.html", "</body>", "<p>two</p></body>");
    let two = site.build().await;
    assert_ne!(one.digest, two.digest);
    let store = site.directory.path().join("store");
    for bundle in [&one, &two] {
        let from = format!("oci:{}:{}", store.display(), bundle.digest.hex());
        let copied = tempfile::tempdir().unwrap();
        let to = format!("dir:{}", copied.path().display());
        let output = Command::new("skopeo")
            .args(["copy", "--insecure-policy", &from, &to])
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let manifest = std::fs::read(copied.path().join("manifest.json")).unwrap();
        assert_eq!(manifest, std::fs::read(site.store.path(&bundle.digest)).unwrap());
        for layer in &bundle.layers {
            assert!(copied.path().join(layer.digest.hex()).exists());
        }
    }
}
