//! Walks an expression's tree over a [`Scope`].

use github_actions_expressions::literal::Literal;
use github_actions_expressions::op::{BinExpr, BinOp, UnOp};
use github_actions_expressions::{Expr, SpannedExpr};

use super::error::{Located, Problem};
use super::index::Filtered;
use super::limits::{Exhausted, Meter};
use super::scope::Scope;
use super::syntax;
use super::value::Value;

pub(super) struct Evaluator<'a> {
    pub(super) scope: &'a dyn Scope,
    meter: Meter,
}

impl<'a> Evaluator<'a> {
    /// Its limits are those of all that it evaluates together.
    pub(super) fn new(scope: &'a dyn Scope) -> Self {
        Self { scope, meter: Meter::new() }
    }

    pub(super) fn source(&self, text: &str) -> Result<Value, Located> {
        self.evaluate(&syntax::parse(text)?)
    }

    pub(super) fn evaluate(&self, expression: &SpannedExpr<'_>) -> Result<Value, Located> {
        self.operand(expression).map(|operand| operand.value)
    }

    /// Keeps apart what a `*` gave: what follows applies to each of its items.
    pub(super) fn operand(&self, expression: &SpannedExpr<'_>) -> Result<Filtered, Located> {
        let value = match &expression.inner {
            Expr::Literal(literal) => self.literal(expression, literal)?,
            Expr::Call(call) => self.call(expression, call)?,
            Expr::Context(context) => return self.path(&context.parts),
            Expr::BinExpr(_) => return self.binary(expression),
            Expr::UnExpr { op: UnOp::Not, expr } => (!self.evaluate(expr)?.is_truthy()).into(),
            Expr::Identifier(name) => self.context(expression, name.as_str())?,
            Expr::Index(_) | Expr::Star => {
                return Err(Located::at(expression, Problem::Syntax("expected an expression")));
            }
        };
        Ok(value.into())
    }

    fn literal(
        &self,
        expression: &SpannedExpr<'_>,
        literal: &Literal<'_>,
    ) -> Result<Value, Located> {
        Ok(match literal {
            Literal::Null => Value::Null,
            Literal::Boolean(bool) => Value::Bool(*bool),
            Literal::Number(number) => Value::Number(*number),
            Literal::String(text) => {
                self.spend(expression, text.len())?;
                (&**text).into()
            }
        })
    }

    pub(super) fn context(
        &self,
        expression: &SpannedExpr<'_>,
        name: &str,
    ) -> Result<Value, Located> {
        self.scope
            .context(&name.to_ascii_lowercase())
            .ok_or_else(|| Located::at(expression, Problem::NotAvailable(name.to_owned())))
    }

    /// Operators that follow each other are a tree that is deep on its left: this goes down there without a call for
    /// each.
    fn binary(&self, expression: &SpannedExpr<'_>) -> Result<Filtered, Located> {
        let mut operators: Vec<(&SpannedExpr<'_>, &BinExpr<'_>)> = Vec::new();
        let mut leftmost = expression;
        while let Expr::BinExpr(operator) = &leftmost.inner {
            operators.push((leftmost, operator));
            leftmost = &operator.lhs;
        }
        let mut left = self.operand(leftmost)?;
        for (whole, operator) in operators.into_iter().rev() {
            let BinExpr { op, rhs, .. } = operator;
            left = match op {
                BinOp::And if !left.value.is_truthy() => left,
                BinOp::Or if left.value.is_truthy() => left,
                BinOp::And | BinOp::Or => self.operand(rhs)?,
                _ => {
                    let right = self.evaluate(rhs)?;
                    self.compare(whole, op, &left.value, &right)?.into()
                }
            };
        }
        Ok(left)
    }

    fn compare(
        &self,
        whole: &SpannedExpr<'_>,
        op: &BinOp,
        left: &Value,
        right: &Value,
    ) -> Result<Value, Located> {
        self.spend(whole, left.as_str().map_or(0, str::len))?;
        self.spend(whole, right.as_str().map_or(0, str::len))?;
        let ordering = left.loosely_compares(right);
        let equal = left.loosely_equals(right);
        Ok(Value::Bool(match op {
            BinOp::Eq => equal,
            BinOp::Neq => !equal,
            BinOp::Gt => ordering.is_some_and(std::cmp::Ordering::is_gt),
            BinOp::Ge => equal || ordering.is_some_and(std::cmp::Ordering::is_gt),
            BinOp::Lt => ordering.is_some_and(std::cmp::Ordering::is_lt),
            BinOp::Le => equal || ordering.is_some_and(std::cmp::Ordering::is_lt),
            BinOp::And | BinOp::Or => unreachable!("these two are no comparisons"),
        }))
    }

    pub(super) fn spend(&self, on: &SpannedExpr<'_>, bytes: usize) -> Result<(), Located> {
        self.meter.spend(bytes).map_err(|Exhausted| Located::at(on, Problem::TooLarge))
    }

    pub(super) fn append(
        &self,
        on: &SpannedExpr<'_>,
        to: &mut String,
        more: &str,
    ) -> Result<(), Located> {
        self.meter.append(to, more).map_err(|Exhausted| Located::at(on, Problem::TooLarge))
    }

    pub(super) fn meter(&self) -> &Meter {
        &self.meter
    }
}
