//! `actions/cache`: files that one run leaves for later ones of the same app, by key.
//!
//! A cache is never changed: what is there under a key stays until it is the one that was used longest ago and room is needed.
//! Runs that are not trusted read caches and never write any. All of this blocks.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use types::{AppId, Timestamp};

use super::archive::{Packer, unpack};
use super::artifacts::{of, open_all};
use super::inputs::{InputError, Inputs};
use super::job::{JobDirectory, PathError, Root};

/// As on GitHub.
const KEY_BYTES: usize = 512;
const MOST_RESTORE_KEYS: usize = 10;

/// Where caches are kept.
#[derive(Debug)]
pub struct Caches {
    directory: PathBuf,
    /// What all caches of an app may take, packed; each of them unpacked, too.
    most_bytes: u64,
    writing: Mutex<()>,
}

/// `with:` of `actions/cache`, `actions/cache/restore` and `actions/cache/save`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cache {
    pub key: String,
    /// Beginnings of keys that will do, the best first.
    pub restore_keys: Vec<String>,
    pub paths: Vec<String>,
    pub fail_on_miss: bool,
    /// Only say what is there.
    pub lookup_only: bool,
}

/// What was found: outputs `cache-hit` (whether it is the very key) and `cache-matched-key`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    pub key: String,
    pub exact: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Saved {
    Saved,
    /// There is one under this key.
    Exists,
    /// The run is not trusted.
    Untrusted,
    /// The paths hold nothing.
    Nothing,
}

