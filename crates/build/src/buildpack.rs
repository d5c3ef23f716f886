//! Heroku's classic buildpack contract ("Buildpack API"): `bin/detect`, `bin/compile` and `bin/release`.

mod release;

use crate::manifest::SOLUM_YAML;
use crate::plan::{Draft, Language, PlanError};
use crate::source::Source;
use crate::tools::Tools;
use document::Mistake;

pub(crate) use release::{Release, read_release};

/// Where buildpacks find the tree, their cache and the variables.
pub(crate) const BUILD_DIR: &str = "/build";
pub(crate) const CACHE_DIR: &str = "/cache/buildpack";
pub(crate) const ENV_DIR: &str = "/env";

/// A buildpack as somebody named it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reference {
    /// Relative to the repository's root.
    Folder(String),
    Git {
        address: String,
        revision: Option<String>,
    },
}

impl Reference {
    /// What can be wrong with a name comes back as a message.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let schemes = ["https://", "http://", "git://"];
        if schemes.iter().any(|scheme| text.starts_with(scheme)) {
            let (address, revision) = match text.split_once('#') {
                Some((address, revision)) => (address, Some(revision.to_owned())),
                None => (text, None),
            };
            let odd = |text: &str| text.starts_with('-') || text.contains(char::is_whitespace);
            if odd(address) || revision.as_deref().is_some_and(odd) {
                return Err(format!("'{text}' is no git address"));
            }
            return Ok(Self::Git { address: address.to_owned(), revision });
        }
        if text.contains("://") || text.contains('@') {
            return Err(format!(
                "'{text}' is neither a folder of the repository nor a git address that starts with https://"
            ));
        }
        let parts: Vec<_> = text.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
        if text.starts_with('/') || parts.contains(&"..") || parts.is_empty() {
            return Err(format!("'{text}' is no folder inside the repository"));
        }
        Ok(Self::Folder(parts.join("/")))
    }
}

pub(crate) fn draft(
    source: &Source,
    tools: &Tools,
    buildpacks: Vec<String>,
) -> Result<Draft, PlanError> {
    let mut draft = Draft::new(Language::Buildpack);
    let mistake = |message: String| {
        let file = SOLUM_YAML.to_owned();
        PlanError::Mistakes(vec![Mistake {
            file,
            at: None,
            message: format!("buildpack: {message}"),
        }])
    };
    for name in &buildpacks {
        match Reference::parse(name).map_err(mistake)? {
            Reference::Folder(folder) if !source.is_file(&format!("{folder}/bin/compile")) => {
                return Err(mistake(format!("the folder '{folder}' has no bin/compile")));
            }
            Reference::Git { .. } if !tools.has("git") => {
                return Err(PlanError::MissingTool {
                    program: "git".to_owned(),
                    needed_for: "a buildpack from a git address".to_owned(),
                    hint: "install it on the server: apt-get install git".to_owned(),
                });
            }
            Reference::Folder(_) | Reference::Git { .. } => {}
        }
        draft.notes.push(format!("Buildpack: {name}"));
    }
    draft.start_hint = "add a Procfile: neither it nor the buildpack says what to start".to_owned();
    draft.recipe.build_env.insert("STACK".to_owned(), stack(&tools.os).to_owned());
    draft.recipe.buildpacks = buildpacks;
    Ok(draft)
}

/// The Heroku stack whose C library is the newest that is not newer than this system's.
fn stack(os: &str) -> &'static str {
    match os {
        "ubuntu-20.04" | "debian-11" => "heroku-20",
        "ubuntu-22.04" | "debian-12" => "heroku-22",
        _ => "heroku-24",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buildpack_is_a_folder_or_a_git_address() {
        assert_eq!(Reference::parse("./buildpack/"), Ok(Reference::Folder("buildpack".into())));
        assert_eq!(
            Reference::parse("https://example.org/pack.git#v2"),
            Ok(Reference::Git {
                address: "https://example.org/pack.git".into(),
                revision: Some("v2".into())
            })
        );
        for bad in ["/etc", "../x", "file:///srv/x.git", "git@example.org:x", "https://a b", ""] {
            assert!(Reference::parse(bad).is_err(), "{bad}");
        }
    }
}
