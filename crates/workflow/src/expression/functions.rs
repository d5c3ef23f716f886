//! The functions: which there are, and what each gives.

mod format;

use github_actions_expressions::SpannedExpr;
use github_actions_expressions::call::{Call, Function as Parsed};

use super::compare::folded;
use super::error::{Located, Problem};
use super::evaluate::Evaluator;
use super::json;
use super::limits::MAX_RESULT_BYTES;
use super::scope::Status;
use super::value::Value;

/// Case does not matter in their names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Function {
    Contains,
    StartsWith,
    EndsWith,
    Format,
    Join,
    ToJson,
    FromJson,
    HashFiles,
    Case,
    Success,
    Failure,
    Always,
    Cancelled,
}

impl Function {
    pub const ALL: [Self; 13] = [
        Self::Contains,
        Self::StartsWith,
        Self::EndsWith,
        Self::Format,
        Self::Join,
        Self::ToJson,
        Self::FromJson,
        Self::HashFiles,
        Self::Case,
        Self::Success,
        Self::Failure,
        Self::Always,
        Self::Cancelled,
    ];

    /// As GitHub spells it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Contains => "contains",
            Self::StartsWith => "startsWith",
            Self::EndsWith => "endsWith",
            Self::Format => "format",
            Self::Join => "join",
            Self::ToJson => "toJSON",
            Self::FromJson => "fromJSON",
            Self::HashFiles => "hashFiles",
            Self::Case => "case",
            Self::Success => "success",
            Self::Failure => "failure",
            Self::Always => "always",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether it asks how things stand. A condition that names none of these begins with `success() &&`.
    #[must_use]
    pub fn is_status(self) -> bool {
        matches!(self, Self::Success | Self::Failure | Self::Always | Self::Cancelled)
    }

    pub(super) fn of(parsed: Parsed) -> Self {
        match parsed {
            Parsed::Contains => Self::Contains,
            Parsed::StartsWith => Self::StartsWith,
            Parsed::EndsWith => Self::EndsWith,
            Parsed::Format => Self::Format,
            Parsed::Join => Self::Join,
            Parsed::ToJSON => Self::ToJson,
            Parsed::FromJSON => Self::FromJson,
            Parsed::HashFiles => Self::HashFiles,
            Parsed::Case => Self::Case,
            Parsed::Success => Self::Success,
            Parsed::Failure => Self::Failure,
            Parsed::Always => Self::Always,
            Parsed::Cancelled => Self::Cancelled,
        }
    }
}

