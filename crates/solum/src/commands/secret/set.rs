use std::io::{self, BufRead as _, Read as _};

use api::secrets::SetSecret;
use api::settings::MAX_VALUE_BYTES;
use clap::Args;
use types::{Secret, SettingName};

use crate::cli::failure::Failure;
use crate::cli::session::Session;
use crate::cli::setting_scope::ScopeOptions;
use crate::cli::{Outcome, output, prompt};

/// The value is read from stdin: `solum secret set DEPLOY_KEY < key.pem`. Line ends after it do not belong to it. On a
/// terminal a single line is asked for, and not shown.
#[derive(Debug, Args)]
pub(crate) struct Set {
    /// Its name: letters, digits and underscores, whatever their case
    name: SettingName,
    #[command(flatten)]
    scope: ScopeOptions,
}

impl Set {
    pub(crate) fn run(self, session: &Session) -> Outcome {
        let scope = self.scope.scope(session)?;
        let client = session.client()?;
        let request = SetSecret { value: read(&self.name)? };
        let set = client.set_secret(&scope, &self.name, &request)?;
        output::say(&format!("{} is set for {scope}.", set.name));
        Ok(())
    }
}

fn read(name: &SettingName) -> Result<Secret, Failure> {
    let quiet = prompt::ask(&format!("Value of {name}: "));
    // One more than there may be, and the end of a line: the server tells what is too large.
    let most = u64::try_from(MAX_VALUE_BYTES).unwrap_or(u64::MAX).saturating_add(3);
    let mut stdin = io::stdin().lock().take(most);
    let mut text = String::new();
    let read = match quiet {
        Some(_) => stdin.read_line(&mut text),
        None => stdin.read_to_string(&mut text),
    };
    read.map_err(|error| match error.kind() {
        io::ErrorKind::InvalidData => Failure::failed("the value is not UTF-8 text")
            .hint("encode it, for instance with base64"),
        _ => Failure::because("cannot read the value from stdin", &error),
    })?;
    drop(quiet);
    Ok(Secret::new(without_line_ends(text)))
}

fn without_line_ends(mut text: String) -> String {
    text.truncate(text.trim_end_matches(['\r', '\n']).len());
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ends_of_lines_after_a_value_are_not_part_of_it() {
        for (given, value) in [("a\r\n", "a"), ("a\nb\n\n", "a\nb"), (" a ", " a "), ("\n", "")] {
            assert_eq!(without_line_ends(given.to_owned()), value);
        }
    }
}
