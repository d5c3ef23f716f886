//! Opens the files of the folder, and those that they lead to, for the reader of the language, which opens none.

use source::{EntryKind, FolderEntry, Repositories};
use types::{AppName, CommitId};
use workflow::language::{self, Found, Mistake, Reading, Refused, Sources, Wanted, Workflow};

use super::WorkflowFile;
use crate::Error;
use crate::mirrored_actions::{Actions, Lookups};

/// The most workflow files of one commit.
const MAX_FILES: usize = 100;
/// The most bytes of one file, which is the language's own bound, and of all files of the folder.
const MAX_FILE_BYTES: u64 = 256 << 10;
const MAX_FOLDER_BYTES: u64 = 4 << 20;
/// The most files that all of them lead to.
const MAX_LED_TO: usize = 1_000;

/// What is in a folder.
#[derive(Debug, Default)]
pub(super) struct Folder {
    /// Of the folder itself.
    pub(super) mistakes: Vec<Mistake>,
    pub(super) files: Vec<WorkflowFile>,
    /// Why the mirror of actions did not say all.
    pub(super) mirror_trouble: Option<String>,
}

pub(super) async fn folder(
    repositories: &Repositories,
    actions: &Actions,
    app: &AppName,
    commit: &CommitId,
    folder: &str,
) -> Result<Folder, Error> {
    let mut entries = repositories.list_folder(app, commit, folder).await?;
    entries.retain(is_workflow_file);
    let bytes: u64 = entries.iter().map(|entry| entry.bytes).sum();
    let too_much = if entries.len() > MAX_FILES {
        Some(format!("it has {} workflow files; {MAX_FILES} are the most", entries.len()))
    } else if bytes > MAX_FOLDER_BYTES {
        Some(format!("its files have {bytes} bytes; {MAX_FOLDER_BYTES} are the most"))
    } else {
        None
    };
    if let Some(message) = too_much {
        let mistakes = vec![Mistake { file: folder.to_owned(), at: None, message }];
        return Ok(Folder { mistakes, ..Folder::default() });
    }
    let (sources, lookups) = (Sources::default(), actions.lookups());
    let mut reader = Reader { repositories, app, commit, sources, lookups, led_to: 0 };
    let mut files = Vec::new();
    for entry in entries {
        let path = format!("{folder}/{}", entry.name);
        let reading = match entry.kind {
            EntryKind::File => reader.read(&path).await?,
            EntryKind::Folder | EntryKind::Other => {
                Err(refused(&path, "a workflow has to be a plain file, not a link".to_owned()))
            }
        };
        files.push(WorkflowFile { path, reading });
    }
    let mirror_trouble = reader.lookups.trouble().map(str::to_owned);
    Ok(Folder { mistakes: Vec::new(), files, mirror_trouble })
}

fn is_workflow_file(entry: &FolderEntry) -> bool {
    let is_named_so = entry.name.ends_with(".yml") || entry.name.ends_with(".yaml");
    is_named_so && entry.kind != EntryKind::Folder
}

fn refused(file: &str, message: String) -> Refused {
    Refused {
        mistakes: vec![Mistake { file: file.to_owned(), at: None, message }],
        more_mistakes: 0,
        warnings: Vec::new(),
        not_done: Vec::new(),
    }
}

/// Reads one file after the other. What one leads to need not be opened again for the next.
struct Reader<'a> {
    repositories: &'a Repositories,
    app: &'a AppName,
    commit: &'a CommitId,
    sources: Sources,
    lookups: Lookups<'a>,
    led_to: usize,
}

