//! `Procfile`: a process type, a colon and a command on each line (Heroku, "The Procfile").

use std::collections::BTreeMap;

use types::ProcessType;

use super::PROCFILE;
use document::MAX_BYTES;
use document::{Mistake, Place};

#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Procfile {
    pub(super) processes: BTreeMap<ProcessType, String>,
    /// The `release` line: a command, not a process.
    pub(super) release: Option<String>,
}

pub(super) fn read(text: &str) -> Result<Procfile, Vec<Mistake>> {
    if text.len() > MAX_BYTES {
        let message = format!("the file is larger than {} KiB", MAX_BYTES >> 10);
        return Err(vec![Mistake { file: PROCFILE.to_owned(), at: None, message }]);
    }
    let mut procfile = Procfile::default();
    let mut mistakes = Vec::new();
    for (index, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        if let Err((column, message)) = procfile.take(line) {
            mistakes.push(Mistake::new(PROCFILE, Place { line: index + 1, column }, message));
        }
    }
    mistakes.truncate(20);
    if mistakes.is_empty() { Ok(procfile) } else { Err(mistakes) }
}

impl Procfile {
    /// A mistake comes with its column.
    fn take(&mut self, line: &str) -> Result<(), (usize, String)> {
        let trimmed = line.trim();
        if trimmed.is_empty() || trimmed.starts_with('#') {
            return Ok(());
        }
        let start = line.chars().take_while(|character| character.is_whitespace()).count() + 1;
        let Some((name, command)) = trimmed.split_once(':') else {
            let message = "a line reads 'web: command'; the colon is missing".to_owned();
            return Err((start, message));
        };
        let process: ProcessType =
            name.trim_end().parse().map_err(|error| (start, format!("{error}")))?;
        let command = command.trim();
        if command.is_empty() {
            let column = start + name.chars().count() + 1;
            return Err((column, format!("'{process}' has no command")));
        }
        if process.as_str() == "release" {
            return match self.release.replace(command.to_owned()) {
                Some(_) => Err((start, "'release' stands here a second time".to_owned())),
                None => Ok(()),
            };
        }
        match self.processes.insert(process.clone(), command.to_owned()) {
            Some(_) => Err((start, format!("'{process}' stands here a second time"))),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processes_and_the_release_command_are_told_apart() {
        let procfile =
            read("# all\r\nweb: ./server --port $PORT\r\n\nrelease: ./migrate\n").unwrap();
        assert_eq!(procfile.processes[&ProcessType::web()], "./server --port $PORT");
        assert_eq!(procfile.processes.len(), 1);
        assert_eq!(procfile.release.as_deref(), Some("./migrate"));
    }

    #[test]
    fn every_mistake_has_its_place_and_its_mend() {
        let mistakes = read("web ./server\n  worker:\nweb: a\nweb: b\n2nd: c\n").unwrap_err();
        let shown: Vec<_> = mistakes.iter().map(ToString::to_string).collect();
        assert_eq!(shown[0], "Procfile:1:1: a line reads 'web: command'; the colon is missing");
        assert_eq!(shown[1], "Procfile:2:10: 'worker' has no command");
        assert_eq!(shown[2], "Procfile:4:1: 'web' stands here a second time");
        assert!(
            shown[3].starts_with("Procfile:5:1: `2nd` is not a valid process type: use 1 to 30")
        );
    }
}
