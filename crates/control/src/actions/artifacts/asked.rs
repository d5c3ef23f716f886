//! `with:` of `actions/upload-artifact` and `actions/download-artifact`.

use super::MOST_DAYS;
use crate::actions::inputs::{InputError, Inputs};

const NAME_BYTES: usize = 200;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IfNoFiles {
    Warn,
    Error,
    Ignore,
}

/// `with:` of `actions/upload-artifact`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upload {
    pub name: String,
    pub paths: Vec<String>,
    pub if_no_files: IfNoFiles,
    pub days: u32,
    pub overwrite: bool,
    pub hidden: bool,
}

/// `with:` of `actions/download-artifact`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Download {
    pub which: Which,
    /// As the job says it.
    pub path: String,
    pub merge: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Which {
    Named(String),
    /// All that match, or all.
    Matching(Option<String>),
}

impl Upload {
    pub fn read(inputs: Inputs<'_>) -> Result<Self, InputError> {
        let paths: Vec<String> = inputs.lines("path").into_iter().map(str::to_owned).collect();
        if paths.is_empty() {
            return Err(InputError::Missing { name: "path" });
        }
        let name = inputs.text("name").unwrap_or("artifact").to_owned();
        check_name(&name)?;
        let if_no_files = match inputs.text("if-no-files-found") {
            None | Some("warn") => IfNoFiles::Warn,
            Some("error") => IfNoFiles::Error,
            Some("ignore") => IfNoFiles::Ignore,
            Some(given) => {
                return Err(InputError::Invalid {
                    name: "if-no-files-found",
                    given: given.to_owned(),
                    wanted: "warn, error or ignore",
                });
            }
        };
        let days = match inputs.number("retention-days", 0)? {
            0 => MOST_DAYS,
            days @ 1..=MOST_DAYS => days,
            days => {
                let given = days.to_string();
                let wanted = "a number of days from 1 to 90";
                return Err(InputError::Invalid { name: "retention-days", given, wanted });
            }
        };
        Ok(Self {
            name,
            paths,
            if_no_files,
            days,
            overwrite: inputs.flag("overwrite", false)?,
            hidden: inputs.flag("include-hidden-files", false)?,
        })
    }
}

impl Download {
    pub fn read(inputs: Inputs<'_>) -> Result<Self, InputError> {
        const OTHER: &str = "only artifacts of the same run can be downloaded, by their names";
        for name in ["repository", "run-id", "artifact-ids"] {
            inputs.refuse(name, OTHER)?;
        }
        let which = match (inputs.text("name"), inputs.text("pattern")) {
            (Some(name), _) => {
                check_name(name)?;
                Which::Named(name.to_owned())
            }
            (None, pattern) => {
                if let Some(pattern) = pattern {
                    glob::Pattern::new(pattern).map_err(|_| InputError::Invalid {
                        name: "pattern",
                        given: pattern.to_owned(),
                        wanted: "a pattern, as in `logs-*`",
                    })?;
                }
                Which::Matching(pattern.map(str::to_owned))
            }
        };
        Ok(Self {
            which,
            path: inputs.text("path").unwrap_or(".").to_owned(),
            merge: inputs.flag("merge-multiple", false)?,
        })
    }
}

/// GitHub's rule; so it is also the name of a file.
fn check_name(name: &str) -> Result<(), InputError> {
    let is_bad = |it: char| "\":<>|*?\r\n\\/".contains(it) || it.is_control();
    let wrong = name.len() > NAME_BYTES || name.contains(is_bad);
    if wrong {
        let given = name.chars().take(NAME_BYTES).collect();
        let wanted = "a name of at most 200 bytes without any of \" : < > | * ? \\ /";
        return Err(InputError::Invalid { name: "name", given, wanted });
    }
    Ok(())
}
