//! `solum/smoke`: asks what was deployed, and fails unless it answers as expected. Pure: asking changes nothing.

use std::collections::BTreeMap;
use std::time::Duration;

use http::{HeaderMap, Method, Uri};
use types::Transcript as _;

use super::call::{Answer, Call, shown};
use super::http::unexpected;
use super::inputs::{Expected, invalid, url};
use super::{Problem, Step};
use crate::environments;

const TIMEOUT: Duration = Duration::from_secs(10);
const INTERVAL: Duration = Duration::from_secs(2);
const LONGEST: Duration = Duration::from_secs(300);
const ATTEMPTS: u32 = 3;
const MOST_ATTEMPTS: u32 = 100;
const MOST_PATHS: usize = 50;

/// What is looked for.
struct Wanted<'s> {
    status: Expected,
    contains: Option<&'s str>,
    attempts: u32,
    interval: Duration,
    timeout: Duration,
}

pub(super) async fn perform(step: &Step) -> Result<BTreeMap<String, String>, Problem> {
    let base = base(step).await?;
    let wanted = Wanted {
        status: step.expected()?,
        contains: step.input("contains"),
        attempts: step.count("attempts", ATTEMPTS, MOST_ATTEMPTS)?,
        interval: step.duration("interval", INTERVAL, LONGEST)?,
        timeout: step.duration("timeout", TIMEOUT, LONGEST)?,
    };
    let uris = uris(&base, step.input("path").unwrap_or_default())?;
    step.transcript.step("Asking whether it answers as expected");
    let mut status = 0;
    for uri in &uris {
        status = ask(step, uri, &wanted).await?;
    }
    Ok([("status".to_owned(), status.to_string())].into())
}

/// What is asked: what the step says, or where the job's environment is to be seen.
async fn base(step: &Step) -> Result<Uri, Problem> {
    if let Some(uri) = step.url()? {
        return Ok(uri);
    }
    let missing = || {
        Problem::failed("no_url", "there is nothing to ask: the job has no environment that serves")
            .hint("give the step a `url`, or the job an `environment`")
    };
    let name = step.environment.clone().ok_or_else(missing)?;
    let environment = step.control.inner.store.environment(step.app.id, name).await;
    let environment = match environment {
        Err(store::Error::NotFound { .. }) => return Err(missing()),
        found => found?,
    };
    url(&environments::url(&step.control.inner.settings, &environment).ok_or_else(missing)?)
}

/// Each path, one a line, below the base.
fn uris(base: &Uri, paths: &str) -> Result<Vec<Uri>, Problem> {
    let mut paths: Vec<&str> =
        paths.lines().map(str::trim).filter(|path| !path.is_empty()).collect();
    if paths.is_empty() {
        return Ok(vec![base.clone()]);
    }
    if paths.len() > MOST_PATHS {
        return Err(invalid("path", &format!("no more than {MOST_PATHS} paths")));
    }
    paths.dedup();
    let below = base.path().trim_end_matches('/');
    let uri = |path: &&str| {
        let mut parts = base.clone().into_parts();
        let path = path.trim_start_matches('/');
        parts.path_and_query = format!("{below}/{path}").parse().ok();
        let has_path = parts.path_and_query.is_some();
        Uri::from_parts(parts).ok().filter(|_| has_path)
    };
    let uris = paths.iter().map(uri).collect::<Option<Vec<_>>>();
    uris.ok_or_else(|| invalid("path", "a path like /health, or several, one a line"))
}

async fn ask(step: &Step, uri: &Uri, wanted: &Wanted<'_>) -> Result<u16, Problem> {
    let call = Call {
        method: Method::GET,
        uri: uri.clone(),
        headers: HeaderMap::new(),
        body: Vec::new(),
        timeout: wanted.timeout,
    };
    let name = step.conceal(&shown(uri));
    let mut why = String::new();
    for left in (0..wanted.attempts).rev() {
        why = match step.call(&call).await? {
            Ok(answer) => match wanted.misses(&answer) {
                None => {
                    step.transcript.line(&format!("{name} answered {}", answer.status));
                    return Ok(answer.status);
                }
                Some(why) => why,
            },
            Err(error) => error.message().to_owned(),
        };
        if left > 0 {
            step.transcript.line(&format!("{name}: {}; asking again", step.conceal(&why)));
            step.pause(wanted.interval).await?;
        }
    }
    Err(Problem::failed("smoke_failed", format!("{name}: {}", step.conceal(&why))))
}

impl Wanted<'_> {
    /// What is wrong with an answer.
    fn misses(&self, answer: &Answer) -> Option<String> {
        if !self.status.fits(answer.status) {
            return Some(unexpected(answer, &self.status));
        }
        let text = self.contains.filter(|text| !answer.body.contains(text))?;
        let place = if answer.is_cut { "the beginning of its answer" } else { "its answer" };
        Some(format!("{place} does not contain “{text}”"))
    }
}

#[cfg(test)]
mod tests;
