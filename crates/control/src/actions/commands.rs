//! Workflow commands: lines of a step's output that say something to whoever runs it.
//!
//! [`Commands`] takes the lines of one step in order and says of each what it is. It knows the form `::name key=value::text`
//! and the older `##[name key=value]text`. What is not a command that GitHub knows is a line like any other.

use types::Secret;

/// What a line of a step's output is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Text of the step's own.
    Line(String),
    /// Text for those who look for a mistake.
    Debug(String),
    /// What follows belongs together, under this title.
    Group(String),
    EndGroup,
    Annotation(Annotation),
    /// From now on, this is not to be shown. The line itself is not to be shown either.
    Mask(Secret),
    /// `::set-output`, in the old manner.
    Output {
        name: String,
        value: String,
    },
    /// `::save-state`, in the old manner.
    State {
        name: String,
        value: String,
    },
    /// The step asked for what it may not, and fails for that.
    Refused(String),
    /// What whoever reads the log should know, said by us.
    Note(String),
    /// A command that has no text of its own.
    Nothing,
}

/// Something to be seen beside the code that it is about.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Annotation {
    pub level: Level,
    pub message: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_line: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_column: Option<u32>,
}

impl Annotation {
    /// About no place.
    #[must_use]
    pub fn plain(level: Level, message: String) -> Self {
        Self {
            level,
            message,
            title: None,
            file: None,
            line: None,
            end_line: None,
            column: None,
            end_column: None,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    Notice,
    Warning,
    Error,
}

impl Level {
    /// As workflow commands have it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Notice => "notice",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// What of a step's earlier lines bears on the later ones.
#[derive(Debug, Default)]
pub struct Commands {
    /// Nothing is a command until this token is.
    stopped_until: Option<String>,
    told_deprecated: bool,
    told_matchers: bool,
}

/// `::name key=value,key=value::text`, taken apart.
struct Command<'a> {
    name: &'a str,
    properties: Vec<(&'a str, String)>,
    data: String,
}

const DEPRECATED: &str = "`::set-output` and `::save-state` are deprecated; write to the file that GITHUB_OUTPUT or GITHUB_STATE names";

impl Commands {
    /// Takes the next line, whole and without its newline.
    pub fn line(&mut self, line: &str) -> Event {
        let plain = || Event::Line(line.to_owned());
        let Some(command) = modern(line).or_else(|| older(line)) else { return plain() };
        if let Some(token) = &self.stopped_until {
            if command.name != token {
                return plain();
            }
            self.stopped_until = None;
            return Event::Nothing;
        }
        self.carry_out(&command).unwrap_or_else(plain)
    }

    /// `None` for a command that nobody knows.
    fn carry_out(&mut self, command: &Command<'_>) -> Option<Event> {
        let data = command.data.clone();
        Some(match command.name.to_ascii_lowercase().as_str() {
            "error" => Event::Annotation(command.annotation(Level::Error)),
            "warning" => Event::Annotation(command.annotation(Level::Warning)),
            "notice" => Event::Annotation(command.annotation(Level::Notice)),
            "group" => Event::Group(data),
            "endgroup" => Event::EndGroup,
            "debug" => Event::Debug(data),
            "add-mask" if data.trim().is_empty() => {
                Event::Note("`::add-mask::` has nothing to mask".to_owned())
            }
            "add-mask" => Event::Mask(Secret::new(data)),
            "stop-commands" if data.trim().is_empty() || is_known(&data) => {
                Event::Refused(format!(
                    "`::stop-commands::{data}` needs a token of its own, which nothing else prints"
                ))
            }
            "stop-commands" => {
                self.stopped_until = Some(data);
                Event::Nothing
            }
            "set-output" => self.deprecated(command, |name, value| Event::Output { name, value }),
            "save-state" => self.deprecated(command, |name, value| Event::State { name, value }),
            "set-env" | "add-path" => Event::Refused(format!(
                "`::{}` is disabled, here as on GitHub, since anything that is printed could use it; write to the file \
                 that GITHUB_ENV or GITHUB_PATH names",
                command.name
            )),
            "add-matcher" | "remove-matcher" => {
                if std::mem::replace(&mut self.told_matchers, true) {
                    return Some(Event::Nothing);
                }
                Event::Note(
                    "problem matchers are not supported: no annotations are made of plain lines"
                        .to_owned(),
                )
            }
            "echo" => Event::Nothing,
            _ => return None,
        })
    }

    fn deprecated(
        &mut self,
        command: &Command<'_>,
        event: impl FnOnce(String, String) -> Event,
    ) -> Event {
        let Some(name) = command.property("name").filter(|name| !name.is_empty()) else {
            return Event::Refused(format!(
                "`::{}` lacks the name: `::{} name=…::…`",
                command.name, command.name
            ));
        };
        event(name.to_owned(), command.data.clone())
    }

    /// What to tell, once, of a command that goes out of use.
    pub fn deprecation(&mut self, event: &Event) -> Option<&'static str> {
        let old = matches!(event, Event::Output { .. } | Event::State { .. });
        (old && !std::mem::replace(&mut self.told_deprecated, true)).then_some(DEPRECATED)
    }
}

impl Command<'_> {
    fn property(&self, name: &str) -> Option<&str> {
        let found = self.properties.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    fn annotation(&self, level: Level) -> Annotation {
        let text = |name| self.property(name).filter(|text| !text.is_empty()).map(str::to_owned);
        let number = |name| self.property(name).and_then(|text| text.trim().parse().ok());
        Annotation {
            level,
            message: self.data.clone(),
            title: text("title"),
            file: text("file"),
            line: number("line"),
            end_line: number("endLine"),
            column: number("col"),
            end_column: number("endColumn"),
        }
    }
}

fn is_known(name: &str) -> bool {
    const KNOWN: &[&str] = &[
        "error",
        "warning",
        "notice",
        "group",
        "endgroup",
        "debug",
        "add-mask",
        "stop-commands",
        "set-output",
        "save-state",
        "set-env",
        "add-path",
        "add-matcher",
        "remove-matcher",
        "echo",
        "pause-logging",
    ];
    KNOWN.iter().any(|known| known.eq_ignore_ascii_case(name.trim()))
}

/// `::name key=value,key=value::text`, with blanks in front.
fn modern(line: &str) -> Option<Command<'_>> {
    let rest = line.trim_start().strip_prefix("::")?;
    let (head, data) = rest.split_once("::")?;
    let (name, properties) = head.split_once(' ').unwrap_or((head, ""));
    Some(Command {
        name,
        properties: read_properties(properties, ',', &[("%3A", ":"), ("%2C", ",")]),
        data: unescape(data, &[]),
    })
}

/// `##[name key=value;key=value]text`, anywhere in the line.
fn older(line: &str) -> Option<Command<'_>> {
    let (_, rest) = line.split_once("##[")?;
    let (head, data) = rest.split_once(']')?;
    let (name, properties) = head.split_once(' ').unwrap_or((head, ""));
    const MORE: &[(&str, &str)] = &[("%3B", ";"), ("%5D", "]")];
    Some(Command {
        name,
        properties: read_properties(properties, ';', MORE),
        data: unescape(data, MORE),
    })
}

