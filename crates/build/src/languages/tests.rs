//! Plans as text: what would run, for trees and machines of all kinds.

use std::path::PathBuf;

use types::ProcessType;

use crate::plan::{Plan, PlanError, Recipe, Tests};
use crate::source::Source;
use crate::tools::Tools;

/// A machine with everything from the distribution, and no more than that.
fn machine() -> Tools {
    let versions = [
        ("/usr/bin/python3", "3.11.2"),
        ("/usr/bin/node", "20.19.2"),
        ("/usr/bin/go", "1.19.8"),
        ("/usr/bin/rustc", "1.63.0"),
    ];
    let present = ["npm", "cargo", "cc", "git"];
    Tools {
        versions: versions.map(|(path, version)| (path.into(), version.to_owned())).into(),
        os: "debian-12".to_owned(),
        present: present.iter().map(|name| PathBuf::from("/usr/bin").join(name)).collect(),
        ensurepip: vec!["3.11".to_owned()],
        ..Tools::default()
    }
}

fn with(tools: &[&str]) -> Tools {
    let mut machine = machine();
    machine.present.extend(tools.iter().map(|name| PathBuf::from("/usr/local/bin").join(name)));
    machine
}

fn plan_on(tools: &Tools, files: &[(&str, &str)]) -> Result<Plan, PlanError> {
    let tree = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = tree.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    Plan::make(&Source::open(tree.path()).unwrap(), tools)
}

fn plan(files: &[(&str, &str)]) -> Plan {
    plan_on(&machine(), files).unwrap()
}

fn installs(recipe: &Recipe) -> &[String] {
    &recipe.dependencies.as_ref().unwrap().install
}

fn web(plan: &Plan) -> &str {
    &plan.manifest.processes[&ProcessType::web()].run
}

const PACKAGE: &str = r#"{
  "scripts": { "start": "node server.js", "build": "tsc", "test": "jest" },
  "dependencies": { "express": "4" }, "devDependencies": { "jest": "29" }
}"#;

#[test]
fn npm_installs_what_is_locked_with_and_without_what_only_development_needs() {
    let plan = plan(&[("package.json", PACKAGE), ("package-lock.json", "{}"), (".npmrc", "")]);
    let recipe = &plan.recipe;
    assert_eq!(installs(recipe), ["npm ci --omit=dev"]);
    let development = recipe.development.as_ref().unwrap();
    assert_eq!(development.install, ["npm ci --include=dev"]);
    assert_eq!(development.inputs, ["package.json", ".npmrc", "package-lock.json"]);
    assert_eq!(recipe.compile, ["npm run build"]);
    assert_eq!(recipe.tests, Tests::Run(vec!["npm test".to_owned()]));
    assert_eq!(web(&plan), "exec node server.js");
    assert_eq!(recipe.runtimes["/usr/bin/node"], "20.19.2");
}

#[test]
fn yarn_and_pnpm_are_called_directly_or_through_npm() {
    let files = [("package.json", PACKAGE), ("yarn.lock", "# yarn lockfile v1\n")];
    let yarn = plan_on(&with(&["yarn"]), &files).unwrap();
    let install = "install --frozen-lockfile --non-interactive --production";
    assert_eq!(installs(&yarn.recipe), [format!("yarn {install}")]);
    let exec = "npm exec --yes --package=yarn@1 -- yarn";
    assert_eq!(installs(&plan(&files).recipe), [format!("{exec} {install}")]);

    let files = [("package.json", PACKAGE), ("pnpm-lock.yaml", "lockfileVersion: '6.0'\n")];
    let pnpm = plan_on(&with(&["pnpm"]), &files).unwrap();
    assert_eq!(installs(&pnpm.recipe), ["pnpm install --frozen-lockfile --prod"]);
    assert_eq!(plan(&files).recipe.compile, ["npm exec --yes --package=pnpm@8 -- pnpm run build"]);

    let package = r#"{ "packageManager": "pnpm@9.1.0+sha512.abc", "dependencies": { "a": "1" },
                       "scripts": { "start": "node x" } }"#;
    let recipe = plan(&[("package.json", package), ("pnpm-lock.yaml", "")]).recipe;
    assert!(installs(&recipe)[0].starts_with("npm exec --yes --package=pnpm@9.1.0 -- pnpm "));
}

