use api::built_in_workflows::BuiltInWorkflow;
use api::{ErrorCode, paths};

use crate::extract::{Json, Path};
use crate::refusal::{Answer, Refusal};

/// Show a workflow that Solum brings
#[utoipa::path(get, path = paths::BUILT_IN_WORKFLOW, operation_id = "show_built_in_workflow", tag = "workflows",
    responses((status = 200, description = "The workflow.", body = BuiltInWorkflow)))]
pub(crate) async fn show(Path(name): Path<String>) -> Answer<Json<BuiltInWorkflow>> {
    let Some(found) = control::BuiltInWorkflow::named(&name) else {
        let names = control::BuiltInWorkflow::all().iter().map(|workflow| workflow.name);
        let names = names.collect::<Vec<_>>().join(", ");
        return Err(Refusal::new(
            ErrorCode::NotFound,
            format!("Solum brings no workflow `{name}`"),
        )
        .hint(format!("there are {names}")));
    };
    Ok(Json(BuiltInWorkflow {
        name: found.name.to_owned(),
        event: found.event.to_owned(),
        text: found.text.to_owned(),
    }))
}