fn read_properties<'a>(
    text: &'a str,
    between: char,
    more: &[(&str, &str)],
) -> Vec<(&'a str, String)> {
    let pairs = text.trim().split(between).filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| (name.trim(), unescape(value, more))).collect()
}

/// The percent sign comes last: `%250A` is `%0A` and no new line.
fn unescape(text: &str, more: &[(&str, &str)]) -> String {
    let always = [("%0D", "\r"), ("%0A", "\n")];
    let mut text = text.to_owned();
    for (from, to) in always.iter().chain(more).chain(&[("%25", "%")]) {
        if text.contains(from) {
            text = text.replace(from, to);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(line: &str) -> Event {
        Commands::default().line(line)
    }

    fn annotation(line: &str) -> Annotation {
        match event(line) {
            Event::Annotation(annotation) => annotation,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_annotation_has_its_place() {
        let given = annotation(
            "  ::error file=src/a%2Cb.rs,line=3,endLine=4,col=5,endColumn=6,title=Oh%3A no::one%0Atwo %25 done",
        );
        let expected = Annotation {
            level: Level::Error,
            message: "one\ntwo % done".to_owned(),
            title: Some("Oh: no".to_owned()),
            file: Some("src/a,b.rs".to_owned()),
            line: Some(3),
            end_line: Some(4),
            column: Some(5),
            end_column: Some(6),
        };
        assert_eq!(given, expected);
        assert_eq!(annotation("::Warning::careful").level, Level::Warning);
        assert_eq!(annotation("::notice line=x::n").line, None);
        assert_eq!(annotation("##[error]old").message, "old");
    }

    #[test]
    fn an_escaped_percent_sign_escapes_nothing() {
        assert_eq!(annotation("::error::%250A").message, "%0A");
    }

    #[test]
    fn groups_masks_and_debugging() {
        assert_eq!(event("::group::Build it"), Event::Group("Build it".into()));
        assert_eq!(event("##[group]Build it"), Event::Group("Build it".into()));
        assert_eq!(event("::endgroup::"), Event::EndGroup);
        assert_eq!(event("::debug::x"), Event::Debug("x".into()));
        assert_eq!(event("::add-mask::hush"), Event::Mask(Secret::new("hush".into())));
        assert!(matches!(event("::add-mask:: "), Event::Note(_)));
    }

    #[test]
    fn what_is_no_command_is_a_line() {
        for line in
            ["", "plain", "std::vec::Vec", "::nothing::x", "::error", "a ::error::b", "##[x"]
        {
            assert_eq!(event(line), Event::Line(line.into()), "{line}");
        }
    }

    #[test]
    fn commands_can_be_stopped_and_taken_up_again() {
        let mut commands = Commands::default();
        assert_eq!(commands.line("::stop-commands::tok-en"), Event::Nothing);
        assert_eq!(commands.line("::error::x"), Event::Line("::error::x".into()));
        assert_eq!(commands.line("::other::"), Event::Line("::other::".into()));
        assert_eq!(commands.line("::tok-en::"), Event::Nothing);
        assert_eq!(commands.line("::endgroup::"), Event::EndGroup);
        assert!(matches!(commands.line("::stop-commands::"), Event::Refused(_)));
        assert!(matches!(commands.line("::stop-commands::error"), Event::Refused(_)));
    }

    #[test]
    fn old_outputs_still_count_and_that_is_told_once() {
        let mut commands = Commands::default();
        let event = commands.line("::set-output name=a b::1%0A2");
        assert_eq!(event, Event::Output { name: "a b".into(), value: "1\n2".into() });
        assert!(commands.deprecation(&event).unwrap().contains("GITHUB_OUTPUT"));
        let event = commands.line("::save-state name=s::1");
        assert_eq!(event, Event::State { name: "s".into(), value: "1".into() });
        assert_eq!(commands.deprecation(&event), None);
        assert!(matches!(commands.line("::set-output::1"), Event::Refused(_)));
    }

    #[test]
    fn what_github_has_disabled_is_refused_with_the_way_to_do_it() {
        for line in ["::set-env name=A::1", "::add-path::/x"] {
            assert!(matches!(event(line), Event::Refused(why) if why.contains("GITHUB_ENV")));
        }
    }

    #[test]
    fn problem_matchers_are_told_of_once() {
        let mut commands = Commands::default();
        assert!(matches!(commands.line("::add-matcher::x.json"), Event::Note(_)));
        assert_eq!(commands.line("::add-matcher::y.json"), Event::Nothing);
    }
}
