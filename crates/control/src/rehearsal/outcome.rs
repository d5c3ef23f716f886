//! How an attempt of a step ends, and when.

use document::Mistake;
use jiff::SignedDuration;
use workflow::Failure;

use super::lines::Line;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Outcome {
    pub(super) ends: Ends,
    pub(super) takes: SignedDuration,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ends {
    Succeeds,
    Fails(Failure),
    /// Not until it is told to stop.
    Never,
}

impl Default for Outcome {
    fn default() -> Self {
        Self { ends: Ends::Succeeds, takes: SignedDuration::ZERO }
    }
}

/// With which an outcome begins.
pub(super) const WORDS: [&str; 3] = ["succeeds", "fails", "never"];

/// `succeeds [after D]`, `fails [with CODE] [for good] [after D]`, `never ends`.
pub(super) fn read(line: &mut Line<'_>) -> Result<Outcome, Mistake> {
    let ends = match line.word("how it ends (succeeds, fails, never ends)")? {
        "succeeds" => Ends::Succeeds,
        "fails" => Ends::Fails(failure(line)?),
        "never" => {
            line.must("ends")?;
            return Ok(Outcome { ends: Ends::Never, takes: SignedDuration::ZERO });
        }
        word => {
            let hint = document::suggestion(word, WORDS);
            return Err(line.before(format!(
                "'{word}' is no way to end{hint}: succeeds, fails, or never ends"
            )));
        }
    };
    let takes = if line.take("after") { line.duration()? } else { SignedDuration::ZERO };
    Ok(Outcome { ends, takes })
}

fn failure(line: &mut Line<'_>) -> Result<Failure, Mistake> {
    let (mut code, mut message) = ("failed".to_owned(), "it failed".to_owned());
    if line.take("with") {
        let word = line.word("an exit code or a word")?;
        (code, message) = match word.parse::<u8>() {
            Ok(0) => return Err(line.before("what ends with exit code 0 has succeeded")),
            Ok(status) => ("exit_code".to_owned(), format!("it ended with exit code {status}")),
            Err(_) => (word.to_owned(), format!("it failed with {word}")),
        };
    }
    let lasting = line.take("for");
    if lasting {
        line.must("good")?;
    }
    Ok(Failure { code, message, hint: None, retryable: !lasting })
}
