//! How the log of a step looks.

use api::runs::{Failure, Job, Step};
use api::step_logs::{Annotation, Entry, Level, What};

use crate::cli::times::lapse;

const RED: &str = "\x1b[31m";
const YELLOW: &str = "\x1b[33m";
const DIM: &str = "\x1b[2m";
const RESET: &str = "\x1b[0m";

/// Of one step.
pub(super) struct Renderer {
    pub(super) colours: bool,
    pub(super) timestamps: bool,
    pub(super) in_group: bool,
}

impl Renderer {
    /// `-----> build: Run make test (success in 4.0 s)`
    pub(super) fn heading(&self, job: &Job, step: &Step) -> String {
        let mut heading = format!("-----> {}: {}", job.title(), step.title());
        if let Some(conclusion) = step.conclusion {
            let lapse = step.started_at.zip(step.finished_at).map(|(start, end)| lapse(start, end));
            let took = lapse.map(|lapse| format!(" in {lapse}")).unwrap_or_default();
            heading.push_str(&format!(" ({}{took})", conclusion.as_str()));
        }
        heading.push('\n');
        heading
    }

    /// `None` where there is nothing to be seen.
    pub(super) fn entry(&mut self, entry: &Entry) -> Option<String> {
        let indent = if self.in_group { "  " } else { "" };
        let text = match &entry.what {
            What::Line { text } => format!("{indent}{text}"),
            What::Debug { text } => self.painted(DIM, &format!("{indent}debug: {text}")),
            What::Note { text } => self.painted(DIM, &format!("{indent}({text})")),
            What::Group { title } => {
                self.in_group = true;
                format!("▸ {title}")
            }
            What::EndGroup => {
                self.in_group = false;
                return None;
            }
            What::Annotation(annotation) => self.annotation(indent, annotation),
        };
        let at = match self.timestamps {
            true => self.painted(DIM, &format!("{:.3}", entry.at)) + " ",
            false => String::new(),
        };
        Some(text.split('\n').map(|line| format!("{at}{line}\n")).collect())
    }

    fn annotation(&self, indent: &str, annotation: &Annotation) -> String {
        let (mark, colour) = match annotation.level {
            Level::Error => ("X", RED),
            Level::Warning => ("!", YELLOW),
            Level::Notice => ("-", DIM),
        };
        let title = annotation.title.as_ref().map(|title| format!("{title}: ")).unwrap_or_default();
        let mark = self.painted(colour, mark);
        let mut text = format!("{indent}{mark} {title}{}", annotation.message);
        if let Some(file) = &annotation.file {
            let line = annotation.line.map(|line| format!("#{line}")).unwrap_or_default();
            text.push_str(&format!("\n{indent}  {file}{line}"));
        }
        text
    }

    /// Why the step failed, at its end.
    pub(super) fn failure(&self, failure: &Failure) -> String {
        let mark = self.painted(RED, "X");
        let hint = failure.hint.as_ref().map(|hint| format!("  {hint}\n")).unwrap_or_default();
        format!("{mark} {}\n{hint}", failure.message)
    }

    fn painted(&self, colour: &str, text: &str) -> String {
        if self.colours { format!("{colour}{text}{RESET}") } else { text.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rendered(renderer: &mut Renderer, entries: &[&str]) -> String {
        let entry = |what: &&str| {
            let text = format!(r#"{{"at":"2026-01-02T03:04:05Z",{what}}}"#);
            renderer.entry(&serde_json::from_str(&text).unwrap())
        };
        entries.iter().filter_map(entry).collect()
    }

    const ENTRIES: &[&str] = &[
        r#""kind":"line","text":"make""#,
        r#""kind":"group","title":"Compiling""#,
        r#""kind":"line","text":"cc a.c""#,
        r#""kind":"annotation","level":"error","message":"no such file","file":"a.c","line":3"#,
        r#""kind":"end_group""#,
        r#""kind":"annotation","level":"warning","title":"Old","message":"use b""#,
        r#""kind":"note","text":"the log is longer""#,
    ];

    #[test]
    fn groups_are_indented_and_annotations_marked() {
        let mut plain = Renderer { colours: false, timestamps: false, in_group: false };
        assert_eq!(
            rendered(&mut plain, ENTRIES),
            "make\n▸ Compiling\n  cc a.c\n  X no such file\n    a.c#3\n! Old: use b\n(the log is longer)\n"
        );
    }

    #[test]
    fn times_stand_before_each_line() {
        let mut timed = Renderer { colours: false, timestamps: true, in_group: false };
        assert_eq!(rendered(&mut timed, &ENTRIES[..1]), "2026-01-02T03:04:05.000Z make\n");
    }
}
