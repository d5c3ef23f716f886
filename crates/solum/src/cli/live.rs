//! Some lines at the bottom of a terminal that are drawn again in place, while what is written above them flows.
//!
//! Nothing is switched that would have to be switched back: whoever leaves at any moment leaves a terminal as it was. Before
//! lines are drawn again they are taken away as many rows as they take at the terminal's present width.

use std::io::{self, Write};

use super::graph::{Row, width};

/// Columns and rows of a terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Size {
    pub(crate) columns: usize,
    pub(crate) rows: usize,
}

/// What is assumed of one that does not say.
const USUAL: Size = Size { columns: 80, rows: 24 };

/// Of the terminal on stdout.
pub(crate) fn size() -> Size {
    match rustix::termios::tcgetwinsize(io::stdout()) {
        Ok(size) if size.ws_col > 0 && size.ws_row > 0 => {
            Size { columns: size.ws_col.into(), rows: size.ws_row.into() }
        }
        _ => USUAL,
    }
}

/// The lines, and where they are drawn.
#[derive(Debug)]
pub(crate) struct Block<W> {
    out: W,
    colours: bool,
    /// The widths of the lines that stand there.
    drawn: Vec<usize>,
}

impl<W: Write> Block<W> {
    pub(crate) fn new(out: W, colours: bool) -> Self {
        Self { out, colours, drawn: Vec::new() }
    }

    /// Writes text above the lines, which [`draw`](Self::draw) brings back.
    pub(crate) fn above(&mut self, text: &str, size: Size) -> io::Result<()> {
        let erased = self.erase(size);
        self.put(&format!("{erased}{text}\n"))
    }

    /// Draws the lines, in place of those that stand there.
    pub(crate) fn draw(&mut self, rows: &[Row], size: Size) -> io::Result<()> {
        let mut text = self.erase(size);
        // The last column is left free: some terminals wrap when it is reached.
        let columns = size.columns.saturating_sub(1);
        for row in shown(rows, size.rows.saturating_sub(2)) {
            let plain = row.render(columns, false);
            self.drawn.push(width(&plain));
            text.push_str(&if self.colours { row.render(columns, true) } else { plain });
            text.push('\n');
        }
        self.put(&text)
    }

    /// Moves to where the lines begin, and takes them away.
    fn erase(&mut self, size: Size) -> String {
        let columns = size.columns.max(1);
        let rows: usize = self.drawn.drain(..).map(|width| width.div_ceil(columns).max(1)).sum();
        let rows = rows.min(size.rows.saturating_sub(1));
        if rows == 0 { String::new() } else { format!("\x1b[{rows}A\r\x1b[J") }
    }

    /// At once, so that nothing flickers.
    fn put(&mut self, text: &str) -> io::Result<()> {
        self.out.write_all(text.as_bytes())?;
        self.out.flush()
    }
}

/// As many as there is room for; the last one says how many more there are.
fn shown(rows: &[Row], room: usize) -> Vec<Row> {
    if rows.len() <= room {
        return rows.to_vec();
    }
    let shown = room.saturating_sub(1);
    let mut some = rows[..shown].to_vec();
    some.push(Row::more(rows.len() - shown));
    some
}

#[cfg(test)]
mod tests {
    use api::runs::Job;

    use super::super::graph::rows;
    use super::*;

    fn jobs(count: usize) -> Vec<Row> {
        let job = |number: usize| {
            let text = format!(r#"{{"name":"job-{number:02}","status":"queued","steps":[]}}"#);
            serde_json::from_str::<Job>(&text).unwrap()
        };
        rows(&(0..count).map(job).collect::<Vec<_>>(), "2026-01-02T03:04:05Z".parse().unwrap())
    }

    const WIDE: Size = Size { columns: 40, rows: 10 };

    fn written(block: &mut Block<Vec<u8>>) -> String {
        String::from_utf8(std::mem::take(&mut block.out)).unwrap()
    }

    #[test]
    fn what_flows_stands_above_and_the_lines_are_drawn_again_below() {
        let mut block = Block::new(Vec::new(), false);
        block.draw(&jobs(2), WIDE).unwrap();
        assert_eq!(written(&mut block), "○ job-00\n○ job-01\n");
        block.above("-----> Building", WIDE).unwrap();
        block.draw(&jobs(1), WIDE).unwrap();
        assert_eq!(written(&mut block), "\x1b[2A\r\x1b[J-----> Building\n○ job-00\n");
        block.draw(&jobs(1), WIDE).unwrap();
        assert_eq!(written(&mut block), "\x1b[1A\r\x1b[J○ job-00\n");
    }

    #[test]
    fn lines_that_a_narrower_terminal_wraps_are_taken_away_whole() {
        let mut block = Block::new(Vec::new(), false);
        block.draw(&jobs(2), WIDE).unwrap();
        written(&mut block);
        // Each of the two takes two rows now.
        block.draw(&[], Size { columns: 5, rows: 10 }).unwrap();
        assert_eq!(written(&mut block), "\x1b[4A\r\x1b[J");
    }

    #[test]
    fn more_jobs_than_rows_are_counted() {
        let mut block = Block::new(Vec::new(), false);
        block.draw(&jobs(20), WIDE).unwrap();
        let text = written(&mut block);
        assert_eq!(text.lines().count(), 8);
        assert!(text.ends_with("… and 13 more\n"), "{text}");
    }
}
