//! What can be said against an expression before it runs.

use document::{Mistake, Place, suggestion};
use github_actions_expressions::context::Context;
use github_actions_expressions::{Expr, SpannedExpr};

use crate::language::Template;

use super::CONTEXTS;
use super::error::Located;
use super::functions::Function;
use super::references::names;
use super::syntax::{self, walk};
use super::template::{Form, Segment, place, segments};

/// What may be used at a place in a workflow.
#[derive(Clone, Copy)]
pub struct Allowed<'a> {
    /// In lower case.
    pub contexts: &'a [&'a str],
    /// `success()`, `failure()`, `always()` and `cancelled()`.
    pub status: bool,
    pub hash_files: bool,
    pub names: &'a dyn Names,
}

/// Knows which names there are: jobs, steps, inputs, outputs.
pub trait Names {
    /// What may stand after `path`, which begins with a context (in lower case) and continues with names that this
    /// trait gave: after `["needs"]` there are jobs, after `["needs", "build", "outputs"]` its outputs.
    fn after(&self, path: &[&str]) -> Known<'_>;
}

/// Which names are possible at a place. Their case does not matter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Known<'a> {
    /// Nothing is known.
    Anything,
    /// Another name is a mistake.
    Only(Vec<&'a str>),
    /// Another name gets a warning: it may be there when the run is.
    Usually(Vec<&'a str>),
}

/// Every name may be there.
#[derive(Debug, Clone, Copy)]
pub struct Unchecked;

impl Names for Unchecked {
    fn after(&self, _path: &[&str]) -> Known<'_> {
        Known::Anything
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    pub at: Place,
    pub severity: Severity,
    pub message: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    Mistake,
    /// It runs, and surely does not do what was meant.
    Warning,
}

impl Finding {
    #[must_use]
    pub fn in_file(self, file: &str) -> Mistake {
        Mistake::new(file, self.at, self.message)
    }
}

/// Everything that is wrong with a template, in the order in which it stands there.
#[must_use]
pub fn check(template: &Template, form: Form, allowed: &Allowed<'_>) -> Vec<Finding> {
    let mut checker = Checker { template, offset: 0, allowed, findings: Vec::new() };
    match segments(template, form) {
        Err(error) => checker.refuse(error),
        Ok(segments) => {
            checker.check_surroundings(form, &segments);
            for segment in segments {
                let Segment::Expression(source) = segment else { continue };
                checker.offset = source.offset;
                match syntax::parse(source.text) {
                    Ok(tree) => checker.check_tree(&tree),
                    Err(error) => checker.refuse(error.after(source.offset)),
                }
            }
        }
    }
    checker.findings
}

struct Checker<'a> {
    template: &'a Template,
    /// Of the expression that is looked at.
    offset: usize,
    allowed: &'a Allowed<'a>,
    findings: Vec<Finding>,
}

impl Checker<'_> {
    fn refuse(&mut self, error: Located) {
        let error = error.of(self.template);
        let message = error.to_string();
        self.findings.push(Finding { at: error.at, severity: Severity::Mistake, message });
    }

    fn add(&mut self, part: &SpannedExpr<'_>, severity: Severity, message: String) {
        let at = place(self.template, self.offset + part.origin.span.start);
        self.findings.push(Finding { at, severity, message });
    }

    fn check_surroundings(&mut self, form: Form, segments: &[Segment<'_>]) {
        let with_text = segments.len() > 1 || matches!(segments, [Segment::Text(_)]);
        if form == Form::Condition && with_text {
            let message = "text stands beside `${{ … }}`, so that this is never empty and always holds; put the \
                           whole condition inside, or leave `${{` and `}}` out"
                .to_owned();
            let at = self.template.at;
            self.findings.push(Finding { at, severity: Severity::Warning, message });
        }
    }

    fn check_tree(&mut self, tree: &SpannedExpr<'_>) {
        walk(tree, &mut |part| match &part.inner {
            Expr::Call(call) => self.check_call(part, Function::of(call.func)),
            Expr::Context(context) => self.check_context(context),
            _ => {}
        });
    }

    fn check_call(&mut self, part: &SpannedExpr<'_>, function: Function) {
        let allowed = match function {
            Function::HashFiles => self.allowed.hash_files,
            function => self.allowed.status || !function.is_status(),
        };
        if !allowed {
            let message = format!("`{}()` is not available here", function.name());
            self.add(part, Severity::Mistake, message);
        }
    }

    fn check_context(&mut self, context: &Context<'_>) {
        let mut names = names(context);
        let Some((name, head)) = names.next() else { return };
        if !self.allowed.contexts.contains(&name.as_str()) {
            let message = if CONTEXTS.contains(&name.as_str()) {
                let available = match self.allowed.contexts {
                    [] => "no context is".to_owned(),
                    contexts => format!("these are: {}", contexts.join(", ")),
                };
                format!("`{name}` is not available here; {available}")
            } else {
                let near = suggestion(&name, self.allowed.contexts.iter().copied());
                format!("there is no context `{}`{near}", head.origin.raw)
            };
            return self.add(head, Severity::Mistake, message);
        }
        let mut path = vec![name];
        for (name, part) in names {
            let so_far: Vec<&str> = path.iter().map(String::as_str).collect();
            let (known, severity) = match self.allowed.names.after(&so_far) {
                Known::Anything => return,
                Known::Only(known) => (known, Severity::Mistake),
                Known::Usually(known) => (known, Severity::Warning),
            };
            match known.iter().find(|known| known.eq_ignore_ascii_case(&name)) {
                Some(known) => path.push((*known).to_owned()),
                None => {
                    let near = suggestion(&name, known.iter().copied());
                    let message = format!("`{}` has no `{name}`{near}", path.join("."));
                    return self.add(part, severity, message);
                }
            }
        }
    }
}
