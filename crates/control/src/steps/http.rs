//! `solum/http`: calls an API.
//!
//! Every try carries the same `Idempotency-Key`, so that an API that knows such keys acts once. Of `POST` and `PATCH` that
//! cannot be relied on: they are tried once unless the step says otherwise, and where a try may have been received and
//! has no answer, or the server was killed meanwhile, the step fails as indeterminate.

use std::collections::BTreeMap;
use std::time::Duration;

use http::header::{CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HOST, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde_json::Value;
use types::Transcript as _;
use workflow::Failure;

use super::call::{Answer, Call, CallError, MAX_ANSWER_BYTES, MAX_BODY_BYTES, shown};
use super::inputs::{Expected, invalid};
use super::{Problem, Step};

const TIMEOUT: Duration = Duration::from_secs(30);
const LONGEST_TIMEOUT: Duration = Duration::from_secs(300);
const ATTEMPTS: u32 = 3;
const MOST_ATTEMPTS: u32 = 20;
/// Before the second try; twice that before the third, and so on.
const BACKOFF: Duration = Duration::from_secs(1);
const LONGEST_BACKOFF: Duration = Duration::from_secs(60);
const MOST_HEADERS: usize = 100;
const IDEMPOTENCY_KEY: &str = "idempotency-key";

pub(super) async fn perform(step: &Step) -> Result<BTreeMap<String, String>, Problem> {
    let call = call(step)?;
    let expected = step.expected()?;
    let repeatable = is_repeatable(&call.method);
    let attempts = step.count("attempts", if repeatable { ATTEMPTS } else { 1 }, MOST_ATTEMPTS)?;
    if !repeatable && !step.begin_once().await? {
        let message = format!("the server ended while {} was under way", name(step, &call));
        return Err(Problem::Failed(Failure::indeterminate(message)));
    }
    step.transcript.step(&format!("Calling {}", name(step, &call)));
    let answer = try_patiently(step, &call, &expected, attempts).await?;
    step.transcript.line(&format!("It answered {}", answer.status));
    if answer.is_cut {
        let most = MAX_ANSWER_BYTES;
        step.transcript
            .line(&format!("The output `body` has the first {most} bytes of its answer"));
    }
    Ok([
        ("status".to_owned(), answer.status.to_string()),
        ("body".to_owned(), step.conceal(&answer.body)),
    ]
    .into())
}

fn call(step: &Step) -> Result<Call, Problem> {
    let uri = step.url()?.ok_or_else(|| invalid("url", "given"))?;
    let method = step.input("method").unwrap_or("GET").to_ascii_uppercase();
    let method = match method.as_str() {
        "GET" | "HEAD" | "OPTIONS" | "POST" | "PUT" | "PATCH" | "DELETE" => {
            method.parse::<Method>()
        }
        _ => return Err(invalid("method", "GET, HEAD, OPTIONS, POST, PUT, PATCH or DELETE")),
    };
    let method = method.map_err(|error| Problem::internal(error.to_string()))?;
    let body = step.with.get("body").map(String::as_str).unwrap_or_default();
    if !body.is_empty() && !matches!(method, Method::POST | Method::PUT | Method::PATCH) {
        return Err(invalid("body", &format!("left out: a {method} has none")));
    }
    if body.len() > MAX_BODY_BYTES {
        return Err(invalid("body", &format!("of {MAX_BODY_BYTES} bytes at most")));
    }
    let mut headers = headers(step.input("headers").unwrap_or("{}"))?;
    if !body.is_empty() && !headers.contains_key(CONTENT_TYPE) {
        let json = serde_json::from_str::<serde::de::IgnoredAny>(body).is_ok();
        let kind = if json { "application/json" } else { "text/plain; charset=utf-8" };
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    }
    if !headers.contains_key(IDEMPOTENCY_KEY) {
        let key = HeaderValue::try_from(step.idempotency_key());
        headers.insert(IDEMPOTENCY_KEY, key.map_err(|error| Problem::internal(error.to_string()))?);
    }
    let timeout = step.duration("timeout", TIMEOUT, LONGEST_TIMEOUT)?;
    Ok(Call { method, uri, headers, body: body.as_bytes().to_vec(), timeout })
}

/// RFC 9110, section 9.2.2: the same request twice is the same as once.
fn is_repeatable(method: &Method) -> bool {
    !matches!(*method, Method::POST | Method::PATCH)
}

fn headers(text: &str) -> Result<HeaderMap, Problem> {
    let wanted = || invalid("headers", "a mapping of names to texts, or one in JSON");
    // What is wrong with it is not repeated: serde's words may have a value in them.
    let Ok(Value::Object(given)) = serde_json::from_str(text) else { return Err(wanted()) };
    if given.len() > MOST_HEADERS {
        return Err(invalid("headers", &format!("no more than {MOST_HEADERS}")));
    }
    let mut headers = HeaderMap::new();
    for (name, value) in given {
        let name = name.parse::<HeaderName>().map_err(|_| wanted())?;
        if [HOST, CONTENT_LENGTH, TRANSFER_ENCODING, CONNECTION].contains(&name) {
            return Err(invalid("headers", &format!("without `{name}`, which is set for you")));
        }
        let value = match value {
            Value::String(text) => text,
            Value::Number(number) => number.to_string(),
            Value::Bool(truth) => truth.to_string(),
            _ => return Err(wanted()),
        };
        let mut value = HeaderValue::try_from(value).map_err(|_| wanted())?;
        value.set_sensitive(true);
        headers.insert(name, value);
    }
    Ok(headers)
}

async fn try_patiently(
    step: &Step,
    call: &Call,
    expected: &Expected,
    attempts: u32,
) -> Result<Answer, Problem> {
    let mut backoff = BACKOFF;
    for left in (0..attempts).rev() {
        let (message, problem, passing) = match step.call(call).await? {
            Ok(answer) if expected.fits(answer.status) => return Ok(answer),
            Ok(answer) => {
                let message = unexpected(&answer, expected);
                let problem = Problem::failed("http_status", describe(step, call, &message));
                (message, problem, is_passing(answer.status))
            }
            Err(error) => {
                let message = error.message().to_owned();
                (message, no_answer(step, call, &error), true)
            }
        };
        if left == 0 || !passing {
            return Err(problem);
        }
        let seconds = backoff.as_secs();
        step.transcript.line(&step.conceal(&format!("{message}; trying again in {seconds} s")));
        step.pause(backoff).await?;
        backoff = (backoff * 2).min(LONGEST_BACKOFF);
    }
    Err(Problem::internal("a call was never tried"))
}

fn no_answer(step: &Step, call: &Call, error: &CallError) -> Problem {
    let message = describe(step, call, error.message());
    match error {
        CallError::NoAnswer(_) if !is_repeatable(&call.method) => {
            Problem::Failed(Failure::indeterminate(message))
        }
        _ => Problem::failed("http_no_answer", message),
    }
}

pub(super) fn unexpected(answer: &Answer, expected: &Expected) -> String {
    let (status, wanted) = (answer.status, expected.text());
    match &answer.location {
        // Where to is not said in full: there may be a token in it.
        Some(_) if (300..400).contains(&status) => {
            format!(
                "it answered {status}, a redirect, which is not followed, and {wanted} was expected"
            )
        }
        _ => format!("it answered {status}, and {wanted} was expected"),
    }
}

/// Whether another try may be answered otherwise.
pub(super) fn is_passing(status: u16) -> bool {
    matches!(status, 408 | 425 | 429 | 500 | 502 | 503 | 504)
}

fn describe(step: &Step, call: &Call, message: &str) -> String {
    format!("{}: {}", name(step, call), step.conceal(message))
}

/// `POST https://api.example.org/v1/things`
fn name(step: &Step, call: &Call) -> String {
    step.conceal(&format!("{} {}", call.method, shown(&call.uri)))
}

#[cfg(test)]
mod tests;
