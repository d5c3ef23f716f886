//! Actions of other repositories, out of a mirror in a directory or behind HTTP. What else a mirror may do is tested in `source`.

use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use testkit::{Repository, Server, ServerOptions, wait_until};

use crate::hello;
use crate::jobs::WORKFLOW;

/// Repositories at `OWNER/REPO`, which need not be bare.
struct Mirror {
    directory: tempfile::TempDir,
}

impl Mirror {
    fn new() -> Result<Self> {
        Ok(Self { directory: tempfile::tempdir()? })
    }

    fn root(&self) -> PathBuf {
        self.directory.path().join("mirror")
    }

    fn server(&self) -> Result<Server> {
        self.server_with(ServerOptions::default())
    }

    fn server_with(&self, mut options: ServerOptions) -> Result<Server> {
        let root = self.root();
        let root = root.to_str().context("a path in UTF-8")?.to_owned();
        options.arguments.extend(["--actions-mirror".to_owned(), root]);
        Server::start_with(options)
    }

    /// The commit of its tag.
    fn commit(&self, repository: &str, tag: &str) -> Result<String> {
        let mut git = Command::new("git");
        let output =
            git.current_dir(self.root().join(repository)).args(["rev-parse", tag]).output()?;
        Ok(String::from_utf8(output.stdout)?.trim().to_owned())
    }

    /// Commits these files to a repository, and moves its tag to that.
    fn release(&self, repository: &str, tag: &str, files: &[(&str, &str)]) -> Result<()> {
        let place = self.root().join(repository);
        for (path, text) in files {
            let path = place.join(path);
            std::fs::create_dir_all(path.parent().unwrap_or(&place))?;
            std::fs::write(path, text)?;
        }
        git(&place, &["init", "--quiet", "--initial-branch=main"])?;
        git(&place, &["add", "--all"])?;
        git(&place, &["commit", "--quiet", "--allow-empty", "--message", tag])?;
        git(&place, &["tag", "--force", tag])
    }
}

fn git(place: &Path, arguments: &[&str]) -> Result<()> {
    let who = ["-c", "user.name=Ann", "-c", "user.email=ann@example.org"];
    let output = Command::new("git").current_dir(place).args(who).args(arguments).output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}

/// Git's own web server, for what is below the folder that it is given.
const HTTP: &str = r#"
import http.server, os, subprocess, sys

class Handler(http.server.BaseHTTPRequestHandler):
    def answer(self):
        path, _, query = self.path.partition("?")
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        header = lambda name: self.headers.get(name) or ""
        env = dict(PATH=os.environ["PATH"], GIT_PROJECT_ROOT=sys.argv[1], GIT_HTTP_EXPORT_ALL="1", PATH_INFO=path,
            QUERY_STRING=query, REQUEST_METHOD=self.command, CONTENT_TYPE=header("content-type"),
            HTTP_CONTENT_ENCODING=header("content-encoding"), GIT_PROTOCOL=header("git-protocol"))
        said = subprocess.run(["git", "http-backend"], input=body, env=env, stdout=subprocess.PIPE).stdout
        head, _, body = said.partition(b"\r\n\r\n")
        head = dict(line.split(": ", 1) for line in head.decode().splitlines())
        self.send_response(int(head.pop("Status", "200").split()[0]))
        for name, value in head.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
    do_GET = do_POST = answer

    def log_message(self, form, *args):
        pass

server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
"#;

/// Ends when it is dropped.
struct Web {
    server: Child,
    port: u16,
}

impl Web {
    fn start(mirror: &Mirror) -> Result<Self> {
        let mut server = Command::new("python3")
            .args(["-c", HTTP])
            .arg(mirror.root())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut port = String::new();
        BufReader::new(server.stdout.take().context("it is piped")?).read_line(&mut port)?;
        Ok(Self { port: port.trim().parse()?, server })
    }
}

