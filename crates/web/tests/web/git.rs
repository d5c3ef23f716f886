use std::process::Output;

use tokio::process::Command;

use crate::bench::Bench;

async fn git(bench: &Bench, token: Option<&str>, arguments: &[&str]) -> Output {
    let user = token.map(|token| format!("solum:{token}@")).unwrap_or_default();
    let url = format!("http://{user}{}", bench.address);
    Command::new("git")
        .args(arguments.iter().map(|argument| argument.replace("URL", &url)))
        .current_dir(bench.path())
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap())
        .env("HOME", bench.path())
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_TERMINAL_PROMPT", "0")
        .kill_on_drop(true)
        .output()
        .await
        .unwrap()
}

#[tokio::test]
async fn a_repository_can_be_cloned_with_a_token_only() {
    let bench = Bench::start().await;
    bench.app("shop").await;
    let token = bench.token.clone();
    let cloned = git(&bench, Some(&token), &["clone", "-q", "URL/shop.git"]).await;
    assert!(cloned.status.success(), "{cloned:?}");
    assert!(bench.path().join("shop/.git").is_dir());
    for token in [None, Some("solum_wrong")] {
        let refused = git(&bench, token, &["ls-remote", "URL/shop.git"]).await;
        assert!(!refused.status.success(), "{refused:?}");
    }
    let missing = git(&bench, Some(&token), &["ls-remote", "URL/shpo.git"]).await;
    let said = String::from_utf8(missing.stderr).unwrap();
    assert!(said.contains("there is no such app"), "{said}");
    bench.stop().await;
}

#[tokio::test]
async fn git_is_asked_for_a_password_and_told_why() {
    let bench = Bench::start().await;
    let request = hyper::Request::builder()
        .uri("/shop.git/info/refs?service=git-upload-pack")
        .header("host", "solum");
    let reply = bench.send(request.body(Default::default()).unwrap()).await;
    assert_eq!(reply.status, 401);
    assert!(reply.header("www-authenticate").starts_with("Basic "));
    assert!(reply.header("x-request-id").starts_with("req_"));
    bench.stop().await;
}
