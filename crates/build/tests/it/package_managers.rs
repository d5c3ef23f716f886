//! Lock files of every package manager, installed for real from the registries.

use build::Tested;

use crate::site::Site;

const PACKAGE: &str = r#"{
  "name": "x",
  "private": true,
  "scripts": {
    "build": "node -e \"require('fs').writeFileSync('built', String(require('is-odd')(3)))\"",
    "start": "node server.js",
    "test": "node -e \"require('is-odd'); require('ms')\""
  },
  "dependencies": { "ms": "2.1.3" },
  "devDependencies": { "is-odd": "3.0.1" }
}"#;

const SERVER: &str = "const ms = require('ms');
require('http').createServer((_, response) => response.end(`${ms('2s')} v1`))
  .listen(process.env.PORT, '127.0.0.1');
";

async fn site(lock: (&str, &str)) -> Site {
    Site::with_files(&[("package.json", PACKAGE), ("server.js", SERVER), lock]).await
}

/// Installs, tests, builds with what development needs, ships without it, and installs nothing the second time.
async fn works_in_layers(lock: (&str, &str)) {
    let site = site(lock).await;
    assert_eq!(site.test().await, Tested::Passed);
    let before = site.build().await;
    assert!(site.answer(&before).await.ends_with("2000 v1"));
    let root = site.unpack(&before);
    assert_eq!(std::fs::read_to_string(root.path().join("app/built")).unwrap(), "true");
    assert!(!root.path().join("app/node_modules/is-odd").exists());
    site.boxes.scripts();
    site.edit("server.js", " v1", " v2");
    let after = site.build().await;
    assert_eq!(before.layers[0], after.layers[0]);
    assert_eq!(site.boxes.scripts().len(), 1, "it builds, and installs nothing");
}

#[tokio::test]
async fn pnpm() {
    works_in_layers(("pnpm-lock.yaml", include_str!("locks/pnpm-lock.yaml"))).await;
}

#[tokio::test]
async fn yarn_1() {
    works_in_layers(("yarn.lock", include_str!("locks/yarn-1.lock"))).await;
}

#[tokio::test]
async fn yarn_4_without_node_modules() {
    let site = site(("yarn.lock", include_str!("locks/yarn-4.lock"))).await;
    assert_eq!(site.test().await, Tested::Passed);
    let bundle = site.build().await;
    assert!(site.answer(&bundle).await.ends_with("2000 v1"));
}

#[tokio::test]
async fn npm_without_a_lock_file() {
    let site = site((".npmrc", "")).await;
    let bundle = site.build().await;
    assert!(site.answer(&bundle).await.ends_with("2000 v1"));
}

#[tokio::test]
async fn pip_with_a_project_that_installs_itself() {
    let project = "[build-system]\nrequires = [\"setuptools\"]\nbuild-backend = \"setuptools.build_meta\"\n\
                   [project]\nname = \"x\"\nversion = \"1\"\ndependencies = [\"waitress==3.0.2\"]\n\
                   [project.scripts]\nserve = \"hello:main\"\n";
    let module = "import os, waitress\n\n\ndef app(_, start):\n    start('200 OK', [])\n    return [b'hello v1']\n\n\n\
                  def main():\n    waitress.serve(app, listen='127.0.0.1:' + os.environ['PORT'])\n";
    let files = [("pyproject.toml", project), ("src/hello.py", module), ("Procfile", "web: serve")];
    let site = Site::with_files(&files).await;
    let bundle = site.build().await;
    assert!(site.answer(&bundle).await.ends_with("hello v1"));
}

#[tokio::test]
async fn pip_with_a_project_that_only_lists_what_it_needs() {
    let project =
        "[project]\nname = \"x\"\nversion = \"1\"\ndependencies = [\"waitress==3.0.2\"]\n";
    let module = "def app(_, start):\n    start('200 OK', [])\n    return [b'hello v1']\n";
    let site = Site::with_files(&[("pyproject.toml", project), ("app.py", module)]).await;
    let before = site.build().await;
    assert!(site.answer(&before).await.ends_with("hello v1"));
    site.edit("app.py", " v1", " v2");
    let after = site.build().await;
    assert_eq!(before.layers[0], after.layers[0]);
}
