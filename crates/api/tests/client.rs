//! The client against a server that answers from a script, byte for byte.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use api::apps::CreateApp;
use api::client::{Client, Error, LogsQuery, RunEvent, ServerUrl};
use api::exec::{Exec, ExecExit};
use types::{AppName, RunStatus, Secret};

/// What the server does with one connection: reads a request, then sends this and closes. `None` closes at once.
type Answer = Option<String>;

struct Request {
    head: String,
    body: Vec<u8>,
}

impl Request {
    fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }
}

struct Script {
    url: ServerUrl,
    requests: Receiver<Request>,
    server: JoinHandle<()>,
}

impl Script {
    fn play(answers: Vec<Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
        let (sender, requests) = channel();
        let server = std::thread::spawn(move || {
            for answer in answers {
                let (stream, _) = listener.accept().unwrap();
                serve(stream, answer, &sender);
            }
        });
        Self { url, requests, server }
    }

    fn client(&self) -> Client {
        Client::new(self.url.clone(), Some(Secret::new("solum_token".into())))
    }

    /// The requests that came; the script has to have been played to its end.
    fn end(self) -> Vec<Request> {
        self.server.join().unwrap();
        self.requests.try_iter().collect()
    }
}

fn serve(mut stream: TcpStream, answer: Answer, requests: &Sender<Request>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        assert_ne!(reader.read_line(&mut head).unwrap(), 0, "the request ended in its head");
    }
    let mut request = Request { head, body: Vec::new() };
    let Some(answer) = answer else {
        requests.send(request).unwrap();
        return;
    };
    if request.header("expect").is_some() && !answer.starts_with("HTTP/1.1 4") {
        stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").unwrap();
    }
    if !(request.header("expect").is_some() && answer.starts_with("HTTP/1.1 4")) {
        let length = request.header("content-length").map_or(0, |value| value.parse().unwrap());
        reader.take(length).read_to_end(&mut request.body).unwrap();
    }
    stream.write_all(answer.as_bytes()).unwrap();
    requests.send(request).unwrap();
}

fn answer(status: &str, content_type: &str, body: &str) -> Answer {
    let length = body.len();
    Some(format!(
        "HTTP/1.1 {status}\r\ncontent-type: {content_type}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
    ))
}

fn json(status: &str, body: &str) -> Answer {
    answer(status, "application/json", body)
}

/// A feed that ends with its connection.
fn feed(body: &str) -> Answer {
    Some(format!(
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n{body}"
    ))
}

fn app() -> AppName {
    "shop".parse().unwrap()
}

const APP: &str = r#"{"id":"app_1","name":"shop","status":"creating","default_branch":"main","created_at":"2026-01-02T03:04:05Z","created_by":"admin"}"#;

fn run(status: &str) -> String {
    format!(
        r#"{{"id":"run_01h2xcejqtf2nbrexx3vqjhp41","app":"shop","workflow":"deliver","title":"t","status":"{status}","commit":null,"created_at":"2026-01-02T03:04:05Z","created_by":"admin","jobs":[]}}"#
    )
}