impl Drop for Web {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

const JAVASCRIPT: &str = "
name: hello
inputs: { who-to-greet: { default: nobody } }
outputs: { greeting: { description: what was said } }
runs: { using: node20, pre: dist/pre.js, main: dist/index.js, post: dist/post.js }
";
const MAIN: &str = "
const fs = require('fs');
const { greeting } = require('./words');
const said = `${greeting} ${process.env['INPUT_WHO-TO-GREET']}`;
fs.appendFileSync(process.env.GITHUB_OUTPUT, `greeting=${said}\\n`);
fs.appendFileSync(process.env.GITHUB_STATE, `said=${said}\\n`);
console.log('from', process.env.GITHUB_ACTION_REPOSITORY, process.env.GITHUB_ACTION_REF);
";
const PRE: &str = "console.log('before', process.env['INPUT_WHO-TO-GREET']);\n";
const POST: &str = "console.log('after', process.env.STATE_said);\n";
const COMPOSITE: &str = r#"
name: setup
outputs: { loud: { value: "${{ steps.inner.outputs.loud }}" } }
runs:
  using: composite
  steps:
    - id: inner
      uses: $/inner
      with: { text: "${{ github.action_repository }}@${{ github.action_ref }}" }
    - shell: bash
      run: |
        test -f "$GITHUB_ACTION_PATH/action.yml"
        test "$GITHUB_ACTION_PATH" = "${{ github.action_path }}"
        echo "kit is $(cat "$GITHUB_ACTION_PATH/../data.txt") of $GITHUB_ACTION_REPOSITORY"
        if touch "$GITHUB_ACTION_PATH/mine" 2> /dev/null; then exit 1; fi
        if rm "$GITHUB_ACTION_PATH/action.yml" 2> /dev/null; then exit 1; fi
        case "$GITHUB_ACTION_PATH" in "$GITHUB_WORKSPACE"*) exit 1;; esac
"#;
const INNER: &str = "
inputs: { text: { required: true } }
outputs: { loud: {} }
runs: { using: node20, main: index.js }
";
const INNER_MAIN: &str = "
require('fs').appendFileSync(process.env.GITHUB_OUTPUT, `loud=${process.env.INPUT_TEXT.toUpperCase()}\\n`);
";
const USES: &str = r#"
on: push
jobs:
  greet:
    runs-on: linux
    steps:
      - { id: hello, uses: octo/hello@v1, with: { who-to-greet: you } }
      - { id: kit, uses: octo/kit/setup@v2 }
      - run: |
          echo "it said: ${{ steps.hello.outputs.greeting }}"
          test "${{ steps.kit.outputs.loud }}" = "OCTO/KIT@V2"
          test -z "$GITHUB_ACTION_REPOSITORY$GITHUB_ACTION_REF"
"#;

