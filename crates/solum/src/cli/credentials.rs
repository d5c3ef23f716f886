//! The tokens that `solum login` stored: `solum/credentials.json` in the user's configuration directory, readable by
//! nobody else.
//!
//! The file is replaced as a whole and never written in place, so that it is never half there.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use api::client::ServerUrl;
use serde::{Deserialize, Serialize};
use types::Secret;

use super::failure::Failure;

/// The most that is read of the file.
const MAX_BYTES: u64 = 1 << 20;

#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct Stored {
    /// The server that was logged in to last.
    server: Option<String>,
    /// Server to token.
    tokens: BTreeMap<String, String>,
}

#[derive(Debug, Clone)]
pub(crate) struct CredentialFile {
    path: PathBuf,
}

impl CredentialFile {
    /// Where it is by the XDG base directory specification, if the environment says.
    pub(crate) fn of_user() -> Option<Self> {
        let absolute =
            |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let directory =
            absolute("XDG_CONFIG_HOME").or_else(|| Some(absolute("HOME")?.join(".config")))?;
        Some(Self { path: directory.join("solum/credentials.json") })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The server that was logged in to last.
    pub(crate) fn server(&self) -> Result<Option<ServerUrl>, Failure> {
        let server = self.read()?.server;
        server.map(|server| server.parse()).transpose().map_err(|error| self.broken(&error))
    }

    pub(crate) fn token(&self, server: &ServerUrl) -> Result<Option<Secret>, Failure> {
        Ok(self.read()?.tokens.remove(&server.to_string()).map(Secret::new))
    }

    /// Keeps a token and makes its server the one to ask.
    pub(crate) fn store(&self, server: &ServerUrl, token: &Secret) -> Result<(), Failure> {
        let mut stored = self.read()?;
        stored.server = Some(server.to_string());
        stored.tokens.insert(server.to_string(), token.expose().to_owned());
        self.write(&stored).map_err(|error| {
            Failure::because(format!("cannot write {}", self.path.display()), &error)
        })
    }

    fn read(&self) -> Result<Stored, Failure> {
        let text = match bounded(&self.path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Stored::default()),
            Err(error) => {
                return Err(Failure::because(
                    format!("cannot read {}", self.path.display()),
                    &error,
                ));
            }
        };
        // The error of the parser is not shown: it may repeat a piece of a token.
        serde_json::from_str(&text).map_err(|error| {
            let place = format!("line {}, column {}", error.line(), error.column());
            self.broken(&io::Error::new(io::ErrorKind::InvalidData, place))
        })
    }

    fn broken(&self, error: &dyn std::error::Error) -> Failure {
        Failure::because(format!("{} is damaged", self.path.display()), error)
            .hint("remove it and `solum login` again")
    }

    fn write(&self, stored: &Stored) -> io::Result<()> {
        if let Some(directory) = self.path.parent() {
            DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
        }
        let new = self.path.with_extension(format!("json.{}", std::process::id()));
        let written = (|| {
            let mut file =
                OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
            file.write_all(serde_json::to_string_pretty(stored)?.as_bytes())?;
            file.sync_all()?;
            fs::rename(&new, &self.path)
        })();
        if written.is_err() {
            let _ = fs::remove_file(&new);
        }
        written
    }
}

fn bounded(path: &Path) -> io::Result<String> {
    use std::io::Read as _;
    let mut text = String::new();
    fs::File::open(path)?.take(MAX_BYTES).read_to_string(&mut text)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn file() -> (tempfile::TempDir, CredentialFile) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("solum/credentials.json");
        (directory, CredentialFile { path })
    }

    #[test]
    fn a_token_is_kept_for_its_server_only() {
        let (_directory, file) = file();
        let server: ServerUrl = "http://127.0.0.1:7070".parse().unwrap();
        let other: ServerUrl = "http://127.0.0.1:7071".parse().unwrap();
        assert_eq!(file.server().unwrap(), None);
        file.store(&server, &Secret::new("solum_a".into())).unwrap();
        assert_eq!(file.server().unwrap(), Some(server.clone()));
        assert_eq!(file.token(&server).unwrap().unwrap().expose(), "solum_a");
        assert_eq!(file.token(&other).unwrap(), None);
    }

    #[test]
    fn nobody_else_can_read_it_and_nothing_is_left_beside_it() {
        let (_directory, file) = file();
        let server: ServerUrl = "http://127.0.0.1:7070".parse().unwrap();
        file.store(&server, &Secret::new("solum_a".into())).unwrap();
        file.store(&server, &Secret::new("solum_b".into())).unwrap();
        assert_eq!(fs::metadata(&file.path).unwrap().permissions().mode() & 0o777, 0o600);
        let directory = file.path.parent().unwrap();
        assert_eq!(fs::metadata(directory).unwrap().permissions().mode() & 0o777, 0o700);
        assert_eq!(fs::read_dir(directory).unwrap().count(), 1);
    }

    #[test]
    fn a_damaged_file_is_said_without_its_content() {
        let (_directory, file) = file();
        fs::create_dir_all(file.path.parent().unwrap()).unwrap();
        fs::write(&file.path, r#"{"tokens": "solum_secret"}"#).unwrap();
        let failure = format!("{:?}", file.server().unwrap_err());
        assert!(failure.contains("damaged") && !failure.contains("solum_secret"), "{failure}");
    }
}
