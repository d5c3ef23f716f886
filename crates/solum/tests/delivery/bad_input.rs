//! What goes wrong on the user's side: each gets words that help, and what served before still does.

use anyhow::Result;
use testkit::{Repository, Server};

use crate::hello;

/// Pushes an app that must not go live; gives what the push said.
fn refused(server: &Server, repository: &Repository) -> Result<String> {
    let push = repository.push()?;
    assert!(!push.success(), "{}", push.output());
    let left = server.processes().into_iter().filter(|process| process.is_solum("shim")).count();
    assert!(left <= 1, "{left} shims are left: {:?}", server.processes());
    Ok(push.output().to_owned())
}

/// Changes the app in one file, and expects the push to fail with all of these words while v1 goes on answering.
fn a_change_is_refused(file: &str, text: &str, words: &[&str]) -> Result<()> {
    let server = Server::start()?;
    let repository = hello::deployed(&server)?;
    repository.write(file, text)?;
    repository.commit("a mistake")?;
    let said = refused(&server, &repository)?;
    for word in words {
        assert!(said.contains(word), "{word:?} is missing in:\n{said}");
    }
    assert_eq!(hello::answer(&server)?, "hello v1");
    Ok(())
}

#[test]
fn a_manifest_with_mistakes_is_refused_with_place_and_mend() -> Result<()> {
    a_change_is_refused(
        "solum.yaml",
        "procesess:\n  web: ./server\n",
        &["solum.yaml:1:1", "did you mean 'processes'"],
    )
}

#[test]
fn a_key_of_a_later_version_is_refused_and_not_ignored() -> Result<()> {
    a_change_is_refused("solum.yaml", "migration: expand\n", &["solum.yaml:1:1", "not supported"])
}

#[test]
fn a_procfile_with_a_mistake_is_refused_with_its_place() -> Result<()> {
    a_change_is_refused("Procfile", "web python3 server.py\n", &["Procfile:1:1"])
}

#[test]
fn a_port_that_never_opens_is_named() -> Result<()> {
    a_change_is_refused(
        "solum.yaml",
        "processes: { web: { run: \"sleep 1000\", health: { timeout: 2s } } }\n",
        &["web.1 did not come up", "nothing listens on port"],
    )
}

#[test]
fn the_wrong_port_is_named_beside_the_right_one() -> Result<()> {
    a_change_is_refused(
        "solum.yaml",
        "processes: { web: { run: \"PORT=4999 exec python3 server.py\", health: { timeout: 3s } } }\n",
        &["4999", "$PORT"],
    )
}

#[test]
fn an_app_that_exits_at_once_is_shown_with_its_last_lines() -> Result<()> {
    a_change_is_refused(
        "Procfile",
        "web: echo about to fail; exit 3\n",
        &["exited with status 3", "about to fail"],
    )
}

#[test]
fn an_app_that_answers_500_is_shown_with_its_answer() -> Result<()> {
    let server = Server::start()?;
    let repository = hello::deployed(&server)?;
    repository.edit("server.py", "send_response(200)", "send_response(500)")?;
    repository.write("solum.yaml", "processes: { web: { health: { timeout: 2s } } }\n")?;
    repository.commit("answer 500")?;
    let said = refused(&server, &repository)?;
    assert!(said.contains("500"), "{said}");
    assert_eq!(hello::answer(&server)?, "hello v1");
    Ok(())
}

#[test]
fn tests_that_fail_keep_a_push_from_going_live() -> Result<()> {
    a_change_is_refused(
        "solum.yaml",
        "test: { run: [\"echo checking; exit 4\"] }\n",
        &["checking", "testing failed", "exit code 4"],
    )
}

#[test]
fn a_link_that_points_outside_is_refused() -> Result<()> {
    let server = Server::start()?;
    let repository = hello::deployed(&server)?;
    std::os::unix::fs::symlink("/etc/passwd", repository.path().join("stolen"))?;
    repository.commit("a link")?;
    let said = refused(&server, &repository)?;
    assert!(said.contains("stolen"), "{said}");
    assert!(said.contains("outside"), "{said}");
    assert_eq!(hello::answer(&server)?, "hello v1");
    Ok(())
}

#[test]
fn a_submodule_that_cannot_be_fetched_is_named_with_its_address() -> Result<()> {
    let server = Server::start()?;
    let repository = hello::deployed(&server)?;
    let head = repository.head()?;
    repository.write(
        ".gitmodules",
        "[submodule \"lib\"]\n\tpath = lib\n\turl = http://127.0.0.1:9/lib.git\n",
    )?;
    repository.git(&["add", ".gitmodules"])?;
    repository.git(&["update-index", "--add", "--cacheinfo", &format!("160000,{head},lib")])?;
    repository.git(&["commit", "--quiet", "--message", "a submodule"])?;
    let said = refused(&server, &repository)?;
    assert!(said.contains("submodule lib"), "{said}");
    assert!(said.contains("http://127.0.0.1:9/lib.git"), "{said}");
    assert_eq!(hello::answer(&server)?, "hello v1");
    Ok(())
}