impl Reader<'_> {
    async fn read(&mut self, path: &str) -> Result<Result<Workflow, Refused>, Error> {
        let text = match self.open(path).await? {
            Found::File { text, .. } => text,
            Found::Unavailable(words) => return Ok(Err(refused(path, words))),
            Found::Missing => return Ok(Err(refused(path, "it cannot be read".to_owned()))),
        };
        loop {
            let wanted = match self.look_at(path, &text).await? {
                Reading::Read(workflow) => return Ok(Ok(*workflow)),
                Reading::Refused(refused) => return Ok(Err(refused)),
                Reading::Needs(wanted) => wanted,
            };
            self.led_to += wanted.len();
            if self.led_to > MAX_LED_TO {
                let words =
                    format!("the workflows lead to more than {MAX_LED_TO} files; use fewer");
                return Ok(Err(refused(path, words)));
            }
            for wanted in wanted {
                let found = match &wanted {
                    Wanted::Own { path } => self.open(path).await?,
                    Wanted::Mirrored { repository, reference, path } => {
                        self.lookups.open(repository, reference, path).await?
                    }
                };
                self.sources.put(wanted, found);
            }
        }
    }

    /// Beside the tasks that serve: a large file takes a while.
    async fn look_at(&mut self, path: &str, text: &str) -> Result<Reading, Error> {
        let sources = std::mem::take(&mut self.sources);
        let (path, text) = (path.to_owned(), text.to_owned());
        let read = tokio::task::spawn_blocking(move || {
            let reading = language::read(&path, &text, &sources);
            (reading, sources)
        });
        let broke_off = |error: tokio::task::JoinError| Error::io("read a workflow")(error.into());
        let (reading, sources) = read.await.map_err(broke_off)?;
        self.sources = sources;
        Ok(reading)
    }

    /// A file of the commit.
    async fn open(&self, path: &str) -> Result<Found, Error> {
        let file = self.repositories.read_file(self.app, self.commit, path, MAX_FILE_BYTES);
        match file.await {
            Ok(None) => Ok(Found::Missing),
            Ok(Some(bytes)) => Ok(match String::from_utf8(bytes) {
                Ok(text) => Found::File { text, commit: None },
                Err(_) => Found::Unavailable("it is not text in UTF-8".to_owned()),
            }),
            Err(source::Error::FileTooLarge { bytes, max_bytes, .. }) => Ok(Found::Unavailable(
                format!("it is {bytes} bytes long; {max_bytes} are the most"),
            )),
            Err(error) => Err(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testbed::Testbed;

    /// What is in `flows` of a commit of these files.
    async fn flows(files: &[(&str, &str)]) -> Folder {
        let bed = Testbed::start().await;
        let (inner, commit) = (&bed.control.inner, bed.commit(files));
        let read = folder(&inner.repositories, &inner.actions, &bed.app.name, &commit, "flows");
        let read = read.await.unwrap();
        bed.stop().await;
        read
    }

    fn calling(path: &str) -> String {
        format!("on: push\njobs:\n  a:\n    uses: {path}\n")
    }

    const CALLED: &str =
        "on: workflow_call\njobs: { b: { runs-on: linux, steps: [{ uses: ./act }] } }\n";
    const ACTION: &str = "runs: { using: composite, steps: [{ run: 'true', shell: sh }] }\n";

    #[tokio::test]
    async fn files_are_read_with_what_they_lead_to_and_what_is_wrong_is_told() {
        let (good, bad) = (calling("./shared/b.yml"), calling("./shared/none.yml"));
        let large = "x".repeat(400_000);
        let files = [
            ("flows/a.yml", good.as_str()),
            ("flows/c.yaml", &bad),
            ("flows/link.yml", "-> a.yml"),
            ("flows/note.md", "no workflow"),
            ("flows/deep/x.yml", "neither"),
            ("flows/z.yml", &large),
            ("shared/b.yml", CALLED),
            ("act/action.yml", ACTION),
        ];
        let Folder { mistakes, files, mirror_trouble } = flows(&files).await;
        assert_eq!((mistakes, mirror_trouble), (Vec::new(), None));
        let paths: Vec<_> = files.iter().map(|file| file.path.as_str()).collect();
        assert_eq!(paths, ["flows/a.yml", "flows/c.yaml", "flows/link.yml", "flows/z.yml"]);
        assert!(files[0].reading.is_ok(), "{:?}", files[0].reading);
        let mistake = |index: usize| match &files[index].reading {
            Err(refused) => refused.mistakes[0].to_string(),
            Ok(_) => panic!("{} has a mistake", files[index].path),
        };
        assert!(mistake(1).contains("there is no file 'shared/none.yml'"), "{}", mistake(1));
        assert!(mistake(2).contains("a plain file, not a link"), "{}", mistake(2));
        assert_eq!(mistake(3), "flows/z.yml: it is 400000 bytes long; 262144 are the most");
    }

    #[tokio::test]
    async fn a_folder_with_too_many_files_is_refused_as_a_whole() {
        let names: Vec<_> = (0..=MAX_FILES).map(|number| format!("flows/{number}.yml")).collect();
        let files: Vec<_> = names.iter().map(|name| (name.as_str(), "")).collect();
        let Folder { mistakes, files, .. } = flows(&files).await;
        assert!(files.is_empty());
        assert_eq!(mistakes[0].to_string(), "flows: it has 101 workflow files; 100 are the most");
    }
}
