//! `format('{0} and {{braces}}', …)`.

use github_actions_expressions::SpannedExpr;

use crate::expression::error::{Located, Problem};
use crate::expression::evaluate::Evaluator;
use crate::expression::value::Value;

/// A part of a format.
#[derive(Debug, PartialEq, Eq)]
enum Piece<'a> {
    Text(&'a str),
    Argument(usize),
}

impl Evaluator<'_> {
    /// Evaluates the arguments that its text asks for, each once.
    pub(super) fn format(
        &self,
        whole: &SpannedExpr<'_>,
        args: &[SpannedExpr<'_>],
    ) -> Result<Value, Located> {
        let (format, args) = args.split_first().expect("`format` has an argument: that is checked");
        let format = self.evaluate(format)?;
        let format = format.to_text();
        let mut texts: Vec<Option<String>> = vec![None; args.len()];
        let mut result = String::new();
        let mut rest = &*format;
        while !rest.is_empty() {
            let Some((piece, after)) = next_piece(rest) else {
                return Err(Located::at(whole, Problem::Format));
            };
            match piece {
                Piece::Text(text) => self.append(whole, &mut result, text)?,
                Piece::Argument(asked) => {
                    let (Some(argument), Some(text)) = (args.get(asked), texts.get_mut(asked))
                    else {
                        let problem = Problem::FormatArgument { given: args.len(), asked };
                        return Err(Located::at(whole, problem));
                    };
                    if text.is_none() {
                        *text = Some(self.evaluate(argument)?.to_text().into_owned());
                    }
                    self.append(whole, &mut result, text.as_deref().unwrap_or_default())?;
                }
            }
            rest = after;
        }
        Ok(result.into())
    }
}

/// The first part, and what comes after it; nothing if a brace stands alone.
fn next_piece(format: &str) -> Option<(Piece<'_>, &str)> {
    let Some(brace) = format.find(['{', '}']) else {
        return Some((Piece::Text(format), ""));
    };
    if brace > 0 {
        let (text, after) = format.split_at(brace);
        return Some((Piece::Text(text), after));
    }
    for escaped in ["{{", "}}"] {
        if let Some(after) = format.strip_prefix(escaped) {
            return Some((Piece::Text(&escaped[1..]), after));
        }
    }
    let (number, after) = format.strip_prefix('{')?.split_once('}')?;
    let digits = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    let number = number.parse().ok().filter(|_| digits)?;
    Some((Piece::Argument(number), after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_format_is_text_braces_and_arguments() {
        let pieces = |mut rest: &'static str| {
            let mut pieces = Vec::new();
            while !rest.is_empty() {
                let (piece, after) = next_piece(rest)?;
                pieces.push(piece);
                rest = after;
            }
            Some(pieces)
        };
        let expected = [Piece::Text("a"), Piece::Text("{"), Piece::Argument(10), Piece::Text("}")];
        assert_eq!(pieces("a{{{10}}}").unwrap(), expected);
        for broken in ["{", "}", "{0", "0}", "{}", "{0}}", "{a}", "{-1}", "{0:x}", "{ 0}", "{é}"] {
            assert_eq!(pieces(broken), None, "{broken}");
        }
    }
}
