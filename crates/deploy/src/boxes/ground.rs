//! The parts of the machine that every box shows, read-only.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// Directories of `/` that belong to the operating system, as links into `/usr` or by themselves.
const SYSTEM: &[&str] = &["bin", "sbin", "lib", "lib32", "lib64", "libx32"];

/// What of that there is on this machine.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Ground {
    /// Name in `/`, and where the link leads.
    pub(super) links: Vec<(String, PathBuf)>,
    pub(super) directories: Vec<PathBuf>,
}

impl Ground {
    pub(super) fn scan() -> Self {
        let mut ground = Self { directories: vec!["/usr".into()], ..Self::default() };
        for name in SYSTEM {
            let path = Path::new("/").join(name);
            match fs::read_link(&path) {
                Ok(leads_to) => ground.links.push(((*name).to_owned(), leads_to)),
                Err(_) if path.is_dir() => ground.directories.push(path),
                Err(_) => {}
            }
        }
        ground
    }
}