fn hello_saying(greeting: &str) -> [(&'static str, String); 5] {
    [
        ("action.yml", JAVASCRIPT.to_owned()),
        ("dist/pre.js", PRE.to_owned()),
        ("dist/index.js", MAIN.to_owned()),
        ("dist/post.js", POST.to_owned()),
        ("dist/words.js", format!("exports.greeting = '{greeting}';\n")),
    ]
}

fn release_hello(mirror: &Mirror, greeting: &str) -> Result<()> {
    let files = hello_saying(greeting);
    let files: Vec<_> = files.iter().map(|(path, text)| (*path, text.as_str())).collect();
    mirror.release("octo/hello", "v1", &files)
}

fn release_kit(mirror: &Mirror) -> Result<()> {
    let files = [
        ("setup/action.yml", COMPOSITE),
        ("inner/action.yaml", INNER),
        ("inner/index.js", INNER_MAIN),
        ("data.txt", "complete"),
    ];
    mirror.release("octo/kit", "v2", &files)
}

fn with_workflow(server: &Server, workflow: &str) -> Result<Repository> {
    let repository = hello::create(server)?;
    repository.write(WORKFLOW, workflow)?;
    repository.commit("a workflow")?;
    Ok(repository)
}

#[test]
fn actions_of_a_mirror_run_and_each_run_keeps_to_the_commit_that_it_began_with() -> Result<()> {
    let mirror = Mirror::new()?;
    release_hello(&mirror, "hello")?;
    release_kit(&mirror)?;
    let server = mirror.server()?;
    let repository = with_workflow(&server, USES)?;
    repository.solum(&["workflow", "check"])?.require()?;
    let transcript = repository.push()?.require()?.transcript();
    for line in [
        "       before you",
        "       from octo/hello v1",
        "       kit is complete of octo/kit",
        "       it said: hello you",
        "       after hello you",
        "-----> greet: Run octo/hello@v1",
    ] {
        assert!(transcript.lines().any(|it| it == line), "no {line:?} in\n{transcript}");
    }
    let first = hello::newest_run(&server)?["id"].as_str().context("an id")?.to_owned();

    release_hello(&mirror, "good evening")?;
    repository.write("note.txt", "again\n")?;
    repository.commit("again")?;
    let transcript = repository.push()?.require()?.transcript();
    assert!(transcript.contains("it said: good evening you"), "{transcript}");
    let retried = server.solum(&["run", "retry", &first])?.require()?;
    let said = format!("{}{}", retried.stdout, retried.stderr);
    assert!(said.contains("it said: hello you"), "{said}");
    Ok(())
}

#[test]
fn behind_http_a_mirror_that_is_away_refuses_a_tag_and_a_commit_that_is_here_runs() -> Result<()> {
    let mirror = Mirror::new()?;
    release_hello(&mirror, "hello")?;
    release_kit(&mirror)?;
    let web = Web::start(&mirror)?;
    let arguments = vec!["--actions-mirror".to_owned(), format!("http://127.0.0.1:{}", web.port)];
    let server = Server::start_with(ServerOptions { arguments, ..ServerOptions::default() })?;
    let repository = with_workflow(&server, USES)?;
    let transcript = repository.push()?.require()?.transcript();
    assert!(transcript.contains("it said: hello you"), "{transcript}");

    let commit = mirror.commit("octo/hello", "v1")?;
    drop(web);
    repository.write("note.txt", "again\n")?;
    repository.commit("again")?;
    let refused = repository.push()?;
    assert!(!refused.success());
    let transcript = refused.transcript();
    let words = "'octo/hello@v1' is not here: the mirror cannot be reached: ";
    assert!(transcript.contains(words), "{transcript}");
    let pinned = format!(
        "on: push\njobs: {{ j: {{ runs-on: linux, steps: [{{ uses: octo/hello@{commit} }}] }} }}\n"
    );
    repository.write(WORKFLOW, &pinned)?;
    repository.commit("pinned")?;
    let transcript = repository.push()?.require()?.transcript();
    assert!(transcript.contains(&format!("from octo/hello {commit}")), "{transcript}");
    Ok(())
}

#[test]
fn without_boxes_an_action_is_where_the_server_keeps_it_and_no_step_can_write_there() -> Result<()>
{
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: without boxes, only another user is kept from writing");
        return Ok(());
    }
    let mirror = Mirror::new()?;
    release_hello(&mirror, "hello")?;
    release_kit(&mirror)?;
    // The app's user walks through all of it.
    let open = std::fs::Permissions::from_mode(0o711);
    std::fs::set_permissions(mirror.directory.path(), open)?;
    let server = mirror.server_with(ServerOptions {
        directory: Some(mirror.directory.path().join("server")),
        arguments: vec!["--unboxed".to_owned()],
        ..ServerOptions::default()
    })?;
    let transcript = with_workflow(&server, USES)?.push()?.require()?.transcript();
    assert!(transcript.contains("it said: hello you"), "{transcript}");
    assert!(transcript.contains("kit is complete of octo/kit"), "{transcript}");
    Ok(())
}