#[test]
fn yarn_2_and_later_install_into_the_tree() {
    let lock = ("yarn.lock", "__metadata:\n  version: 8\n");
    let recipe = plan(&[("package.json", PACKAGE), lock]).recipe;
    assert_eq!(recipe.dependencies, None);
    let exec = "npm exec --yes --package=@yarnpkg/cli-dist@4 -- yarn";
    assert_eq!(recipe.in_tree, [format!("{exec} install --immutable")]);
    assert_eq!(recipe.env["NODE_OPTIONS"], "--require=/app/.pnp.cjs");
    let settings = "nodeLinker: node-modules\nyarnPath: .yarn/releases/yarn-4.1.0.cjs\n";
    let recipe = plan(&[("package.json", PACKAGE), lock, (".yarnrc.yml", settings)]).recipe;
    assert_eq!(recipe.in_tree, ["node .yarn/releases/yarn-4.1.0.cjs install --immutable"]);
    assert!(!recipe.env.contains_key("NODE_OPTIONS"));
}

#[test]
fn an_install_that_runs_the_apps_own_scripts_sees_the_whole_tree() {
    let package = r#"{ "scripts": { "postinstall": "./gen", "start": "node x", "build": "tsc" },
                       "dependencies": { "a": "1" }, "devDependencies": { "b": "1" } }"#;
    let recipe = plan(&[("package.json", package), ("package-lock.json", "{}")]).recipe;
    assert_eq!(recipe.dependencies, None);
    assert_eq!(recipe.in_tree, ["npm ci --include=dev"]);
    assert_eq!(recipe.compile, ["npm run build"]);
    assert_eq!(recipe.finish, ["npm prune --omit=dev"]);
}

#[test]
fn without_a_start_script_a_server_js_is_started() {
    assert_eq!(web(&plan(&[("package.json", "{}"), ("server.js", "")])), "exec node server.js");
    let error = plan_on(&machine(), &[("package.json", "{}")]).unwrap_err();
    assert_eq!(error.to_string(), "nothing says how to start this Node.js app");
    let package = r#"{ "scripts": { "start": "A=b node x && node y" } }"#;
    assert_eq!(web(&plan(&[("package.json", package)])), "exec npm start");
}

#[test]
fn a_test_script_that_npm_init_wrote_is_no_test() {
    let package = r#"{ "scripts": { "start": "node x", "test": "echo \"Error: no test specified\" && exit 1" } }"#;
    assert!(matches!(plan(&[("package.json", package)]).recipe.tests, Tests::Skip(_)));
}

#[test]
fn pip_fills_a_virtual_environment() {
    let plan = plan(&[
        ("requirements.txt", "flask\ngunicorn\n"),
        ("requirements-dev.txt", "-r requirements.txt\npytest\n"),
        ("app.py", "from flask import Flask\napp = Flask(__name__)\n"),
    ]);
    assert_eq!(
        installs(&plan.recipe),
        [
            "/usr/bin/python3 -m venv .venv",
            "pip install --no-compile -r requirements.txt",
            "# /usr/bin/python3 -m compileall .venv\n/usr/bin/python3 -m compileall -qq -f \
             --invalidation-mode unchecked-hash .venv/lib || true",
        ]
    );
    let development = plan.recipe.development.as_ref().unwrap();
    assert_eq!(development.install[2], "pip install --no-compile -r requirements-dev.txt");
    assert_eq!(development.inputs, ["requirements-dev.txt", "requirements.txt"]);
    assert_eq!(plan.recipe.tests, Tests::Run(vec!["python -m pytest || test $? = 5".to_owned()]));
    assert_eq!(web(&plan), "exec gunicorn --bind 127.0.0.1:$PORT app:app");
    assert_eq!(plan.recipe.env["VIRTUAL_ENV"], "/app/.venv");
}

