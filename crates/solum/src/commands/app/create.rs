//! `solum app create`: has an app made, and inside a repository connects the two.

use std::time::Duration;

use api::apps::{App, AppStatus, CreateApp};
use api::client::{Client, Patience};
use clap::Args;
use types::AppName;

use super::repository;
use crate::cli::arguments::{DetachOption, JsonOption};
use crate::cli::checkout::{Checkout, REMOTE};
use crate::cli::failure::Failure;
use crate::cli::session::Session;
use crate::cli::table::Table;
use crate::cli::{Outcome, output};

const DEFAULT_BRANCH: &str = "main";
/// How long an app may take to be ready before the command gives up waiting.
const READY: Duration = Duration::from_secs(60);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

#[derive(Debug, Args)]
pub(crate) struct Create {
    /// What to call it: lower-case letters, digits and hyphens; part of its address
    name: AppName,
    /// The branch that deploys when it is pushed; else the one that is checked out, if it is the only one, or `main`
    #[arg(long)]
    branch: Option<String>,
    #[command(flatten)]
    detach: DetachOption,
    #[command(flatten)]
    json: JsonOption,
}

impl Create {
    pub(crate) fn run(self, session: &Session) -> Outcome {
        let client = session.client()?;
        let checkout = Checkout::here();
        let branch = self.branch.unwrap_or_else(|| default_branch(checkout.as_ref()));
        let request = CreateApp { name: self.name, default_branch: Some(branch) };
        let mut app = client.create_app(&request)?;
        if !self.detach.detach {
            app = wait_until_ready(&client, app)?;
        }
        let remote = match (&checkout, repository(&client, &app)) {
            (Some(checkout), Some(url)) => Some(connect(&client, checkout, url)?),
            _ => None,
        };
        if self.json.json {
            output::print_json(&app)
        } else {
            let push = checkout.as_ref().zip(remote.as_deref());
            output::print(&render(&client, &app, push))
        }
    }
}

/// `main` or `master` if it is checked out, or whatever is while nothing has been committed yet.
fn default_branch(checkout: Option<&Checkout>) -> String {
    checkout
        .and_then(|checkout| {
            let branch = checkout.branch()?;
            let is_usual = matches!(branch.as_str(), DEFAULT_BRANCH | "master" | "trunk");
            (is_usual || !checkout.has_commit()).then_some(branch)
        })
        .unwrap_or_else(|| DEFAULT_BRANCH.to_owned())
}

fn wait_until_ready(client: &Client, app: App) -> Result<App, Failure> {
    let mut app = app;
    let mut patience = Patience::new(READY, LONGEST_PAUSE);
    loop {
        match app.status {
            AppStatus::Ready => return Ok(app),
            AppStatus::Creating if patience.pause() => app = client.app(&app.name)?,
            AppStatus::Creating => {
                return Err(Failure::failed(format!("{} is not ready yet", app.name))
                    .hint(format!("`solum app show {}` tells when it is", app.name)));
            }
            AppStatus::Deleting => {
                return Err(Failure::failed(format!("{} is being deleted", app.name)));
            }
        }
    }
}

/// Has the repository know the app, and gives what to push to: the remote, or where it is another app's the address.
fn connect(client: &Client, checkout: &Checkout, url: String) -> Result<String, Failure> {
    checkout.use_credential_helper(client.server())?;
    match checkout.remote() {
        Some(there) if there == url => {}
        Some(there) => {
            output::say(&format!(
                "The remote `{REMOTE}` is there already and points to {there}: left alone. To have it point to this \
                 app: git remote set-url {REMOTE} {url}"
            ));
            return Ok(url);
        }
        None => {
            checkout.add_remote(&url)?;
            output::say(&format!("Added the remote `{REMOTE}`: {url}"));
        }
    }
    Ok(REMOTE.to_owned())
}

/// Ends in the command that comes next. `push` is where from and where to.
fn render(client: &Client, app: &App, push: Option<(&Checkout, &str)>) -> String {
    let mut table = Table::of_fields();
    table.row(["app", app.name.as_str()]);
    table.row(["status", app.status.as_str()]);
    let repository = repository(client, app);
    if let Some(url) = &repository {
        table.row(["repository", url]);
    }
    for (environment, url) in &app.urls {
        table.row([environment.as_str(), url]);
    }
    let mut text = table.render();
    let next = match (&repository, push) {
        (None, _) => format!("solum app show {}", app.name),
        (Some(_), None) => format!("solum app clone {}", app.name),
        (Some(_), Some((checkout, remote))) => {
            let branch = &app.default_branch;
            let is_here = checkout.has_branch(branch) || !checkout.has_commit();
            let what = if is_here { branch.clone() } else { format!("HEAD:{branch}") };
            format!("git push {remote} {what}")
        }
    };
    text.push_str(&next);
    text
}
