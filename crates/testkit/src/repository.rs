use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::command::{self, Finished};
use crate::server::Server;

const GIT: Duration = Duration::from_secs(60);
const PUSH: Duration = Duration::from_secs(600);

/// A work tree whose branch is `main`, driven by the real git client.
#[derive(Debug)]
pub struct Repository {
    path: PathBuf,
    program: PathBuf,
    environment: Vec<(&'static str, String)>,
}

/// What a push did.
#[derive(Debug)]
pub struct Push(Finished);

impl Push {
    #[must_use]
    pub fn success(&self) -> bool {
        self.0.success()
    }

    /// What the server told, without git's own lines and without `remote: `.
    #[must_use]
    pub fn transcript(&self) -> String {
        let lines = self.0.stderr.lines().filter_map(|line| line.strip_prefix("remote:"));
        let lines = lines.map(|line| line.strip_prefix(' ').unwrap_or(line).trim_end());
        lines.collect::<Vec<_>>().join("\n")
    }

    /// Everything that git wrote.
    #[must_use]
    pub fn output(&self) -> &str {
        &self.0.stderr
    }

    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.0.elapsed
    }

    /// # Errors
    /// When the push was refused: with all that git wrote.
    pub fn require(self) -> Result<Self> {
        Ok(Self(self.0.require()?))
    }
}

impl Repository {
    /// An empty repository with a place of its own beside `server`'s data.
    ///
    /// # Errors
    /// When git fails.
    pub fn empty(server: &Server) -> Result<Self> {
        let repositories = server.directory().join("repositories");
        fs::create_dir_all(&repositories)?;
        let path = tempfile::Builder::new().prefix("app-").tempdir_in(&repositories)?.keep();
        let environment = server.user_environment();
        let repository = Self { path, program: server.program().to_owned(), environment };
        repository.git(&["init", "--quiet", "--initial-branch=main"])?;
        Ok(repository)
    }

    /// A repository with one commit: the files of `examples/NAME`.
    ///
    /// # Errors
    /// When there is no such example, or git fails.
    pub fn from_example(server: &Server, name: &str) -> Result<Self> {
        Self::from_directory(server, &example(name)?)
    }

    /// A repository with one commit: the files of `directory`.
    ///
    /// # Errors
    /// When the files cannot be copied, or git fails.
    pub fn from_directory(server: &Server, directory: &Path) -> Result<Self> {
        let repository = Self::empty(server)?;
        copy(directory, &repository.path)?;
        repository.commit("Start")?;
        Ok(repository)
    }

    /// A repository with one commit: these files. A name that starts with `bin/` is executable.
    ///
    /// # Errors
    /// When they cannot be written, or git fails.
    pub fn from_files(server: &Server, files: &[(&str, &str)]) -> Result<Self> {
        let repository = Self::empty(server)?;
        for (name, text) in files {
            repository.write(name, text)?;
        }
        repository.commit("Start")?;
        Ok(repository)
    }

    /// What `solum app clone NAME` makes.
    ///
    /// # Errors
    /// When it fails.
    pub fn clone_of(server: &Server, name: &str) -> Result<Self> {
        let repositories = server.directory().join("repositories");
        fs::create_dir_all(&repositories)?;
        let path = tempfile::Builder::new().prefix("clone-").tempdir_in(&repositories)?.keep();
        let directory = path.to_str().context("the path is text")?;
        server.solum(&["app", "clone", name, directory])?.require()?;
        let environment = server.user_environment();
        Ok(Self { path, program: server.program().to_owned(), environment })
    }

    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Runs `solum app create NAME` in here, which makes the remote `solum`.
    ///
    /// # Errors
    /// When it fails.
    pub fn create_app(&self, name: &str) -> Result<Finished> {
        self.solum(&["app", "create", name])?.require()
    }

    /// Runs `solum` in here.
    ///
    /// # Errors
    /// When it cannot be started or does not end in time.
    pub fn solum(&self, arguments: &[&str]) -> Result<Finished> {
        command::run(self.prepare(&self.program.clone()).args(arguments), PUSH)
    }

    /// Replaces the first `from` in a file.
    ///
    /// # Errors
    /// When the file does not hold it.
    pub fn edit(&self, file: &str, from: &str, to: &str) -> Result<()> {
        let path = self.path.join(file);
        let text =
            fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        ensure!(text.contains(from), "{} does not hold {from:?}", path.display());
        fs::write(&path, text.replacen(from, to, 1))?;
        Ok(())
    }

    /// Writes a file, with the folders that it needs.
    ///
    /// # Errors
    /// When the file system refuses.
    pub fn write(&self, file: &str, text: &str) -> Result<()> {
        let path = self.path.join(file);
        fs::create_dir_all(path.parent().context("a file has a folder")?)?;
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        if file.starts_with("bin/") {
            make_executable(&path)?;
        }
        Ok(())
    }

    /// Commits everything there is, and gives the commit.
    ///
    /// # Errors
    /// When git fails.
    pub fn commit(&self, message: &str) -> Result<String> {
        self.git(&["add", "--all"])?;
        self.git(&["commit", "--quiet", "--allow-empty", "--message", message])?;
        self.head()
    }

    /// # Errors
    /// When there is no commit.
    pub fn head(&self) -> Result<String> {
        Ok(self.git(&["rev-parse", "HEAD"])?.stdout.trim().to_owned())
    }

    /// `git push solum main`.
    ///
    /// # Errors
    /// When it does not end in time; a refused push is no error.
    pub fn push(&self) -> Result<Push> {
        self.push_with(&["solum", "main"])
    }

    /// `git push` with these arguments.
    ///
    /// # Errors
    /// As [`Repository::push`].
    pub fn push_with(&self, arguments: &[&str]) -> Result<Push> {
        self.push_watched(arguments, &mut |_| {})
    }

    /// The same, and shows each line that git writes when it comes.
    ///
    /// # Errors
    /// As [`Repository::push`].
    pub fn push_watched(&self, arguments: &[&str], on_line: &mut dyn FnMut(&str)) -> Result<Push> {
        let mut push = self.git_command();
        push.arg("push").args(arguments);
        Ok(Push(command::run_watched(&mut push, PUSH, on_line)?))
    }

    /// Runs git in here; it has to end well.
    ///
    /// # Errors
    /// When it does not.
    pub fn git(&self, arguments: &[&str]) -> Result<Finished> {
        command::run(self.git_command().args(arguments), GIT)?.require()
    }

    /// git in here, ready to be given arguments.
    #[must_use]
    pub fn git_command(&self) -> Command {
        self.prepare(Path::new("git"))
    }

    fn prepare(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.path);
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }
}

fn example(name: &str) -> Result<PathBuf> {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    let path = examples.join(name);
    ensure!(path.is_dir(), "there is no example {name:?} in {}", examples.display());
    Ok(path)
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    for entry in fs::read_dir(from).with_context(|| format!("cannot read {}", from.display()))? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        let kind = entry.file_type()?;
        if kind.is_dir() {
            fs::create_dir_all(&target)?;
            copy(&entry.path(), &target)?;
        } else if kind.is_symlink() {
            std::os::unix::fs::symlink(fs::read_link(entry.path())?, &target)?;
        } else {
            fs::copy(entry.path(), &target)?;
        }
    }
    Ok(())
}

fn make_executable(path: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    Ok(fs::set_permissions(path, fs::Permissions::from_mode(0o755))?)
}
