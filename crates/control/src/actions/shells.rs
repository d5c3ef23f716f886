//! `shell:` and the script of a `run` step: what is written to a file, and what runs it.

use std::fmt;

/// What carries out a script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shell {
    /// Nothing was said: bash where there is one, else sh.
    Unspecified,
    Bash,
    Sh,
    Python,
    Node,
    /// A command of the user's, with `{0}` where the script's path belongs.
    Template(Vec<String>),
}

/// Why a `shell:` cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnknownShell {
    #[error(
        "`shell: {0}` runs on Windows, or needs PowerShell, and there is neither here; use bash, sh, python or node"
    )]
    Windows(String),
    #[error(
        "`shell: {0}` is none that is known (bash, sh, python, node); write a command of your own with `{{0}}` where \
         the script's path belongs, as in `perl {{0}}`"
    )]
    NoPlace(String),
    #[error("`shell: {0}` has a quotation mark that is not closed")]
    Unclosed(String),
}

impl Shell {
    /// Reads a `shell:`, after its expressions were evaluated.
    pub fn parse(text: Option<&str>) -> Result<Self, UnknownShell> {
        let Some(text) = text.map(str::trim).filter(|text| !text.is_empty()) else {
            return Ok(Self::Unspecified);
        };
        match text {
            "bash" => Ok(Self::Bash),
            "sh" => Ok(Self::Sh),
            "python" => Ok(Self::Python),
            "node" => Ok(Self::Node),
            "pwsh" | "powershell" | "cmd" => Err(UnknownShell::Windows(text.to_owned())),
            _ if text.contains("{0}") => words(text)
                .map(Self::Template)
                .ok_or_else(|| UnknownShell::Unclosed(text.to_owned())),
            _ => Err(UnknownShell::NoPlace(text.to_owned())),
        }
    }

    /// How the name of the script's file ends.
    #[must_use]
    pub fn suffix(&self) -> &'static str {
        match self {
            Self::Unspecified | Self::Bash | Self::Sh => ".sh",
            Self::Python => ".py",
            Self::Node => ".js",
            Self::Template(words) => match words.first().map(String::as_str) {
                Some("bash" | "sh") => ".sh",
                Some("python" | "python3") => ".py",
                Some("node") => ".js",
                _ => "",
            },
        }
    }

    /// What to run, with the script at `path` in the box. `has_bash` is what the box's `PATH` has.
    #[must_use]
    pub fn command(&self, path: &str, has_bash: bool) -> Vec<String> {
        let words: &[&str] = match self {
            Self::Unspecified if has_bash => &["bash", "-e", "{0}"],
            Self::Unspecified | Self::Sh => &["sh", "-e", "{0}"],
            Self::Bash => &["bash", "--noprofile", "--norc", "-eo", "pipefail", "{0}"],
            Self::Python => &["python3", "{0}"],
            Self::Node => &["node", "{0}"],
            Self::Template(words) => {
                return words.iter().map(|word| word.replace("{0}", path)).collect();
            }
        };
        words.iter().map(|word| word.replace("{0}", path)).collect()
    }
}

impl fmt::Display for Shell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.command("{0}", true).join(" "))
    }
}

/// What is written to the script's file: the text, with the line ends that a shell takes.
#[must_use]
pub fn script(text: &str) -> String {
    text.replace("\r\n", "\n")
}

/// Split at blanks; `"` keeps what stands between two of them together. `None` where one is not closed.
fn words(text: &str) -> Option<Vec<String>> {
    let (mut all, mut word, mut quoted) = (Vec::new(), None::<String>, false);
    for character in text.chars() {
        match character {
            '"' => {
                quoted = !quoted;
                word.get_or_insert_default();
            }
            blank if blank.is_whitespace() && !quoted => all.extend(word.take()),
            other => word.get_or_insert_default().push(other),
        }
    }
    all.extend(word);
    (!quoted).then_some(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(shell: Option<&str>, has_bash: bool) -> String {
        Shell::parse(shell).unwrap().command("/t/s", has_bash).join(" ")
    }

    #[test]
    fn shells_are_started_as_on_github() {
        assert_eq!(line(None, true), "bash -e /t/s");
        assert_eq!(line(None, false), "sh -e /t/s");
        assert_eq!(line(Some("bash"), true), "bash --noprofile --norc -eo pipefail /t/s");
        assert_eq!(line(Some("sh"), true), "sh -e /t/s");
        assert_eq!(line(Some("python"), true), "python3 /t/s");
        assert_eq!(line(Some("node"), true), "node /t/s");
        assert_eq!(line(Some(""), true), "bash -e /t/s");
    }

    #[test]
    fn a_template_gets_the_script_where_it_says() {
        let shell = Shell::parse(Some(r#"env "A=b c" perl -w {0} end"#)).unwrap();
        assert_eq!(shell.command("/t/s", true), ["env", "A=b c", "perl", "-w", "/t/s", "end"]);
        assert_eq!(shell.suffix(), "");
        assert_eq!(Shell::parse(Some("bash -l {0}")).unwrap().suffix(), ".sh");
    }

    #[test]
    fn what_cannot_run_is_refused_in_words() {
        for (shell, words) in [
            ("pwsh", "PowerShell"),
            ("cmd", "Windows"),
            ("perl", "`perl {0}`"),
            ("perl \"{0}", "not closed"),
        ] {
            let error = Shell::parse(Some(shell)).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        }
    }

    #[test]
    fn a_script_has_the_line_ends_of_this_system() {
        assert_eq!(script("a\r\nb\n"), "a\nb\n");
    }
}
