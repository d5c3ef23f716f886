//! The server of static sites, over real sockets.

use std::path::Path;

use build::static_site::serve;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

struct Server {
    root: tempfile::TempDir,
    port: u16,
    stop: CancellationToken,
    serving: JoinSet<std::io::Result<()>>,
}

impl Server {
    async fn with(files: &[(&str, &str)]) -> Self {
        let root = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = root.path().join("public").join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (stop, mut serving) = (CancellationToken::new(), JoinSet::new());
        let (public, stopped) = (root.path().join("public"), stop.clone());
        serving.spawn(async move { serve(&public, listener, stopped).await });
        Self { root, port, stop, serving }
    }

    fn public(&self) -> std::path::PathBuf {
        self.root.path().join("public")
    }

    async fn ask(&self, head: &str) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).await.unwrap();
        let request = format!("{head}Host: x\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    async fn get(&self, path: &str) -> String {
        self.ask(&format!("GET {path} HTTP/1.1\r\n")).await
    }
}

fn header<'a>(answer: &'a str, name: &str) -> &'a str {
    let line =
        answer.lines().find(|line| line.to_ascii_lowercase().starts_with(&format!("{name}:")));
    line.and_then(|line| line.split_once(": ")).map_or("", |(_, value)| value)
}

fn body(answer: &str) -> &str {
    answer.split_once("\r\n\r\n").unwrap().1
}

#[tokio::test]
async fn an_index_stands_for_its_directory() {
    let server = Server::with(&[("index.html", "home"), ("docs/index.html", "docs")]).await;
    let answer = server.get("/").await;
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    assert_eq!(header(&answer, "content-type"), "text/html; charset=utf-8");
    assert_eq!(body(&answer), "home");
    assert_eq!(body(&server.get("/docs/").await), "docs");
    let answer = server.get("//docs?a=b").await;
    assert!(answer.starts_with("HTTP/1.1 308"), "{answer}");
    assert_eq!(header(&answer, "location"), "/docs/?a=b");
}

#[tokio::test]
async fn a_missing_file_is_answered_with_the_sites_own_page() {
    let server = Server::with(&[("index.html", "home")]).await;
    let answer = server.get("/none").await;
    assert!(answer.starts_with("HTTP/1.1 404"), "{answer}");
    std::fs::write(server.public().join("404.html"), "lost").unwrap();
    let answer = server.get("/none").await;
    assert!(answer.starts_with("HTTP/1.1 404"), "{answer}");
    assert_eq!(body(&answer), "lost");
}

#[tokio::test]
async fn nothing_outside_of_the_site_is_ever_read() {
    let server =
        Server::with(&[("index.html", "home"), (".env", "secret"), ("a/b.txt", "b")]).await;
    std::fs::write(server.root.path().join("outside"), "secret").unwrap();
    let link = |target: &Path, name: &str| {
        std::os::unix::fs::symlink(target, server.public().join(name)).unwrap();
    };
    link(Path::new("../outside"), "relative");
    link(&server.root.path().join("outside"), "absolute");
    link(Path::new("a/b.txt"), "inside");
    for path in
        ["/../outside", "/%2e%2e/outside", "/a/../../outside", "/.env", "/relative", "/absolute"]
    {
        let answer = server.get(path).await;
        assert!(answer.starts_with("HTTP/1.1 404"), "{path}: {answer}");
    }
    assert_eq!(body(&server.get("/inside").await), "b", "links inside are followed");
}

#[tokio::test]
async fn what_a_browser_has_is_not_sent_again() {
    let server = Server::with(&[("a.css", "one")]).await;
    let tag = header(&server.get("/a.css").await, "etag").to_owned();
    let asked = format!("GET /a.css HTTP/1.1\r\nIf-None-Match: \"x\", {tag}\r\n");
    let answer = server.ask(&asked).await;
    assert!(answer.starts_with("HTTP/1.1 304"), "{answer}");
    assert_eq!(body(&answer), "");
    std::fs::write(server.public().join("a.css"), "two").unwrap();
    let answer = server.ask(&asked).await;
    assert_eq!(body(&answer), "two", "the same size and a new content");
}

#[tokio::test]
async fn parts_of_a_file_can_be_asked_for() {
    let large = "0123456789".repeat(200_000);
    let server = Server::with(&[("a.txt", "0123456789"), ("large.txt", &large)]).await;
    for (range, part) in [("0-2", "012"), ("7-", "789"), ("-2", "89"), ("8-99", "89")] {
        let answer = server.ask(&format!("GET /a.txt HTTP/1.1\r\nRange: bytes={range}\r\n")).await;
        assert!(answer.starts_with("HTTP/1.1 206"), "{range}: {answer}");
        assert_eq!(body(&answer), part, "{range}");
    }
    let answer = server.ask("GET /a.txt HTTP/1.1\r\nRange: bytes=10-\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 416"), "{answer}");
    assert_eq!(header(&answer, "content-range"), "bytes */10");
    let answer = server.ask("GET /a.txt HTTP/1.1\r\nRange: bytes=0-1,3-4\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 200"), "several ranges are answered with all");
    let answer = server.ask("GET /large.txt HTTP/1.1\r\nRange: bytes=1999990-\r\n").await;
    assert_eq!(body(&answer), "0123456789");
    assert_eq!(body(&server.get("/large.txt").await), large);
}

#[tokio::test]
async fn head_has_the_headers_of_get_and_others_are_refused() {
    let server = Server::with(&[("a.txt", "0123456789")]).await;
    let answer = server.ask("HEAD /a.txt HTTP/1.1\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert_eq!(header(&answer, "content-length"), "10");
    assert_eq!(body(&answer), "");
    let answer = server.ask("POST / HTTP/1.1\r\nContent-Length: 0\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 405"), "{answer}");
    assert_eq!(header(&answer, "allow"), "GET, HEAD");
}

#[tokio::test]
async fn stopping_ends_idle_connections_and_the_server() {
    let mut server = Server::with(&[("index.html", "home")]).await;
    let mut idle = TcpStream::connect(("127.0.0.1", server.port)).await.unwrap();
    idle.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let mut answer = [0; 15];
    idle.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 200 OK");
    server.stop.cancel();
    server.serving.join_next().await.unwrap().unwrap().unwrap();
    let mut rest = Vec::new();
    idle.read_to_end(&mut rest).await.unwrap();
}
