use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use clap::Args;

use crate::cli::failure::Failure;
use crate::cli::session::Session;
use crate::cli::tree::{Tree, WORKFLOW_FOLDER};
use crate::cli::{Outcome, output};

#[derive(Debug, Args)]
pub(crate) struct Eject {
    /// The workflow: deliver, deploy or rollback
    #[arg(value_parser = name)]
    name: String,
    /// Where to, instead of `.solum/workflows/NAME.yml` in the repository
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

fn name(text: &str) -> Result<String, String> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    match !text.is_empty() && text.bytes().all(plain) {
        true => Ok(text.to_owned()),
        false => Err("a name has letters, digits and hyphens".to_owned()),
    }
}

impl Eject {
    pub(crate) fn run(self, session: &Session) -> Outcome {
        let tree = Tree::here()?;
        let workflow = session.client()?.built_in_workflow(&self.name)?;
        let standard = Path::new(WORKFLOW_FOLDER).join(format!("{}.yml", workflow.name));
        let path = self.output.unwrap_or_else(|| tree.root().join(&standard));
        write(&path, &workflow.text)?;
        let shown = path.strip_prefix(tree.root()).unwrap_or(&path);
        output::say(&format!("{} is in {}", workflow.name, shown.display()));
        output::say(&format!(
            "Change it, look at it with `solum workflow check` and `solum workflow plan {}`, commit it and push it:",
            shown.display()
        ));
        output::say(&format!(
            "once it is on the deploy branch, it is what happens on '{}', instead of what Solum brings.",
            workflow.event
        ));
        if workflow.text.contains("branches: [main]") {
            output::say("If your deploy branch is another one than main, say so under 'branches'.");
        }
        Ok(())
    }
}

/// Never over what is there.
fn write(path: &Path, text: &str) -> Outcome {
    let failed = |error: io::Error| match error.kind() {
        io::ErrorKind::AlreadyExists => {
            Failure::failed(format!("{} is there already", path.display()))
                .hint("remove it first, or write elsewhere with --output FILE")
        }
        _ => Failure::because(format!("cannot write {}", path.display()), &error),
    };
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::create_dir_all(folder).map_err(failed)?;
    }
    let mut file = fs::File::create_new(path).map_err(failed)?;
    file.write_all(text.as_bytes()).map_err(failed)
}
