//! Every example is built for real, tested, started, changed, and built again with nothing installed a second time.

use build::Tested;
use types::Bundle;

use crate::site::Site;

/// Builds twice, with a change of one line between.
async fn changes(name: &str, file: &str) -> (Site, Bundle, Bundle) {
    let site = Site::with_example(name).await;
    let before = site.build().await;
    let answer = site.answer(&before).await;
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains(" v1"), "{answer}");
    site.boxes.scripts();
    site.edit(file, " v1", " v2");
    let after = site.build().await;
    let answer = site.answer(&after).await;
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains(" v2"), "{answer}");
    assert_ne!(before.digest, after.digest);
    assert_eq!(site.store.bundle(&after.digest).await.unwrap(), after);
    (site, before, after)
}

#[tokio::test]
async fn flask() {
    let (site, before, after) = changes("flask", "app.py").await;
    assert_eq!(before.layers.len(), 2);
    assert_eq!(before.layers[0], after.layers[0], "the dependencies' layer is the same one");
    assert!(after.layers[1].size < 64 << 10, "{:?}", after.layers[1]);
    assert!(site.boxes.scripts().is_empty(), "nothing runs when nothing has to be installed");
    assert!(before.stack.runtimes.keys().any(|path| path.contains("python3")), "{before:?}");
    let root = site.unpack(&after);
    let library = std::fs::read_dir(root.path().join("app/.venv/lib")).unwrap().next().unwrap();
    let compiled = library.unwrap().path().join("site-packages/flask/__pycache__");
    let file = std::fs::read_dir(compiled).unwrap().next().unwrap().unwrap().path();
    // PEP 552: byte code by the content of its source, never compared with it again.
    assert_eq!(std::fs::read(file).unwrap()[4..8], [1, 0, 0, 0]);
    let text = site.recorder.text();
    assert!(text.contains("-----> Dependencies are unchanged: nothing to install"), "{text}");

    assert_eq!(site.test().await, Tested::Passed);
    site.boxes.scripts();
    assert_eq!(site.test().await, Tested::Passed);
    assert_eq!(site.boxes.scripts().len(), 1, "the tests, and no second install");
}

#[tokio::test]
async fn express() {
    let (site, before, after) = changes("express", "app.js").await;
    assert_eq!(before.layers.len(), 2);
    assert_eq!(before.layers[0], after.layers[0], "the dependencies' layer is the same one");
    assert!(after.layers[1].size < 256 << 10, "{:?}", after.layers[1]);
    assert!(site.boxes.scripts().is_empty(), "nothing runs when nothing has to be installed");
    assert_eq!(site.test().await, Tested::Passed);
    assert_eq!(site.boxes.scripts().len(), 1, "the tests, and no second install");
}

#[tokio::test]
async fn rust() {
    let (site, _, after) = changes("rust", "src/main.rs").await;
    let text = site.recorder.text();
    assert_eq!(text.matches("Compiling httparse").count(), 1, "{text}");
    assert_eq!(text.matches("Compiling hello").count(), 2, "{text}");
    assert!(after.stack.runtimes.is_empty());
    let root = site.unpack(&after);
    assert!(root.path().join("app/target/release/hello").exists());
    assert!(!root.path().join("app/target/release/deps").exists());
    assert_eq!(site.test().await, Tested::Passed);
}

#[tokio::test]
async fn go() {
    let (site, _, after) = changes("go", "main.go").await;
    assert!(site.unpack(&after).path().join("app/bin/hello").exists());
    assert_eq!(site.test().await, Tested::Passed);
}

#[tokio::test]
async fn static_files() {
    let (site, before, after) = changes("static", "index.html").await;
    assert_eq!(before.layers[0], after.layers[0], "the server's layer is the same one");
    assert!(site.boxes.scripts().is_empty());
    assert!(matches!(site.test().await, Tested::Skipped(_)));
}

#[tokio::test]
async fn buildpack() {
    let (site, _, after) = changes("buildpack", "server.pl").await;
    let root = site.unpack(&after);
    assert!(root.path().join("app/.profile.d/perl.sh").exists());
    let text = site.recorder.text();
    assert!(text.contains("server.pl syntax OK"), "{text}");
    assert!(matches!(site.test().await, Tested::Skipped(_)));
}
