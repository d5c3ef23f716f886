use crate::Bench;
use crate::server::Answer;

fn app(status: &str) -> String {
    format!(
        r#"{{"id":"app_1","name":"shop","status":"{status}","default_branch":"main",
            "git_url":"http://solum.example/shop.git","urls":{{"dev":"http://shop-dev.localhost:8080"}},
            "created_at":"2026-01-02T03:04:05Z","created_by":"admin"}}"#
    )
}

fn bench() -> Bench {
    Bench::new(&[
        ("POST /api/v1/apps", Answer::json(202, app("creating"))),
        (
            "GET /api/v1/apps/shop",
            Answer::json(200, app("creating")).then(Answer::json(200, app("ready"))),
        ),
    ])
}

#[test]
fn creating_an_app_in_a_repository_makes_the_push_the_next_command() {
    let bench = bench();
    bench.git(["init", "-q", "-b", "main"]).ok();
    let said = bench.solum(["app", "create", "shop"]);
    assert!(said.stderr.contains("Added the remote `solum`"), "{said:?}");
    assert_eq!(said.ok().lines().last(), Some("git push solum main"));

    let url = bench.server.url();
    let remote = bench.git(["remote", "get-url", "solum"]).ok();
    assert_eq!(remote.trim_end(), format!("{url}/shop.git"));
    // Twice, so that helpers of the user's are shut out and ours stands once.
    bench.solum(["app", "create", "shop"]).ok();
    let helpers =
        bench.git(["config", "--local", "--get-all", &format!("credential.{url}.helper")]).ok();
    let program = env!("CARGO_BIN_EXE_solum");
    assert_eq!(helpers, format!("\n!'{program}' git-credential\n"));
    let config = std::fs::read_to_string(bench.path().join(".git/config")).unwrap();
    assert!(!config.contains("solum_token"), "{config}");
}

#[test]
fn a_remote_that_is_there_is_left_alone_and_said_so() {
    let bench = bench();
    bench.git(["init", "-q", "-b", "main"]).ok();
    bench.git(["remote", "add", "solum", "http://elsewhere.example/a.git"]).ok();
    let said = bench.solum(["app", "create", "shop"]);
    assert!(
        said.stderr.contains("points to http://elsewhere.example/a.git: left alone"),
        "{said:?}"
    );
    let push = format!("git push {}/shop.git main", bench.server.url());
    assert_eq!(said.ok().lines().last(), Some(push.as_str()));
    let remote = bench.git(["remote", "get-url", "solum"]).ok();
    assert_eq!(remote, "http://elsewhere.example/a.git\n");
}

#[test]
fn the_branch_that_is_checked_out_deploys_where_that_makes_sense() {
    for (branch, with_commit, expected) in
        [("master", true, "master"), ("feature", true, "main"), ("release", false, "release")]
    {
        let bench = bench();
        bench.git(["init", "-q", "-b", branch]).ok();
        if with_commit {
            bench
                .git([
                    "-c",
                    "user.name=a",
                    "-c",
                    "user.email=a@example.org",
                    "commit",
                    "-q",
                    "--allow-empty",
                    "-m",
                    "a",
                ])
                .ok();
        }
        bench.solum(["app", "create", "shop"]).ok();
        let body = &bench.server.asked()[0].1;
        assert_eq!(
            body,
            &format!(r#"{{"name":"shop","default_branch":"{expected}"}}"#),
            "{branch}"
        );
    }
}

#[test]
fn outside_a_repository_the_next_command_is_a_clone() {
    let bench = bench();
    let said = bench.solum(["app", "create", "shop"]).ok();
    assert_eq!(said.lines().last(), Some("solum app clone shop"));
}

#[test]
fn a_name_that_cannot_be_one_is_wrong_usage_and_never_sent() {
    let bench = bench();
    let said = bench.solum(["app", "create", "My App"]).fails(2);
    assert!(said.contains("is not a valid app name"), "{said}");
    assert_eq!(bench.server.asked(), []);
}

#[test]
fn deleting_waits_until_the_app_is_gone() {
    let bench = Bench::new(&[
        ("DELETE /api/v1/apps/shop", Answer::json(202, app("deleting"))),
        (
            "GET /api/v1/apps/shop",
            Answer::json(200, app("deleting")).then(Answer::problem(
                404,
                "app_not_found",
                "there is no app",
            )),
        ),
    ]);
    let said = bench.solum(["app", "delete", "shop", "--yes"]);
    assert_eq!(said.stderr, "shop is gone.\n");
    assert_eq!(said.ok(), "");
}

#[test]
fn nothing_is_deleted_where_nobody_can_be_asked() {
    let bench = Bench::new(&[("GET /api/v1/apps/shop", Answer::json(200, app("ready")))]);
    let said = bench.solum(["app", "delete", "shop"]).fails(2);
    assert!(said.contains("solum app delete shop --yes"), "{said}");
    let asked: Vec<String> = bench.server.asked().into_iter().map(|(what, _)| what).collect();
    assert_eq!(asked, ["GET /api/v1/apps/shop"]);
}

#[test]
fn an_app_that_is_not_there_is_not_to_be_made_to_be_deleted() {
    let gone = Answer::problem(404, "app_not_found", "there is no app `shop`");
    let bench = Bench::new(&[("GET /api/v1/apps/shop", gone)]);
    let said = bench.solum(["app", "delete", "shop"]).fails(1);
    assert!(said.contains("`solum app list`") && !said.contains("app create"), "{said}");
}
