//! The files through which a step speaks: `GITHUB_OUTPUT`, `GITHUB_ENV`, `GITHUB_STATE`, `GITHUB_PATH`, `GITHUB_STEP_SUMMARY`.
//!
//! Read once, after the step. A file that does not follow the rules fails the step; a name that nobody may set is refused and
//! told, and the rest counts. GitHub: <https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands>.

/// The most that one of these files may hold. GitHub's own bound for a summary and for the outputs of a job.
pub const MOST_BYTES: u64 = 1024 * 1024;

/// The most names that one file may set.
pub const MOST_NAMES: usize = 1_000;

/// A line of a step's file that does not follow the rules, or too much of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EnvFileError {
    #[error("{file}, line {line}: `{text}` is neither `name=value` nor `name<<DELIMITER`")]
    Format { file: &'static str, line: usize, text: String },
    #[error("{file}, line {line}: the name is empty")]
    NoName { file: &'static str, line: usize },
    #[error("{file}, line {line}: there is no line with `{delimiter}` that would end the value")]
    NoEnd { file: &'static str, line: usize, delimiter: String },
    #[error("{file} holds more than the {MOST_BYTES} bytes that a step may write there")]
    TooLong { file: &'static str },
    #[error("{file} sets more than {MOST_NAMES} names")]
    TooMany { file: &'static str },
    #[error("{file} is not UTF-8")]
    NotText { file: &'static str },
    #[error("{file} is no plain file any more")]
    NotAFile { file: &'static str },
}

/// What a step may write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EnvFile {
    Output,
    Env,
    State,
    Path,
    Summary,
}

impl EnvFile {
    pub const ALL: [Self; 5] = [Self::Output, Self::Env, Self::State, Self::Path, Self::Summary];

    /// The variable that tells a step where the file is.
    #[must_use]
    pub fn variable(self) -> &'static str {
        match self {
            Self::Output => "GITHUB_OUTPUT",
            Self::Env => "GITHUB_ENV",
            Self::State => "GITHUB_STATE",
            Self::Path => "GITHUB_PATH",
            Self::Summary => "GITHUB_STEP_SUMMARY",
        }
    }

    /// The file as text, from what was found of it: nothing is an empty one.
    pub fn text(self, bytes: Vec<u8>) -> Result<String, EnvFileError> {
        let file = self.variable();
        if bytes.len() as u64 > MOST_BYTES {
            return Err(EnvFileError::TooLong { file });
        }
        let text = String::from_utf8(bytes).map_err(|_| EnvFileError::NotText { file })?;
        Ok(text.strip_prefix('\u{feff}').map_or_else(|| text.clone(), str::to_owned))
    }

    /// The names and values that it sets, the last value of each name, in the order in which the names first came.
    pub fn pairs(self, text: &str) -> Result<Vec<(String, String)>, EnvFileError> {
        let file = self.variable();
        let mut pairs: Vec<(String, String)> = Vec::new();
        let mut lines = text.lines().enumerate();
        while let Some((index, text)) = lines.next() {
            let line = index + 1;
            if text.is_empty() {
                continue;
            }
            let (name, value) = match (text.find('='), text.find("<<")) {
                (Some(equals), heredoc) if heredoc.is_none_or(|heredoc| equals < heredoc) => {
                    (&text[..equals], text[equals + 1..].to_owned())
                }
                (_, Some(heredoc)) => {
                    let delimiter = &text[heredoc + 2..];
                    if delimiter.is_empty() {
                        return Err(EnvFileError::Format { file, line, text: cut(text) });
                    }
                    let mut value = Vec::new();
                    loop {
                        match lines.next() {
                            Some((_, end)) if end == delimiter => break,
                            Some((_, text)) => value.push(text),
                            None => {
                                let delimiter = cut(delimiter);
                                return Err(EnvFileError::NoEnd { file, line, delimiter });
                            }
                        }
                    }
                    (&text[..heredoc], value.join("\n"))
                }
                _ => return Err(EnvFileError::Format { file, line, text: cut(text) }),
            };
            if name.is_empty() {
                return Err(EnvFileError::NoName { file, line });
            }
            match pairs.iter().position(|(known, _)| known == name) {
                Some(known) => pairs[known].1 = value,
                None if pairs.len() == MOST_NAMES => return Err(EnvFileError::TooMany { file }),
                None => pairs.push((name.to_owned(), value)),
            }
        }
        Ok(pairs)
    }

    /// The directories of `GITHUB_PATH`, in the order in which they were written: a later one is looked in first.
    pub fn directories(text: &str) -> Result<Vec<String>, EnvFileError> {
        let lines: Vec<_> = text.lines().filter(|line| !line.is_empty()).collect();
        if lines.len() > MOST_NAMES {
            return Err(EnvFileError::TooMany { file: Self::Path.variable() });
        }
        Ok(lines.into_iter().map(str::to_owned).collect())
    }
}

/// Why a step may not set a variable for the steps after it.
#[must_use]
pub fn refused(name: &str) -> Option<String> {
    let why = if name == "NODE_OPTIONS" {
        "it would change what actions do"
    } else if ["GITHUB_", "RUNNER_", "SOLUM_"].iter().any(|prefix| name.starts_with(prefix)) {
        "that name belongs to the platform"
    } else if !is_variable(name) {
        "a name has only letters, digits and _, and no digit in front"
    } else {
        return None;
    };
    Some(format!("`{}` cannot be set through GITHUB_ENV: {why}", cut(name)))
}

/// Whether a shell takes it as the name of a variable.
#[must_use]
pub fn is_variable(name: &str) -> bool {
    let mut characters = name.bytes();
    characters.next().is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
        && characters.all(|other| other.is_ascii_alphanumeric() || other == b'_')
}

/// Values may be secret and long: of a line that is wrong, as much is shown as helps to find it.
fn cut(text: &str) -> String {
    let shown: String = text.chars().take(40).collect();
    if shown.len() < text.len() { shown + "…" } else { shown }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(text: &str) -> Vec<(String, String)> {
        EnvFile::Output.pairs(text).unwrap()
    }

    fn owned(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn values_stand_on_a_line_or_between_delimiters() {
        let text = "a=1\n\nb=x=y<<z\nc<<EOF\none\n\n two\nEOF\nd=\ne<<X\nX\n";
        let expected = [("a", "1"), ("b", "x=y<<z"), ("c", "one\n\n two"), ("d", ""), ("e", "")];
        assert_eq!(pairs(text), owned(&expected));
    }

    #[test]
    fn the_last_value_counts_and_line_ends_of_windows_do_not() {
        assert_eq!(pairs("a=1\r\nb<<E\r\nx\r\nE\r\na=2"), owned(&[("a", "2"), ("b", "x")]));
    }

    #[test]
    fn an_equals_sign_in_a_delimiter_is_part_of_it() {
        assert_eq!(pairs("a<<b=c\n1\nb=c\n"), owned(&[("a", "1")]));
    }

    #[test]
    fn what_breaks_the_rules_is_named_with_its_line() {
        for (text, message) in [
            ("a=1\nplain\n", "GITHUB_OUTPUT, line 2: `plain` is neither"),
            ("=1\n", "line 1: the name is empty"),
            ("<<E\nE\n", "line 1: the name is empty"),
            ("a<<\n", "line 1: `a<<` is neither"),
            ("x=1\na<<E\n1\n", "line 2: there is no line with `E`"),
        ] {
            let error = EnvFile::Output.pairs(text).unwrap_err().to_string();
            assert!(error.contains(message), "{error}");
        }
    }

    #[test]
    fn too_much_is_refused() {
        let many: String = (0..=MOST_NAMES).map(|number| format!("n{number}=1\n")).collect();
        assert!(matches!(EnvFile::Env.pairs(&many), Err(EnvFileError::TooMany { .. })));
        let long = vec![b'a'; usize::try_from(MOST_BYTES).unwrap() + 1];
        assert!(matches!(EnvFile::Env.text(long), Err(EnvFileError::TooLong { .. })));
        assert!(matches!(EnvFile::Env.text(vec![0xff]), Err(EnvFileError::NotText { .. })));
        assert_eq!(EnvFile::Env.text(b"\xef\xbb\xbfa=1".to_vec()).unwrap(), "a=1");
    }

    #[test]
    fn names_of_the_platform_are_refused() {
        for name in ["GITHUB_SHA", "RUNNER_OS", "SOLUM_APP", "NODE_OPTIONS", "A-B", "1A", ""] {
            assert!(refused(name).is_some(), "{name}");
        }
        for name in ["CI", "PATH", "_x1", "GITHUBX"] {
            assert_eq!(refused(name), None, "{name}");
        }
    }

    #[test]
    fn paths_are_lines() {
        assert_eq!(EnvFile::directories("/a\n\n/b c\n").unwrap(), ["/a", "/b c"]);
    }
}