impl Evaluator<'_> {
    /// The number of arguments has been checked.
    pub(super) fn call(&self, whole: &SpannedExpr<'_>, call: &Call<'_>) -> Result<Value, Located> {
        let args = call.args.as_slice();
        let function = Function::of(call.func);
        match function {
            Function::Contains => self.contains(whole, args),
            Function::StartsWith => self.compare_text(args, |text, part| text.starts_with(part)),
            Function::EndsWith => self.compare_text(args, |text, part| text.ends_with(part)),
            Function::Format => self.format(whole, args),
            Function::Join => self.join(whole, args),
            Function::ToJson => self.print_json(whole, args),
            Function::FromJson => self.read_json(whole, args),
            Function::HashFiles => self.hash_files(whole, args),
            Function::Case => self.case(args),
            Function::Always => Ok(true.into()),
            Function::Success => self.status(whole, |status| status.success),
            Function::Failure => self.status(whole, |status| status.failure),
            Function::Cancelled => self.status(whole, |status| status.cancelled),
        }
    }

    fn status(
        &self,
        whole: &SpannedExpr<'_>,
        ask: impl Fn(Status) -> bool,
    ) -> Result<Value, Located> {
        let status = self.scope.status();
        let status = status.ok_or_else(|| {
            Located::at(whole, Problem::NotAvailable(whole.origin.raw.to_owned()))
        })?;
        Ok(ask(status).into())
    }

    fn contains(
        &self,
        whole: &SpannedExpr<'_>,
        args: &[SpannedExpr<'_>],
    ) -> Result<Value, Located> {
        let list = self.evaluate(&args[0])?;
        let Value::Array(items) = &list else {
            return self.compare_text(args, |text, part| text.contains(part));
        };
        let item = self.evaluate(&args[1])?;
        for candidate in items.iter() {
            self.spend(whole, 1 + candidate.as_str().map_or(0, str::len))?;
            if candidate.loosely_equals(&item) {
                return Ok(true.into());
            }
        }
        Ok(false.into())
    }

    /// Whatever the case; never so with a list or an object.
    fn compare_text(
        &self,
        args: &[SpannedExpr<'_>],
        holds: impl Fn(&str, &str) -> bool,
    ) -> Result<Value, Located> {
        let (one, other) = (self.evaluate(&args[0])?, self.evaluate(&args[1])?);
        if !one.is_primitive() || !other.is_primitive() {
            return Ok(false.into());
        }
        let (one, other) = (one.to_text(), other.to_text());
        self.spend(&args[0], one.len() + other.len())?;
        Ok(holds(&folded(&one), &folded(&other)).into())
    }

    fn join(&self, whole: &SpannedExpr<'_>, args: &[SpannedExpr<'_>]) -> Result<Value, Located> {
        let list = self.evaluate(&args[0])?;
        let items = match &list {
            Value::Array(items) => items,
            Value::Object(_) => return Ok("".into()),
            primitive => return Ok(primitive.to_text().as_ref().into()),
        };
        let separator = match args.get(1) {
            Some(given) => Some(self.evaluate(given)?).filter(Value::is_primitive),
            None => None,
        };
        let separator = separator.map_or_else(|| ",".to_owned(), |given| given.to_text().into());
        let mut joined = String::new();
        for (position, item) in items.iter().enumerate() {
            if position > 0 {
                self.append(whole, &mut joined, &separator)?;
            }
            self.append(whole, &mut joined, &item.to_text())?;
        }
        Ok(joined.into())
    }

    fn print_json(
        &self,
        whole: &SpannedExpr<'_>,
        args: &[SpannedExpr<'_>],
    ) -> Result<Value, Located> {
        let text = json::pretty(&self.evaluate(&args[0])?)
            .map_err(|json::TooLarge| Located::at(whole, Problem::TooLarge))?;
        self.spend(whole, text.len())?;
        Ok(text.into())
    }

    fn read_json(
        &self,
        whole: &SpannedExpr<'_>,
        args: &[SpannedExpr<'_>],
    ) -> Result<Value, Located> {
        let argument = self.evaluate(&args[0])?;
        let text = argument.to_text();
        if text.len() > MAX_RESULT_BYTES {
            return Err(Located::at(whole, Problem::TooLarge));
        }
        self.spend(whole, text.len())?;
        if text.trim().is_empty() {
            return Err(Located::at(whole, Problem::Json("it is empty".to_owned())));
        }
        // What serde_json says names places and signs, and quotes nothing of the text.
        serde_json::from_str(&text)
            .map_err(|error| Located::at(whole, Problem::Json(error.to_string())))
    }

    fn hash_files(
        &self,
        whole: &SpannedExpr<'_>,
        args: &[SpannedExpr<'_>],
    ) -> Result<Value, Located> {
        let mut patterns = Vec::with_capacity(args.len());
        for argument in args {
            let pattern = self.evaluate(argument)?.to_text().into_owned();
            self.spend(argument, pattern.len())?;
            patterns.push(pattern);
        }
        let digest = self.scope.hash_files(&patterns);
        digest.map(Value::from).map_err(|error| Located::at(whole, Problem::HashFiles(error)))
    }

    /// Evaluates nothing but what it chooses.
    fn case(&self, args: &[SpannedExpr<'_>]) -> Result<Value, Located> {
        for pair in args.chunks(2) {
            let [predicate, value] = pair else { return self.evaluate(&pair[0]) };
            match self.evaluate(predicate)? {
                Value::Bool(true) => return self.evaluate(value),
                Value::Bool(false) => {}
                other => {
                    return Err(Located::at(predicate, Problem::CasePredicate(other.kind())));
                }
            }
        }
        Ok(Value::Null)
    }
}
