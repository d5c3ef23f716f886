//! What becomes of a push.
//!
//! Every commit is asked which workflows it has. On the deploy branch they decide whether the branch moves (`deliver`);
//! everything else moves at once, and what runs for it runs beside (`others`). A workflow file with a mistake refuses the push of
//! a branch before anything is recorded.

mod arrival;
mod deliver;
mod follow;
mod others;

use async_trait::async_trait;
use source::{Body, Incoming, PushHandler, PushTalk, Received, RefOutcome, RefUpdate, Rejection};
use store::App;
use types::{Actor, AppName};

use crate::error::chain;
use crate::{Control, Error};

/// What git shows behind a branch that was not let in; the reasons stand above.
const NOT_ACCEPTED: &str = "not accepted; nothing has changed";

pub(crate) struct Pushes {
    control: Control,
}

impl Pushes {
    pub(crate) fn new(control: Control) -> Self {
        Self { control }
    }
}

impl Control {
    /// Answers a git client. `path` is what follows `/APP.git`.
    pub async fn git<B>(
        &self,
        request: http::Request<B>,
        app: &AppName,
        path: &str,
        actor: &Actor,
    ) -> http::Response<Body>
    where
        B: http_body::Body<Data = bytes::Bytes> + Send + 'static,
        B::Error: std::fmt::Display,
    {
        self.inner.git_http.serve(request, app, path, actor, true).await
    }
}

#[async_trait]
impl PushHandler for Pushes {
    async fn admit(&self, push: &Incoming) -> Result<(), Rejection> {
        let app = self.control.ready_app(&push.app).await.map_err(|error| reject(&error))?;
        for update in &push.updates {
            admit_update(&app, update)?;
        }
        Ok(())
    }

    async fn receive(&self, push: Received, talk: PushTalk) -> Vec<RefOutcome> {
        let all = |refusal: String| vec![RefOutcome::Refused(refusal); push.updates.len()];
        let options = match Options::read(&push.options) {
            Ok(options) => options,
            Err(refusal) => return all(refusal),
        };
        let app = match self.control.ready_app(&push.app).await {
            Ok(app) => app,
            Err(error) => return all(chain(&error)),
        };
        let deploys = |update: &RefUpdate| is_deploy(&app, update);
        if push.atomic && push.updates.len() > 1 && push.updates.iter().any(deploys) {
            return all(format!(
                "push {} by itself: it moves only when it is live",
                app.deploy_branch
            ));
        }
        // Nothing is recorded before everything has been looked at.
        let mut arrivals = Vec::new();
        for update in &push.updates {
            arrivals.push(self.arrival(&app, update, &talk).await);
        }
        if push.atomic && arrivals.iter().any(Result::is_err) {
            return all(NOT_ACCEPTED.to_owned());
        }
        let mut outcomes = Vec::new();
        for (update, arrival) in push.updates.iter().zip(arrivals) {
            outcomes.push(match arrival {
                Err(refusal) => RefOutcome::Refused(refusal),
                Ok(None) => RefOutcome::Accept,
                Ok(Some(arrival)) if deploys(update) => {
                    self.deliver(&app, &arrival, &push.actor, &options, &talk).await
                }
                Ok(Some(arrival)) => {
                    self.start_beside(&app, &arrival, &push.actor, &talk).await;
                    RefOutcome::Accept
                }
            });
        }
        outcomes
    }
}

fn is_deploy(app: &App, update: &RefUpdate) -> bool {
    update.new.is_some() && update.branch() == Some(app.deploy_branch.as_str())
}

fn reject(error: &Error) -> Rejection {
    let hint = error.hint().map(|hint| format!("\n{hint}")).unwrap_or_default();
    Rejection { message: format!("{}{hint}", chain(error)) }
}

fn admit_update(app: &App, update: &RefUpdate) -> Result<(), Rejection> {
    if update.name.starts_with("refs/changes/") {
        let message = format!("{} belongs to Solum and cannot be pushed to", update.name);
        return Err(Rejection { message });
    }
    if is_deploy(app, update) && !update.fast_forward {
        let branch = &app.deploy_branch;
        let message = format!(
            "{branch} deploys, and this push would take commits away from it.\n\
             Fetch, put your commits on top (git pull --rebase), and push again.\n\
             To go back to what served before: solum rollback {}",
            app.name
        );
        return Err(Rejection { message });
    }
    Ok(())
}

/// What `git push -o` asked for.
struct Options {
    detach: bool,
}

impl Options {
    fn read(options: &[String]) -> Result<Self, String> {
        let mut read = Self { detach: false };
        for option in options {
            match option.as_str() {
                "detach" => read.detach = true,
                other => {
                    return Err(format!("push option `{other}` is not known; there is: detach"));
                }
            }
        }
        Ok(read)
    }
}
