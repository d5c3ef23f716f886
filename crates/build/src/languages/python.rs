//! Python: a virtual environment at `.venv`, filled from `requirements.txt`, `pyproject.toml` or a lock file.

mod entry;
mod interpreter;
mod requirements;

use toml::Table;

use crate::manifest::Detected;
use crate::plan::{Dependencies, Draft, Language, PlanError, Tests};
use crate::source::Source;
use crate::tools::Tools;
use interpreter::Interpreter;
use requirements::Requirements;

const VENV: &str = ".venv";
/// Development requirements, in files that people keep them in.
const DEVELOPMENT: &[&str] = &[
    "requirements-dev.txt",
    "requirements-test.txt",
    "dev-requirements.txt",
    "test-requirements.txt",
    "requirements/dev.txt",
    "requirements/test.txt",
];
/// Extras and dependency groups with what tests need.
const GROUPS: &[&str] = &["test", "tests", "testing", "dev", "develop", "development"];

pub(super) fn draft(source: &Source, tools: &Tools) -> Result<Draft, PlanError> {
    let mut draft = Draft::new(Language::Python);
    let project = project(source)?;
    let interpreter = interpreter::choose(source, tools, &project)?;
    draft.notes.push(format!("Using Python {} ({})", interpreter.version, interpreter.path));
    let how = Install::choose(source, tools, &project, &mut draft)?;
    environment(&mut draft, &interpreter, source);
    how.plan(&mut draft, &interpreter);
    draft.recipe.tests = tests(source, &how, &project)?;
    if matches!(draft.recipe.tests, Tests::Skip(_)) {
        draft.recipe.development = None;
    }
    match entry::find(source, &how.declared)? {
        Some(entry) => {
            draft.warnings.extend(entry.warning);
            draft.detected = Detected::web(entry.command);
        }
        None => {
            let line = "web: gunicorn --bind 127.0.0.1:$PORT MODULE:app";
            draft.start_hint = format!("add a Procfile with a line such as '{line}'");
        }
    }
    Ok(draft)
}

fn environment(draft: &mut Draft, interpreter: &Interpreter, source: &Source) {
    let pairs = |pairs: &[(&str, &str)]| {
        let pairs = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        pairs.collect::<Vec<_>>()
    };
    let venv = format!("/app/{VENV}");
    draft.recipe.path.push(format!("{venv}/bin"));
    let mut run = pairs(&[("VIRTUAL_ENV", &venv), ("PYTHONUNBUFFERED", "1"), ("LANG", "C.UTF-8")]);
    // Where modules stand in a package of the `src` layout.
    if source.is_dir("src") {
        run.extend(pairs(&[("PYTHONPATH", "/app/src")]));
    }
    draft.recipe.build_env.extend(run.clone());
    draft.recipe.env.extend(run);
    draft.recipe.build_env.extend(pairs(&[
        ("PIP_CACHE_DIR", "/cache/pip"),
        ("PIP_DISABLE_PIP_VERSION_CHECK", "1"),
        ("PIP_NO_INPUT", "1"),
        ("PIP_PROGRESS_BAR", "off"),
        ("PYTHONDONTWRITEBYTECODE", "1"),
        ("UV_CACHE_DIR", "/cache/uv"),
        ("UV_LINK_MODE", "copy"),
        ("UV_PYTHON", &interpreter.path),
        ("UV_PYTHON_DOWNLOADS", "never"),
        ("UV_PROJECT_ENVIRONMENT", &venv),
        ("POETRY_CACHE_DIR", "/cache/poetry"),
        ("POETRY_VIRTUALENVS_IN_PROJECT", "true"),
    ]));
    draft.recipe.runtimes.insert(interpreter.path.clone(), interpreter.version.clone());
}

/// How the environment is filled.
struct Install {
    /// Names of everything that is declared, for what convention asks.
    declared: Vec<String>,
    inputs: Vec<String>,
    commands: Vec<String>,
    /// On top of that, for tests.
    development_inputs: Vec<String>,
    development: Vec<String>,
    /// What is installed comes out of the repository itself, so that each change installs again.
    from_tree: bool,
}

impl Install {
    fn choose(
        source: &Source,
        tools: &Tools,
        project: &Table,
        draft: &mut Draft,
    ) -> Result<Self, PlanError> {
        for (lock, tool, install) in [
            ("uv.lock", "uv", "uv sync --frozen --no-install-project"),
            ("poetry.lock", "poetry", "poetry install --no-root --no-interaction"),
        ] {
            if !source.is_file(lock) {
                continue;
            }
            if tools.has(tool) {
                return Ok(Self::locked(lock, tool, install, project));
            }
            draft.warnings.push(format!(
                "{lock} is there but {tool} is not on this machine (/usr/bin or /usr/local/bin): pip \
                 installs what pyproject.toml or requirements.txt asks for, not what is locked"
            ));
        }
        if source.is_file("requirements.txt") {
            return Self::requirements(source);
        }
        if !project.is_empty() {
            return Ok(Self::project(project, draft));
        }
        draft.notes.push("Nothing to install: there is no requirements.txt".to_owned());
        Ok(Self::nothing())
    }

    fn nothing() -> Self {
        Self {
            declared: Vec::new(),
            inputs: Vec::new(),
            commands: Vec::new(),
            development_inputs: Vec::new(),
            development: Vec::new(),
            from_tree: false,
        }
    }

