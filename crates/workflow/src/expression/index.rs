//! `a.b`, `a['b']`, `a[0]` and `a.*`.
//!
//! What is not there is null, never an error. After a `*`, what follows applies to each item, and items that do not have
//! it are left out.

use github_actions_expressions::{Expr, SpannedExpr};

use super::error::Located;
use super::evaluate::Evaluator;
use super::value::Value;

/// What one item of a list costs, in the limits of an evaluation.
const ITEM_BYTES: usize = size_of::<Value>();

/// A value, and whether it is a list that a `*` made.
pub(super) struct Filtered {
    pub(super) value: Value,
    by_star: bool,
}

impl From<Value> for Filtered {
    fn from(value: Value) -> Self {
        Self { value, by_star: false }
    }
}

enum Accessor {
    Star,
    Name(String),
    Value(Value),
}

impl Evaluator<'_> {
    pub(super) fn path(&self, parts: &[SpannedExpr<'_>]) -> Result<Filtered, Located> {
        let Some((head, accessors)) = parts.split_first() else { return Ok(Value::Null.into()) };
        let mut current = self.operand(head)?;
        for part in accessors {
            let accessor = match &part.inner {
                Expr::Star => Accessor::Star,
                Expr::Identifier(name) => Accessor::Name(name.as_str().to_owned()),
                Expr::Index(index) if matches!(index.inner, Expr::Star) => Accessor::Star,
                Expr::Index(index) => Accessor::Value(self.evaluate(index)?),
                _ => Accessor::Value(self.evaluate(part)?),
            };
            current = self.access(part, &current, &accessor)?;
        }
        Ok(current)
    }

    fn access(
        &self,
        part: &SpannedExpr<'_>,
        current: &Filtered,
        accessor: &Accessor,
    ) -> Result<Filtered, Located> {
        match (&current.value, accessor) {
            (Value::Array(items), _) if current.by_star => {
                let mut found = Vec::new();
                for item in items.iter() {
                    self.spend(part, ITEM_BYTES)?;
                    match accessor {
                        Accessor::Star => self.all_of(part, item, &mut found)?,
                        _ => found.extend(one_of(item, accessor)),
                    }
                }
                Ok(Filtered { value: found.into(), by_star: true })
            }
            (value, Accessor::Star) => {
                let mut found = Vec::new();
                self.all_of(part, value, &mut found)?;
                Ok(Filtered { value: found.into(), by_star: true })
            }
            (value, accessor) => Ok(one_of(value, accessor).unwrap_or_default().into()),
        }
    }

    fn all_of(
        &self,
        part: &SpannedExpr<'_>,
        value: &Value,
        found: &mut Vec<Value>,
    ) -> Result<(), Located> {
        match value {
            Value::Array(items) => {
                self.spend(part, items.len() * ITEM_BYTES)?;
                found.extend(items.iter().cloned());
            }
            Value::Object(object) => {
                self.spend(part, object.len() * ITEM_BYTES)?;
                found.extend(object.values().cloned());
            }
            _ => {}
        }
        Ok(())
    }
}

fn one_of(value: &Value, accessor: &Accessor) -> Option<Value> {
    match (value, accessor) {
        (Value::Object(object), Accessor::Name(name)) => object.get(name).cloned(),
        (Value::Object(object), Accessor::Value(key)) if key.is_primitive() => {
            object.get(&key.to_text()).cloned()
        }
        (Value::Array(items), Accessor::Name(name)) => {
            items.get(position(&name.as_str().into())?).cloned()
        }
        (Value::Array(items), Accessor::Value(key)) => items.get(position(key)?).cloned(),
        _ => None,
    }
}

/// Of an item: a number, or what converts to one.
fn position(key: &Value) -> Option<usize> {
    let number = key.to_number().floor();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it is a whole number between 0 and the largest index"
    )]
    (0.0..=f64::from(i32::MAX)).contains(&number).then_some(number as usize)
}
