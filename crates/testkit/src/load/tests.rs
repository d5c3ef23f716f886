use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

const SOON: Duration = Duration::from_secs(20);

/// Answers every connection through `answer` until that says to close it.
fn serve(answer: fn(&mut TcpStream, usize) -> bool) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let accepted = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&accepted);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let number = count.fetch_add(1, Ordering::SeqCst);
            let mut stream = BufReader::new(stream.unwrap());
            std::thread::spawn(move || {
                let mut line = String::new();
                while stream.read_line(&mut line).is_ok_and(|read| read > 0) {
                    if line == "\r\n" && !answer(stream.get_mut(), number) {
                        break;
                    }
                    line.clear();
                }
            });
        }
    });
    (address, accepted)
}

fn hello(stream: &mut TcpStream, _: usize) -> bool {
    stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello\n").is_ok()
}

fn plan(keep_alive: usize, per_request: usize) -> LoadPlan {
    LoadPlan { keep_alive, per_request, pace: Duration::from_millis(1), ..LoadPlan::default() }
}

#[test]
fn kept_connections_are_kept() {
    let (address, accepted) = serve(hello);
    let load = Load::start(address, "a.localhost", &plan(3, 0));
    load.wait_for(100, SOON).unwrap();
    let report = load.stop();
    assert_eq!(report.failures, 0, "{report}");
    assert_eq!(report.answers.get("hello"), Some(&report.requests));
    assert_eq!(accepted.load(Ordering::SeqCst), 3);
}

#[test]
fn the_others_open_one_for_each_request() {
    let (address, accepted) = serve(hello);
    let load = Load::start(address, "a.localhost", &plan(0, 2));
    load.wait_for(50, SOON).unwrap();
    let report = load.stop();
    assert_eq!(report.failures, 0, "{report}");
    assert_eq!(accepted.load(Ordering::SeqCst) as u64, report.requests);
}

#[test]
fn a_kept_connection_that_is_closed_without_a_word_is_a_failure() {
    let (address, _) = serve(|stream, number| hello(stream, number) && number != 0);
    let load = Load::start(address, "a.localhost", &plan(1, 0));
    load.wait_for(20, SOON).unwrap();
    let report = load.stop();
    assert_eq!(report.failures, 1, "{report}");
    assert!(report.first_failures[0].contains("client 0 (keep-alive)"), "{report}");
}

#[test]
fn a_connection_that_said_it_would_close_is_opened_again_without_a_failure() {
    let (address, accepted) = serve(|stream, _| {
        let answer = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
        stream.write_all(answer).unwrap();
        false
    });
    let load = Load::start(address, "a.localhost", &plan(1, 0));
    load.wait_for(20, SOON).unwrap();
    let report = load.stop();
    assert_eq!(report.failures, 0, "{report}");
    assert_eq!(accepted.load(Ordering::SeqCst) as u64, report.requests);
}

#[test]
fn an_answer_that_is_no_success_is_a_failure_with_its_words() {
    let (address, _) = serve(|stream, _| {
        stream.write_all(b"HTTP/1.1 502 Bad\r\nContent-Length: 4\r\n\r\ngone").is_ok()
    });
    let load = Load::start(address, "a.localhost", &plan(1, 1));
    load.wait_for(4, SOON).unwrap();
    let report = load.stop();
    assert_eq!(report.failures, report.requests);
    assert!(report.first_failures[0].ends_with("answer 502: gone"), "{report}");
}
