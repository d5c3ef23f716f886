use std::sync::Mutex;

use types::Transcript;

/// Keeps everything that was said.
#[derive(Debug, Default)]
pub(crate) struct Recorder {
    lines: Mutex<Vec<String>>,
}

impl Recorder {
    pub(crate) fn text(&self) -> String {
        self.lines.lock().unwrap().join("\n")
    }

    fn add(&self, text: String) {
        self.lines.lock().unwrap().push(text);
    }
}

impl Transcript for Recorder {
    fn step(&self, title: &str) {
        self.add(format!("-----> {title}"));
    }

    fn line(&self, text: &str) {
        self.add(format!("       {text}"));
    }

    fn warning(&self, text: &str) {
        self.add(format!(" !     {text}"));
    }
}