#[test]
fn a_pyproject_installs_its_dependencies_without_the_project() {
    let project = "[project]\nname = \"x\"\nversion = \"1\"\nrequires-python = \">=3.10\"\n\
                   dependencies = [\"fastapi>=0.100\", \"uvicorn\"]\n\
                   [dependency-groups]\ntest = [\"pytest\"]\n";
    let app = "from fastapi import FastAPI\napp = FastAPI()\n";
    let plan = plan(&[("pyproject.toml", project), ("main.py", app)]);
    assert_eq!(installs(&plan.recipe)[1], "pip install --no-compile -- 'fastapi>=0.100' uvicorn");
    let development = plan.recipe.development.as_ref().unwrap();
    assert_eq!(development.install[2], "pip install --no-compile -- pytest");
    assert_eq!(web(&plan), "exec uvicorn main:app --host 127.0.0.1 --port $PORT");
}

#[test]
fn a_project_with_commands_of_its_own_is_installed_from_the_tree() {
    let project = "[project]\nname = \"x\"\nversion = \"1\"\n[project.scripts]\nx = \"x:main\"\n";
    let recipe = plan(&[("pyproject.toml", project), ("Procfile", "web: x")]).recipe;
    assert_eq!(recipe.dependencies, None);
    assert_eq!(recipe.in_tree, ["/usr/bin/python3 -m venv .venv", "pip install --no-compile -e ."]);
}

#[test]
fn a_lock_file_is_followed_where_its_tool_is_there_and_said_where_not() {
    let files = [
        ("pyproject.toml", "[project]\nname = \"x\"\ndependencies = [\"flask\"]\n"),
        ("uv.lock", ""),
        ("Procfile", "web: x"),
    ];
    let plan = plan_on(&with(&["uv"]), &files).unwrap();
    assert_eq!(installs(&plan.recipe)[0], "uv sync --frozen --no-install-project --no-dev");
    assert!(plan.warnings.is_empty());
    let plan = plan_on(&machine(), &files).unwrap();
    assert!(plan.warnings[0].starts_with("uv.lock is there but uv is not"), "{:?}", plan.warnings);
    assert_eq!(installs(&plan.recipe)[1], "pip install --no-compile -- flask");
}

#[test]
fn django_is_started_by_the_server_it_declares() {
    let files = |requirements| {
        [("requirements.txt", requirements), ("manage.py", ""), ("shop/wsgi.py", "")]
    };
    let with_gunicorn = plan(&files("django\ngunicorn"));
    assert_eq!(web(&with_gunicorn), "exec gunicorn --bind 127.0.0.1:$PORT shop.wsgi:application");
    let bare = plan(&files("django"));
    assert_eq!(web(&bare), "exec python manage.py runserver --noreload 127.0.0.1:$PORT");
    assert!(bare.warnings[0].contains("development server"));
}

#[test]
fn a_python_without_its_venv_module_names_the_package() {
    let mut tools = machine();
    tools.ensurepip.clear();
    let error = plan_on(&tools, &[("requirements.txt", ""), ("Procfile", "web: x")]).unwrap_err();
    assert!(error.hint().unwrap().ends_with("apt-get install python3.11-venv"), "{error:?}");
}

#[test]
fn another_python_is_taken_when_the_app_asks_for_it() {
    let mut tools = machine();
    tools.versions.insert("/usr/local/bin/python3.13".into(), "3.13.1".to_owned());
    tools.ensurepip.push("3.13".to_owned());
    let files =
        [("requirements.txt", ""), ("runtime.txt", "python-3.13.0"), ("Procfile", "web: x")];
    let plan = plan_on(&tools, &files).unwrap();
    assert_eq!(plan.recipe.runtimes["/usr/local/bin/python3.13"], "3.13.1");
    assert_eq!(installs(&plan.recipe)[0], "/usr/local/bin/python3.13 -m venv .venv");
}

#[test]
fn cargo_builds_what_is_locked_and_ships_the_programs() {
    let manifest = "[package]\nname = \"shop\"\n";
    let plan = plan(&[("Cargo.toml", manifest), ("Cargo.lock", ""), ("src/main.rs", "")]);
    assert!(plan.recipe.compile[0].starts_with("cargo build --release --locked --message-format"));
    assert_eq!(plan.recipe.tests, Tests::Run(vec!["cargo test --locked".to_owned()]));
    assert_eq!(web(&plan), "exec target/release/shop");
    assert!(plan.recipe.binds.is_empty(), "the system's own is visible in every box");
}

