//! How the demo talks: chapters, the commands that a person would type, and what came of them.

pub(super) fn chapter(title: &str) {
    println!("\n## {title}\n");
}

pub(super) fn command(words: &str) {
    println!("  $ {words}");
}

/// Git pads what a server says with spaces; they go.
pub(super) fn say(line: &str) {
    println!("    {}", line.trim_end());
}
