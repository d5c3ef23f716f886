//! The keys that secrets are sealed with: AES-256-GCM, from a file in the data directory.
//!
//! The file has a key to a line, in hexadecimal. The first one seals; all of them open. So a key is changed by putting a
//! new line first: what is set from then on is sealed with it. A key's id is a digest of it, and every sealed value
//! has it beside it. Whom a value belongs to and its name are sealed in with it (as associated data): a
//! value that was moved to another row does not open.
//!
//! The file is read each time that it is needed. When it is not there, or is not the right one, secrets can neither be set
//! nor given to runs, and everything else goes on.

use std::fmt;
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use aes_gcm::aead::{Aead as _, KeyInit as _, Payload};
use aes_gcm::{Aes256Gcm, Key, Nonce};
use rand::Rng as _;
use sha2::{Digest as _, Sha256};
use store::Sealed;
use types::{AppId, EnvironmentId, Secret, SettingName};

/// Keys of 32 bytes: AES-256.
const KEY_BYTES: usize = 32;
/// Of the nonce that stands before what it sealed. It is random: with 96 bits, as many secrets can be set with one key as
/// anybody ever will (NIST SP 800-38D, section 8.3, allows 2^32).
const NONCE_BYTES: usize = 12;
/// The largest key file: enough for a thousand changes of the key.
const MAX_FILE_BYTES: u64 = 128 << 10;

/// Why secrets cannot be sealed or opened. Where the data directory is, is nobody's business but the administrator's.
#[derive(Debug, thiserror::Error)]
pub enum SecretKeyError {
    #[error("the key of the secrets, secrets.key in the data directory, is not there")]
    Missing,
    #[error("the key of the secrets, secrets.key in the data directory, cannot be read or made")]
    Io(#[source] io::Error),
    #[error(
        "the key of the secrets, secrets.key in the data directory, can be read by others than its owner"
    )]
    NotPrivate,
    #[error("line {line} of the key of the secrets, secrets.key in the data directory, is no key")]
    Malformed { line: usize },
    #[error(
        "secret {name} was sealed with key {key_id}, which is not in secrets.key in the data directory"
    )]
    Foreign { name: SettingName, key_id: String },
    #[error("what is stored of secret {name} is damaged, or belongs elsewhere")]
    Damaged { name: SettingName },
}

impl SecretKeyError {
    pub(crate) fn hint(&self) -> &'static str {
        match self {
            Self::Missing | Self::Foreign { .. } => {
                "put the file back from where the data directory is backed up, or unset the secrets and set them anew"
            }
            Self::Io(_) => "make it a file that the server's user can read",
            Self::NotPrivate => "chmod it to 600; if others may have read it, change the secrets",
            Self::Malformed { .. } => "a line holds 64 hexadecimal digits, or begins with #",
            Self::Damaged { .. } => "set the secret anew",
        }
    }
}

/// Where a secret stands: what its sealed value is bound to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Whereabouts<'a> {
    pub(crate) app: Option<AppId>,
    pub(crate) environment: Option<EnvironmentId>,
    pub(crate) name: &'a SettingName,
}

impl Whereabouts<'_> {
    fn bytes(&self) -> Vec<u8> {
        let app = self.app.map(|app| app.to_string()).unwrap_or_default();
        let environment = self.environment.map(|id| id.to_string()).unwrap_or_default();
        // None of them can hold the separator.
        format!("solum secret\n{app}\n{environment}\n{}", self.name).into_bytes()
    }
}

/// The keys as they were in the file.
pub(crate) struct SecretKeys {
    keys: Vec<SecretKey>,
}

struct SecretKey {
    id: String,
    cipher: Aes256Gcm,
}

impl fmt::Debug for SecretKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.keys.iter().map(|key| &key.id)).finish()
    }
}

