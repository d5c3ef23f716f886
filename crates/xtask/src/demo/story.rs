//! How the demo talks: chapters, the commands that a person would type, and what came of them.

pub(super) fn chapter(title: &str) {
    println!("\n## {title}\n");
}

pub(super) fn command(words: &str) {
    println!("  $ {words}");
}

pub(super) fn say(line: &str) {
    println!("    {line}");
}