#[test]
fn an_unknown_language_is_refused_with_what_is_looked_for() -> Result<()> {
    let server = Server::start()?;
    let repository = Repository::from_files(&server, &[("notes.txt", "nothing to run\n")])?;
    repository.create_app("notes")?;
    let said = refused(&server, &repository)?;
    assert!(said.contains("no language was recognised"), "{said}");
    assert!(said.contains("package.json"), "{said}");
    assert_eq!(server.get("notes-dev.localhost", "/")?.status, 503);
    Ok(())
}

#[test]
fn an_empty_repository_is_nothing_to_push() -> Result<()> {
    let server = Server::start()?;
    let repository = Repository::empty(&server)?;
    repository.create_app("empty")?;
    let push = repository.push()?;
    assert!(!push.success());
    repository.git(&["commit", "--quiet", "--allow-empty", "--message", "nothing"])?;
    let said = refused(&server, &repository)?;
    assert!(said.contains("no language was recognised"), "{said}");
    Ok(())
}

#[test]
fn a_push_to_an_unknown_app_or_with_a_wrong_token_is_refused() -> Result<()> {
    let server = Server::start()?;
    let repository = hello::create(&server)?;
    let address = repository.git(&["remote", "get-url", "solum"])?.stdout;
    let unknown = address.trim().replace("hello.git", "nobody.git");
    let push = repository.push_with(&[&unknown, "main"])?;
    assert!(!push.success());
    assert!(
        push.output().contains("not found") || push.output().contains("no app"),
        "{}",
        push.output()
    );
    let wrong = address.trim().replace("http://", "http://solum:solum_wrong@");
    let push = repository.push_with(&[&wrong, "main"])?;
    assert!(!push.success());
    assert!(
        push.output().contains("Authentication failed") || push.output().contains("401"),
        "{}",
        push.output()
    );
    Ok(())
}

#[test]
fn a_revoked_token_is_worth_nothing() -> Result<()> {
    let server = Server::start()?;
    let made = server.solum_json(&["token", "create", "ci", "--json"])?;
    let (id, token) =
        (made["id"].as_str().unwrap_or_default(), made["token"].as_str().unwrap_or_default());
    let mut list = server.command();
    list.args(["app", "list"]).env("SOLUM_TOKEN", token);
    assert!(list.output()?.status.success());
    server.solum(&["token", "revoke", id])?.require()?;
    let refused = list.output()?;
    assert_eq!(refused.status.code(), Some(1));
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(said.contains("token"), "{said}");
    assert!(!said.contains(token), "{said}");
    Ok(())
}

#[test]
fn an_app_that_floods_its_log_costs_bounded_room_and_still_answers() -> Result<()> {
    let server = Server::start()?;
    let repository = hello::create(&server)?;
    repository.write(
        "Procfile",
        "web: (for i in $(seq 400); do head -c 100000 /dev/zero | tr '\\0' x; echo; done; touch /tmp/done) & exec python3 server.py\n",
    )?;
    repository.commit("flood")?;
    repository.push()?.require()?;
    assert_eq!(hello::answer(&server)?, "hello v1");
    let instances = server.data_dir().join("target/instances");
    let size = std::process::Command::new("du").args(["-s", "-B1"]).arg(&instances).output()?;
    let size: u64 = String::from_utf8_lossy(&size.stdout)
        .split_whitespace()
        .next()
        .and_then(|bytes| bytes.parse().ok())
        .unwrap_or(u64::MAX);
    assert!(size < 16 << 20, "40 MB were written, {size} bytes are kept");
    Ok(())
}

#[test]
fn an_app_that_forks_without_end_is_contained_and_goes_when_it_is_replaced() -> Result<()> {
    let server = Server::start()?;
    let repository = hello::create(&server)?;
    repository.write(
        "solum.yaml",
        "processes: { web: { run: \"(b() { b | b & }; b) 2>/dev/null; sleep 1; exec python3 server.py\", pids: 100, health: { timeout: 5s } } }\n",
    )?;
    repository.commit("fork without end")?;
    // Whether it comes up or not is its own affair; the server must stay able to work.
    let _ = repository.push()?;
    repository.write("solum.yaml", "processes: { web: { run: \"exec python3 server.py\" } }\n")?;
    repository.commit("behave")?;
    repository.push()?.require()?;
    assert_eq!(hello::answer(&server)?, "hello v1");
    testkit::wait_until(
        "nothing of the forks to be left",
        std::time::Duration::from_secs(60),
        || {
            (server.processes().iter().filter(|process| process.is_solum("shim")).count() == 1)
                .then_some(())
        },
    )
}

#[test]
fn an_unknown_push_option_is_refused() -> Result<()> {
    let server = Server::start()?;
    let repository = hello::create(&server)?;
    let push = repository.push_with(&["-o", "detatch", "solum", "main"])?;
    assert!(!push.success());
    assert!(push.output().contains("`detatch` is not known"), "{}", push.output());
    Ok(())
}