impl SecretKeys {
    pub(crate) fn read(path: &Path) -> Result<Self, SecretKeyError> {
        let unreadable = |source: io::Error| match source.kind() {
            io::ErrorKind::NotFound => SecretKeyError::Missing,
            _ => SecretKeyError::Io(source),
        };
        let file = std::fs::File::open(path).map_err(unreadable)?;
        let mode = file.metadata().map_err(unreadable)?.permissions().mode();
        if mode & 0o077 != 0 {
            return Err(SecretKeyError::NotPrivate);
        }
        let mut text = String::new();
        file.take(MAX_FILE_BYTES).read_to_string(&mut text).map_err(unreadable)?;
        let mut keys = Vec::new();
        for (index, line) in text.lines().enumerate() {
            if line.trim().is_empty() || line.starts_with('#') {
                continue;
            }
            let malformed = || SecretKeyError::Malformed { line: index + 1 };
            keys.push(SecretKey::new(&from_hex(line.trim()).ok_or_else(malformed)?));
        }
        if keys.is_empty() {
            return Err(SecretKeyError::Malformed { line: 1 });
        }
        Ok(Self { keys })
    }

    /// Makes a file with a new key. One that is there stays as it is.
    pub(crate) fn create(path: &Path) -> io::Result<()> {
        let key: [u8; KEY_BYTES] = rand::rng().random();
        let text = format!(
            "# The key of this server's secrets. Whoever has it and the database can read them.\n{}\n",
            to_hex(&key)
        );
        let temporary = path.with_extension(format!("new-{:016x}", rand::rng().random::<u64>()));
        let written = std::fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&temporary)
            .and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all()))
            .and_then(|()| std::fs::hard_link(&temporary, path));
        let _ = std::fs::remove_file(&temporary);
        match written {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            Err(error) => Err(error),
            Ok(()) => {
                path.parent().map_or(Ok(()), |folder| std::fs::File::open(folder)?.sync_all())
            }
        }
    }

    pub(crate) fn seal(&self, at: &Whereabouts<'_>, value: &Secret) -> Sealed {
        let key = self.keys.first().expect("a file without a key is not read");
        let nonce: [u8; NONCE_BYTES] = rand::rng().random();
        let payload = Payload { msg: value.expose().as_bytes(), aad: &at.bytes() };
        let sealed = key.cipher.encrypt(Nonce::from_slice(&nonce), payload);
        let sealed =
            sealed.expect("a secret is much shorter than the 64 GiB that AES-GCM can seal");
        Sealed { key_id: key.id.clone(), bytes: [&nonce[..], &sealed].concat() }
    }

    pub(crate) fn open(
        &self,
        at: &Whereabouts<'_>,
        sealed: &Sealed,
    ) -> Result<Secret, SecretKeyError> {
        let name = at.name.clone();
        let Some(key) = self.keys.iter().find(|key| key.id == sealed.key_id) else {
            return Err(SecretKeyError::Foreign { name, key_id: sealed.key_id.clone() });
        };
        let opened = sealed.bytes.split_at_checked(NONCE_BYTES).and_then(|(nonce, sealed)| {
            let payload = Payload { msg: sealed, aad: &at.bytes() };
            let opened = key.cipher.decrypt(Nonce::from_slice(nonce), payload).ok()?;
            String::from_utf8(opened).ok()
        });
        opened.map(Secret::new).ok_or(SecretKeyError::Damaged { name })
    }
}

impl SecretKey {
    fn new(key: &[u8; KEY_BYTES]) -> Self {
        let digest = Sha256::new().chain_update("solum secret key\n").chain_update(key).finalize();
        Self { id: to_hex(&digest[..8]), cipher: Aes256Gcm::new(Key::<Aes256Gcm>::from_slice(key)) }
    }
}

fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn from_hex(text: &str) -> Option<[u8; KEY_BYTES]> {
    if text.len() != 2 * KEY_BYTES || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let mut bytes = [0; KEY_BYTES];
    for (index, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * index..2 * index + 2], 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use types::{Clock, SystemClock};

    use super::*;

    fn clock() -> &'static dyn Clock {
        &SystemClock
    }

    fn name(text: &str) -> SettingName {
        text.parse().unwrap()
    }

    fn keys(path: &Path, lines: &str) -> Result<SecretKeys, SecretKeyError> {
        std::fs::write(path, lines).unwrap();
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
        SecretKeys::read(path)
    }

    fn made(directory: &tempfile::TempDir) -> (PathBuf, SecretKeys) {
        let path = directory.path().join("secrets.key");
        SecretKeys::create(&path).unwrap();
        let keys = SecretKeys::read(&path).unwrap();
        (path, keys)
    }

    #[test]
    fn what_was_sealed_opens_again_and_shows_nothing_until_then() {
        let directory = tempfile::tempdir().unwrap();
        let (path, keys) = made(&directory);
        let token = name("TOKEN");
        let at = Whereabouts { app: None, environment: None, name: &token };
        let secret = Secret::new("hunter2 hunter2".to_owned());
        let sealed = keys.seal(&at, &secret);
        assert!(!sealed.bytes.windows(7).any(|window| window == b"hunter2"));
        assert_ne!(sealed, keys.seal(&at, &secret), "a nonce is used once");
        let again = SecretKeys::read(&path).unwrap();
        assert_eq!(again.open(&at, &sealed).unwrap(), secret);
        assert!(
            !format!("{keys:?}")
                .contains(std::fs::read_to_string(&path).unwrap().lines().last().unwrap())
        );
    }

    #[test]
    fn the_file_is_its_owners_and_is_made_once() {
        let directory = tempfile::tempdir().unwrap();
        let (path, _) = made(&directory);
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let before = std::fs::read_to_string(&path).unwrap();
        SecretKeys::create(&path).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), before);
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_value_opens_in_its_own_place_only() {
        let directory = tempfile::tempdir().unwrap();
        let (_, keys) = made(&directory);
        let (app, environment) = (AppId::generate(clock()), EnvironmentId::generate(clock()));
        let (token, other) = (name("TOKEN"), name("OTHER"));
        let at = Whereabouts { app: Some(app), environment: Some(environment), name: &token };
        let sealed = keys.seal(&at, &Secret::new("x".to_owned()));
        for elsewhere in [
            Whereabouts { environment: None, ..at },
            Whereabouts { app: None, environment: None, name: &token },
            Whereabouts { app: Some(AppId::generate(clock())), ..at },
            Whereabouts { name: &other, ..at },
        ] {
            let error = keys.open(&elsewhere, &sealed).unwrap_err();
            assert!(matches!(error, SecretKeyError::Damaged { .. }), "{elsewhere:?}: {error}");
        }
        assert!(keys.open(&at, &sealed).is_ok());
    }

    #[test]
    fn a_changed_byte_is_noticed() {
        let directory = tempfile::tempdir().unwrap();
        let (_, keys) = made(&directory);
        let token = name("TOKEN");
        let at = Whereabouts { app: None, environment: None, name: &token };
        let sealed = keys.seal(&at, &Secret::new("value".to_owned()));
        for index in 0..sealed.bytes.len() {
            let mut changed = sealed.clone();
            changed.bytes[index] ^= 1;
            assert!(keys.open(&at, &changed).is_err(), "byte {index}");
        }
        for length in [0, 5, NONCE_BYTES] {
            let short = Sealed { bytes: sealed.bytes[..length].to_vec(), ..sealed.clone() };
            assert!(keys.open(&at, &short).is_err(), "{length} bytes");
        }
    }

    #[test]
    fn a_key_is_changed_by_putting_another_before_it() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("secrets.key");
        let (old, new) = ("a1".repeat(32), "B2".repeat(32));
        let token = name("TOKEN");
        let at = Whereabouts { app: None, environment: None, name: &token };
        let sealed = keys(&path, &old).unwrap().seal(&at, &Secret::new("value".to_owned()));
        let both = keys(&path, &format!("# new\n{new}\n\n{old}\n")).unwrap();
        assert_eq!(both.open(&at, &sealed).unwrap().expose(), "value");
        let again = both.seal(&at, &Secret::new("value".to_owned()));
        assert_ne!(again.key_id, sealed.key_id);
        let new = keys(&path, &new).unwrap();
        assert!(new.open(&at, &again).is_ok());
        let error = new.open(&at, &sealed).unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with(&format!("secret TOKEN was sealed with key {}", sealed.key_id))
        );
    }

    #[test]
    fn a_file_that_will_not_do_is_refused_with_the_reason() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("secrets.key");
        assert!(matches!(SecretKeys::read(&path), Err(SecretKeyError::Missing)));
        for (lines, line) in [("", 1), ("# nothing\n", 1), ("# a\nabc\n", 2), (&"é".repeat(32), 1)]
        {
            let error = keys(&path, lines).unwrap_err();
            let SecretKeyError::Malformed { line: found, .. } = error else { panic!("{error}") };
            assert_eq!(found, line, "{lines:?}");
        }
        std::fs::write(&path, "a1".repeat(32)).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(SecretKeys::read(&path), Err(SecretKeyError::NotPrivate)));
    }
}
