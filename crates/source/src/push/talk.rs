use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// Lines that wait for a client which reads slowly.
const QUEUE: usize = 1024;
/// The longest line that is sent whole.
const LINE_BYTES: usize = 4096;

/// The terminal of whoever pushes. Clones are the same terminal.
#[derive(Debug, Clone)]
pub struct PushTalk {
    lines: mpsc::Sender<String>,
    dropped: Arc<AtomicU64>,
    closed: CancellationToken,
}

/// The other end: what is to be sent.
#[derive(Debug)]
pub(crate) struct Lines {
    lines: mpsc::Receiver<String>,
    dropped: Arc<AtomicU64>,
}

impl PushTalk {
    pub(crate) fn new(closed: CancellationToken) -> (Self, Lines) {
        let (sender, receiver) = mpsc::channel(QUEUE);
        let dropped = Arc::new(AtomicU64::new(0));
        let lines = Lines { lines: receiver, dropped: Arc::clone(&dropped) };
        (Self { lines: sender, dropped, closed }, lines)
    }

    /// Sends a line at once; the client sees it behind `remote: `. Never blocks: what a client does not read in time
    /// is dropped, and the client is told how much that was.
    pub fn line(&self, text: &str) {
        for line in text.split('\n') {
            if self.lines.try_send(printable(line)).is_err() {
                self.dropped.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// Waits until nobody is there to read any more.
    pub async fn closed(&self) {
        self.closed.cancelled().await;
    }

    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.closed.is_cancelled()
    }
}

impl Lines {
    /// The next line; `None` once every [`PushTalk`] is gone and all was sent.
    pub(crate) async fn next(&mut self) -> Option<String> {
        match self.dropped.swap(0, Ordering::Relaxed) {
            0 => self.lines.recv().await,
            // Those that still wait were said before the ones that were dropped.
            dropped => match self.lines.try_recv() {
                Ok(line) => {
                    self.dropped.fetch_add(dropped, Ordering::Relaxed);
                    Some(line)
                }
                Err(_) => {
                    Some(format!("({dropped} lines left out: they came too fast to be sent)"))
                }
            },
        }
    }

    /// A line that is there already.
    pub(crate) fn rest(&mut self) -> Option<String> {
        self.lines.try_recv().ok()
    }
}

/// Without what would make a terminal do something else than show the line. Colours stay.
fn printable(line: &str) -> String {
    let shown: String =
        line.trim_end().chars().filter(|c| !c.is_control() || matches!(c, '\t' | '\x1b')).collect();
    if shown.len() <= LINE_BYTES {
        return shown;
    }
    let mut end = LINE_BYTES;
    while !shown.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}…", &shown[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_does_not_fit_is_counted_and_said() {
        let (talk, mut lines) = PushTalk::new(CancellationToken::new());
        for number in 0..QUEUE + 3 {
            talk.line(&number.to_string());
        }
        for number in 0..QUEUE {
            assert_eq!(lines.next().await.unwrap(), number.to_string());
        }
        assert!(lines.next().await.unwrap().starts_with("(3 lines left out"));
        talk.line("later");
        assert_eq!(lines.next().await.unwrap(), "later");
        drop(talk);
        assert_eq!(lines.next().await, None);
    }

    #[test]
    fn a_line_cannot_move_the_cursor() {
        assert_eq!(printable("a\rb\x07\tc  "), "ab\tc");
        assert_eq!(printable("\x1b[32mgreen\x1b[0m"), "\x1b[32mgreen\x1b[0m");
        assert!(printable(&"ä".repeat(5000)).len() <= LINE_BYTES + '…'.len_utf8());
    }
}
