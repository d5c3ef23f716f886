//! What becomes of a push: the deploy branch starts a run and moves when the run says so; everything
//! else moves at once.

use crate::error::chain;
use crate::{Control, Error, text, workflows};
use async_trait::async_trait;
use source::{
    Body, Incoming, PushHandler, PushTalk, Received, RefOutcome, RefUpdate, Rejection, change_ref,
};
use store::{App, NewPush, NewRun, Run};
use types::{
    Actor, AppName, ChangeId, CommitId, EnvironmentName, RunId, RunStatus, Transition as _,
};

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
        let options = match Options::read(&push.options) {
            Ok(options) => options,
            Err(refusal) => return vec![RefOutcome::Refused(refusal); push.updates.len()],
        };
        let app = match self.control.ready_app(&push.app).await {
            Ok(app) => app,
            Err(error) => return vec![RefOutcome::Refused(chain(&error)); push.updates.len()],
        };
        let deploys = |update: &RefUpdate| is_deploy(&app, update);
        if push.atomic && push.updates.len() > 1 && push.updates.iter().any(deploys) {
            let refusal =
                format!("push {} by itself: it moves only when it is live", app.deploy_branch);
            return vec![RefOutcome::Refused(refusal); push.updates.len()];
        }
        let mut outcomes = Vec::new();
        for update in &push.updates {
            outcomes.push(match &update.new {
                Some(commit) if deploys(update) => {
                    self.deliver(&app, update, commit, &push.actor, &options, &talk).await
                }
                _ => {
                    tell_about_other(&app, update, &talk);
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

fn tell_about_other(app: &App, update: &RefUpdate, talk: &PushTalk) {
    let Some(branch) = update.branch() else { return };
    if update.new.is_some() {
        talk.line(&text::line(&text::other_branch(branch, &app.deploy_branch)));
        talk.line(&text::line(&text::other_branch_hint(branch, &app.deploy_branch)));
    }
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

impl Pushes {
    /// Records the push, then stays with its run until that has an end, or the client has none of it.
    async fn deliver(
        &self,
        app: &App,
        update: &RefUpdate,
        commit: &CommitId,
        actor: &Actor,
        options: &Options,
        talk: &PushTalk,
    ) -> RefOutcome {
        let recorded = match self.record(app, update, commit, actor).await {
            Ok(recorded) => recorded,
            Err(refusal) => {
                for line in refusal.lines() {
                    talk.line(&text::warning(line));
                }
                return RefOutcome::Refused("not accepted; nothing has changed".to_owned());
            }
        };
        let (number, run) = recorded;
        if options.detach {
            return self.detach(app, number, commit, &run, talk).await;
        }
        match self.follow(&run, talk).await {
            Ok(RunStatus::Succeeded) => RefOutcome::Moved,
            Ok(status) => {
                talk.line(&text::line(&format!("The run was {}", run.id)));
                RefOutcome::Refused(text::refused_ref(status).to_owned())
            }
            Err(error) => {
                tracing::warn!(run = %run.id, error = %chain(&error), "a push lost sight of its run");
                for line in text::detached(run.id) {
                    talk.line(&line);
                }
                RefOutcome::Refused("its outcome is not known yet".to_owned())
            }
        }
    }

    /// The commit is pinned first: a change that is recorded never lacks its commit.
    async fn record(
        &self,
        app: &App,
        update: &RefUpdate,
        commit: &CommitId,
        actor: &Actor,
    ) -> Result<(u64, Run), String> {
        let environment = self.environment(app, commit).await?;
        let inner = &self.control.inner;
        let failed = |error: Error| chain(&error);
        let info = inner.repositories.commit(&app.name, commit).await;
        let info = info.map_err(|error| failed(error.into()))?;
        let change = ChangeId::generate(&*inner.clock);
        let event = [("environment", environment.as_str())].into_iter().collect();
        let _pinned = inner.pushes_under_way.begin(change);
        let pin = inner.repositories.pin(&app.name, change, commit).await;
        pin.map_err(|error| failed(error.into()))?;
        let run = NewRun {
            id: RunId::generate(&*inner.clock),
            app: app.id,
            definition: workflows::DELIVER.definition(),
            context: workflows::context("push", event, actor),
            carried_over: Vec::new(),
            attempt: 1,
            retry_of: None,
            queue: Some(format!("{}/{}", app.id, app.deploy_branch)),
            commit: Some(commit.clone()),
            title: info.subject.clone(),
            actor: actor.clone(),
        };
        let push = NewPush {
            change,
            branch: app.deploy_branch.clone(),
            base: update.old.clone(),
            commit: commit.clone(),
            subject: info.subject,
            run,
        };
        let recorded = inner.store.record_push(push).await;
        let (change, run) = recorded.map_err(|error| failed(error.into()))?;
        Ok((change.number, run))
    }

    /// The environment that the commit's manifest names first. A manifest with mistakes ends the push here.
    async fn environment(&self, app: &App, commit: &CommitId) -> Result<EnvironmentName, String> {
        let outlined = self.control.outline(&app.name, commit).await;
        let (outline, mistakes) = outlined.map_err(|error| chain(&error))?;
        if !mistakes.is_empty() {
            return Err(mistakes.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"));
        }
        let wanted = outline.environment.unwrap_or_else(EnvironmentName::dev);
        self.only_environment(app, wanted).await
    }

    async fn only_environment(
        &self,
        app: &App,
        wanted: EnvironmentName,
    ) -> Result<EnvironmentName, String> {
        match self.control.check_only_environment(app, &wanted).await {
            Ok(()) => Ok(wanted),
            Err(error) => Err(reject(&error).message),
        }
    }

    async fn detach(
        &self,
        app: &App,
        number: u64,
        commit: &CommitId,
        run: &Run,
        talk: &PushTalk,
    ) -> RefOutcome {
        for line in text::detached(run.id) {
            talk.line(&line);
        }
        talk.line(&text::line(&format!(
            "{} moves to this commit when it is live",
            app.deploy_branch
        )));
        match self.control.inner.repositories.set_change_ref(&app.name, number, commit).await {
            Ok(()) => {
                RefOutcome::Renamed { to: change_ref(number), old: None, new: commit.clone() }
            }
            Err(error) => {
                tracing::warn!(error = %chain(&error), "a change's ref could not be set");
                RefOutcome::Refused(format!("recorded as {}, which goes on", run.id))
            }
        }
    }

    /// Passes on what the run says until it has ended. A client that hangs up does not stop the run.
    async fn follow(&self, run: &Run, talk: &PushTalk) -> Result<RunStatus, Error> {
        let control = &self.control;
        let mut follower = control.follow_run(run.id, 0);
        let mut wake = control.run_changes();
        let mut told_of_queue = false;
        loop {
            // The status is read first: what an ended run said is all there then.
            let status = control.run_status(run.id).await?;
            self.pass_on(&mut follower, talk)?;
            if status.is_terminal() {
                return Ok(status);
            }
            if status == RunStatus::Queued
                && !told_of_queue
                && let Some(ahead) = control.inner.store.run_ahead_of(run.id).await?
            {
                talk.line(&text::waits_for(&ahead));
                told_of_queue = true;
            }
            tokio::select! {
                () = follower.changed() => {}
                () = wake.changed() => {}
                () = talk.closed() => return Ok(status),
            }
        }
    }

    fn pass_on(
        &self,
        follower: &mut crate::transcripts::Follower,
        talk: &PushTalk,
    ) -> Result<(), Error> {
        loop {
            let lines = follower.read().map_err(Error::io("read a run's transcript"))?;
            if lines.is_empty() {
                return Ok(());
            }
            for line in lines {
                talk.line(&line);
            }
        }
    }
}
