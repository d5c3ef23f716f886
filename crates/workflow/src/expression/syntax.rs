//! From an expression's text to its tree, within bounds.
//!
//! The parser limits how deep a tree is nested but not how many operators follow each other, each of which is a level of
//! the tree too. So these are counted first; what walks a tree, or drops it, then needs a stack that is known.

use github_actions_expressions::call::{Call, Error as CallError};
use github_actions_expressions::op::BinExpr;
use github_actions_expressions::{Error, Expr, SpannedExpr};

use document::suggestion;

use super::error::{Located, Problem};
use super::functions::Function;

/// As on GitHub.
const MAX_CHARACTERS: usize = 21_000;
const MAX_OPERATORS: usize = 500;

pub(super) fn parse(text: &str) -> Result<SpannedExpr<'_>, Located> {
    if text.chars().count() > MAX_CHARACTERS {
        return Err(Located::new(0, text, Problem::TooLong(MAX_CHARACTERS)));
    }
    if operators(text) > MAX_OPERATORS {
        return Err(Located::new(0, text, Problem::TooManyOperators(MAX_OPERATORS)));
    }
    let tree = Expr::parse(text).map_err(|error| refused(text, error))?;
    check_format(&tree)?;
    Ok(tree)
}

/// Operators with two sides, outside of strings.
fn operators(text: &str) -> usize {
    let sign = |byte: u8| matches!(byte, b'&' | b'|' | b'=' | b'<' | b'>');
    let mut in_string = false;
    let mut before = b' ';
    let begins = text.bytes().filter(|&byte| {
        in_string ^= byte == b'\'';
        let begins = !in_string && sign(byte) && !sign(before);
        before = byte;
        begins
    });
    begins.count()
}

fn refused(text: &str, error: Error) -> Located {
    match error {
        Error::Syntax(error) => {
            let part = text.get(error.offset..).filter(|part| !part.trim().is_empty());
            Located::new(error.offset, part.unwrap_or(text), Problem::Syntax(error.message))
        }
        Error::Depth => Located::new(0, text, Problem::TooDeep),
        Error::Call(CallError::UnknownFunction(name)) => {
            let known = Function::ALL.iter().map(|function| function.name());
            let suggestion = suggestion(&name, known);
            let offset = call_of(&name, text);
            Located::new(offset, &text[offset..], Problem::UnknownFunction { name, suggestion })
        }
        Error::Call(CallError::Arity(function, expected)) => {
            let function = Function::of(function).name();
            let offset = call_of(function, text);
            let expected =
                if expected.starts_with("odd") { "an odd number of arguments" } else { expected };
            Located::new(offset, &text[offset..], Problem::Arguments { function, expected })
        }
    }
}

/// Where a function of this name is called first. The parser does not say which call it means, so with several of them
/// it may be another.
fn call_of(name: &str, text: &str) -> usize {
    let mut in_string = false;
    let starts = text.char_indices().filter(|(_, char)| {
        in_string ^= *char == '\'';
        !in_string
    });
    let mut starts = starts.map(|(at, _)| at);
    starts
        .find(|&at| {
            let (before, after) = text.split_at(at);
            let Some((given, after)) = after.split_at_checked(name.len()) else { return false };
            given.eq_ignore_ascii_case(name)
                && after.trim_start().starts_with('(')
                && !before.ends_with(|char: char| char.is_alphanumeric() || "_-.".contains(char))
        })
        .unwrap_or(0)
}

/// The parser lets `format()` pass.
fn check_format(tree: &SpannedExpr<'_>) -> Result<(), Located> {
    let mut found = Ok(());
    walk(tree, &mut |expression| {
        let Expr::Call(call) = &expression.inner else { return };
        if Function::of(call.func) == Function::Format && !(1..=255).contains(&call.args.len()) {
            let problem = Problem::Arguments { function: "format", expected: "1 to 255 arguments" };
            found = Err(Located::at(expression, problem));
        }
    });
    found
}

impl Located {
    pub(super) fn at(expression: &SpannedExpr<'_>, problem: Problem) -> Self {
        Self::new(expression.origin.span.start, expression.origin.raw, problem)
    }
}

/// Visits every part, each before its own parts.
pub(super) fn walk<'tree, 'text>(
    expression: &'tree SpannedExpr<'text>,
    visit: &mut dyn FnMut(&'tree SpannedExpr<'text>),
) {
    visit(expression);
    match &expression.inner {
        Expr::Call(Call { args, .. }) => args.iter().for_each(|part| walk(part, visit)),
        Expr::Index(index) => walk(index, visit),
        Expr::Context(context) => context.parts.iter().for_each(|part| walk(part, visit)),
        Expr::BinExpr(BinExpr { lhs, rhs, .. }) => {
            walk(lhs, visit);
            walk(rhs, visit);
        }
        Expr::UnExpr { expr, .. } => walk(expr, visit),
        Expr::Literal(_) | Expr::Star | Expr::Identifier(_) => {}
    }
}
