//! Workflow files that are looked at.

use super::request::Call;
use super::{Client, Error};
use crate::built_in_workflows::BuiltInWorkflow;
use crate::paths;
use crate::workflow_checks::{CheckWorkflow, WorkflowCheck};
use crate::workflow_plans::{PlanWorkflow, WorkflowPlan};
use crate::workflow_simulations::{SimulateWorkflow, WorkflowSimulation};

impl Client {
    pub fn check_workflow(&self, check: &CheckWorkflow) -> Result<WorkflowCheck, Error> {
        self.submit(&Call::question(paths::WORKFLOW_CHECKS), check)
    }

    pub fn plan_workflow(&self, plan: &PlanWorkflow) -> Result<WorkflowPlan, Error> {
        self.submit(&Call::question(paths::WORKFLOW_PLANS), plan)
    }

    pub fn simulate_workflow(
        &self,
        simulate: &SimulateWorkflow,
    ) -> Result<WorkflowSimulation, Error> {
        self.submit(&Call::question(paths::WORKFLOW_SIMULATIONS), simulate)
    }

    pub fn built_in_workflow(&self, name: &str) -> Result<BuiltInWorkflow, Error> {
        self.fetch(&Call::get(&paths::built_in_workflow(name)))
    }
}
