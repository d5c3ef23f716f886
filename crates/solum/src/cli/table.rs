//! Columns for people.

use std::fmt::Write as _;

const GAP: &str = "  ";

/// Rows of cells below headings, padded so that columns align. What would break a line or steer a terminal is replaced.
#[derive(Debug)]
pub(crate) struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn new(headings: &[&str]) -> Self {
        Self { rows: vec![headings.iter().map(|heading| (*heading).to_owned()).collect()] }
    }

    /// Without headings: names at the left, values at the right.
    pub(crate) fn of_fields() -> Self {
        Self { rows: Vec::new() }
    }

    pub(crate) fn row<const N: usize>(&mut self, cells: [&str; N]) {
        self.rows.push(cells.iter().map(|cell| printable(cell)).collect());
    }

    pub(crate) fn render(&self) -> String {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let width = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        let mut text = String::new();
        for row in &self.rows {
            let mut line = String::new();
            for (cell, width) in row.iter().zip(&widths) {
                let _ = write!(line, "{cell:<width$}{GAP}");
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }
}

fn printable(cell: &str) -> String {
    cell.chars().map(|char| if char.is_control() { ' ' } else { char }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_align_and_lines_do_not_end_in_blanks() {
        let mut table = Table::new(&["NAME", "STATUS", "URL"]);
        table.row(["shop", "ready", "http://shop-dev.localhost"]);
        table.row(["a-longer-name", "creating", ""]);
        assert_eq!(
            table.render(),
            "NAME           STATUS    URL\n\
             shop           ready     http://shop-dev.localhost\n\
             a-longer-name  creating\n"
        );
    }

    #[test]
    fn a_cell_cannot_steer_the_terminal() {
        let mut table = Table::of_fields();
        table.row(["description", "one\ntwo\x1b[2J"]);
        assert_eq!(table.render(), "description  one two [2J\n");
    }
}
