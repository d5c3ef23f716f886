//! What a template leans on, without evaluating it.

use std::collections::BTreeSet;

use github_actions_expressions::context::Context;
use github_actions_expressions::literal::Literal;
use github_actions_expressions::{Expr, SpannedExpr};

use crate::language::Template;

use super::error::{EvaluationError, Located};
use super::functions::Function;
use super::syntax::{self, walk};
use super::template::{Form, Segment, Source, segments};

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct References {
    /// In lower case.
    pub contexts: BTreeSet<String>,
    pub functions: BTreeSet<Function>,
    /// `needs.build.outputs.x`, each as far as it is written out: `needs.*.result` is `["needs"]`. The name of the
    /// context is in lower case, the others are as they were written.
    pub paths: BTreeSet<Vec<String>>,
}

impl References {
    #[must_use]
    pub fn uses(&self, context: &str) -> bool {
        self.contexts.contains(context)
    }

    #[must_use]
    pub fn calls(&self, function: Function) -> bool {
        self.functions.contains(&function)
    }
}

/// # Errors
/// When the template cannot be read.
pub fn references(template: &Template, form: Form) -> Result<References, EvaluationError> {
    let mut references = References::default();
    for_each_tree(template, form, &mut |_, tree| collect(tree, &mut references))
        .map_err(|error| error.of(template))?;
    Ok(references)
}

/// Whether a condition names a function that asks how things stand.
pub(super) fn names_status(condition: &Template) -> Result<bool, Located> {
    let mut named = false;
    for_each_tree(condition, Form::Condition, &mut |_, tree| {
        walk(tree, &mut |part| {
            let Expr::Call(call) = &part.inner else { return };
            named |= Function::of(call.func).is_status();
        });
    })?;
    Ok(named)
}

fn for_each_tree(
    template: &Template,
    form: Form,
    visit: &mut dyn FnMut(Source<'_>, &SpannedExpr<'_>),
) -> Result<(), Located> {
    for segment in segments(template, form)? {
        let Segment::Expression(source) = segment else { continue };
        let tree = syntax::parse(source.text).map_err(|error| error.after(source.offset))?;
        visit(source, &tree);
    }
    Ok(())
}

fn collect(tree: &SpannedExpr<'_>, references: &mut References) {
    walk(tree, &mut |part| match &part.inner {
        Expr::Call(call) => {
            references.functions.insert(Function::of(call.func));
        }
        Expr::Context(context) => {
            let path: Vec<String> = names(context).map(|(name, _)| name).collect();
            let Some(context) = path.first() else { return };
            references.contexts.insert(context.clone());
            references.paths.insert(path);
        }
        _ => {}
    });
}

/// The names of `a.b['c']` as far as they are written out, each with the part that it is. Nothing for what does not begin
/// with a context: `fromJSON(…).a`.
pub(super) fn names<'tree, 'text>(
    context: &'tree Context<'text>,
) -> impl Iterator<Item = (String, &'tree SpannedExpr<'text>)> {
    let head = match context.parts.first().map(|head| &head.inner) {
        Some(Expr::Identifier(name)) => Some(name.as_str().to_ascii_lowercase()),
        _ => None,
    };
    let known = head.is_some();
    let head = head.into_iter().zip(&context.parts);
    let rest = context.parts.iter().skip(1).take_while(move |_| known);
    head.chain(rest.map_while(|part| Some((name_of(part)?, part))))
}

fn name_of(part: &SpannedExpr<'_>) -> Option<String> {
    match &part.inner {
        Expr::Identifier(name) => Some(name.as_str().to_owned()),
        Expr::Index(index) => match &index.inner {
            Expr::Literal(Literal::String(name)) => Some(name.to_string()),
            _ => None,
        },
        _ => None,
    }
}