#[test]
fn what_the_mirror_does_not_have_is_refused_at_the_door() -> Result<()> {
    let mirror = Mirror::new()?;
    mirror.release("octo/empty", "v1", &[("README.md", "nothing")])?;
    let wrong = [("action.yml", "runs: { using: docker, image: Dockerfile }\n")];
    mirror.release("octo/docker", "v1", &wrong)?;
    let server = mirror.server()?;
    let workflow = "on: push
jobs:
  j:
    runs-on: linux
    steps:
      - uses: octo/none@v1
      - uses: octo/empty@v9
      - uses: octo/empty@v1
      - uses: octo/docker@v1
";
    let repository = with_workflow(&server, workflow)?;
    let push = repository.push()?;
    assert!(!push.success());
    let transcript = push.transcript();
    let checked = repository.solum(&["workflow", "check"])?;
    assert!(!checked.success());
    let instead =
        "actions of other repositories come from the mirror of actions that the administrator sets";
    for line in [
        format!(
            "6:15: 'octo/none@v1' is not here: the mirror has no repository octo/none that can be read without \
             credentials; {instead}"
        ),
        format!(
            "7:15: 'octo/empty@v9' is not here: octo/empty has no tag and no branch 'v9' in the mirror; {instead}"
        ),
        "8:15: 'octo/empty@v1' has neither action.yml nor action.yaml".to_owned(),
        "octo/docker@v1:action.yml:1:16: GitHub has 'using: docker', Solum does not".to_owned(),
    ] {
        assert!(transcript.contains(&line), "no {line:?} in\n{transcript}");
        assert!(checked.stdout.contains(&line), "no {line:?} in\n{}", checked.stdout);
    }
    assert!(hello::newest_run(&server).is_err(), "nothing was run");
    Ok(())
}

#[test]
fn a_run_goes_on_after_its_server_was_killed_and_its_mirror_is_gone() -> Result<()> {
    let mirror = Mirror::new()?;
    let wait = "
const fs = require('fs');
console.log('waiting');
const timer = setInterval(() => {
  if (!fs.existsSync(process.env.RUNNER_TEMP + '/go')) return;
  clearInterval(timer);
  console.log('went');
}, 20);
";
    let files = [
        ("action.yml", "runs: { using: node20, main: wait.js, post: post.js }\n"),
        ("wait.js", wait),
        ("post.js", "console.log('tidied up')\n"),
    ];
    mirror.release("octo/wait", "v1", &files)?;
    let mut server = mirror.server()?;
    let workflow = "
on: push
jobs: { j: { runs-on: linux, steps: [{ uses: octo/wait@v1 }] } }
";
    let repository = with_workflow(&server, workflow)?;
    repository.push_with(&["-o", "detach", "solum", "main"])?;
    let id = hello::newest_run(&server)?["id"].as_str().context("an id")?.to_owned();
    let said = |server: &Server, text: &str| {
        wait_until(text, Duration::from_secs(60), || {
            let log = server.api("GET", &format!("/api/v1/runs/{id}/log"), None).ok()?.text();
            log.contains(text).then_some(())
        })
    };
    said(&server, "waiting")?;
    server.kill()?;
    std::fs::rename(mirror.root(), mirror.directory.path().join("away"))?;
    server.restart()?;
    let jobs = server.data_dir().join("work").join(&id).join("jobs");
    let job = std::fs::read_dir(jobs)?.next().context("the job has a directory")??.path();
    std::fs::write(job.join("temp/go"), "")?;
    said(&server, "went")?;
    said(&server, "tidied up")?;
    wait_until("the run has ended", Duration::from_secs(60), || {
        (hello::newest_run(&server).ok()?["status"] == "succeeded").then_some(())
    })?;
    repository.write("note.txt", "again\n")?;
    repository.commit("again")?;
    let refused = repository.push()?;
    assert!(!refused.success());
    let words =
        "'octo/wait@v1' is not here: the mirror cannot be reached: its directory is not there";
    assert!(refused.transcript().contains(words), "{}", refused.transcript());
    Ok(())
}