    fn locked(lock: &str, tool: &str, install: &str, project: &Table) -> Self {
        let without = if tool == "uv" { " --no-dev" } else { " --only main" };
        Self {
            declared: requirements::of_project(project, GROUPS),
            inputs: vec![lock.to_owned(), "pyproject.toml".to_owned()],
            commands: vec![format!("{install}{without}")],
            development: vec![install.to_owned()],
            ..Self::nothing()
        }
    }

    fn requirements(source: &Source) -> Result<Self, PlanError> {
        let main = Requirements::read(source, "requirements.txt")?;
        let file = DEVELOPMENT.iter().find(|file| source.is_file(file));
        let development = match file {
            Some(file) => Requirements::read(source, file)?,
            None => Requirements::default(),
        };
        let mut declared = main.names;
        declared.extend(development.names);
        Ok(Self {
            declared,
            inputs: main.files,
            commands: vec!["pip install --no-compile -r requirements.txt".to_owned()],
            development_inputs: development.files,
            development: file
                .map(|file| format!("pip install --no-compile -r {file}"))
                .into_iter()
                .collect(),
            from_tree: main.from_tree || development.from_tree,
        })
    }

    /// Dependencies that stand in the file are installed by themselves. What only the build backend knows, or a
    /// package with commands of its own, is installed from the tree.
    fn project(project: &Table, draft: &mut Draft) -> Self {
        let table = project.get("project").and_then(toml::Value::as_table);
        let has = |key: &str| table.is_some_and(|table| table.contains_key(key));
        let dynamic = table.and_then(|table| table.get("dynamic")?.as_array());
        let dynamic =
            dynamic.is_some_and(|keys| keys.iter().any(|key| key.as_str() == Some("dependencies")));
        let is_poetry = project.get("tool").is_some_and(|tool| tool.get("poetry").is_some());
        let scripts = has("scripts") || has("gui-scripts") || has("entry-points");
        let declared = requirements::of_project(project, GROUPS);
        if dynamic || scripts || (is_poetry && !has("dependencies")) {
            draft.notes.push(
                "Installing the project itself, so that each change installs it again".to_owned(),
            );
            return Self {
                declared,
                commands: vec!["pip install --no-compile -e .".to_owned()],
                development: requirements::install_line(&requirements::groups(project, GROUPS)),
                from_tree: true,
                ..Self::nothing()
            };
        }
        Self {
            declared,
            inputs: vec!["pyproject.toml".to_owned()],
            commands: requirements::install_line(&requirements::dependencies(project)),
            development: requirements::install_line(&requirements::groups(project, GROUPS)),
            ..Self::nothing()
        }
    }

    fn plan(&self, draft: &mut Draft, interpreter: &Interpreter) {
        let path = &interpreter.path;
        let mut install = vec![format!("{path} -m venv {VENV}")];
        // Byte code that does not depend on when a file was written: times are the same in every bundle.
        let compile = format!(
            "# {path} -m compileall {VENV}\n\
             {path} -m compileall -qq -f --invalidation-mode unchecked-hash {VENV}/lib || true"
        );
        let uses_pip = self.commands.iter().all(|line| line.starts_with("pip "));
        if !uses_pip {
            install.clear();
        }
        install.extend(self.commands.iter().cloned());
        if self.from_tree {
            draft.recipe.in_tree = install;
            draft.recipe.in_tree_development.clone_from(&self.development);
            draft.recipe.finish = vec![compile];
            return;
        }
        let dependencies = |inputs: Vec<String>, mut install: Vec<String>| {
            install.push(compile.clone());
            Dependencies { directory: VENV, inputs, install, scratch: &[] }
        };
        draft.recipe.dependencies = Some(dependencies(self.inputs.clone(), install.clone()));
        if !self.development.is_empty() {
            let mut inputs = self.inputs.clone();
            inputs.extend(self.development_inputs.iter().cloned());
            inputs.sort();
            inputs.dedup();
            if !uses_pip {
                install.clear();
            }
            install.extend(self.development.iter().cloned());
            draft.recipe.development = Some(dependencies(inputs, install));
        }
    }
}

fn project(source: &Source) -> Result<Table, PlanError> {
    let text = source.declaration("pyproject.toml")?.unwrap_or_default();
    text.parse().map_err(|error| super::toml_mistake("pyproject.toml", &text, &error))
}

fn tests(source: &Source, how: &Install, project: &Table) -> Result<Tests, PlanError> {
    let section = |file: &str, header: &str| -> Result<bool, PlanError> {
        let text = source.declaration(file)?.unwrap_or_default();
        Ok(text.lines().any(|line| line.trim() == header))
    };
    let configured = source.is_file("pytest.ini")
        || project.get("tool").is_some_and(|tool| tool.get("pytest").is_some())
        || section("setup.cfg", "[tool:pytest]")?
        || section("tox.ini", "[pytest]")?;
    let declared = how.declared.iter().any(|name| name == "pytest");
    Ok(match (declared, configured) {
        // 5 says that there is no test.
        (true, _) => Tests::Run(vec!["python -m pytest || test $? = 5".to_owned()]),
        (false, true) => Tests::Skip(
            "pytest is configured but not declared; add it to requirements-dev.txt".to_owned(),
        ),
        (false, false) => {
            Tests::Skip("pytest is not declared, and solum.yaml has no 'test'".to_owned())
        }
    })
}
