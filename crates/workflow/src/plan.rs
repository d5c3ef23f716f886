//! What a run was recorded with, and never changes: its definition and what it knows of the world.

use std::sync::Arc;

use crate::expression::{Object, Value};
use crate::language::Definition;
use crate::run_context::RunContext;

#[derive(Debug, PartialEq)]
pub(crate) struct Plan {
    definition: Arc<Definition>,
    context: Arc<RunContext>,
}

impl Plan {
    pub(crate) fn new(definition: Arc<Definition>, context: Arc<RunContext>) -> Self {
        Self { definition, context }
    }

    pub(crate) fn definition(&self) -> &Definition {
        &self.definition
    }

    pub(crate) fn context(&self) -> &RunContext {
        &self.context
    }

    /// `vars`, where an environment's win.
    pub(crate) fn vars(&self, environment: Option<&str>) -> Value {
        let own = environment.and_then(|name| self.context.environment_vars.get(name));
        let all = self.context.vars.iter().chain(own.into_iter().flatten());
        all.map(|(name, value)| (name.as_str(), value.as_str())).collect::<Object>().into()
    }
}
