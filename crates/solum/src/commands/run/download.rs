use std::fs::File;
use std::path::PathBuf;

use clap::Args;

use super::RunArgument;
use crate::cli::arguments::JsonOption;
use crate::cli::failure::Failure;
use crate::cli::session::Session;
use crate::cli::table::Table;
use crate::cli::{Outcome, output};

#[derive(Debug, Args)]
pub(crate) struct Download {
    #[command(flatten)]
    run: RunArgument,
    /// The artifact; all of the run's if left out
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Where to; NAME.tar.gz in this directory
    #[arg(long, value_name = "DIR", default_value = ".")]
    dir: PathBuf,
    /// Only say which there are
    #[arg(long)]
    list: bool,
    #[command(flatten)]
    json: JsonOption,
}

impl Download {
    pub(crate) fn run(self, session: &Session) -> Outcome {
        let client = session.client()?;
        let run = self.run.find(session, &client)?;
        let artifacts = client.run_artifacts(run)?;
        if self.json.json {
            return output::print_json(&artifacts);
        }
        if self.list {
            if artifacts.is_empty() {
                output::say(&format!("{run} keeps no artifacts."));
                return Ok(());
            }
            let mut table = Table::new(&["NAME", "FILES", "BYTES", "KEPT UNTIL"]);
            for it in &artifacts {
                let (files, bytes) = (it.files.to_string(), it.bytes.to_string());
                table.row([&it.name, &files, &bytes, &it.expires_at.to_string()]);
            }
            return output::print(&table.render());
        }
        let wanted = artifacts.iter().map(|artifact| &artifact.name);
        let wanted: Vec<&String> =
            wanted.filter(|name| self.name.as_ref().is_none_or(|wanted| wanted == *name)).collect();
        if wanted.is_empty() {
            let what = self.name.map_or_else(String::new, |name| format!(" `{name}`"));
            let failure = Failure::failed(format!("{run} keeps no artifact{what}"));
            return Err(failure.hint("`solum run download --list` shows those that there are"));
        }
        for name in wanted {
            let path = self.dir.join(format!("{name}.tar.gz"));
            let unwritten = |error| Failure::failed(format!("{}: {error}", path.display()));
            let mut file = File::create(&path).map_err(unwritten)?;
            client.download_run_artifact(run, name, &mut file)?.map_err(unwritten)?;
            output::print(&path.display().to_string())?;
        }
        Ok(())
    }
}
