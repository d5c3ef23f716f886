use api::approvals::{Decide, Decided, Decision, Outcome};
use api::paths;
use axum::extract::State;
use control::{Control, Standing, Word};
use types::RunId;

use super::runs::{missing, wire};
use crate::authentication::Caller;
use crate::extract::{Json, Path};
use crate::refusal::Answer;

/// Approve what a run waits for, or reject it
///
/// A step `solum/approve` says who may. What comes before the step waits is kept for it.
#[utoipa::path(post, path = paths::RUN_APPROVALS, operation_id = "decide", tag = "runs", request_body = Decide,
    responses((status = 200, description = "It was taken in.", body = Decided)))]
pub(crate) async fn decide(
    State(control): State<Control>,
    caller: Caller,
    Path(id): Path<RunId>,
    Json(word): Json<Decide>,
) -> Answer<Json<Decided>> {
    let word = Word {
        decision: match word.decision {
            Decision::Approve => control::Decision::Approve,
            Decision::Reject => control::Decision::Reject,
        },
        job: word.job,
        step: word.step,
        comment: word.comment,
    };
    let decided = control.decide(id, word, &caller.actor).await.map_err(missing())?;
    let (outcome, still_missing) = match decided.standing {
        Standing::Approved => (Outcome::Approved, None),
        Standing::Counted { missing } => (Outcome::Counted, Some(missing)),
        Standing::Rejected => (Outcome::Rejected, None),
        Standing::Kept => (Outcome::Kept, None),
    };
    Ok(Json(Decided {
        outcome,
        job: decided.job,
        step: decided.step,
        missing: still_missing,
        run: wire(decided.run),
    }))
}