#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    #[error(transparent)]
    Input(#[from] InputError),
    #[error(transparent)]
    Path(#[from] PathError),
    #[error("there is no cache with the key `{0}`, and `fail-on-cache-miss` is set")]
    Missed(String),
    #[error("caches cannot be kept or read")]
    Io(#[from] io::Error),
}

/// Kept beside each archive. When it was used last is when its file was changed.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Description {
    key: String,
    /// Of what it holds: a cache of other paths is another one.
    version: String,
    created_at: Timestamp,
    used_at: Timestamp,
    bytes: u64,
}

impl Cache {
    pub fn read(inputs: Inputs<'_>) -> Result<Self, InputError> {
        let key = inputs.text("key").ok_or(InputError::Missing { name: "key" })?.to_owned();
        let restore_keys: Vec<String> =
            inputs.lines("restore-keys").into_iter().map(str::to_owned).collect();
        for key in [&key].into_iter().chain(&restore_keys) {
            if key.len() > KEY_BYTES || key.contains(',') {
                let given = key.chars().take(80).collect();
                let wanted = "a key of at most 512 bytes without a comma";
                return Err(InputError::Invalid { name: "key", given, wanted });
            }
        }
        if restore_keys.len() > MOST_RESTORE_KEYS {
            let given = format!("{} of them", restore_keys.len());
            let wanted = "a list of at most 10";
            return Err(InputError::Invalid { name: "restore-keys", given, wanted });
        }
        let paths: Vec<String> = inputs.lines("path").into_iter().map(str::to_owned).collect();
        if paths.is_empty() {
            return Err(InputError::Missing { name: "path" });
        }
        Ok(Self {
            key,
            restore_keys,
            paths,
            fail_on_miss: inputs.flag("fail-on-cache-miss", false)?,
            lookup_only: inputs.flag("lookup-only", false)?,
        })
    }

    fn version(&self) -> String {
        let mut hash = Sha256::new();
        for path in &self.paths {
            hash.update((path.len() as u64).to_le_bytes());
            hash.update(path);
        }
        hex(&hash.finalize())
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

impl Caches {
    pub fn new(directory: PathBuf, most_bytes: u64) -> io::Result<Self> {
        fs::create_dir_all(&directory)?;
        Ok(Self { directory, most_bytes, writing: Mutex::new(()) })
    }

    /// Lays out the cache with this key, else the newest that begins with the first of the restore keys that any begins
    /// with. `None` is a miss.
    pub fn restore(
        &self,
        app: AppId,
        cache: &Cache,
        job: &JobDirectory,
        now: Timestamp,
    ) -> Result<Option<Restored>, CacheError> {
        let Some((file, mut description)) = self.find(app, cache)? else {
            return match cache.fail_on_miss {
                true => Err(CacheError::Missed(cache.key.clone())),
                false => Ok(None),
            };
        };
        let exact = description.key == cache.key;
        let restored = Restored { key: description.key.clone(), exact };
        if cache.lookup_only {
            return Ok(Some(restored));
        }
        let roots = open_all(job)?;
        unpack(file, self.most_bytes, |name| {
            let root = Root::ALL
                .into_iter()
                .find_map(|root| Some((root, name.strip_prefix(root.name()).ok()?.to_owned())));
            root.map(|(root, path)| (of(&roots, root), path))
        })?;
        description.used_at = now;
        let _writing = self.writing.lock();
        let path = self.description(app, &description);
        // Where it was removed meanwhile, it stays so.
        if path.exists() {
            write(&path, &description)?;
        }
        Ok(Some(restored))
    }

    /// Keeps what the paths hold, if there is no cache with this key yet.
    pub fn save(
        &self,
        app: AppId,
        cache: &Cache,
        job: &JobDirectory,
        trusted: bool,
        now: Timestamp,
    ) -> Result<Saved, CacheError> {
        if !trusted {
            return Ok(Saved::Untrusted);
        }
        let version = cache.version();
        let mut description = Description {
            key: cache.key.clone(),
            version,
            created_at: now,
            used_at: now,
            bytes: 0,
        };
        let path = self.description(app, &description);
        if path.exists() {
            return Ok(Saved::Exists);
        }
        let patterns: Vec<&str> = cache.paths.iter().map(String::as_str).collect();
        let found = job.find(&patterns)?;
        if found.entries.is_empty() {
            return Ok(Saved::Nothing);
        }
        let directory = self.of(app);
        fs::create_dir_all(&directory)?;
        let unfinished = directory.join(format!(".unfinished-{:016x}", rand::random::<u64>()));
        let packed = (|| {
            let mut packer = Packer::new(File::create_new(&unfinished)?, self.most_bytes);
            let roots = open_all(job)?;
            for (root, entry) in &found.entries {
                packer.add(of(&roots, *root), entry, &Path::new(root.name()).join(&entry.path))?;
            }
            packer.finish()
        })();
        let kept = packed.and_then(|_| {
            let _writing = self.writing.lock();
            // Somebody else may have been quicker.
            if path.exists() {
                fs::remove_file(&unfinished)?;
                return Ok(Saved::Exists);
            }
            description.bytes = fs::metadata(&unfinished)?.len();
            self.make_room(app, description.bytes)?;
            fs::rename(&unfinished, archive(&path))?;
            write(&path, &description)?;
            Ok(Saved::Saved)
        });
        if kept.is_err() {
            let _ = fs::remove_file(&unfinished);
        }
        Ok(kept?)
    }

    /// Removes all caches of an app. Absent is fine.
    pub fn remove(&self, app: AppId) -> io::Result<()> {
        match fs::remove_dir_all(self.of(app)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    fn find(&self, app: AppId, cache: &Cache) -> io::Result<Option<(File, Description)>> {
        let version = cache.version();
        let mut all = self.all(app)?;
        all.retain(|(_, description)| description.version == version);
        // The newest first.
        all.sort_by_key(|(_, description)| std::cmp::Reverse(description.created_at));
        let exact = all.iter().find(|(_, description)| description.key == cache.key);
        let mut others = cache.restore_keys.iter();
        let found = exact.or_else(|| {
            others.find_map(|start| {
                all.iter().find(|(_, description)| description.key.starts_with(start.as_str()))
            })
        });
        let Some((path, description)) = found else { return Ok(None) };
        match File::open(archive(path)) {
            // Its room was needed just now.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            file => Ok(Some((file?, description.clone()))),
        }
    }

    /// Removes what was used longest ago, until so many bytes more fit.
    fn make_room(&self, app: AppId, bytes: u64) -> io::Result<()> {
        let mut all = self.all(app)?;
        all.sort_by_key(|(_, description)| description.used_at);
        let mut taken: u64 = all.iter().map(|(_, description)| description.bytes).sum();
        for (path, description) in all {
            if taken + bytes <= self.most_bytes {
                break;
            }
            // First what finds it, then the thing itself.
            fs::remove_file(&path)?;
            fs::remove_file(archive(&path))?;
            taken -= description.bytes;
        }
        Ok(())
    }

    fn all(&self, app: AppId) -> io::Result<Vec<(PathBuf, Description)>> {
        let entries = match fs::read_dir(self.of(app)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let mut all = Vec::new();
        for entry in entries {
            let path = entry?.path();
            if path.extension().is_some_and(|it| it == "json") {
                let description = fs::read(&path).ok();
                let description = description.and_then(|it| serde_json::from_slice(&it).ok());
                all.extend(description.map(|description| (path, description)));
            }
        }
        Ok(all)
    }

    fn of(&self, app: AppId) -> PathBuf {
        self.directory.join(app.to_string())
    }

    fn description(&self, app: AppId, description: &Description) -> PathBuf {
        let mut hash = Sha256::new();
        hash.update(&description.version);
        hash.update(&description.key);
        self.of(app).join(format!("{}.json", hex(&hash.finalize())))
    }
}

fn archive(description: &Path) -> PathBuf {
    description.with_extension("tar.gz")
}

fn write(path: &Path, description: &Description) -> io::Result<()> {
    let unfinished = path.with_extension(format!("{:016x}", rand::random::<u64>()));
    fs::write(&unfinished, serde_json::to_vec(description)?)?;
    fs::rename(unfinished, path)
}

#[cfg(test)]
mod tests;
