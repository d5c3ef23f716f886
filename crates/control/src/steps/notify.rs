//! `solum/notify`: posts a message to a webhook. It fails its step only where the step says that it is required.

use std::collections::BTreeMap;
use std::time::Duration;

use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Method};
use serde_json::{Value, json};
use types::Transcript as _;
use workflow::Conclusion;

use super::call::{Call, CallError, MAX_BODY_BYTES, shown};
use super::http::is_passing;
use super::inputs::invalid;
use super::{Problem, Step};

const TIMEOUT: Duration = Duration::from_secs(10);
const LONGEST_TIMEOUT: Duration = Duration::from_secs(60);
const ATTEMPTS: u32 = 3;
const PAUSE: Duration = Duration::from_secs(1);

pub(super) async fn perform(step: &Step) -> Result<BTreeMap<String, String>, Problem> {
    let required = step.truth("required")?;
    let call = call(step)?;
    let name = step.conceal(&shown(&call.uri));
    step.transcript.step(&format!("Notifying {name}"));
    let delivered = if step.begin_once().await? {
        deliver(step, &call).await?
    } else {
        Err("the server ended while it was delivered; it is not sent again".to_owned())
    };
    match delivered {
        Ok(status) => Ok([("status".to_owned(), status.to_string())].into()),
        Err(why) => {
            let message = step.conceal(&format!("{name} was not notified: {why}"));
            if required {
                return Err(Problem::failed("not_notified", message));
            }
            step.transcript.warning(&message);
            Ok([("status".to_owned(), String::new())].into())
        }
    }
}

/// What a webhook gets: `text` is what chats show; the rest is for programs.
fn call(step: &Step) -> Result<Call, Problem> {
    let uri = step.url()?.ok_or_else(|| invalid("url", "given"))?;
    let text = step.input("text").ok_or_else(|| invalid("text", "given"))?;
    let body = message(step, text).to_string().into_bytes();
    if body.len() > MAX_BODY_BYTES {
        return Err(invalid("text", &format!("of {MAX_BODY_BYTES} bytes at most")));
    }
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let timeout = step.duration("timeout", TIMEOUT, LONGEST_TIMEOUT)?;
    Ok(Call { method: Method::POST, uri, headers, body, timeout })
}

fn message(step: &Step, text: &str) -> Value {
    let run = &step.run;
    let failed = step.state.legs().filter(|leg| leg.conclusion() == Some(Conclusion::Failure));
    let failed: Vec<&str> = failed.map(|leg| leg.path.as_str()).collect();
    json!({
        "text": text,
        "app": step.app.name,
        "environment": step.environment,
        "run": {
            "id": run.id,
            "workflow": run.workflow,
            "title": run.title,
            "attempt": run.attempt,
            "commit": run.commit,
            "status": run.status,
            "failed_jobs": failed,
            "url": format!("{}/api/v1/runs/{}", step.control.inner.settings.api_url, run.id),
        },
    })
}

/// Its status, or why there is none. What may have arrived is not sent again.
async fn deliver(step: &Step, call: &Call) -> Result<Result<u16, String>, Problem> {
    let mut why = String::new();
    for left in (0..ATTEMPTS).rev() {
        let again = match step.call(call).await? {
            Ok(answer) if (200..300).contains(&answer.status) => return Ok(Ok(answer.status)),
            Ok(answer) => {
                why = format!("it answered {}", answer.status);
                is_passing(answer.status) && answer.status != 500
            }
            Err(error) => {
                error.message().clone_into(&mut why);
                matches!(error, CallError::NotSent(_))
            }
        };
        if !again || left == 0 {
            break;
        }
        step.pause(PAUSE).await?;
    }
    Ok(Err(why))
}

#[cfg(test)]
mod tests;