#[test]
fn a_post_that_was_cut_off_is_sent_again_with_the_same_key() {
    let script = Script::play(vec![None, json("202 Accepted", APP)]);
    let created =
        script.client().create_app(&CreateApp { name: app(), default_branch: None }).unwrap();
    assert_eq!(created.name, app());
    let requests = script.end();
    assert_eq!(requests.len(), 2);
    let key = requests[0].header("idempotency-key").unwrap();
    assert_eq!(key.len(), 32);
    assert_eq!(requests[1].header("idempotency-key"), Some(key));
    assert_eq!(requests[1].header("authorization"), Some("Bearer solum_token"));
    assert_eq!(requests[1].body, br#"{"name":"shop"}"#);
}

#[test]
fn a_patch_that_was_cut_off_is_not_sent_again() {
    let script = Script::play(vec![None]);
    let environment = "dev".parse().unwrap();
    let error = script.client().change_config(&app(), &environment, &Default::default());
    assert!(matches!(error, Err(Error::Lost { .. })), "{error:?}");
    assert_eq!(script.end().len(), 1);
}

#[test]
fn nothing_at_the_address_is_said_after_a_short_while() {
    // Port 1 is tcpmux (RFC 1078), which nobody serves.
    let url: ServerUrl = "http://127.0.0.1:1".parse().unwrap();
    let error = Client::new(url.clone(), None).whoami().unwrap_err();
    assert_eq!(error.to_string(), format!("cannot reach the server at {url}"));
}

#[test]
fn a_problem_comes_with_its_code_and_hint() {
    let body = r#"{"type":"urn:solum:problem:app_not_found","title":"There is no such app","status":404,"detail":"there is no app `shop`","code":"app_not_found","hint":"look","request_id":"req_1"}"#;
    let script = Script::play(vec![answer("404 Not Found", "application/problem+json", body)]);
    let Err(Error::Problem(problem)) = script.client().app(&app()) else { panic!("no problem") };
    assert_eq!(problem.error_code(), Some(api::ErrorCode::AppNotFound));
    assert_eq!(problem.hint.as_deref(), Some("look"));
    script.end();
}

#[test]
fn an_error_that_is_not_ours_is_shown_in_one_line() {
    let page = "<html>\n<h1>Bad\tGateway</h1>\u{1b}[31m</html>";
    let script = Script::play(vec![answer("502 Bad Gateway", "text/html", page)]);
    let url = script.url.clone();
    assert_eq!(
        script.client().app(&app()).unwrap_err().to_string(),
        format!(
            "{url} answered with status 502, and not as a Solum server does: <html> <h1>Bad Gateway</h1>[31m</html>"
        )
    );
    script.end();
}

#[test]
fn a_redirect_is_not_followed_so_that_the_token_stays() {
    let moved = "HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    let script = Script::play(vec![Some(moved.into())]);
    let error = script.client().app(&app()).unwrap_err();
    assert!(matches!(error, Error::NotSolum { status: 302, .. }), "{error:?}");
    script.end();
}

#[test]
fn pages_are_followed_until_the_last() {
    let first = format!(r#"{{"items":[{APP}],"next_cursor":"a/b c"}}"#);
    let second = format!(r#"{{"items":[{APP}]}}"#);
    let script = Script::play(vec![json("200 OK", &first), json("200 OK", &second)]);
    assert_eq!(script.client().apps().unwrap().len(), 2);
    let requests = script.end();
    assert!(requests[0].head.starts_with("GET /api/v1/apps?limit=200 HTTP/1.1\r\n"));
    assert!(
        requests[1].head.starts_with("GET /api/v1/apps?limit=200&cursor=a%2Fb%20c HTTP/1.1\r\n")
    );
}

#[test]
fn no_more_is_asked_for_than_is_wanted() {
    let page = format!(r#"{{"items":[{}],"next_cursor":"more"}}"#, run("failed"));
    let script = Script::play(vec![json("200 OK", &page)]);
    assert_eq!(script.client().runs(Some(&app()), Some(1)).unwrap().len(), 1);
    assert!(script.end()[0].head.starts_with("GET /api/v1/runs?limit=1&app=shop HTTP/1.1\r\n"));
}

#[test]
fn a_watched_run_goes_on_after_the_last_line_that_arrived() {
    let first = "id: 1\nevent: log\ndata: {\"text\":\"one\"}\n\nid: 2\nevent: log\ndata: {\"te";
    let second = format!(
        "id: 2\nevent: log\ndata: {{\"text\":\"two\"}}\n\n: still here\n\nevent: end\ndata: {}\n\n",
        run("succeeded")
    );
    let script = Script::play(vec![feed(first), feed(&second)]);
    let client = script.client();
    let id = "run_01h2xcejqtf2nbrexx3vqjhp41".parse().unwrap();
    let mut watched = client.watch_run(id).unwrap();
    assert_eq!(watched.next_event().unwrap(), RunEvent::Log("one".into()));
    assert_eq!(watched.next_event().unwrap(), RunEvent::Log("two".into()));
    let RunEvent::End(run) = watched.next_event().unwrap() else { panic!("not the end") };
    assert_eq!(run.run.status, RunStatus::Succeeded);
    let requests = script.end();
    assert_eq!(requests[0].header("last-event-id"), None);
    assert_eq!(requests[1].header("last-event-id"), Some("1"));
    assert_eq!(requests[0].header("accept"), Some("text/event-stream"));
}

#[test]
fn a_log_that_is_not_followed_ends() {
    let line = r#"{"at":"2026-01-02T03:04:05Z","environment":"dev","instance":"web.1","instance_id":"ins_01h2xcejqtf2nbrexx3vqjhp41","stream":"stdout","text":"hello"}"#;
    let body = format!("event: log\ndata: {line}\n\nevent: end\ndata: {{}}\n\n");
    let script = Script::play(vec![feed(&body)]);
    let client = script.client();
    let query = LogsQuery { lines: Some(1), ..LogsQuery::default() };
    let mut log = client.logs(&app(), &query).unwrap();
    assert_eq!(log.next_line().unwrap().unwrap().text, "hello");
    assert!(log.next_line().unwrap().is_none());
    assert!(script.end()[0].head.starts_with("GET /api/v1/apps/shop/logs?lines=1 HTTP/1.1\r\n"));
}

#[test]
fn a_command_tells_what_it_wrote_and_how_it_ended() {
    let body =
        concat!(r#"{"stream":"stdout","data":"hello\n"}"#, "\n\n", r#"{"exit":{"code":3}}"#, "\n",);
    let script = Script::play(vec![answer("200 OK", "application/x-ndjson", body)]);
    let client = script.client();
    let exec = Exec { command: vec!["echo".into(), "hello".into()] };
    let stream = client.exec(&app(), &"dev".parse().unwrap(), &exec).unwrap();
    let mut written = String::new();
    let exit = stream
        .run_to_end(|chunk| {
            written.push_str(&chunk.data);
            Ok::<(), Error>(())
        })
        .unwrap();
    assert_eq!(written, "hello\n");
    assert_eq!(exit, ExecExit { code: Some(3), signal: None, out_of_memory: false });
    script.end();
}

#[test]
fn a_command_that_was_cut_off_did_not_end_well() {
    let body = concat!(r#"{"stream":"stdout","data":"hello\n"}"#, "\n");
    let script = Script::play(vec![answer("200 OK", "application/x-ndjson", body)]);
    let client = script.client();
    let exec = Exec { command: vec!["true".into()] };
    let stream = client.exec(&app(), &"dev".parse().unwrap(), &exec).unwrap();
    let ended = stream.run_to_end(|_| Ok::<(), Error>(()));
    assert!(matches!(ended, Err(Error::Lost { .. })), "{ended:?}");
    script.end();
}

const UPLOAD: &str = r#"{"id":"upl_01h2xcejqtf2nbrexx3vqjhp41","app":"shop","status":"importing","created_at":"2026-01-02T03:04:05Z"}"#;

#[test]
fn a_bundle_is_streamed_with_its_length() {
    let script = Script::play(vec![json("202 Accepted", UPLOAD)]);
    let bundle = vec![7; 3 << 20];
    script.client().start_upload(&app(), std::io::Cursor::new(&bundle)).unwrap();
    let requests = script.end();
    assert_eq!(requests[0].header("content-type"), Some("application/gzip"));
    assert_eq!(requests[0].header("transfer-encoding"), None);
    assert!(requests[0].body == bundle);
}

#[test]
fn a_bundle_that_is_refused_is_not_sent() {
    let body = r#"{"type":"urn:solum:problem:payload_too_large","title":"t","status":413,"detail":"the bundle is too large","code":"payload_too_large"}"#;
    let script =
        Script::play(vec![answer("413 Content Too Large", "application/problem+json", body)]);
    let error = script.client().start_upload(&app(), std::io::Cursor::new(vec![7; 3 << 20]));
    assert_eq!(error.unwrap_err().to_string(), "the bundle is too large");
    assert!(script.end()[0].body.is_empty());
}
