/// What the rules found.
#[derive(Debug, Default)]
pub(super) struct Report {
    errors: Vec<String>,
    warnings: Vec<String>,
}

impl Report {
    /// `place` is a path from the root of the repository, with a line where there is one.
    pub(super) fn error(&mut self, place: &str, what: &str) {
        self.errors.push(format!("error: {place}: {what}"));
    }

    pub(super) fn warning(&mut self, place: &str, what: &str) {
        self.warnings.push(format!("warning: {place}: {what}"));
    }

    pub(super) fn lines(&self) -> impl Iterator<Item = &str> {
        self.warnings.iter().chain(&self.errors).map(String::as_str)
    }

    pub(super) fn errors(&self) -> usize {
        self.errors.len()
    }

    pub(super) fn warnings(&self) -> usize {
        self.warnings.len()
    }
}