#[test]
fn several_programs_need_a_procfile() {
    let manifest =
        "[package]\nname = \"shop\"\n[[bin]]\nname = \"admin\"\npath = \"src/admin.rs\"\n";
    let files = [("Cargo.toml", manifest), ("src/main.rs", ""), ("src/bin/tool.rs", "")];
    let error = plan_on(&machine(), &files).unwrap_err();
    assert!(error.hint().unwrap().starts_with("its programs are admin, shop, tool;"), "{error:?}");
}

#[test]
fn a_toolchain_of_rustup_is_shown_to_the_box() {
    let mut tools = machine();
    let name = "1.80.0-x86_64-unknown-linux-gnu";
    tools.toolchains.insert(name.to_owned(), "/home/s/.rustup/toolchains/1.80".into());
    let rustc = "/home/s/.rustup/toolchains/1.80/bin/rustc";
    tools.versions.insert(rustc.into(), "1.80.0".to_owned());
    let manifest = "[package]\nname = \"x\"\nrust-version = \"1.75\"\n";
    let files = [("Cargo.toml", manifest), ("src/main.rs", "")];
    let error = plan_on(&tools, &files).unwrap_err();
    assert!(
        matches!(error, PlanError::WrongVersion { .. }),
        "the default is the system's: {error:?}"
    );
    let asked = [files[0], files[1], ("rust-toolchain", "1.80.0\n")];
    let plan = plan_on(&tools, &asked).unwrap();
    assert_eq!(plan.recipe.binds[0].target, PathBuf::from("/rust"));
    assert_eq!(plan.recipe.path, ["/rust/bin"]);
}

#[test]
fn go_builds_every_program() {
    let files = [
        ("go.mod", "module example.org/shop\n\ngo 1.19\n"),
        ("cmd/web/main.go", "// Web.\npackage main\n"),
        ("shop_test.go", "package shop\n"),
    ];
    let plan = plan(&files);
    assert_eq!(plan.recipe.compile, ["go build -modcacherw -o bin/ ./..."]);
    assert_eq!(web(&plan), "exec bin/web");
    assert!(matches!(plan.recipe.tests, Tests::Run(_)));
}

#[test]
fn missing_tools_are_named_with_their_packages() {
    let bare = Tools { os: "debian-12".to_owned(), ..Tools::default() };
    for (file, text, package) in [
        ("requirements.txt", "", "apt-get install python3 python3-venv"),
        ("package.json", "{}", "apt-get install nodejs npm"),
        ("go.mod", "module x", "apt-get install golang-go"),
        ("Cargo.toml", "[package]\nname = \"x\"", "apt-get install cargo"),
    ] {
        let error = plan_on(&bare, &[(file, text)]).unwrap_err();
        assert!(matches!(error, PlanError::MissingTool { .. }), "{file}: {error:?}");
        assert!(error.hint().unwrap().contains(package), "{file}: {error:?}");
    }
}

#[test]
fn the_files_of_a_static_site_are_served_by_our_own_program() {
    let root = plan(&[("index.html", ""), ("solum.yaml", "")]);
    assert_eq!(web(&root), "exec /opt/solum/solum static --root /app --port $PORT");
    assert_eq!(root.recipe.unshipped, ["solum.yaml", "Procfile", "app.json"]);
    let public = plan(&[("public/index.html", "")]);
    assert_eq!(web(&public), "exec /opt/solum/solum static --root /app/public --port $PORT");
}

#[test]
fn a_second_language_is_said() {
    let plan =
        plan(&[("go.mod", "module x\n"), ("main.go", "package main"), ("package.json", "{}")]);
    assert_eq!(
        plan.warnings,
        ["go.mod decides how this is built; package.json, which is there too, is not looked at"]
    );
}

#[test]
fn a_broken_project_file_has_its_place() {
    let error = plan_on(&machine(), &[("pyproject.toml", "[project\n")]).unwrap_err();
    assert!(error.to_string().starts_with("pyproject.toml:1:9:"), "{error}");
    let error = plan_on(&machine(), &[("package.json", "{\n  x\n}")]).unwrap_err();
    assert!(error.to_string().starts_with("package.json:2:3: not valid JSON"), "{error}");
}
