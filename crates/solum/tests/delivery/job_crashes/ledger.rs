//! What steps write to, outside of everything that is killed: who counts there knows what has really happened.

use std::collections::{BTreeMap, HashSet};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result};
use testkit::wait_until;

/// As long as somebody waits for a line of somebody else's.
const PATIENCE: Duration = Duration::from_secs(120);

/// Takes `MARK WHAT` on each connection and answers `ok` when it is written down; `MARK await WHAT` is answered when that
/// is there. Over HTTP, a request of `/MARK/WHAT` is written down once per `Idempotency-Key`. Its threads end with the
/// test's process.
pub(super) struct Ledger {
    pub(super) address: SocketAddr,
    book: Arc<Mutex<Book>>,
}

#[derive(Default)]
struct Book {
    lines: Vec<(String, String)>,
    keys: HashSet<String>,
}

impl Ledger {
    pub(super) fn open() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let book = Arc::new(Mutex::new(Book::default()));
        let kept = Arc::clone(&book);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let book = Arc::clone(&kept);
                // Who does not read its answer has gone.
                thread::spawn(move || serve(&stream, &book).ok());
            }
        });
        Ok(Self { address, book })
    }

    /// How often each thing of a run was written down.
    pub(super) fn of(&self, mark: &str) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        let book = self.book.lock().unwrap_or_else(PoisonError::into_inner);
        for (_, what) in book.lines.iter().filter(|(of, _)| of == mark) {
            *counts.entry(what.clone()).or_default() += 1;
        }
        counts
    }
}

fn serve(stream: &TcpStream, book: &Mutex<Book>) -> Result<()> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let words: Vec<&str> = line.split_whitespace().collect();
    let mut stream = stream;
    match words[..] {
        [mark, "await", what] => {
            wait_until(&format!("{mark} to write {what}"), PATIENCE, || {
                let book = book.lock().unwrap_or_else(PoisonError::into_inner);
                book.lines.iter().any(|(of, it)| of == mark && it == what).then_some(())
            })?;
            stream.write_all(b"ok\n")?;
        }
        [mark, what] => {
            let mut book = book.lock().unwrap_or_else(PoisonError::into_inner);
            book.lines.push((mark.to_owned(), what.to_owned()));
            stream.write_all(b"ok\n")?;
        }
        [_, path, "HTTP/1.1"] => {
            let key = request(&mut reader)?;
            if let Some((mark, what)) = path.trim_start_matches('/').split_once('/') {
                let mut book = book.lock().unwrap_or_else(PoisonError::into_inner);
                if key.is_none_or(|key| book.keys.insert(key)) {
                    book.lines.push((mark.to_owned(), what.to_owned()));
                }
            }
            stream.write_all(
                b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\nconnection: close\r\n\r\nok\n",
            )?;
        }
        _ => stream.write_all(b"what?\n")?,
    }
    Ok(())
}

/// Reads the rest of a request, and gives the key that it carries.
fn request(reader: &mut BufReader<&TcpStream>) -> Result<Option<String>> {
    let (mut key, mut length) = (None, 0);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.split_once(':') else { break };
        match name.to_ascii_lowercase().as_str() {
            "idempotency-key" => key = Some(value.trim().to_owned()),
            "content-length" => length = value.trim().parse().context("a length")?,
            _ => {}
        }
    }
    std::io::copy(&mut reader.take(length), &mut std::io::sink())?;
    Ok(key)
}
