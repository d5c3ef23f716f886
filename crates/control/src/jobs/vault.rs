//! What a run keeps to itself while it goes on: secrets that its steps made known, and values with secrets in them that
//! one step hands to another of its job.
//!
//! The journal is kept for good and shown to people, so no such value may stand there. In its place stands a token,
//! and the value in a file of the run's own, readable for the server's user only, which goes when the run has ended. A token
//! is random: nobody gets at a value by guessing, and a token without a value stands for nothing.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use types::Secret;

use crate::actions::masks::MASK;

const FILE: &str = "vault.json";
const TOKEN: &str = workflow::SEALED;
const DIGITS: usize = 32;
/// What one run may keep. As much as all that its steps may hand on, twice.
const MOST_BYTES: usize = 8 << 20;

#[derive(Debug, thiserror::Error)]
pub(crate) enum VaultError {
    #[error(
        "the secrets that the run's steps made known, and what they handed on of them, take more than {MOST_BYTES} bytes"
    )]
    Full,
    #[error("what the run keeps to itself cannot be read or written")]
    Io(#[from] io::Error),
}

/// Values by their tokens. Never printed.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(crate) struct Vault {
    masks: BTreeSet<String>,
    values: BTreeMap<String, String>,
}

impl Vault {
    /// What a run has kept so far; `directory` is the run's.
    pub(crate) fn read(directory: &Path) -> Result<Self, VaultError> {
        match fs::read(directory.join(FILE)) {
            Ok(text) => Ok(serde_json::from_slice(&text).map_err(io::Error::from)?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(error.into()),
        }
    }

    /// To be hidden in everything that is shown.
    pub(crate) fn secrets(&self) -> impl Iterator<Item = &str> {
        self.masks.iter().chain(self.values.values()).map(String::as_str)
    }

    /// The text with values in place of their tokens.
    pub(crate) fn open<'t>(&self, text: &'t str) -> Cow<'t, str> {
        replace(text, |token| self.values.get(token).map_or("", String::as_str))
    }

    /// Keeps a value, and gives the token for it.
    pub(crate) fn seal(&mut self, value: &str) -> String {
        let token = format!("{TOKEN}{:032x}", rand::random::<u128>());
        self.values.insert(token.clone(), value.to_owned());
        token
    }

    pub(crate) fn hide(&mut self, secrets: impl IntoIterator<Item = Secret>) {
        self.masks.extend(secrets.into_iter().map(|secret| secret.expose().to_owned()));
    }

    fn is_empty(&self) -> bool {
        self.masks.is_empty() && self.values.is_empty()
    }

    fn bytes(&self) -> usize {
        self.secrets().map(str::len).sum::<usize>() + self.values.len() * (TOKEN.len() + DIGITS)
    }
}

/// The text as people may see it: tokens are hidden as what they stand for is.
pub(crate) fn shown(text: &str) -> Cow<'_, str> {
    replace(text, |_| MASK)
}

fn replace<'t, 'v>(text: &'t str, value: impl Fn(&str) -> &'v str) -> Cow<'t, str> {
    let Some(first) = text.find(TOKEN) else { return Cow::Borrowed(text) };
    let (mut replaced, mut rest) = (text[..first].to_owned(), &text[first..]);
    while let Some(start) = rest.find(TOKEN) {
        replaced.push_str(&rest[..start]);
        rest = &rest[start..];
        let length = TOKEN.len() + DIGITS;
        let whole = rest.get(..length).filter(|token| is_token(token));
        match whole {
            Some(token) => {
                replaced.push_str(value(token));
                rest = &rest[length..];
            }
            None => {
                replaced.push_str(TOKEN);
                rest = &rest[TOKEN.len()..];
            }
        }
    }
    replaced.push_str(rest);
    Cow::Owned(replaced)
}

fn is_token(text: &str) -> bool {
    let digits = text.strip_prefix(TOKEN).unwrap_or_default();
    digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// The vaults of all runs. Steps of one run end side by side.
#[derive(Debug, Default)]
pub(crate) struct Vaults(parking_lot::Mutex<()>);

impl Vaults {
    /// Adds to what a run keeps. On disk when this returns. Blocks.
    pub(crate) fn add(&self, directory: &Path, more: Vault) -> Result<(), VaultError> {
        if more.is_empty() {
            return Ok(());
        }
        let _writing = self.0.lock();
        let mut vault = Vault::read(directory)?;
        vault.masks.extend(more.masks);
        vault.values.extend(more.values);
        if vault.bytes() > MOST_BYTES {
            return Err(VaultError::Full);
        }
        write(directory, &vault)?;
        Ok(())
    }
}

fn write(directory: &Path, vault: &Vault) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o711).create(directory)?;
    let unfinished: PathBuf = directory.join(format!(".{FILE}"));
    let mut options = fs::OpenOptions::new();
    let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&unfinished)?;
    file.write_all(&serde_json::to_vec(vault)?)?;
    file.sync_all()?;
    fs::rename(&unfinished, directory.join(FILE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_comes_back_for_its_token_and_for_no_other() {
        let directory = tempfile::tempdir().unwrap();
        let mut vault = Vault::default();
        let token = vault.seal("hunter2");
        vault.hide([Secret::new("swordfish".to_owned())]);
        let vaults = Vaults::default();
        vaults.add(directory.path(), vault).unwrap();
        let mut other = Vault::default();
        let second = other.seal("two");
        vaults.add(directory.path(), other).unwrap();

        let vault = Vault::read(directory.path()).unwrap();
        let unknown = format!("{TOKEN}{}", "0".repeat(DIGITS));
        let text = format!("a {token}{second} {unknown}, {TOKEN}short");
        assert_eq!(vault.open(&text), format!("a hunter2two , {TOKEN}short"));
        assert_eq!(shown(&text), format!("a ****** ***, {TOKEN}short"));
        assert_eq!(vault.open("plain"), "plain");
        let mut secrets: Vec<_> = vault.secrets().collect();
        secrets.sort_unstable();
        assert_eq!(secrets, ["hunter2", "swordfish", "two"]);
    }

    #[test]
    fn its_file_is_the_servers_alone_and_bounded() {
        use std::os::unix::fs::PermissionsExt as _;
        let directory = tempfile::tempdir().unwrap();
        let vaults = Vaults::default();
        let mut vault = Vault::default();
        vault.seal("hunter2");
        vaults.add(directory.path(), vault).unwrap();
        let metadata = fs::metadata(directory.path().join(FILE)).unwrap();
        assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
        let mut large = Vault::default();
        large.seal(&"x".repeat(MOST_BYTES));
        assert!(matches!(vaults.add(directory.path(), large), Err(VaultError::Full)));
        assert_eq!(Vault::read(directory.path()).unwrap().values.len(), 1);
    }
}
