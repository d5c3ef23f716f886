use std::collections::BTreeMap;

use api::workflows::Dispatch;
use clap::Args;
use types::AppName;

use crate::cli::Outcome;
use crate::cli::arguments::{DetachOption, JsonOption};
use crate::cli::failure::Failure;
use crate::cli::session::Session;
use crate::commands::run::started;

#[derive(Debug, Args)]
#[command(allow_missing_positional = true)]
pub(crate) struct Run {
    /// The app; may be left out inside a repository whose remote `solum` points to the server
    #[arg(value_name = "APP")]
    app: Option<AppName>,
    /// The workflow's file, without its folder: deliver.yml
    #[arg(value_name = "FILE", required = true)]
    file: String,
    /// Of this branch or tag; else of the branch that deploys
    #[arg(long = "ref", value_name = "REF")]
    reference: Option<String>,
    /// An input of the workflow
    #[arg(short = 'f', long = "field", value_name = "NAME=VALUE")]
    fields: Vec<String>,
    #[command(flatten)]
    detach: DetachOption,
    #[command(flatten)]
    json: JsonOption,
}

impl Run {
    pub(crate) fn run(self, session: &Session) -> Outcome {
        let mut inputs = BTreeMap::new();
        for field in &self.fields {
            let (name, value) = field.split_once('=').ok_or_else(|| {
                Failure::usage(format!("`{field}` has no value"))
                    .hint(format!("write -f {field}=VALUE"))
            })?;
            inputs.insert(name.to_owned(), value.into());
        }
        let file = self.file.rsplit('/').next().unwrap_or(&self.file);
        let app = session.app(self.app)?;
        let client = session.client()?;
        let request = Dispatch { reference: self.reference, inputs };
        let run = client.dispatch_workflow(&app, file, &request)?;
        started(&client, run, self.detach.detach, self.json.json)
    }
}
