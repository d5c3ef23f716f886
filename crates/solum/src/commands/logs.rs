//! `solum logs`: what an app's instances write, line by line.

use std::io::{self, IsTerminal as _};

use api::client::LogsQuery;
use api::logs::LogLine;
use clap::Args;
use types::ProcessType;

use crate::cli::arguments::{AppArgument, EnvironmentOption, JsonOption};
use crate::cli::session::Session;
use crate::cli::{Outcome, output};

#[derive(Debug, Args)]
pub(crate) struct Logs {
    #[command(flatten)]
    app: AppArgument,
    #[command(flatten)]
    environment: EnvironmentOption,
    /// Only of this process
    #[arg(long, value_name = "TYPE")]
    process: Option<ProcessType>,
    /// Go on with the lines to come
    #[arg(short, long)]
    follow: bool,
    /// How many of the latest lines
    #[arg(short = 'n', long, value_name = "N", default_value_t = api::logs::DEFAULT_LINES)]
    #[arg(value_parser = lines)]
    lines: u32,
    /// Print each line as JSON
    #[command(flatten)]
    json: JsonOption,
}

impl Logs {
    pub(crate) fn run(self, session: &Session) -> Outcome {
        let app = session.app(self.app.app)?;
        let client = session.client()?;
        let environment = session.environment(&client, &app, self.environment.environment)?;
        let query = LogsQuery {
            environment: Some(environment),
            process: self.process,
            lines: Some(self.lines),
            follow: self.follow,
        };
        let colours = output::colours(io::stdout().is_terminal());
        let mut feed = client.logs(&app, &query)?;
        while let Some(line) = feed.next_line()? {
            if self.json.json {
                output::print_json_line(&line)?;
            } else {
                output::print(&render(&line, colours))?;
            }
        }
        Ok(())
    }
}

fn lines(text: &str) -> Result<u32, String> {
    let most = api::logs::MAX_LINES;
    let count = text.parse().ok().filter(|count| *count <= most);
    count.ok_or_else(|| format!("write a whole number from 0 to {most}"))
}

fn render(line: &LogLine, colours: bool) -> String {
    let (dim, reset) = if colours { ("\x1b[2m", "\x1b[0m") } else { ("", "") };
    let LogLine { at, environment, instance, text, .. } = line;
    format!("{dim}{at:.3} {environment}/{instance}{reset} {text}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_when_and_who() {
        let mut line: LogLine = serde_json::from_str(
            r#"{"at":"2026-01-02T03:04:05.678901Z","environment":"dev","instance":"web.1",
                "instance_id":"ins_01h2xcejqtf2nbrexx3vqjhp41","stream":"stdout","text":"hello"}"#,
        )
        .unwrap();
        assert_eq!(render(&line, false), "2026-01-02T03:04:05.678Z dev/web.1 hello\n");
        line.text = String::new();
        assert_eq!(render(&line, false), "2026-01-02T03:04:05.678Z dev/web.1 \n");
    }
}
